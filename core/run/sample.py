"""A few frames of a film, noted down while it is made, by which it can be proved afterwards.

Note [lots]
    Which frames are noted is drawn: each has a lot, a digest of what the source is and of the
    frame's own time, and the lowest are taken. So every part of a film keeps its own lowest, on
    whatever machine and in whatever order, and those of the film are among them.
"""

from __future__ import annotations

import hashlib
import heapq
import platform
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import torch

from core.enhance.plan import Machine
from core.media.source import open_source
from core.settings import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.enhance.plan import Plan
    from core.frame import Frame, Pixels

SIZE = 5
"""Frames that are noted of a film, and enhanced again if nothing else is asked for."""
MOST_DB = 100.0
"""Of pictures that are equal."""
_LIBRARIES = ("torch", "opencv-python-headless", "av")
_PROCESSORS = Path("/proc/cpuinfo")


class Means(Model):
    """What frames are computed with: two that are equal give the same pixels, to the bit."""

    device: Literal["cpu", "cuda"]
    name: str
    """Of the processor or the GPU."""
    precision: str
    """Of the network's arithmetic."""
    threads: int
    """Of the processor, for one frame."""
    libraries: tuple[str, ...]
    """That have a say in the pixels, with their versions."""


class Sample(Model):
    """An enhanced frame, and how the encoded film shows it."""

    pts: int
    """Its time in the source, in units of the source's clock."""
    sha256: str
    """Of the enhanced pixels, before they were encoded."""
    db: float
    """PSNR of the decoded film against them, at most 100."""
    means: Means
    """What it was computed with."""

    @classmethod
    def of(cls, bright: Frame, shown: Frame, means: Means) -> Sample:
        """What there is to note of a frame.

        Args:
            bright: as it was enhanced.
            shown: as it is decoded after it was encoded.
            means: what it was enhanced with.
        """
        digest = hashlib.sha256(bright.pixels.tobytes()).hexdigest()
        db = likeness_db(bright.pixels, shown.pixels)
        return cls(pts=bright.pts, sha256=digest, db=db, means=means)


def lot(seed: str, pts: int) -> bytes:
    """Of a frame; see Note [lots].

    Args:
        seed: of the film.
        pts: the frame's time in the source, in units of the source's clock.
    """
    return hashlib.sha256(f"{seed} {pts}".encode()).digest()


def drawn(seed: str, samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Those of a film, of what all its parts noted; in order of time."""
    lowest = heapq.nsmallest(SIZE, samples, key=lambda sample: lot(seed, sample.pts))
    return tuple(sorted(lowest, key=lambda sample: sample.pts))


class Sampler:
    """Keeps the pixels of the frames of a part that are drawn, until its file is complete.

    Called from one thread.

    Args:
        seed: of the film; see Note [lots].
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._seen = 0
        self._kept: list[tuple[bytes, int, Frame]] = []

    def see(self, frame: Frame) -> None:
        """The next enhanced frame of the part."""
        candidate = (lot(self._seed, frame.pts), self._seen, frame)
        self._kept = heapq.nsmallest(SIZE, [*self._kept, candidate])
        self._seen += 1

    def samples(self, path: Path, means: Means) -> Iterator[Sample]:
        """Compares what was kept with what the file of the part shows.

        Args:
            path: of the file; it has the frames that were seen, in that order.
            means: what they were enhanced with.

        Raises:
            SourceError: the file cannot be read.
        """
        kept = {number: frame for _, number, frame in self._kept}
        if not kept:
            return
        with open_source(path) as source:
            for number, shown in enumerate(islice(source, max(kept) + 1)):
                if number in kept:
                    yield Sample.of(kept[number], shown, means)


def means_here(plan: Plan) -> Means:
    """What this machine computes a frame with, as planned."""
    device: Literal["cpu", "cuda"] = "cuda" if plan.device == "cuda" else "cpu"
    return Means(
        device=device,
        name=Machine.probe().gpus[0] if device == "cuda" else _processor(),
        precision=plan.precision,
        threads=plan.threads,
        libraries=tuple(f"{name} {version(name)}" for name in _LIBRARIES),
    )


def _processor() -> str:
    """Its name, and which of its instructions PyTorch uses."""
    name = platform.processor() or platform.machine()
    if _PROCESSORS.is_file():
        lines = _PROCESSORS.read_text(errors="replace").splitlines()
        names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        name = next(names, name)
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"


def likeness_db(one: Pixels, other: Pixels) -> float:
    """PSNR of two pictures, at most `MOST_DB`; 0 where their sizes differ."""
    if one.shape != other.shape:
        return 0.0
    one, other = _widened(one, like=other), _widened(other, like=one)
    most = float(np.iinfo(one.dtype).max)
    error = cv2.norm(one, other, cv2.NORM_L2SQR) / one.size / most**2
    return round(min(MOST_DB, -10 * float(np.log10(max(error, 1e-12)))), 2)


def _widened(pixels: Pixels, *, like: Pixels) -> Pixels:
    """With as many bits as another picture, if it has more."""
    if pixels.dtype == like.dtype or pixels.dtype == np.uint16:
        return pixels
    return pixels.astype(np.uint16) * np.uint16(257)
