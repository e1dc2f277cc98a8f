"""Both readers against a real server that is killed, stopped, locked and brought back."""

from __future__ import annotations

import signal
import socket
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import Event

import numpy as np
import pytest

from core.errors import SourceError, SourceLostError, SourceOpenError
from core.frame import Frame
from core.media import gst_stream
from core.media.codecs import can_hold
from core.media.gst_stream import GstStream, NoDecoderError
from core.media.live import LiveInfo, LiveSource
from core.media.live_encoder import EncodedPacket
from core.media.pyav_stream import PyavStream
from core.media.rtsp import open_stream
from core.run.back_off import BackOff
from core.run.reconnect import Change, Connected, Lost, Reconnecting
from tests.media.deaf_server import DeafServer
from tests.media.rtsp import Server, free_port

NOTICED_WITHIN_S = 3.0
PATIENT_FRAMES = 300
"""Ten seconds at the server's rate."""

HANDLES = Path("/proc/self/fd")

Opener = Callable[[str], LiveSource]


@pytest.fixture(params=["gstreamer", "pyav"])
def opened(request: pytest.FixtureRequest) -> Opener:
    """Each reader that is installed."""
    if request.param == "pyav":
        return PyavStream
    if not gst_stream.is_available():
        pytest.skip("GStreamer or its Python side is not installed")
    return GstStream


def read(source: LiveSource) -> Frame:
    frame = source.read()
    assert frame is not None
    return frame


def until_lost(source: LiveSource) -> SourceLostError:
    """What ends the frames that are still under way."""
    with pytest.raises(SourceLostError) as caught:
        deque((read(source) for _ in range(PATIENT_FRAMES)), maxlen=0)
    return caught.value


def everything_said(error: BaseException) -> str:
    """The error as a crash report would show it, with all it was raised from."""
    chain = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(before)
    lines = [line for part in chain for line in traceback.format_exception_only(part)]
    return "".join([*lines, *map(repr, chain)])


def test_frames_come_soon_with_times_that_rise(opened: Opener, server: Server) -> None:
    begun = time.monotonic()
    with opened(server.address()) as source:
        frames = [read(source)]
        assert time.monotonic() - begun < 5
        frames += [read(source) for _ in range(9)]
        info = source.info
    assert (info.title, info.width, info.height) == (server.address(), 320, 240)
    assert info.rate == 30
    assert info.reader == ("pyav" if opened is PyavStream else "gstreamer")
    assert all(frame.pixels.shape == (240, 320, 3) for frame in frames)
    shown = np.diff([frame.pts_seconds for frame in frames])
    captured = np.diff([frame.captured_ns or 0 for frame in frames])
    assert (shown > 0).all()
    assert (captured > 0).all()
    assert not np.array_equal(frames[0].pixels, frames[-1].pixels)
    brightest = frames[-1].pixels.max(axis=2)
    assert brightest.min() < 10 < 200 < brightest.max()


@pytest.mark.parametrize("coding", ["aac", "opus", "pcma"])
def test_sound_comes_in_step_with_the_pictures(opened: Opener, server: Server, coding: str) -> None:
    heard: list[EncodedPacket] = []
    with opened(server.address(coding)) as source:
        sound = source.info.sound
        assert sound is not None
        assert can_hold("matroska", sound.template)
        assert can_hold("mp4", sound.template)
        for _ in range(30):
            at_s = read(source).pts_seconds
            heard += sound.take()
    times = [float(packet.begin) for packet in heard]
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(at_s, abs=0.5)
    assert len({packet.data for packet in heard}) > 1


def test_pictures_without_sound_say_so(opened: Opener, server: Server) -> None:
    with opened(server.address()) as source:
        assert source.info.sound is None


def test_sound_that_is_refused_costs_no_picture(opened: Opener, server: Server) -> None:
    deaf = DeafServer(server.port)
    try:
        with opened(f"rtsp://127.0.0.1:{deaf.port}/aac") as source:
            assert read(source).pixels.shape == (240, 320, 3)
            assert source.info.sound is None
    finally:
        deaf.close()
    assert deaf.refused > 0


def test_pictures_may_change_their_size(opened: Opener, victim: Server) -> None:
    with opened(victim.address()) as source:
        assert read(source).pixels.shape == (240, 320, 3)
        victim.send(signal.SIGUSR1)
        shapes = (read(source).pixels.shape for _ in range(PATIENT_FRAMES))
        assert next(shape for shape in shapes if shape != (240, 320, 3)) == (128, 192, 3)
        assert read(source).pixels.max() > 200
        assert (source.info.width, source.info.height) == (320, 240)


