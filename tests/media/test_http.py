"""Films and streams over HTTP, from a real server on this machine."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.errors import SourceLostError, SourceOpenError
from core.frame import Frame
from core.media.live import LiveSource
from core.media.open_live import open_live
from core.media.source import open_source
from tests.media.web_server import WebServer

MakeClip = Callable[..., Path]
NOTICED_WITHIN_S = 3.0


def rest(source: LiveSource) -> list[Frame]:
    return list(iter(source.read, None))


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_a_film_comes_to_its_end_at_the_times_it_states(
    web: WebServer, make_clip: MakeClip, suffix: str
) -> None:
    clip = make_clip(f"clip{suffix}", times=range(50), options={"g": "10"})
    address = web.add(clip)
    with open_live(address) as source, open_source(clip) as film:
        frames, wanted = rest(source), list(film)
        assert source.read() is None
    assert (source.info.title, source.info.reader) == (address, "pyav")
    assert (source.info.width, source.info.height) == (96, 64)
    assert len(frames) == 50
    for frame, original in zip(frames, wanted, strict=True):
        np.testing.assert_array_equal(frame.pixels, original.pixels)
    steps = np.diff([frame.pts_seconds for frame in frames])
    assert steps == pytest.approx(0.04, abs=0.0011)


def test_only_the_right_login_opens_and_is_never_shown(web: WebServer, make_clip: MakeClip) -> None:
    address = web.add(make_clip("clip.ts", times=range(50)), is_locked=True)
    for login in ("", "me:hidden@", "you:hid%40den@"):
        with pytest.raises(SourceOpenError, match="refuses the user name or password") as caught:
            open_live(address.replace("//", f"//{login}"))
        assert "hid" not in str(caught.value)
        assert "\n" not in str(caught.value)
    with open_live(address.replace("//", "//me:hid%40den@")) as source:
        assert source.info.title == address
        assert source.read() is not None


def test_a_wrong_path_is_told(web: WebServer) -> None:
    with pytest.raises(SourceOpenError, match=r"/none\.ts has no stream of that name"):
        open_live(f"http://me:hidden@127.0.0.1:{web.server_port}/none.ts")


def test_what_is_no_video_is_told(web: WebServer, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html>" + "no film here " * 1000)
    with pytest.raises(SourceOpenError, match=r"page\.html sends what cannot be read as video"):
        open_live(web.add(page))


@pytest.mark.parametrize(
    ("live", "says"), [("breaks", "broken the connection"), ("falls silent", "sent nothing")]
)
def test_a_stream_that_stops_is_lost_in_time(
    web: WebServer, make_clip: MakeClip, live: str, says: str
) -> None:
    clip = make_clip("clip.ts", times=range(400), width=320, height=240)
    address = web.add(clip, live=live)
    with open_live(address.replace("//", "//me:hidden@")) as source:
        assert source.read() is not None
        begun = time.monotonic()
        with pytest.raises(SourceLostError, match=says) as caught:
            deque((source.read() for _ in range(400)), maxlen=0)
        assert time.monotonic() - begun < NOTICED_WITHIN_S
    assert "hidden" not in str(caught.value)
