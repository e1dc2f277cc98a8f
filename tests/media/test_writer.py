"""Writing: exact times, everything else carried over, and nothing left behind on failure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from core.errors import SettingsError, WriterError
from core.media.source import open_source
from core.media.writer import VideoWriter, check_output
from core.settings import EncodeSettings, TrimSettings

MakeClip = Callable[..., Path]
FAST = EncodeSettings(preset="ultrafast")


def transcode(clip: Path, output: Path, settings: EncodeSettings = FAST, **more: Any) -> list[str]:
    """Read and write without changing a pixel; what the writer had to say is returned."""
    trim = more.get("trim", TrimSettings())
    with open_source(clip, start=trim.start, end=trim.end) as source:
        with VideoWriter(output, source.info, settings, copy_from=clip, **more) as writer:
            for frame in source:
                writer.write(frame)
        return list(writer.notes)


def clock(path: Path) -> list[tuple[Fraction, Fraction]]:
    with open_source(path) as source:
        return [(f.pts * f.time_base, f.duration * f.time_base) for f in source]


def packets(path: Path, kind: str) -> list[tuple[int, bytes, Fraction]]:
    """Per stream of that kind: its number among them, the bytes, the time."""
    with av.open(str(path)) as container:
        streams = [s for s in container.streams if s.type == kind]
        order = {stream.index: number for number, stream in enumerate(streams)}
        found = [
            (order[p.stream_index], bytes(p), p.pts * p.time_base)
            for p in container.demux(*streams)
            if p.size and p.pts is not None
        ]
    return sorted(found, key=lambda packet: (packet[0], packet[2]))


def metadata(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return {key.lower(): value for key, value in container.metadata.items()}


CLOCKS = [
    pytest.param(
        {"times": (9000, 12003, 15000, 21000, 22000, 33000), "time_base": Fraction(1, 90000)},
        id="vfr-late",
    ),
    pytest.param({"times": tuple(range(12)), "time_base": Fraction(1001, 30000)}, id="ntsc"),
    pytest.param(
        {"times": tuple(range(3, 15)), "time_base": Fraction(1001, 30000)}, id="ntsc-late"
    ),
    pytest.param({"times": (0, 33367, 66734, 150000), "time_base": Fraction(1, 10**6)}, id="micro"),
    pytest.param({"rotation": 90.0, "aspect": Fraction(4, 3)}, id="rotated"),
    pytest.param({"interlaced": True, "times": tuple(range(12))}, id="interlaced"),
    pytest.param({"width": 97, "height": 63, "pixel_format": "yuv444p"}, id="odd"),
]


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
@pytest.mark.parametrize("what", CLOCKS)
def test_times_and_durations_survive_exactly(
    make_clip: MakeClip, tmp_path: Path, what: dict[str, Any], suffix: str
) -> None:
    unit = what.get("time_base", Fraction(1, 25))
    clip = make_clip(**what, last_duration=round(Fraction(1, 5) / unit), options={"bf": "0"})
    output = tmp_path / f"out{suffix}"
    # Slow enough for B-frames: they are what makes times hard.
    transcode(clip, output, EncodeSettings(preset="veryfast"))
    times = clock(clip)
    assert clock(output) == times
    assert times[-1][1] == round(Fraction(1, 5) / unit) * unit


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_matroska_keeps_milliseconds_and_says_when_it_rounds(
    make_clip: MakeClip, tmp_path: Path, suffix: str
) -> None:
    whole = make_clip("whole.mkv", times=(40, 73, 100, 180), time_base=Fraction(1, 1000))
    exact = tmp_path / f"exact{suffix}"
    notes = transcode(whole, exact)
    assert clock(exact)[:-1] == clock(whole)[:-1]
    assert not any("milliseconds" in note for note in notes)
    ntsc = make_clip("ntsc.mp4", times=range(6), time_base=Fraction(1001, 30000))
    rounded = tmp_path / f"rounded{suffix}"
    assert any("whole milliseconds" in note for note in transcode(ntsc, rounded))
    moved = [abs(a[0] - b[0]) for a, b in zip(clock(ntsc), clock(rounded), strict=True)]
    assert max(moved) <= Fraction(1, 2000)


def test_everything_else_is_carried_over(rich_clip: Path, tmp_path: Path) -> None:
    before = rich_clip.read_bytes()
    output = tmp_path / "out.mp4"
    assert transcode(rich_clip, output, tag="enhanced by LowLux 0.1") == []
    for kind in ("audio", "subtitle"):
        assert packets(output, kind) == packets(rich_clip, kind) != []
    with av.open(str(rich_clip)) as a, av.open(str(output)) as b:
        assert [c["metadata"] for c in b.chapters()] == [{"title": "Part 1"}, {"title": "Part 2"}]
        for old, new in zip(a.streams, b.streams, strict=True):
            assert (new.type, new.language, new.disposition) == (
                old.type, old.language, old.disposition,
            )  # fmt: skip
            assert new.metadata["handler_name"] == old.metadata["handler_name"]
    tags, kept = metadata(rich_clip), metadata(output)
    for key in ("title", "comment", "creation_time", "location", "make"):
        assert kept[key] == tags[key]
    assert kept["lowlux"] == "enhanced by LowLux 0.1"
    assert rich_clip.read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_sound_that_starts_before_zero_does_not_move_the_film(
    rich_clip: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.mkv"
    notes = transcode(rich_clip, output)
    assert clock(output) == clock(rich_clip)
    sound = packets(output, "audio")
    assert [p[1] for p in sound] == [p[1] for p in packets(rich_clip, "audio")]
    assert len(notes) == 1
    assert "Stream 3 (subtitle, mov_text, fra) was left out" in notes[0]
    assert ".mp4 or .mov can" in notes[0]


def test_matroska_subtitles_and_fonts_stay(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(
        "in.mkv", times=range(0, 400, 40), time_base=Fraction(1, 1000), last_duration=40,
        audio=("eng",), subtitles="subrip", attachment=b"font" * 50, metadata={"TITLE": "Fog"},
    )  # fmt: skip
    output = tmp_path / "out.mkv"
    assert transcode(clip, output) == []
    assert packets(output, "subtitle") == packets(clip, "subtitle") != []
    with av.open(str(output)) as container:
        fonts = [s for s in container.streams if isinstance(s, av.stream.AttachmentStream)]
        assert [font.data for font in fonts] == [b"font" * 50]
    assert metadata(output)["title"] == "Fog"


@pytest.mark.parametrize("colour", [(1, 1, 1, 1), (1, 2, 1, 1), (6, 1, 6, 6), (2, 0, 2, 2)])
def test_colour_tags_and_colours_survive(
    make_clip: MakeClip, tmp_path: Path, colour: tuple[int, int, int, int]
) -> None:
    clip = make_clip(colour=colour, options={"crf": "1"})
    output = tmp_path / "out.mp4"
    transcode(clip, output, EncodeSettings(crf=1, preset="ultrafast"))
    with open_source(clip) as a, open_source(output) as b:
        assert (a.info.colour.matrix, a.info.colour.primaries, a.info.colour.transfer) == (
            b.info.colour.matrix, b.info.colour.primaries, b.info.colour.transfer,
        )  # fmt: skip
        assert b.info.colour.range in (a.info.colour.range, a.info.colour.range or 1)
        for old, new in zip(a, b, strict=True):
            assert np.abs(old.pixels.astype(int) - new.pixels.astype(int)).mean() < 1.5


def test_sample_aspect_ratio_is_kept_and_turned(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(aspect=Fraction(4, 3), rotation=90.0)
    output = tmp_path / "out.mp4"
    transcode(clip, output)
    with open_source(output) as source:
        assert source.info.sample_aspect_ratio == Fraction(3, 4)
        assert source.info.orientation.is_upright


@pytest.mark.parametrize(
    ("codec", "suffix", "stored"),
    [
        ("libx264", ".mp4", "yuv420p10le"),
        ("libx265", ".mp4", "yuv420p10le"),
        ("libsvtav1", ".mkv", "yuv420p10le"),
        ("libvpx-vp9", ".webm", "yuv420p"),
    ],
)
def test_ten_bits_stay_where_the_codec_has_them(
    make_clip: MakeClip, tmp_path: Path, codec: str, suffix: str, stored: str
) -> None:
    clip = make_clip("deep.mkv", pixel_format="yuv420p10le", times=range(4))
    output = tmp_path / f"out{suffix}"
    notes = transcode(clip, output, EncodeSettings(codec=codec, preset="ultrafast", crf=30))
    assert any("no 10 bits" in note for note in notes) == ("10" not in stored)
    with open_source(output) as source:
        assert source.info.pixel_format == stored
        assert len(list(source)) == 4


def test_a_lost_pixel_shape_is_said(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(aspect=Fraction(4, 3), times=range(3))
    assert any("not square" in note for note in transcode(clip, tmp_path / "out.webm"))
    assert transcode(clip, tmp_path / "out.mkv") == []


def test_a_cover_picture_stays_where_there_is_room(plain_clip: Path, tmp_path: Path) -> None:
    covered, output = tmp_path / "covered.mp4", tmp_path / "out.mkv"
    with av.open(str(plain_clip)) as source, av.open(str(covered), "w") as container:
        film = container.add_stream_from_template(source.streams.video[0], opaque=True)
        cover = container.add_stream("png", rate=1, width=32, height=32)
        assert isinstance(cover, av.VideoStream)
        cover.pix_fmt, cover.disposition = "rgb24", Disposition.attached_pic
        pictures = cover.encode(av.VideoFrame(32, 32, "rgb24")) + cover.encode(None)
        for packet in [*pictures, *source.demux(video=0)]:
            if packet.size:
                packet.stream = cover if packet in pictures else film
                container.mux(packet)
    assert transcode(covered, output) == []
    with av.open(str(output)) as container:
        kept = container.streams.video[1]
        assert (kept.disposition, kept.codec_context.name) == (Disposition.attached_pic, "png")
        assert [bytes(p) for p in container.demux(kept) if p.size] == [bytes(p) for p in pictures]
    assert clock(output) == clock(plain_clip)
    assert "cover picture" in transcode(covered, tmp_path / "out.mp4")[0]


def test_the_timecode_stays_on_the_first_frame(plain_clip: Path, tmp_path: Path) -> None:
    stamped, output = tmp_path / "stamped.mov", tmp_path / "out.mov"
    with av.open(str(plain_clip)) as source, av.open(str(stamped), "w") as container:
        film = container.add_stream_from_template(source.streams.video[0], opaque=True)
        film.metadata["timecode"] = "01:02:03:04"
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = film
                container.mux(packet)
    assert transcode(stamped, output) == []
    with av.open(str(stamped)) as a, av.open(str(output)) as b:
        assert [s.type for s in b.streams] == [s.type for s in a.streams] == ["video", "data"]
        assert [s.metadata["timecode"] for s in b.streams] == ["01:02:03:04"] * 2
    notes = transcode(stamped, tmp_path / "part.mov", trim=TrimSettings(start=0.2))
    assert "timecode was left out" in notes[0]


def test_hdr_leaves_as_bt709(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(
        codec="libx265", pixel_format="yuv420p10le", colour=(9, 1, 9, 16), times=range(3),
        options={"preset": "ultrafast", "x265-params": "log-level=none"},
    )  # fmt: skip
    output = tmp_path / "out.mp4"
    transcode(clip, output)
    with open_source(output) as source:
        assert str(source.info.colour) == "bt709 / bt709 / bt709, limited range"
        assert source.info.hdr is None


def test_a_trimmed_film_begins_at_zero_with_its_sound(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(
        "long.mp4", times=range(50), audio=("eng",), subtitles="mov_text", chapters=True
    )
    output = tmp_path / "part.mp4"
    transcode(clip, output, trim=TrimSettings(start=0.24, end=1.0))
    times = clock(output)
    assert [time for time, _ in times] == [Fraction(i, 25) for i in range(19)]
    shift, length = Fraction(6, 25), Fraction(19, 25)
    old = {data: time for _, data, time in packets(clip, "audio")}
    kept = packets(output, "audio")
    assert kept
    for _, data, time in kept:
        assert abs(old[data] - shift - time) < Fraction(1, 20000)
        assert 0 <= time < length
    assert len(kept) == sum(shift <= time < shift + length for time in old.values())
    with av.open(str(output)) as container:
        unit = container.chapters()[0]["time_base"]
        assert unit is not None
        spans = [(c["start"] * unit, c["end"] * unit) for c in container.chapters()]
    assert spans == [(Fraction(0), Fraction(4, 25))]


def test_an_exception_leaves_nothing_behind(plain_clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    with open_source(plain_clip) as source:
        frames = list(source)

        def break_off() -> None:
            with VideoWriter(output, source.info, FAST, copy_from=plain_clip) as writer:
                for frame in frames[:4]:
                    writer.write(frame)
                assert len(list(tmp_path.iterdir())) == 2
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            break_off()
    assert [path.name for path in tmp_path.iterdir()] == [plain_clip.name]


def test_a_film_without_frames_is_refused(plain_clip: Path, tmp_path: Path) -> None:
    with open_source(plain_clip) as source:
        writer = VideoWriter(tmp_path / "out.mp4", source.info, FAST)
    with pytest.raises(WriterError, match="no frames"):
        writer.close()
    assert [path.name for path in tmp_path.iterdir()] == [plain_clip.name]


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_film_shorter_than_the_encoder_looks_ahead(
    make_clip: MakeClip, tmp_path: Path, codec: str, count: int
) -> None:
    clip, output = make_clip(times=range(9, 9 + count)), tmp_path / "out.mp4"
    # Whatever the memory held before, which is what libx265 may take for a time.
    for crf in (20, 30):
        transcode(clip, output, EncodeSettings(codec=codec, crf=crf), overwrite=True)
        assert clock(output) == clock(clip)


def test_an_existing_file_is_replaced_only_when_complete(plain_clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    output.write_bytes(b"old")
    with pytest.raises(WriterError, match="exists already"):
        transcode(plain_clip, output)
    with open_source(plain_clip) as source:
        writer = VideoWriter(output, source.info, FAST, overwrite=True)
        writer.write(next(iter(source)))
        assert output.read_bytes() == b"old"
        writer.close()
    assert len(clock(output)) == 1


def test_the_input_is_never_the_output(plain_clip: Path, tmp_path: Path) -> None:
    symbolic, hard = tmp_path / "link.mp4", tmp_path / "hard.mp4"
    symbolic.symlink_to(plain_clip)
    os.link(plain_clip, hard)
    for output in (plain_clip, symbolic, hard, tmp_path / "." / plain_clip.name):
        with pytest.raises(WriterError, match="is the input itself"):
            check_output(output, plain_clip, overwrite=True, settings=FAST)


REFUSALS = [
    ("missing/out.mp4", FAST, WriterError, "does not exist; create it"),
    ("out.avi", FAST, SettingsError, r"\.mp4, \.mov, \.mkv, \.webm"),
    ("out", FAST, SettingsError, "should end in one of"),
    ("out.mp4", EncodeSettings(codec="libx246"), SettingsError, "did you mean libx26"),
    ("out.mp4", EncodeSettings(codec="aac"), SettingsError, "no video encoder named 'aac'"),
    ("out.webm", EncodeSettings(codec="libx265"), SettingsError, "cannot hold what libx265 makes"),
]


@pytest.mark.parametrize(("name", "settings", "kind", "words"), REFUSALS)
def test_what_cannot_work_is_refused_early(
    tmp_path: Path, name: str, settings: EncodeSettings, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        check_output(tmp_path / name, None, overwrite=False, settings=settings)


def test_a_preset_that_does_not_exist_is_refused(plain_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'warp'"):
        transcode(plain_clip, tmp_path / "out.mp4", EncodeSettings(preset="warp"))
    assert [path.name for path in tmp_path.iterdir()] == [plain_clip.name]


def test_an_encoder_of_rgb_alone_is_refused(plain_clip: Path, tmp_path: Path) -> None:
    settings = EncodeSettings(codec="libx264rgb")
    with open_source(plain_clip) as source, pytest.raises(SettingsError, match="no YUV"):
        VideoWriter(tmp_path / "out.mp4", source.info, settings)
    assert list(tmp_path.glob("out*")) == []


def test_a_read_only_folder_is_refused(plain_clip: Path) -> None:
    with pytest.raises(WriterError, match="cannot be written to"):
        check_output(Path("/proc/out.mp4"), plain_clip, overwrite=False, settings=FAST)


FULL_DISK = """
import resource, sys
from pathlib import Path
from core.errors import WriterError
from tests.media.test_writer import transcode

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    transcode(Path(sys.argv[1]), Path(sys.argv[2]))
except WriterError as error:
    print(error)
"""


def test_a_full_disk_is_told_and_cleaned_up(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip("long.mp4", times=range(60), audio=("eng",))
    output = tmp_path / "out.mp4"
    told = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(clip), str(output)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert "out.mp4 could not be written (File too large); free some space" in told.stdout
    assert [path.name for path in tmp_path.iterdir()] == [clip.name]
