"""Photos: pixels, depth, transparency and metadata."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import SettingsError, SourceOpenError, WriterError
from core.media.photo import Photo, is_photo, read_photo, write_photo

ICC = (
    struct.pack(">I12s4s4s12s4s", 344, b"\0\0\0\0\2\x10\0\0mntr", b"RGB ", b"XYZ ", b"", b"acsp")
    + bytes(28) + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D) + bytes(48)
    + struct.pack(">I4sII", 1, b"cprt", 144, 200) + b"text" + bytes(range(4, 200))
)  # fmt: skip
"""The least that libpng takes for a colour profile: a header and one tag."""


def exif_block(orientation: int) -> bytes:
    """A little-endian EXIF block: the orientation and a maker's name."""
    tags = struct.pack("<HHII", 271, 2, 5, 38) + struct.pack("<HHIHH", 274, 3, 1, orientation, 0)
    return b"II*\0" + struct.pack("<IH", 8, 2) + tags + struct.pack("<I", 0) + b"Acme\0\0"


def noise(depth: type[Any], channels: int = 3) -> NDArray[Any]:
    rng = np.random.default_rng(7)
    return rng.integers(0, np.iinfo(depth).max, (40, 56, channels), dtype=depth)


def smooth(depth: type[Any]) -> NDArray[Any]:
    ramp = np.linspace(0, np.iinfo(depth).max, 56).astype(depth)
    return np.broadcast_to(ramp[None, :, None], (40, 56, 3)).copy()


LOSSLESS = [
    (".png", np.uint8), (".png", np.uint16), (".bmp", np.uint8),
    (".tif", np.uint8), (".tiff", np.uint16),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "depth"), LOSSLESS)
