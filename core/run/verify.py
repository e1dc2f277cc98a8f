"""Whether an output still is what was made of its source; and what is noted down to tell."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import CheckpointError, CoreError
from core.model import checkpoint
from core.run.identity import FileMark
from core.run.manifest import Check, Manifest, output_of, read, save
from core.run.proof import Proof
from core.run.sample import MOST_DB, SIZE, drawn
from core.settings import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from core.run.manifest import Recipe
    from core.run.sample import Sample

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


def write_manifest(
    output: Path, source: Path, recipe: Recipe, samples: Iterable[Sample]
) -> Manifest:
    """Looks into a finished output and notes down beside it what was found.

    Neither enhances nor decodes: that of the pictures was noted while they were made. A check that
    fails is noted down like one that passes.

    Args:
        output: the film.
        source: what it was made of; all of it, neither trimmed nor beside the original.
        recipe: how.
        samples: what its parts have noted.

    Raises:
        CoreError: a file cannot be read, or the disk is full.
    """
    proof, noted = Proof(output, source, recipe), drawn(recipe.identity.seed, samples)
    checks = [proof.check_times(), proof.check_sound()]
    if recipe.copied:
        checks.append(proof.check_copies())
    checks.append(_like(noted, proof))
    prior, prior_sha256 = _prior(recipe)
    manifest = Manifest(
        source=FileMark.of(source),
        output=FileMark.of(output),
        recipe=recipe,
        prior=prior,
        prior_sha256=prior_sha256,
        frames=len(proof.times),
        times_sha256=proof.times.sha256,
        sound=proof.sound,
        sample=noted,
        least_db=_bound(noted),
        checks=tuple(checks),
    )
    return save(manifest, output)


def verify(output: Path, *, source: Path | None = None, count: int | None = SIZE) -> Verdict:
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
    noted = {sample.pts: sample for sample in manifest.sample}
    samples: list[Sample] = []
    for sample in proof.samples(proof.drawn(count)):
        reason = _wrong(sample, noted.get(sample.pts), manifest.least_db)
        if reason:
            detail = f"the frame at {proof.seconds(sample):.3f} s {reason}"
            return Check(name="pictures", passed=False, detail=detail)
        samples.append(sample)
    return Check(name="pictures", passed=True, detail=_found(samples, noted, manifest.least_db))


def _wrong(sample: Sample, noted: Sample | None, bound: float) -> str:
    if sample.db < bound:
        return f"is not its source enhanced: PSNR {sample.db:.1f} dB, where {bound:.1f} are needed"
    if noted is not None and noted.means == sample.means and noted.sha256 != sample.sha256:
        return "enhanced again is not what it was"
    return ""


def _found(samples: Sequence[Sample], noted: Mapping[int, Sample], bound: float) -> str:
    if not samples:
        return "no frame was enhanced"
    known = [(sample, noted[sample.pts]) for sample in samples if sample.pts in noted]
    equal = sum(now.means == then.means for now, then in known)
    other = (
        "" if equal == len(known) else f"; computed on {samples[0].means.name}, so not to the bit"
    )
    least = min(sample.db for sample in samples)
    return (
        f"{len(samples)} frames enhanced again, {equal} the same to the bit; shown with "
        f"{least:.1f} dB, {bound:.1f} needed{other}"
    )


def _like(samples: tuple[Sample, ...], proof: Proof) -> Check:
    """Whether the parts show what was enhanced; they are in the output as they are."""
    bad = next((sample for sample in samples if sample.db < LEAST_DB), None)
    if bad is not None:
        when = proof.seconds(bad)
        detail = (
            f"the frame at {when:.3f} s shows its source enhanced with only {bad.db:.1f} dB PSNR"
        )
        return Check(name="pictures", passed=False, detail=detail)
    least = min((sample.db for sample in samples), default=MOST_DB)
    detail = (
        f"{len(samples)} frames noted as they were enhanced, shown with {least:.1f} dB PSNR or more"
    )
    return Check(name="pictures", passed=True, detail=detail)


def _bound(samples: tuple[Sample, ...]) -> float:
    least = min((sample.db for sample in samples), default=0.0)
    return max(LEAST_DB, math.floor(10 * (least - MARGIN_DB)) / 10)


def _prior(recipe: Recipe) -> tuple[str, str]:
    """Name and digest of the prior that the model asks for."""
    path = checkpoint.find(recipe.identity.enhance.model)
    name = checkpoint.load(path, "deepspg").header.get("prior", "none")
    return name, "" if name == "none" else FileMark.of(checkpoint.find(name)).sha256
