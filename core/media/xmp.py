"""XMP in PNG and JPEG, which OpenCV reads in neither; WebP and TIFF need no help from here."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_IN_JPEG = 65_502
"""Bytes of one JPEG segment, less its own words."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEY = b"XML:com.adobe.xmp\0\0\0\0\0"
"""Keyword, not compressed, no language, no translated keyword."""
_PNG_AFTER_HEADER = len(_PNG) + 25
_JPEG = b"\xff\xd8"
_JPEG_KEY = b"http://ns.adobe.com/xap/1.0/\0"
_APP0, _APP1, _START_OF_SCAN = 0xE0, 0xE1, 0xDA


def read_xmp(data: bytes) -> bytes | None:
    """The packet of a PNG or JPEG; None where there is none."""
    if data.startswith(_PNG):
        parts = (body for kind, body in _png_chunks(data) if kind == b"iTXt")
        key = _PNG_KEY
    else:
        parts = (body for kind, _, body in _jpeg_segments(data) if kind == _APP1)
        key = _JPEG_KEY
    return next((body.removeprefix(key) for body in parts if body.startswith(key)), None)


def with_xmp(data: bytes, xmp: bytes) -> bytes:
    """The same PNG or JPEG with the packet in it, before the pixels."""
    if data.startswith(_PNG):
        body = b"iTXt" + _PNG_KEY + xmp
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        return data[:_PNG_AFTER_HEADER] + chunk + data[_PNG_AFTER_HEADER:]
    # The JFIF segment has to be the first one.
    heads = [end for kind, end, _ in _jpeg_segments(data) if kind == _APP0]
    place = heads[0] if heads else len(_JPEG)
    body = _JPEG_KEY + xmp
    return data[:place] + struct.pack(">BBH", 0xFF, _APP1, len(body) + 2) + body + data[place:]


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_PNG)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        yield data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        place += 12 + length


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Marker, where the next one begins, and content, up to the pixels."""
    place = len(_JPEG)
    while place + 4 <= len(data) and data.startswith(_JPEG) and data[place] == 0xFF:
        kind, length = struct.unpack_from(">BH", data, place + 1)
        if kind == _START_OF_SCAN:
            return
        yield kind, place + 2 + length, data[place + 4 : place + 2 + length]
        place += 2 + length
