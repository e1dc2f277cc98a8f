"""Single pictures: PNG, JPEG, WebP, BMP and TIFF, 8 and 16 bit, with what they carry along.

EXIF (with its orientation tag), ICC profile and XMP pass through byte for byte, so pixels stay as
they are stored and are not turned. What a format cannot hold is said, not dropped in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from core.errors import SettingsError, SourceOpenError, WriterError
from core.media.atomic import PartFile, refuse_output
from core.media.tiff import is_tiff, orientation_reset, read_metadata, with_metadata
from core.media.xmp import LARGEST_IN_JPEG, read_xmp, with_xmp

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from core.frame import Pixels

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
"""What counts as a photo."""

_SIXTEEN_BIT = {".png", ".tif", ".tiff"}
_WITHOUT_ALPHA = {".jpg", ".jpeg"}
_QUALITY = {
    ".jpg": (cv2.IMWRITE_JPEG_QUALITY, 95),
    ".jpeg": (cv2.IMWRITE_JPEG_QUALITY, 95),
    ".webp": (cv2.IMWRITE_WEBP_QUALITY, 95),
}
_KINDS = {
    "exif": cv2.IMAGE_METADATA_EXIF,
    "icc": cv2.IMAGE_METADATA_ICCP,
    "xmp": cv2.IMAGE_METADATA_XMP,
}
_METADATA_FORMATS = {".png", ".jpg", ".jpeg", ".webp"}
_XMP_BY_HAND = {".png", ".jpg", ".jpeg"}
_TIFF = {".tif", ".tiff"}


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture and everything that came with it."""

    pixels: Pixels
    """RGB as stored, (H, W, 3): uint8 or uint16."""
    alpha: Pixels | None = None
    """Opacity, (H, W), same type as the pixels; None where the picture has none."""
    exif: bytes | None = None
    """EXIF block, orientation tag included."""
    icc: bytes | None = None
    """Colour profile of the pixels."""
    xmp: bytes | None = None
    """XMP packet."""

    @property
    def bit_depth(self) -> int:
        """8 or 16."""
        return self.pixels.dtype.itemsize * 8

    def with_pixels(self, pixels: Pixels) -> Photo:
        """Another picture with the same metadata and opacity."""
        return replace(self, pixels=pixels)


def is_photo(path: Path) -> bool:
    """Whether the suffix is that of a photo."""
    return path.suffix.lower() in SUFFIXES


def read_photo(path: Path) -> Photo:
    """Read a picture as it is stored.

    Raises:
        SourceOpenError: it is missing, damaged, or of a depth that is not 8 or 16 bits.
    """
    data = _read_bytes(path)
    # OpenCV turns a TIFF by its orientation tag whatever it is asked; other formats it leaves.
    image, metadata = _decode(path, orientation_reset(data) if is_tiff(data) else data)
    if is_tiff(data):
        metadata = read_metadata(data)
    elif (xmp := read_xmp(data)) is not None:
        metadata["xmp"] = xmp
    if image.dtype not in (np.uint8, np.uint16) or image.shape[2:] not in ((), (1,), (3,), (4,)):
        raise SourceOpenError(
            f"{path} has {image.dtype} pixels of {image.shape[2:]} channels; "
            "convert it to RGB of 8 or 16 bits"
        )
    alpha = np.ascontiguousarray(image[..., 3]) if image.shape[2:] == (4,) else None
    return Photo(_to_rgb(image), alpha, **metadata)


