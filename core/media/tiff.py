"""EXIF, colour profile and XMP of a TIFF, which OpenCV neither reads nor writes.

A TIFF is a header that points to directories of tags. A value longer than four bytes lies
elsewhere and its tag holds the place. An EXIF block is a small TIFF without a picture, so the two
are read and written by the same code: the tags of a photo move between TIFF and the other formats.
EXIF and GPS details are directories of their own, which a tag of the first one points to.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes of one value by its type."""
_WORDS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}
"""Bytes that change order between the two byte orders, by type."""
_ORIENTATION, _XMP, _ICC = 274, 700, 34675
_DIRECTORIES = {34665, 34853, 40965}
"""EXIF, GPS and interoperability."""
_CARRIED = {
    270, 271, 272, _ORIENTATION, 282, 283, 296, 305, 306, 315, 33432, 33723, 34665, 34853,
}  # fmt: skip
"""Description, make, model, orientation, resolution, software, date, artist, copyright, IPTC, EXIF
and GPS; other tags of a TIFF say how the pixels lie in that one file."""
_BYTE, _LONG, _UNDEFINED = 1, 4, 7
_HEADER = struct.pack("<2sHI", b"II", 42, 8)


@dataclass(frozen=True, slots=True)
class TiffTag:
    """One tag with its values in little-endian order, or a directory of them."""

    kind: int
    """TIFF's number of the value type."""
    count: int
    """How many values."""
    value: bytes
    """All of them; empty for a directory."""
    directory: TiffTags | None = None
    """The tags within, where it is one."""


TiffTags = dict[int, TiffTag]


def read_metadata(data: bytes) -> dict[str, bytes]:
    """The exif, icc and xmp blocks of a TIFF, those it has."""
    tags = _read_tags(data)
    blocks = {"icc": tags.get(_ICC), "xmp": tags.get(_XMP)}
    found = {name: tag.value for name, tag in blocks.items() if tag is not None}
    carried = {number: tag for number, tag in tags.items() if number in _CARRIED}
    if carried:
        body = bytearray(_HEADER)
        place = _append_directory(body, carried)
        struct.pack_into("<I", body, 4, place)
        found["exif"] = bytes(body)
    return found


def with_metadata(data: bytes, exif: bytes | None, icc: bytes | None, xmp: bytes | None) -> bytes:
    """A little-endian TIFF with these added; its pixels stay where they are."""
    tags = _read_tags(data)
    carried = _read_tags(exif.removeprefix(b"Exif\0\0")) if exif is not None else {}
    tags |= {number: tag for number, tag in carried.items() if number in _CARRIED}
    if icc is not None:
        tags[_ICC] = TiffTag(_UNDEFINED, len(icc), icc)
    if xmp is not None:
        tags[_XMP] = TiffTag(_BYTE, len(xmp), xmp)
    body = bytearray(data + b"\0" * (len(data) % 2))
    struct.pack_into("<I", body, 4, _append_directory(body, tags))
    return bytes(body)


def is_tiff(data: bytes) -> bool:
    """Whether the bytes begin as those of a TIFF do."""
    return _byte_order(data) is not None


def orientation_reset(data: bytes) -> bytes:
    """The same file claiming that its pixels are upright as they are stored."""
    order = _byte_order(data)
    if order is None:
        return data
    patched = bytearray(data)
    try:
        for entry in _entries(data, struct.unpack_from(order + "I", data, 4)[0], order):
            if struct.unpack_from(order + "H", data, entry)[0] == _ORIENTATION:
                struct.pack_into(order + "H", patched, entry + 8, 1)
    except struct.error:
        return data
    return bytes(patched)


def _byte_order(data: bytes) -> str | None:
    return {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])


def _read_tags(data: bytes) -> TiffTags:
    """The first directory; empty where it is damaged or of the 64-bit kind."""
    order = _byte_order(data)
    if order is None:
        return {}
    try:
        return _read_directory(data, struct.unpack_from(order + "I", data, 4)[0], order)
    except (struct.error, RecursionError):
        return {}


def _entries(data: bytes, place: int, order: str) -> range:
    (count,) = struct.unpack_from(order + "H", data, place)
    return range(place + 2, place + 2 + 12 * count, 12)


def _read_directory(data: bytes, place: int, order: str) -> TiffTags:
    tags: TiffTags = {}
    for entry in _entries(data, place, order):
        number, kind, count = struct.unpack_from(order + "HHI", data, entry)
        size = _SIZES.get(kind, 0) * count
        (pointer,) = struct.unpack_from(order + "I", data, entry + 8)
        where = entry + 8 if size <= 4 else pointer
        if number in _DIRECTORIES:
            tags[number] = TiffTag(_LONG, 1, b"", _read_directory(data, pointer, order))
        elif size and where + size <= len(data):
            tags[number] = TiffTag(kind, count, _little(data[where : where + size], kind, order))
    return tags


def _little(value: bytes, kind: int, order: str) -> bytes:
    word = _WORDS.get(kind, 1)
    if order == "<" or word == 1:
        return value
    return b"".join(value[at : at + word][::-1] for at in range(0, len(value), word))


def _append_directory(body: bytearray, tags: TiffTags) -> int:
    """Values first, then the directory that points to them; its place is returned."""
    entries = b""
    for number, tag in sorted(tags.items()):
        value = tag.value
        if tag.directory is not None:
            value = struct.pack("<I", _append_directory(body, tag.directory))
        entries += struct.pack("<HHI", number, tag.kind, tag.count) + _field(body, value)
    place = len(body)
    body += struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return place


def _field(body: bytearray, value: bytes) -> bytes:
    """The four bytes of a tag: the value, or the place it was put at."""
    if len(value) <= 4:
        return value.ljust(4, b"\0")
    place = len(body)
    body += value + b"\0" * (len(value) % 2)
    return struct.pack("<I", place)
