"""Whatever goes wrong, the command line prints no password, and no traceback unasked."""

from __future__ import annotations

import logging
import sys

import pytest

from app.discreet import DiscreetFormatter, addresses_in, without_logins, without_secrets
from tests.app.conftest import Lowlux
from tests.programs import Start

PATIENCE_S = 60
# A program whose source fails as nobody foresaw, and so does a thread nobody waits for.
LEAKY = """
import sys
from threading import Thread
from app.cli import run
from core.media.open_live import OPENERS

def leak(uri):
    raise RuntimeError(f"cannot read {uri}")

def open_leaky(uri):
    thread = Thread(target=leak, args=(uri,))
    thread.start()
    thread.join()
    leak(uri)

OPENERS["rtsp"] = open_leaky
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("debug", [(), ("--debug",)], ids=["plain", "debug"])
@pytest.mark.parametrize("login", ["me:hunter2", "me:hunter2's own@word", 'me:a "hunter2" b'])
@pytest.mark.parametrize("behind", ["", "fault:drop=0.1:"])
def test_an_unforeseen_error_tells_no_password(
    start: Start, login: str, debug: tuple[str, ...], behind: str
) -> None:
    uri = f"{behind}rtsp://{login}@door.lan/x"
    arguments = ["live", "--headless", "--source", uri, *debug]
    process = start([sys.executable, "-c", LEAKY, *arguments])
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "hunter2" not in out + err
    assert "me:" not in err
    assert "The run failed unexpectedly (RuntimeError); please report this" in err
    assert "A thread failed (RuntimeError)" in err
    assert ("Traceback" in err) == bool(debug)
    assert ("cannot read rtsp://door.lan/x" in err) == bool(debug)


@pytest.mark.parametrize(
    "arguments",
    [
        ("live", "rtsp://me:hunter2@door.lan/x"),
        ("live", "--plan", "rtsp://me:hunter 2@door.lan/x"),
        ("live", "--plan=rtsp://me:hunter 2@door.lan/x"),
    ],
)
def test_an_address_in_the_wrong_place_is_told_without_its_password(
    lowlux: Lowlux, arguments: tuple[str, ...]
) -> None:
    done = lowlux(*arguments)
    assert done.code == 2
    assert "door.lan/x" in done.err
    assert "hunter" not in done.err


def test_what_nobody_foresaw_is_told_without_its_password(
    lowlux: Lowlux, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leak(*_: object, **__: object) -> None:
        raise RuntimeError("cannot read rtsp://me:hunter2@door.lan/x")

    monkeypatch.setattr("app.live.watch", leak)
    for more in ((), ("--debug",)):
        done = lowlux("live", "--headless", "--source", "test:", *more)
        assert done.code == 1
        assert "Unexpected RuntimeError: cannot read rtsp://door.lan/x" in done.err
        assert ("Traceback" in done.err) == bool(more)
        assert "hunter2" not in done.err


def test_addresses_are_found_in_arguments() -> None:
    arguments = ["live", "--source", "fault:drop=1:rtsp://a:b c@d/e", "--to=http://f/g", "h.mp4"]
    assert addresses_in(arguments) == ("rtsp://a:b c@d/e", "http://f/g")


def test_a_known_address_is_found_also_where_its_quotes_are_escaped() -> None:
    address = """rtsp://me:it's "mine"@door/x"""
    told = without_logins(str(KeyError(address)), [address])
    assert "rtsp://door/x" in told
    assert "mine" not in told


def test_paths_lose_their_owner_only_where_a_text_goes_to_others() -> None:
    text = "/home/erika/a.mkv of rtsp://erika:s3cret@door/x"
    assert without_logins(text) == "/home/erika/a.mkv of rtsp://door/x"
    assert without_secrets(text) == "/home/***/a.mkv of rtsp://door/x"


def test_a_trace_is_left_out_for_one_reader_and_kept_for_the_next() -> None:
    try:
        raise ValueError("rtsp://anna:s3cret@10.0.0.7/door")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "it broke", (), sys.exc_info())
    assert DiscreetFormatter("%(message)s", traces=False).format(record) == "it broke"
    text = DiscreetFormatter("%(message)s").format(record)
    assert "ValueError: rtsp://10.0.0.7/door" in text
    assert "s3cret" not in text
