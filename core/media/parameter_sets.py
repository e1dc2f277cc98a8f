"""H.264's parameter sets: several encoders' in one record.

Note [two encoders, one stream]
    Every picture names the parameter sets it was coded with by number. Where ours are numbered
    apart from the source's, both stand in the one record that MP4 and Matroska keep for a stream,
    and each picture finds its own: no packet has to be touched. libx264 can be told its number;
    encoders of other codecs cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OUR_NUMBER = 31
"""The highest that H.264 allows; cameras count from 0."""
NUMBERED_APART = {"x264-params": f"sps-id={OUR_NUMBER}"}
"""Tells libx264 to use it; see Note [two encoders, one stream]."""
LENGTH_SIZE = 4
"""Bytes that tell how long a unit is in what we write."""
_SEQUENCE, _PICTURE = 7, 8


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The record, called avcC, of a stream in MP4 or Matroska."""

    profile: bytes
    """Profile, its constraints, and level: one byte each."""
    length_size: int
    """Bytes that tell how long each unit of a packet is."""
    sequence: tuple[bytes, ...]
    """Sets for whole streams."""
    picture: tuple[bytes, ...]
    """Sets for pictures."""
    more: bytes
    """The rest of the record."""

    @classmethod
    def of(cls, record: bytes) -> Self:
        """Read a record.

        Raises:
            ValueError: it is not one.
        """
        if len(record) < 7 or record[0] != 1:
            raise ValueError("not H.264 as MP4 keeps it")
        sequence, at = _take(record, 6, record[5] & 31)
        picture, at = _take(record, at + 1, record[at])
        return cls(record[1:4], (record[4] & 3) + 1, sequence, picture, record[at:])

    def __bytes__(self) -> bytes:
        """The record again."""
        head = bytes([1, *self.profile, 0xFC | (self.length_size - 1), 0xE0 | len(self.sequence)])
        count = bytes([len(self.picture)])
        return head + _given(self.sequence) + count + _given(self.picture) + self.more

    def joined(self, other: ParameterSets) -> ParameterSets:
        """Both in one.

        Raises:
            ValueError: two sets share a number but differ, or units are counted differently.
        """
        if self.length_size != other.length_size:
            raise ValueError("lengths of different sizes")
        higher = max(self, other, key=lambda sets: sets.profile[0])
        constraints = self.profile[1] & other.profile[1]
        level = max(self.profile[2], other.profile[2])
        sequence = tuple(dict.fromkeys(self.sequence + other.sequence))
        picture = tuple(dict.fromkeys(self.picture + other.picture))
        joined = ParameterSets(
            bytes([higher.profile[0], constraints, level]), self.length_size,
            sequence, picture, higher.more,
        )  # fmt: skip
        for kind in (sequence, picture):
            if len({number_of(unit) for unit in kind}) < len(kind):
                raise ValueError("different parameter sets with one number")
        return joined

    @property
    def all(self) -> tuple[bytes, ...]:
        """Sets of both kinds."""
        return self.sequence + self.picture


def number_of(unit: bytes) -> int:
    """The number of a parameter set: a Golomb code after the head of the unit."""
    data = unit[4:12] if unit[0] & 31 == _SEQUENCE else unit[1:9]
    bits = int.from_bytes(data, "big")
    zeros = 8 * len(data) - bits.bit_length()
    return (bits >> (8 * len(data) - 2 * zeros - 1)) - 1


def is_parameter_set(unit: bytes) -> bool:
    """Whether a unit of a packet is one, of either kind."""
    return bool(unit) and unit[0] & 31 in (_SEQUENCE, _PICTURE)


def units(packet: bytes) -> Iterator[bytes]:
    """The units a packet is made of, where their lengths have `LENGTH_SIZE` bytes."""
    at = 0
    while at + LENGTH_SIZE < len(packet):
        length = int.from_bytes(packet[at : at + LENGTH_SIZE], "big")
        at += LENGTH_SIZE
        yield packet[at : at + length]
        at += length


def joined_records(records: Sequence[bytes]) -> bytes:
    """One record for streams that have these.

    Raises:
        ValueError: they cannot be in one file.
    """
    sets = ParameterSets.of(records[0])
    for record in records[1:]:
        sets = sets.joined(ParameterSets.of(record))
    return bytes(sets)


def _take(record: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    """Units with two bytes of length before each, and where they end."""
    found = []
    for _ in range(count):
        length = int.from_bytes(record[at : at + 2], "big")
        found.append(record[at + 2 : at + 2 + length])
        at += 2 + length
    if at > len(record):
        raise ValueError("a record that ends early")
    return tuple(found), at


def _given(units_of_a_kind: tuple[bytes, ...]) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units_of_a_kind)
