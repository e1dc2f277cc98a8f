"""No form of an address lets its password through, and each still leads to its host."""

from __future__ import annotations

import pytest

from core.media.addresses import (
    Login,
    Reason,
    cannot_open,
    encoded,
    is_network,
    lost,
    split_login,
    without_password,
)

SHOWN = [
    ("rtsp://cam/live", "rtsp://cam/live"),
    ("rtsp://cam:554/live", "rtsp://cam:554/live"),
    ("rtsp://10.0.0.2:554/live@2", "rtsp://10.0.0.2:554/live@2"),
    ("rtsp://me:word@cam:554/live", "rtsp://cam:554/live"),
    ("rtsp://me@cam/live", "rtsp://cam/live"),
    ("rtsp://:word@cam/live", "rtsp://cam/live"),
    ("rtsp://me:wo@rd@cam/live", "rtsp://cam/live"),
    ("rtsp://me:wo/rd@cam/live", "rtsp://cam/live"),
    ("rtsp://me:wo@r/d@cam/live", "rtsp://cam/live"),
    ("rtsp://me:12/rd@cam/live", "rtsp://cam/live"),
    ("rtsp://me:wo#rd?@cam/live", "rtsp://cam/live"),
    ("rtsp://me:w%40rd@cam/live", "rtsp://cam/live"),
    ("rtsp://[fe80::1]:554/live", "rtsp://[fe80::1]:554/live"),
    ("rtsp://me:word@[fe80::1]:554/live", "rtsp://[fe80::1]:554/live"),
    ("  RTSP://me:word@cam/live ", "RTSP://cam/live"),
    ("http://cam/v?size=2&token=word&rate=5", "http://cam/v?size=2&token=***&rate=5"),
    ("http://cam/v?Access_Token=word", "http://cam/v?Access_Token=***"),
    ("http://cam/v?usr=me&pwd=wo/rd==#top", "http://cam/v?usr=***&pwd=***"),
    ("rtsp://cam/user=me_password=word_channel=1", "rtsp://cam/user=***"),
    ("C:\\clips\\night.mp4", "C:\\clips\\night.mp4"),
    ("", ""),
]


@pytest.mark.parametrize(("uri", "shown"), SHOWN)
def test_what_is_shown_holds_no_login(uri: str, shown: str) -> None:
    assert without_password(uri) == shown
    assert without_password(shown) == shown


@pytest.mark.parametrize("reason", Reason)
def test_errors_are_one_sentence_without_the_login(reason: Reason) -> None:
    for make in (cannot_open, lost):
        error = make("rtsp://me:word@cam/live?token=word", reason)
        assert str(error).startswith("rtsp://cam/live?token=*** ")
        assert "word" not in str(error).replace("password", "")
        assert "\n" not in str(error)


LOGINS = [
    ("rtsp://cam/live", Login("rtsp://cam/live", None, None)),
    ("rtsp://me@cam/live", Login("rtsp://cam/live", "me", None)),
    ("rtsp://me:@cam/live", Login("rtsp://cam/live", "me", "")),
    ("rtsp://me:w%40rd@cam/live", Login("rtsp://cam/live", "me", "w@rd")),
    ("rtsp://me:100%sure@cam/live", Login("rtsp://cam/live", "me", "100%sure")),
    ("rtsp://me:a:b@cam/live@2", Login("rtsp://cam/live@2", "me", "a:b")),
    ("rtsp://me:a@b/c@10.0.0.2/live@2", Login("rtsp://10.0.0.2/live@2", "me", "a@b/c")),
    ("rtsp://me:a/b@[::1]:554/live", Login("rtsp://[::1]:554/live", "me", "a/b")),
    ("rtsp://10.0.0.2:554/live@2", Login("rtsp://10.0.0.2:554/live@2", None, None)),
]


@pytest.mark.parametrize(("uri", "login"), LOGINS)
def test_a_login_is_taken_out_and_put_back_encoded(uri: str, login: Login) -> None:
    assert split_login(uri) == login
    assert split_login(encoded(uri)) == login


def test_encoding_leaves_nothing_that_could_be_mistaken() -> None:
    assert encoded("rtsp://me:a@b/c#d@10.0.0.2/x") == "rtsp://me:a%40b%2Fc%23d@10.0.0.2/x"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("rtsp://cam/live", True),
        (" RTSPS://cam", True),
        ("https://host/live.m3u8", True),
        ("udp://@239.0.0.1:1234", True),
        ("night.mp4", False),
        ("test:", False),
        ("file:///night.mp4", False),
        ("C:\\rtsp\\night.mp4", False),
    ],
)
def test_streams_are_told_from_everything_else(uri: str, expected: bool) -> None:
    assert is_network(uri) is expected