def write_photo(
    path: Path, photo: Photo, *, overwrite: bool = False, source: Path | None = None
) -> tuple[str, ...]:
    """Write a picture under its name once it is complete.

    Args:
        path: where to; the suffix chooses the format.
        photo: what to write.
        overwrite: whether an existing file may be replaced.
        source: the photo that was read, which must survive.

    Returns:
        Plain sentences on what the format could not hold.

    Raises:
        SettingsError: the suffix is not that of a photo.
        WriterError: the file cannot be written there.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise SettingsError(f"{path.name} should end in one of {', '.join(SUFFIXES)}")
    refuse_output(path, source, overwrite)
    fitting, notes = _fit(photo, suffix)
    data = _encode(fitting, suffix)
    if data is None and fitting.icc is not None:
        # PNG alone checks profiles, and refuses the whole picture for a bad one.
        notes = (*notes, "The colour profile is damaged; it was left out")
        data = _encode(replace(fitting, icc=None), suffix)
    if data is None:
        raise WriterError(f"{path} could not be encoded as {suffix}; choose another format")
    _write_bytes(path, data, overwrite)
    return notes


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except IsADirectoryError as error:
        raise SourceOpenError(f"{path} is a folder; give a picture in it") from error
    except OSError as error:
        raise SourceOpenError(f"{path} cannot be read: {error.strerror}") from error
    if not data:
        raise SourceOpenError(f"{path} is empty; copy it again from its source")
    return data


def _decode(path: Path, data: bytes) -> tuple[NDArray[Any], dict[str, bytes]]:
    try:
        # Unchanged: keeps depth and alpha, and does not turn by EXIF, which is passed on instead.
        image, kinds, blocks = cv2.imdecodeWithMetadata(
            np.frombuffer(data, np.uint8), flags=cv2.IMREAD_UNCHANGED
        )
    except cv2.error as error:
        raise SourceOpenError(f"{path} is damaged: {error.err}; copy it again") from error
    if image is None:
        raise SourceOpenError(f"{path} is not a picture that can be read; check that it opens")
    found = dict(zip((int(kind) for kind in kinds), blocks, strict=True))
    names = {name: found[kind] for name, kind in _KINDS.items() if kind in found}
    return image, {name: np.asarray(block).tobytes() for name, block in names.items()}


def _to_rgb(image: NDArray[Any]) -> Pixels:
    code = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
    channels = image.shape[2] if image.ndim == 3 else 1
    rgb: Pixels = cv2.cvtColor(image, code.get(channels, cv2.COLOR_GRAY2RGB))
    return rgb


def _fit(photo: Photo, suffix: str) -> tuple[Photo, tuple[str, ...]]:
    """What the format can hold of it, and sentences on the rest."""
    notes = []
    if photo.bit_depth == 16 and suffix not in _SIXTEEN_BIT:
        notes.append(f"{suffix} holds 8 bits, so 16 were rounded to 8; .png keeps them")
        alpha = None if photo.alpha is None else _eight_bit(photo.alpha)
        photo = replace(photo, pixels=_eight_bit(photo.pixels), alpha=alpha)
    if photo.alpha is not None and suffix in _WITHOUT_ALPHA:
        notes.append(f"{suffix} cannot hold transparency, so it was left out; .png keeps it")
        photo = replace(photo, alpha=None)
    if photo.icc is not None and photo.icc[16:20] != b"RGB ":
        notes.append(
            "The colour profile is not one for RGB, which the pixels are now; it was left out"
        )
        photo = replace(photo, icc=None)
    if suffix in _WITHOUT_ALPHA and photo.xmp is not None and len(photo.xmp) > LARGEST_IN_JPEG:
        notes.append(f"The XMP is too large for {suffix}, so it was left out; .png keeps it")
        photo = replace(photo, xmp=None)
    lost = _lost_metadata(photo, suffix)
    if lost:
        notes.append(f"{suffix} cannot take over the picture's {' and '.join(lost)}")
    return photo, tuple(notes)


def _lost_metadata(photo: Photo, suffix: str) -> list[str]:
    blocks = {"EXIF": photo.exif, "colour profile": photo.icc, "XMP": photo.xmp}
    unheld = set() if suffix in _METADATA_FORMATS | _TIFF else set(blocks)
    return [name for name, block in blocks.items() if block is not None and name in unheld]


def _eight_bit(pixels: Any) -> Any:
    """Nearest of 255 steps; 65535 is 255 times 257."""
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _encode(photo: Photo, suffix: str) -> bytes | None:
    """The file's bytes; None where the encoder refused."""
    if photo.alpha is None:
        image = cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2BGR)
    else:
        image = np.dstack([photo.pixels[..., ::-1], photo.alpha])
    options = list(_QUALITY.get(suffix, ()))
    carried = set(_KINDS) - ({"xmp"} if suffix in _XMP_BY_HAND else set())
    blocks = {_KINDS[name]: getattr(photo, name) for name in carried}
    kept = {kind: block for kind, block in blocks.items() if block is not None}
    if suffix in _METADATA_FORMATS and kept:
        data = [np.frombuffer(block, np.uint8) for block in kept.values()]
        done, buffer = cv2.imencodeWithMetadata(suffix, image, list(kept), data, options)
    else:
        done, buffer = cv2.imencode(suffix, image, options)
    if not done:
        return None
    encoded: bytes = buffer.tobytes()
    if suffix in _TIFF and kept:
        return with_metadata(encoded, photo.exif, photo.icc, photo.xmp)
    if suffix in _XMP_BY_HAND and photo.xmp is not None:
        return with_xmp(encoded, photo.xmp)
    return encoded


def _write_bytes(path: Path, data: bytes, overwrite: bool) -> None:
    part = PartFile(path, overwrite=overwrite)
    try:
        part.path.write_bytes(data)
    except OSError as error:
        part.discard()
        raise WriterError(
            f"{path} could not be written ({error.strerror}); check the space left on the disk"
        ) from error
    part.commit()
