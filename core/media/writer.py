"""Enhanced frames into files: a whole film with everything else its source had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from core.errors import WriterError
from core.media.atomic import refuse_output
from core.media.codecs import container_for, encoder_for
from core.media.film_encoder import FilmEncoder, notes_on_layout
from core.media.film_muxer import FilmMuxer, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from pathlib import Path
    from types import TracebackType

    from core.frame import Frame
    from core.media.source import SourceInfo
    from core.settings import EncodeSettings, TrimSettings


def check_output(
    path: Path, source: Path | None, *, overwrite: bool, settings: EncodeSettings
) -> None:
    """Refuse what cannot work before the network is loaded.

    Raises:
        SettingsError: suffix and codec do not go together, or one of them is unknown.
        WriterError: the folder, or the input's or another's file, is in the way.
    """
    encoder_for(path, settings)
    refuse_output(path, source, overwrite)


class FrameWriter:
    """Frames in order into a file that gets its name on `close`. Passive; one per thread.

    Leaving the `with` block through an exception, or `abort`, leaves nothing behind.
    """

    def __init__(self, muxer: FilmMuxer, encoder: FilmEncoder, time_base: Fraction) -> None:
        self._muxer, self._encoder, self._time_base = muxer, encoder, time_base

    def write(self, frame: Frame) -> None:
        """Encode a frame at its own time and copy what the other streams have up to there.

        Raises:
            WriterError: the disk is full or the encoder failed.
        """
        with told(self._muxer.path):
            packets = self._encoder.encode(frame)
        if not self._muxer.begun:
            self._begin(frame.pts * frame.time_base)
        self._muxer.mux(packets, self._encoder.reached)

    def close(self) -> None:
        """Finish the file, put it on the disk and give it its name.

        Raises:
            WriterError: it could not be completed; nothing is left behind.
        """
        try:
            if not self._muxer.begun:
                self._begin_empty()
            with told(self._muxer.path):
                packets = self._encoder.finish()
            self._muxer.mux(packets, self._encoder.reached)
            self._muxer.close(self._copy_end())
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Leave nothing behind; safe to call twice."""
        self._muxer.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _begin(self, first: Fraction) -> None:
        self._encoder.shift = self._muxer.begin(first, self._time_base)

    def _begin_empty(self) -> None:
        raise WriterError(f"{self._muxer.path} would be empty: the source gave no frames")

    def _copy_end(self) -> Fraction | None:
        """Up to which moment of the source the other streams are copied; None: to their ends."""
        return None


class VideoWriter(FrameWriter):
    """Encodes frames in order and copies the input's other streams beside them.

    Args:
        path: where the result is to go; the suffix chooses the container.
        info: of the source the frames came from; its colour tags, clock and pixel shape are kept.
        settings: codec, quality and speed.
        size: width and height of the frames written; the source's if None.
        ten_bit: whether frames are written with 10 bits; as the source has them if None.
        copy_from: the file whose sound, subtitles, chapters and tags are carried over.
        tag: what the metadata says about the enhancement.
        overwrite: whether an existing file may be replaced.
        trim: the part of the source that is written; a start moves everything to time zero.

    Raises:
        SettingsError: the container, the codec or its options do not exist or go together.
        WriterError: the file cannot be written there.
    """

    def __init__(
        self,
        path: Path,
        info: SourceInfo,
        settings: EncodeSettings,
        *,
        size: tuple[int, int] | None = None,
        ten_bit: bool | None = None,
        copy_from: Path | None = None,
        tag: str = "enhanced with LowLux",
        overwrite: bool = False,
        trim: TrimSettings | None = None,
    ) -> None:
        check_output(path, copy_from or info.path, overwrite=overwrite, settings=settings)
        self._trim_end = None if trim is None else trim.end
        muxer = FilmMuxer(path, container_for(path), tag=tag, overwrite=overwrite, trim=trim)
        try:
            encoder = FilmEncoder(
                muxer.output, encoder_for(path, settings), info, settings,
                size=size, ten_bit=ten_bit,
            )  # fmt: skip
            if copy_from is not None:
                muxer.copy_from(copy_from, encoder.stream)
        except BaseException:
            muxer.abort()
            raise
        self._layout_notes = notes_on_layout(path, info, settings, encoder.pixel_format)
        super().__init__(muxer, encoder, info.time_base)

    @property
    def notes(self) -> Sequence[str]:
        """Plain sentences on what could not be kept; grows while writing."""
        return [*self._layout_notes, *self._muxer.notes]

    def _copy_end(self) -> Fraction | None:
        return None if self._trim_end is None else self._encoder.end
