"""Whether an output still is what was made of its source; and what is noted down to tell."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import CheckpointError, CoreError
from core.model import checkpoint
from core.run.identity import FileMark
from core.run.manifest import Check, Manifest, output_of, read, save
from core.run.proof import MOST_DB, Proof
from core.run.replay import means_for
from core.settings import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.run.manifest import Means, Recipe, Sample

SAMPLE = 5
"""Frames that are enhanced again, if nothing else is asked for."""
MARGIN_DB = 6.0
"""By so much less than the least of the sample another frame, or another machine, may be like."""
LEAST_DB = 15.0
"""No encoder takes more from a picture; less is another picture, or one in false colours."""


class Verdict(Model):
    """What became of looking into an output."""

    output: Path
    checks: tuple[Check, ...]
    """In the order they were made."""

    @property
    def passed(self) -> bool:
        """Nothing is wrong."""
        return all(check.passed for check in self.checks)


def write_manifest(output: Path, source: Path, recipe: Recipe, *, count: int = SAMPLE) -> Manifest:
    """Looks into a finished output and notes down beside it what was found.

    Enhances a few frames a second time, so it takes the caller's threads for a while. A check that
    fails is noted down like one that passes.

    Args:
        output: the film.
        source: what it was made of; all of it, neither trimmed nor beside the original.
        recipe: how.
        count: how many frames are enhanced again.

    Raises:
        CoreError: a file cannot be read, the disk is full, or the device failed.
    """
    proof, means, mark = Proof(output, source, recipe), means_for(recipe), FileMark.of(output)
    checks = [proof.check_times(), proof.check_sound()]
    if recipe.copied:
        checks.append(proof.check_copies())
    samples = tuple(proof.samples(proof.drawn(mark.sha256, count), means))
    checks.append(_like(samples))
    prior, prior_sha256 = _prior(recipe)
    manifest = Manifest(
        source=FileMark.of(source),
        output=mark,
        recipe=recipe,
        prior=prior,
        prior_sha256=prior_sha256,
        frames=len(proof.times),
        times_sha256=proof.times.sha256,
        sound=proof.sound,
        means=means,
        sample=samples,
        least_db=_bound(samples),
        checks=tuple(checks),
    )
    return save(manifest, output)


def verify(output: Path, *, source: Path | None = None, count: int | None = SAMPLE) -> Verdict:
    """Looks into an output that has a manifest; never raises for what it finds.

    Args:
        output: the film, or its manifest.
        source: what it was made of, if it lies elsewhere now.
        count: how many frames are enhanced again; None for all.
    """
    output = output_of(output)
    try:
        manifest = read(output)
    except CoreError as error:
        return Verdict(output=output, checks=(_failed("manifest", error),))
    good = Check(name="manifest", passed=True, detail="as it was written")
    return Verdict(output=output, checks=(good, *_checks(manifest, output, source, count)))


def _checks(
    manifest: Manifest, output: Path, source: Path | None, count: int | None
) -> Iterator[Check]:
    yield _made("output", lambda: _unchanged("output", output, manifest.output))
    found = source or _find_source(manifest, output)
    if not found.is_file():
        detail = f"{found} is not there; name it with --source. Nothing can be compared with it"
        yield Check(name="source", passed=False, detail=detail)
        return
    yield _made("source", lambda: _unchanged("source", found, manifest.source))
    proof = Proof(output, found, manifest.recipe)
    yield _made("times", lambda: _times(proof, manifest))
    yield _made("sound", lambda: _sound(proof, manifest))
    if manifest.recipe.copied:
        yield _made("copies", proof.check_copies)
    yield _made("pictures", lambda: _pictures(proof, manifest, count))


def _made(name: str, make: Callable[[], Check]) -> Check:
    try:
        return make()
    except CoreError as error:
        return _failed(name, error)


def _failed(name: str, error: CoreError) -> Check:
    return Check(name=name, passed=False, detail=str(error))


def _find_source(manifest: Manifest, output: Path) -> Path:
    """Where it was, or beside the output."""
    recorded = Path(manifest.source.path)
    beside = output.with_name(recorded.name)
    is_there = beside != output and beside.is_file()
    return beside if is_there and not recorded.is_file() else recorded


def _unchanged(name: str, path: Path, recorded: FileMark) -> Check:
    now = FileMark.of(path)
    if now.size != recorded.size:
        detail = f"{path} has {now.size} bytes, and had {recorded.size}"
    elif now.sha256 != recorded.sha256:
        detail = f"{path} was changed: its SHA-256 is another one"
    else:
        return Check(name=name, passed=True, detail=f"{path}, unchanged")
    return Check(name=name, passed=False, detail=detail)


def _times(proof: Proof, manifest: Manifest) -> Check:
    check = proof.check_times()
    if check.passed and proof.times.sha256 != manifest.times_sha256:
        return Check(name=check.name, passed=False, detail="the frame times are not those noted")
    return check


def _sound(proof: Proof, manifest: Manifest) -> Check:
    check = proof.check_sound()
    if check.passed and proof.sound != manifest.sound:
        return Check(name=check.name, passed=False, detail="the sound is not the one noted")
    return check


def _pictures(proof: Proof, manifest: Manifest, count: int | None) -> Check:
    recipe = manifest.recipe
    if _prior(recipe) != (manifest.prior, manifest.prior_sha256):
        raise CheckpointError(f"The prior {manifest.prior} here is not the one that was used")
    means = means_for(recipe)
    noted = {sample.number: sample.sha256 for sample in manifest.sample}
    exact = noted if means == manifest.means else {}
    least, equal, seen = MOST_DB, 0, 0
    for sample in proof.samples(proof.drawn(manifest.output.sha256, count), means):
        reason = _wrong(sample, exact, manifest.least_db)
        if reason:
            return Check(name="pictures", passed=False, detail=reason)
        seen, least = seen + 1, min(least, sample.db)
        equal += sample.number in exact
    detail = _found(seen, equal, least, manifest, means)
    return Check(name="pictures", passed=True, detail=detail)


def _wrong(sample: Sample, exact: dict[int, str], bound: float) -> str:
    if sample.db < bound:
        return (
            f"frame {sample.number} is not its source enhanced: PSNR {sample.db:.1f} dB, where "
            f"{bound:.1f} are needed"
        )
    if exact.get(sample.number, sample.sha256) != sample.sha256:
        return f"frame {sample.number} enhanced again is not what it was"
    return ""


def _found(seen: int, equal: int, least: float, manifest: Manifest, means: Means) -> str:
    if not seen:
        return "no frame was enhanced"
    other = "" if means == manifest.means else f"; computed on {means.name}, so not to the bit"
    return (
        f"{seen} frames enhanced again, {equal} the same to the bit; shown with {least:.1f} dB, "
        f"{manifest.least_db:.1f} needed{other}"
    )


def _like(samples: tuple[Sample, ...]) -> Check:
    """Whether the output shows what was enhanced."""
    bad = next((sample for sample in samples if sample.db < LEAST_DB), None)
    if bad is not None:
        detail = f"frame {bad.number} shows its source enhanced with only {bad.db:.1f} dB PSNR"
        return Check(name="pictures", passed=False, detail=detail)
    least = min((sample.db for sample in samples), default=MOST_DB)
    detail = f"{len(samples)} frames enhanced again, shown with {least:.1f} dB PSNR or more"
    return Check(name="pictures", passed=True, detail=detail)


def _bound(samples: tuple[Sample, ...]) -> float:
    least = min((sample.db for sample in samples), default=0.0)
    return max(LEAST_DB, math.floor(10 * (least - MARGIN_DB)) / 10)


def _prior(recipe: Recipe) -> tuple[str, str]:
    """Name and digest of the prior that the model asks for."""
    path = checkpoint.find(recipe.identity.enhance.model)
    name = checkpoint.load(path, "deepspg").header.get("prior", "none")
    return name, "" if name == "none" else FileMark.of(checkpoint.find(name)).sha256
