"""Compares a film with what it was made of."""

from __future__ import annotations

import heapq
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING

from core.errors import SourceLostError
from core.media.stored import (
    Sound,
    Times,
    decoded_times,
    pictures_sha256,
    sound_of,
    stored_times,
)
from core.run.kept_network import plan_of
from core.run.manifest import Check
from core.run.replay import enhanced_again, shown, task_for
from core.run.sample import Sample, lot, means_here

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from core.run.manifest import Part, Recipe


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

    def drawn(self, count: int | None) -> list[int]:
        """Numbers of enhanced frames, lowest lots first taken; see Note [lots] in `sample`.

        Args:
            count: how many at most; None for all.
        """
        numbers, ticks = self._enhanced_numbers(), self._source_times.ticks
        if count is None:
            return list(numbers)
        seed = self._recipe.identity.seed
        return sorted(heapq.nsmallest(count, numbers, key=lambda n: lot(seed, ticks[n])))

    def seconds(self, sample: Sample) -> float:
        """From the first picture to a noted one."""
        times = self._source_times
        return float((sample.pts - times.ticks[0]) * times.unit)

    def samples(self, numbers: Sequence[int]) -> Iterator[Sample]:
        """Enhances frames again and compares the output with them, in order of time.

        Args:
            numbers: of enhanced frames.
        """
        if self._difference:
            raise SourceLostError("the frames cannot be compared while they have other times")
        for part in self._recipe.parts:
            here = [number for number in sorted(numbers) if self._is_in(number, part)]
            if here:
                yield from self._samples_of(part, here)

    def _samples_of(self, part: Part, numbers: Sequence[int]) -> Iterator[Sample]:
        task = task_for(self._recipe, part, self._source, self._output)
        means = means_here(plan_of(task))
        with (
            closing(enhanced_again(task, self._source_times, numbers)) as bright,
            closing(shown(self._output, self.times, numbers)) as seen,
        ):
            for number in numbers:
                try:
                    again, now = next(bright), next(seen)
                except StopIteration:
                    raise SourceLostError(f"frame {number} cannot be decoded") from None
                yield Sample.of(again, now, means)

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