@pytest.mark.parametrize(
    ("harm", "says"), [(signal.SIGKILL, "broken"), (signal.SIGSTOP, "sent nothing")]
)
def test_a_dead_and_a_silent_server_are_noticed(
    opened: Opener, victim: Server, harm: signal.Signals, says: str
) -> None:
    with opened(victim.address(login="me:hidden@")) as source:
        read(source)
        victim.send(harm)
        begun = time.monotonic()
        error = until_lost(source)
        assert time.monotonic() - begun < NOTICED_WITHIN_S
    assert says in str(error)
    assert "hidden" not in everything_said(error)
    source.close()


@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSTOP])
def test_frames_flow_again_when_the_server_is_back(
    opened: Opener, victim: Server, harm: signal.Signals
) -> None:
    changes: list[Change] = []

    def bring_back(stop: Event, _seconds: float) -> bool:
        if harm == signal.SIGSTOP:
            victim.send(signal.SIGCONT)
        else:
            victim.kill()
            victim.start()
        return stop.is_set()

    source = Reconnecting(
        lambda: opened(victim.address()), changes.append, BackOff(Random(1)), wait=bring_back
    )
    with source:
        assert source.read() is not None
        victim.send(harm)
        for _ in range(PATIENT_FRAMES):
            assert source.read() is not None
            if source.reconnects:
                break
        assert [source.read() is not None for _ in range(5)] == [True] * 5
    assert [type(change) for change in changes].count(Lost) == 1
    assert isinstance(changes[-1], Connected)


@pytest.mark.skipif(not HANDLES.exists(), reason="the platform does not list open files")
@pytest.mark.parametrize("path", ["video", "aac"])
def test_opening_again_and_again_leaves_nothing_open(
    opened: Opener, server: Server, path: str
) -> None:
    def open_once() -> int:
        with opened(server.address(path)) as source:
            read(source)
        return len(list(HANDLES.iterdir()))

    open_once()
    before = open_once()
    assert [open_once() for _ in range(3)] == [before] * 3


BAD = [
    pytest.param("nothing", "no stream of that name", id="unknown path"),
    pytest.param("audio", "has no video", id="no video"),
]


@pytest.mark.parametrize(("path", "says"), BAD)
def test_a_wrong_address_is_told_in_one_sentence(
    opened: Opener, server: Server, path: str, says: str
) -> None:
    refuses(opened, server.address(path, login="me:hidden@"), says)


def test_a_server_that_is_not_there_is_told(opened: Opener) -> None:
    says = "refuses the connection|cannot be reached"
    refuses(opened, f"rtsp://me:hidden@127.0.0.1:{free_port()}/video", says)


def test_a_server_that_never_answers_is_told(opened: Opener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        begun = time.monotonic()
        refuses(opened, f"rtsp://me:hidden@127.0.0.1:{deaf.getsockname()[1]}/x", "does not answer")
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("how", [(), ("--digest",)], ids=["basic", "digest"])
def test_only_the_right_login_opens_and_is_never_shown(
    opened: Opener, servers: Callable[..., Server], how: tuple[str, ...]
) -> None:
    locked = servers("--user", "me", "--password", "hid@den/1:2", *how)
    for login in ("", "me@", "me:hidden@", "me:hid@den/1@", "you:hid%40den%2F1%3A2@"):
        refuses(opened, locked.address(login=login), "refuses the user name or password")
    for login in ("me:hid%40den%2F1%3A2@", "me:hid@den/1:2@"):
        with opened(locked.address(login=login)) as source:
            assert read(source).pixels.shape == (240, 320, 3)
            assert source.info.title == locked.address()
    locked.kill()


def refuses(opened: Opener, address: str, says: str) -> None:
    with pytest.raises(SourceOpenError, match=says) as caught:
        opened(address)
    assert "hid" not in everything_said(caught.value)
    assert not isinstance(caught.value, NoDecoderError)
    assert "\n" not in str(caught.value)


def test_the_best_reader_is_chosen_and_named(server: Server) -> None:
    best = "gstreamer" if gst_stream.is_available() else "pyav"
    with open_stream(server.address()) as source:
        assert source.info.reader == best
        assert source.read() is not None


def test_without_gstreamer_pyav_serves(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gst_stream, "is_available", lambda: False)
    with open_stream(server.address()) as source:
        assert source.info == LiveInfo(server.address(), 320, 240, source.info.rate, "pyav")


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(SourceError, match=r"night\.mp4 is not the address of a stream"):
        open_stream("night.mp4")
