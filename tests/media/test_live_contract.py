"""One contract for every live source, be it a pattern, a file, a camera or a stream."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, pairwise
from pathlib import Path

import pytest

from core.media import gst_stream
from core.media.faults import FaultPlan, Faulty
from core.media.gst_stream import GstStream
from core.media.live import LiveSource
from core.media.live_file import LiveFile
from core.media.open_live import open_live
from core.media.pyav_stream import PyavStream
from tests.media.live_sources import Time, camera, faulty, pattern, rest
from tests.media.rtsp import Server
from tests.media.web_server import WebServer

MakeClip = Callable[..., Path]
Make = Callable[[pytest.FixtureRequest], LiveSource]


def file(request: pytest.FixtureRequest, time: Time) -> LiveFile:
    clip: Path = request.getfixturevalue("plain_clip")
    return LiveFile(clip, clock=time.clock, wait=time.wait)


def fault_over_file(request: pytest.FixtureRequest) -> LiveSource:
    time, plan = Time(), FaultPlan(drop=0.2, late=0.2, seed=3)
    return Faulty(file(request, time), plan, clock=time.clock, wait=time.wait)


def film_over_http(request: pytest.FixtureRequest) -> LiveSource:
    web: WebServer = request.getfixturevalue("web")
    return open_live(web.add(request.getfixturevalue("plain_clip")))


def rtsp_through_gstreamer(request: pytest.FixtureRequest) -> LiveSource:
    if not gst_stream.is_available():
        pytest.skip("GStreamer or its Python side is not installed")
    server: Server = request.getfixturevalue("server")
    return GstStream(server.address())


def rtsp_through_pyav(request: pytest.FixtureRequest) -> LiveSource:
    server: Server = request.getfixturevalue("server")
    return PyavStream(server.address())


ENDING: dict[str, Make] = {
    "test": lambda _: pattern(Time()),
    "file": lambda request: file(request, Time()),
    "fault": lambda _: faulty(Time(), drop=0.2, freeze=0.2, late=0.2, corrupt=0.2),
    "fault over file": fault_over_file,
    "film over HTTP": film_over_http,
}
ENDLESS: dict[str, Make] = {
    "camera": lambda request: camera(request.getfixturevalue("plain_clip"), Time()),
    "RTSP through GStreamer": rtsp_through_gstreamer,
    "RTSP through PyAV": rtsp_through_pyav,
}
SOURCES = ENDING | ENDLESS


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> LiveSource:
    """Each kind in turn."""
    return SOURCES[request.param](request)


def rises(values: list[int]) -> bool:
    return all(after > before for before, after in pairwise(values))


def test_frames_are_as_the_info_says_and_their_times_rise(source: LiveSource) -> None:
    with source:
        frames, info = list(islice(iter(source.read, None), 12)), source.info
    assert len(frames) > 5
    assert {frame.pixels.shape for frame in frames} == {(info.height, info.width, 3)}
    assert rises([frame.pts for frame in frames])
    assert len({frame.time_base for frame in frames}) == 1
    arrivals = [frame.captured_ns or 0 for frame in frames]
    assert 0 < arrivals[0] < arrivals[-1]
    assert arrivals == sorted(arrivals)
    assert info.title
    assert info.reader in {"gstreamer", "pyav", "opencv", "file", "test"}
    assert info.rate
    assert info.rate > 0


@pytest.mark.parametrize("kind", ENDING)
def test_after_the_end_there_is_nothing_for_ever(kind: str, request: pytest.FixtureRequest) -> None:
    with ENDING[kind](request) as source:
        rest(source)
        assert [source.read() for _ in range(3)] == [None] * 3


def test_closing_twice_is_safe_and_ends_the_source(source: LiveSource) -> None:
    assert source.read() is not None
    source.close()
    source.close()
    assert source.read() is None


def test_leaving_the_block_closes_whatever_happened(source: LiveSource) -> None:
    with pytest.raises(ZeroDivisionError), source:
        raise ZeroDivisionError
    assert source.read() is None
