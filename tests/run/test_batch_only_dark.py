"""Of a film that is half day, only the night is enhanced."""

from __future__ import annotations

from pathlib import Path

import av

from tests.conftest import night_picture
from tests.run.batch_parts import LocalCrew, Night, frames_of, night

__all__ = ["night"]


def half_day(index: int, width: int, height: int) -> object:
    picture = night_picture(index, width, height)
    return picture if index < 16 else (picture // 2 + 128).astype(picture.dtype)


def test_only_the_dark_is_enhanced(night: Night) -> None:
    source = night.clip("a.mp4", times=range(48), picture=half_day)
    settings = {"only_dark": True}
    crew = LocalCrew()
    result = night.run(crew, **settings).films[0]
    assert (result.state, result.frames, result.copied_frames) == ("done", 48, 32)
    assert [task.copied for task in crew.chunks][:2] == [False, False]
    before, after = video_packets(source), video_packets(night.output("a.mp4"))
    assert after[16:] == before[16:]
    assert after[:16] != before[:16]
    frames, original = frames_of(night.output("a.mp4")), frames_of(source)
    assert [time for time, _ in frames] == [time for time, _ in original]
    assert frames[16:] == original[16:]
    assert frames[0] != original[0]


def test_where_bright_parts_cannot_be_copied_it_is_said(night: Night) -> None:
    night.clip("a.mp4", picture=half_day)
    encode = night.settings.encode.model_copy(update={"codec": "libx265"})
    result = night.run(LocalCrew(), only_dark=True, encode=encode).films[0]
    assert (result.state, result.copied_frames) == ("done", 0)
    assert "All of it was enhanced, not only the dark: libx265" in result.notes[0]


def video_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]