def test_pixels_and_depth_survive(tmp_path: Path, suffix: str, depth: type[Any]) -> None:
    path = tmp_path / f"photo{suffix}"
    assert write_photo(path, Photo(noise(depth))) == ()
    photo = read_photo(path)
    assert np.array_equal(photo.pixels, noise(depth))
    assert photo.bit_depth == np.iinfo(depth).bits
    assert photo.alpha is None


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy_formats_come_close(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo{suffix}"
    write_photo(path, Photo(smooth(np.uint8)))
    error = np.abs(read_photo(path).pixels.astype(int) - smooth(np.uint8))
    assert error.mean() < 2


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".tif"])
def test_profile_and_exif_survive_and_pixels_are_not_turned(tmp_path: Path, suffix: str) -> None:
    path, again = tmp_path / f"photo{suffix}", tmp_path / f"again{suffix}"
    photo = Photo(smooth(np.uint8), exif=exif_block(6), icc=ICC)
    assert write_photo(path, photo) == ()
    first = read_photo(path)
    assert first.pixels.shape == (40, 56, 3)
    assert first.icc == ICC
    assert first.exif is not None
    assert b"Acme\0" in first.exif
    assert struct.pack("<HHIH", 274, 3, 1, 6) in first.exif
    write_photo(again, first.with_pixels(first.pixels // 2))
    second = read_photo(again)
    assert (second.exif, second.icc) == (first.exif, first.icc)


@pytest.mark.parametrize(("suffix", "depth"), [(".png", np.uint8), (".tif", np.uint16)])
def test_transparency_passes_through(tmp_path: Path, suffix: str, depth: type[Any]) -> None:
    alpha = noise(depth)[..., 0]
    write_photo(tmp_path / f"a{suffix}", Photo(noise(depth), alpha))
    photo = read_photo(tmp_path / f"a{suffix}")
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha, alpha)
    assert np.array_equal(photo.pixels, noise(depth))


def test_grey_pictures_come_out_rgb(tmp_path: Path) -> None:
    grey = noise(np.uint8)[..., 0]
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    photo = read_photo(tmp_path / "grey.png")
    assert np.array_equal(photo.pixels, np.repeat(grey[..., None], 3, axis=2))


def test_a_big_endian_tiff_keeps_its_metadata(tmp_path: Path) -> None:
    """Tags as a camera of that byte order writes them, put before a plain picture."""
    path = tmp_path / "photo.tif"
    pixels = smooth(np.uint8)
    fields: list[tuple[int, int, int, int]] = [
        (256, 3, 1, 56 << 16), (257, 3, 1, 40 << 16), (258, 3, 3, 174), (259, 3, 1, 1 << 16),
        (262, 3, 1, 2 << 16), (271, 2, 5, 168), (273, 4, 1, 180), (274, 3, 1, 6 << 16),
        (277, 3, 1, 3 << 16), (278, 3, 1, 40 << 16), (279, 4, 1, 40 * 56 * 3),
        (282, 5, 1, 160),
    ]  # fmt: skip
    body = b"MM\0*" + struct.pack(">IH", 8, 12)
    body += b"".join(struct.pack(">HHII", *entry) for entry in fields)
    body = body.ljust(160, b"\0") + struct.pack(">II", 300, 1) + b"Acme\0\0"
    body += struct.pack(">3H", 8, 8, 8)
    path.write_bytes(body + pixels.tobytes())
    photo = read_photo(path)
    assert np.array_equal(photo.pixels, pixels)
    assert photo.exif is not None
    assert struct.pack("<HHIH", 274, 3, 1, 6) in photo.exif
    assert struct.pack("<II", 300, 1) in photo.exif
    assert write_photo(tmp_path / "out.tif", photo) == ()
    assert read_photo(tmp_path / "out.tif").exif == photo.exif


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_xmp_survives(tmp_path: Path, suffix: str) -> None:
    photo = Photo(smooth(np.uint8), exif=exif_block(1), icc=ICC, xmp=b"<x:xmpmeta>fog</x:xmpmeta>")
    assert write_photo(tmp_path / f"a{suffix}", photo) == ()
    back = read_photo(tmp_path / f"a{suffix}")
    assert (back.xmp, back.icc) == (photo.xmp, ICC)
    assert back.exif is not None


def test_what_a_format_cannot_hold_is_said(tmp_path: Path) -> None:
    alpha = noise(np.uint16)[..., 0]
    rich = Photo(noise(np.uint16), alpha, exif=exif_block(1), icc=ICC)
    jpeg = " ".join(write_photo(tmp_path / "a.jpg", rich))
    assert "holds 8 bits" in jpeg
    assert "transparency" in jpeg
    assert "EXIF and colour profile" in " ".join(write_photo(tmp_path / "a.bmp", rich))
    grey = Photo(noise(np.uint8), icc=ICC.replace(b"RGB ", b"GRAY"))
    assert "not one for RGB" in write_photo(tmp_path / "a.png", grey)[0]


def test_a_profile_png_refuses_is_left_out_and_said(tmp_path: Path) -> None:
    broken = Photo(noise(np.uint8), icc=bytes(16) + b"RGB XYZ " + bytes(200))
    assert "colour profile is damaged" in write_photo(tmp_path / "a.png", broken)[0]
    assert np.array_equal(read_photo(tmp_path / "a.png").pixels, broken.pixels)


def test_refusals(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not a picture")
    cut = tmp_path / "cut.png"
    write_photo(cut, Photo(noise(np.uint8)))
    for path, words in {
        tmp_path / "none.png": "cannot be read",
        tmp_path: "is a folder",
        tmp_path / "empty.png": "is empty",
        tmp_path / "text.png": "is not a picture",
    }.items():
        with pytest.raises(SourceOpenError, match=words):
            read_photo(path)
    photo = read_photo(cut)
    with pytest.raises(WriterError, match="exists already"):
        write_photo(cut, photo)
    with pytest.raises(WriterError, match="is the input itself"):
        write_photo(cut, photo, overwrite=True, source=cut)
    with pytest.raises(SettingsError, match="should end in one of"):
        write_photo(tmp_path / "a.gif", photo)


def test_what_counts_as_a_photo() -> None:
    assert is_photo(Path("A.JPG"))
    assert not is_photo(Path("a.mp4"))
