"""Compares a film with what it was made of."""

from __future__ import annotations

import hashlib
import heapq
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from core.errors import SourceLostError
from core.media.stored import (
    Sound,
    Times,
    decoded_times,
    pictures_sha256,
    sound_of,
    stored_times,
)
from core.run.manifest import Check, Sample
from core.run.replay import enhanced_again, shown, task_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from core.frame import Pixels
    from core.run.manifest import Means, Part, Recipe

MOST_DB = 100.0
"""Of pictures that are equal."""


class Proof:
    """Looks into a film and its source, step by step; reads each only as far as it is asked to.

    Called from one thread. Every step raises a CoreError where a file or the model cannot be read.

    Args:
        output: the film.
        source: what it was made of.
        recipe: how.
    """

    def __init__(self, output: Path, source: Path, recipe: Recipe) -> None:
        self._output, self._source, self._recipe = output, source, recipe

    @cached_property
    def times(self) -> Times:
        """Of the output."""
        return stored_times(self._output) or decoded_times(self._output)

    @cached_property
    def sound(self) -> tuple[Sound, ...]:
        """Of the output."""
        return sound_of(self._output, self._output)

    def check_times(self) -> Check:
        """Every frame is there, at its time."""
        reason, made = self._difference, self._recipe.frames
        if not reason and len(self.times) != made:
            reason = f"{len(self.times)} frames are there, {made} were made"
        return _check("times", reason, f"{len(self.times)} frames, each at its source's time")

    def check_sound(self) -> Check:
        """Every track the output can hold is there, packet for packet."""
        theirs = sound_of(self._source, self._output)
        reason = ""
        if len(self.sound) != len(theirs):
            reason = f"tracks: {len(self.sound)}, in the source {len(theirs)}"
        for number, (our, their) in enumerate(zip(self.sound, theirs, strict=False)):
            if our != their:
                reason = reason or f"track {number} ({their.codec}) is not as in the source"
        detail = (
            f"tracks: {len(theirs)}, every packet as in the source" if theirs else "there is none"
        )
        return _check("sound", reason, detail)

    def check_copies(self) -> Check:
        """Parts that were bright enough are the source's own packets."""
        copied = self._recipe.copied
        ours, theirs = (
            pictures_sha256(path, [_span(part, times) for part in copied])
            for path, times in ((self._output, self.times), (self._source, self._source_times))
        )
        reason = "" if ours == theirs else "a part that was copied is not as in the source"
        return _check("copies", reason, f"{len(copied)} parts, every packet as in the source")

    def drawn(self, seed: str, count: int | None) -> list[int]:
        """Numbers of enhanced frames; those for a small count are among those for a greater one.

        Args:
            seed: the same draws the same.
            count: how many at most; None for all.
        """
        numbers = self._enhanced_numbers()
        return list(numbers) if count is None else _draw(seed, count, numbers)

    def samples(self, numbers: Sequence[int], means: Means) -> Iterator[Sample]:
        """Enhances frames again and compares the output with them, in order of time.

        Args:
            numbers: of enhanced frames.
            means: to compute with.
        """
        if self._difference:
            raise SourceLostError("the frames cannot be compared while they have other times")
        for part in self._recipe.parts:
            here = [number for number in sorted(numbers) if self._is_in(number, part)]
            if here:
                yield from self._samples_of(part, here, means)

    def _samples_of(self, part: Part, numbers: Sequence[int], means: Means) -> Iterator[Sample]:
        task = task_for(self._recipe, means, part, self._source, self._output)
        with (
            closing(enhanced_again(task, self._source_times, numbers)) as bright,
            closing(shown(self._output, self.times, numbers)) as seen,
        ):
            for number in numbers:
                try:
                    again, now = next(bright).pixels, next(seen).pixels
                except StopIteration:
                    raise SourceLostError(f"frame {number} cannot be decoded") from None
                digest = hashlib.sha256(again.tobytes()).hexdigest()
                yield Sample(number=number, sha256=digest, db=likeness_db(again, now))

    @cached_property
    def _compared(self) -> tuple[Times, str]:
        """The source's times, and how the output's are not."""
        stored = stored_times(self._source)
        if stored is not None and not self.times.differ_from(stored, self._output):
            return stored, ""
        decoded = decoded_times(self._source)
        return decoded, self.times.differ_from(decoded, self._output)

    @property
    def _source_times(self) -> Times:
        return self._compared[0]

    @property
    def _difference(self) -> str:
        return self._compared[1]

    def _is_in(self, number: int, part: Part) -> bool:
        time, end = self._source_times.seconds(number), part.chunk.end
        return part.chunk.begin <= time and (end is None or time < end)

    def _enhanced_numbers(self) -> Sequence[int]:
        numbers = range(len(self._source_times))
        copied = self._recipe.copied
        if not copied:
            return numbers
        return [n for n in numbers if not any(self._is_in(n, part) for part in copied)]


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


def _draw(seed: str, count: int, numbers: Iterable[int]) -> list[int]:
    def lot(number: int) -> bytes:
        return hashlib.sha256(f"{seed} {number}".encode()).digest()

    return sorted(heapq.nsmallest(count, numbers, key=lot))


def _span(part: Part, times: Times) -> tuple[int, int | None]:
    """Of a part, in ticks of a film's clock."""
    begin, end = part.chunk.begin, part.chunk.end
    first = times.ticks[0]
    return (
        first + round(begin / times.unit),
        None if end is None else first + round(end / times.unit),
    )


def _check(name: str, reason: str, detail: str) -> Check:
    return Check(name=name, passed=not reason, detail=reason or detail)
