"""Which container, which encoder, which pixel layout: wishes checked before work begins."""

from __future__ import annotations

import difflib
import functools
import io
from typing import TYPE_CHECKING, Any

import av
from av.codec import Codec, CodecContext, codecs_available
from av.codec.codec import UnknownCodecError

from core.errors import SettingsError
from core.settings import EncodeSettings

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""File suffix to FFmpeg's name of the format."""

_SPEEDS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower",
    "veryslow",
)  # fmt: skip
_NEEDS_EVEN_SIDES = {"libx264", "libx265", "libsvtav1", "h264_nvenc", "hevc_nvenc", "mpeg4"}
_FIFTY_ONE = {"libx264", "libx265"}
"""Their worst quality; they take a higher number for it without a word."""
_EIGHT_BIT = ("yuv420p", "nv12", "yuv422p", "yuv444p")
_TEN_BIT = ("yuv420p10le", "p010le", "yuv422p10le", "yuv444p10le")


def container_for(path: Path) -> str:
    """FFmpeg's name of the format the suffix asks for.

    Raises:
        SettingsError: the suffix is none of ours.
    """
    try:
        return CONTAINERS[path.suffix.lower()]
    except KeyError:
        raise SettingsError(
            f"{path.name} should end in one of {', '.join(CONTAINERS)} to say what it is"
        ) from None


def encoder_for(path: Path, settings: EncodeSettings) -> str:
    """The encoder to use: the one asked for, or VP9 where WebM cannot hold the default one.

    Raises:
        SettingsError: there is no such encoder, it knows no such quality, or the container cannot
            hold what it makes.
    """
    container = container_for(path)
    encoder = _known_encoder(settings.codec)
    if encoder in _FIFTY_ONE and settings.crf > 51:
        raise SettingsError(f"{encoder} has a crf of 51 at the most, and not {settings.crf}")
    if _holds_encoder(container, encoder):
        return encoder
    if container == "webm" and settings.codec == EncodeSettings().codec:
        return "libvpx-vp9"
    fitting = [s for s, name in CONTAINERS.items() if _holds_encoder(name, encoder)]
    advice = f"name the output {' or '.join(fitting)}" if fitting else "choose another codec"
    raise SettingsError(f"A {path.suffix} file cannot hold what {settings.codec} makes; {advice}")


def pixel_format_for(encoder: str, *, ten_bit: bool, width: int, height: int) -> str:
    """The layout nearest to the source: its depth if the encoder has it, and odd sides kept.

    Raises:
        SettingsError: the encoder has none that fits.
    """
    offered = [f.name for f in Codec(encoder, "w").video_formats or []]
    wanted = [*_TEN_BIT, *_EIGHT_BIT] if ten_bit else [*_EIGHT_BIT, *_TEN_BIT]
    if (width % 2 or height % 2) and encoder in _NEEDS_EVEN_SIDES:
        # Half-size colour planes need even sides; full-size ones keep every pixel.
        wanted = [name for name in wanted if "444" in name]
        if not set(wanted) & set(offered):
            raise SettingsError(
                f"{encoder} cannot encode {width}x{height}, which has an odd side; use libx264"
            )
    if offered and not any(name.startswith(("yuv", "nv", "p0")) for name in offered):
        # The stream is tagged as YUV is, and players would show false colours.
        raise SettingsError(
            f"{encoder} stores no YUV, which is what video is tagged as; use libx264"
        )
    return next((name for name in wanted if name in offered), offered[0] if offered else wanted[0])


def encoder_options(encoder: str, settings: EncodeSettings) -> dict[str, str]:
    """Quality and speed in the encoder's own words; each counts speed differently."""
    private = CodecContext.create(encoder, "w").supported_options.private
    kinds = {option.name: option for option in private}
    options: dict[str, str] = {}
    if "crf" in kinds:
        options["crf"] = str(settings.crf)
    elif "cq" in kinds:
        options["cq"] = str(settings.crf)
    if encoder == "libsvtav1":
        options["preset"] = _svt_preset(settings.preset)
    elif encoder.startswith("libvpx"):
        options |= {"deadline": "good", "row-mt": "1", "cpu-used": _vpx_speed(settings.preset)}
    elif encoder in {"libx264", "libx265"}:
        options |= {"preset": settings.preset, "forced-idr": "1"}
    if encoder == "libx265":
        options["x265-params"] = "log-level=error"
    return options


def can_hold(container: str, stream: Stream, sample: Packet[Any] | None = None) -> bool:
    """Whether a format takes this stream as it is: tried out on a file in memory.

    Args:
        container: FFmpeg's name of the format.
        stream: of the input.
        sample: a packet of it; some data fails only when the file is finished.
    """
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            copy = trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
            if sample is not None:
                sample.stream = copy
                trial.mux(sample)
    except (av.FFmpegError, ValueError):
        return False
    return True


def _known_encoder(name: str) -> str:
    try:
        codec = Codec(name, "w")
    except UnknownCodecError:
        codec = None
    if codec is not None and codec.type == "video":
        return codec.name
    near = difflib.get_close_matches(name, _video_encoders(), n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "libx264 always works"
    raise SettingsError(f"There is no video encoder named {name!r} here; {hint}")


@functools.cache
def _video_encoders() -> tuple[str, ...]:
    names = []
    for name in sorted(codecs_available):
        try:
            codec = Codec(name, "w")
        except UnknownCodecError:
            continue
        if codec.type == "video":
            names.append(name)
    return tuple(names)


@functools.cache
def _holds_encoder(container: str, encoder: str) -> bool:
    with av.open(io.BytesIO(), "w", format=container) as trial:
        return _adds(trial, encoder)


def _adds(trial: OutputContainer, encoder: str) -> bool:
    try:
        trial.add_stream(encoder, rate=25)
    except ValueError:
        return False
    return True


def _svt_preset(preset: str) -> str:
    """Twelve is fastest; numbers are passed as they are."""
    return str(12 - 10 * _SPEEDS.index(preset) // 8) if preset in _SPEEDS else preset


def _vpx_speed(preset: str) -> str:
    """Eight is fastest; numbers are passed as they are."""
    return str(8 - _SPEEDS.index(preset)) if preset in _SPEEDS else preset
