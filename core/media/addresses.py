"""Addresses on a network: what may be shown of them, and how their failures are told.

Note [no credentials]
    An address may hold a user name, a password or a token. `without_password` makes the only form
    that is ever shown, logged or stored. Errors of the libraries repeat the whole address, so
    they are never chained: their number and its meaning are all that is passed on.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple
from urllib.parse import quote, unquote

from core.errors import SourceLostError, SourceOpenError

OPEN_LIMIT_S = 3.0
"""A server that has not answered for so long is not there."""
KEY_FRAME_LIMIT_S = 10.0
"""Some cameras send a picture that can be decoded alone only so often; until then they are let be,
as long as they send."""

_NETWORK = {
    "http", "https", "mms", "mmsh", "rtmp", "rtmps", "rtmpt", "rtp", "rtsp", "rtsps", "rtspt",
    "rtspu", "srt", "tcp", "tls", "udp",
}  # fmt: skip
_SECRET = re.compile(
    r"((?:auth|cred|jwt|key|login|pass|pwd|psw|secret|session|sig|token|user|usr)[^=&;?#/]*=)[^&]*",
    re.IGNORECASE,
)
_SURE_HOST = re.compile(r"([\w-]+(\.[\w-]+)+|localhost|\[[0-9a-f:.%]+\])(:\d{1,5})?", re.IGNORECASE)


class Login(NamedTuple):
    """An address taken apart."""

    bare: str
    """The address without user and password, its query as it was."""
    user: str | None
    """Decoded; none where there is no `@`."""
    password: str | None
    """Decoded; none where there is no colon."""


class Reason(Enum):
    """Why a stream is not there; the value ends a sentence that begins with its address."""

    LOGIN = "refuses the user name or password; check both"
    REFUSED = "refuses the connection; check that it is switched on, and the port"
    NOT_FOUND = "has no stream of that name; check the path after the host"
    UNREACHABLE = "cannot be reached; check the address and the network"
    SILENT = "does not answer; check the address, the network and that it is switched on"
    NO_VIDEO = "has no video; give the address of a video stream"
    UNREADABLE = "sends what cannot be read as video; check that it plays elsewhere"
    STOPPED = "has sent nothing for too long; check its power and the network"
    BROKEN = "has broken the connection; check its power and the network"


def is_network(uri: str) -> bool:
    """Whether this names a stream on a network, not a file, a camera or a test pattern."""
    scheme, mark, _ = uri.strip().partition("://")
    return bool(mark) and scheme.lower() in _NETWORK


def without_password(uri: str) -> str:
    """What may be shown: user and password removed, values of telling query names starred.

    Where an address can be read in two ways it hides too much rather than too little: everything
    up to the last `@`, unless there is clearly no login at all.
    """
    scheme, mark, rest = uri.strip().partition("://")
    if mark and not _is_host(_authority(rest)):
        rest = rest[rest.rfind("@") + 1 :]
    return _SECRET.sub(r"\1***", scheme + mark + rest)


def split_login(uri: str) -> Login:
    """Takes user and password out, also where the password has an `@` or `/` nobody encoded."""
    scheme, mark, rest = uri.strip().partition("://")
    end = _login_end(rest) if mark else -1
    if end < 0:
        return Login(uri.strip(), None, None)
    user, colon, password = rest[:end].partition(":")
    bare = f"{scheme}://{rest[end + 1 :]}"
    return Login(bare, unquote(user), unquote(password) if colon else None)


def encoded(uri: str) -> str:
    """The same address with user and password encoded as every library expects."""
    bare, user, password = split_login(uri)
    if user is None:
        return bare
    scheme, _, rest = bare.partition("://")
    secret = "" if password is None else f":{quote(password, safe='')}"
    return f"{scheme}://{quote(user, safe='')}{secret}@{rest}"


def cannot_open(uri: str, reason: Reason) -> SourceOpenError:
    """The error to raise; see Note [no credentials]."""
    return SourceOpenError(f"{without_password(uri)} {reason.value}")


def lost(uri: str, reason: Reason) -> SourceLostError:
    """The error to raise; see Note [no credentials]."""
    return SourceLostError(f"{without_password(uri)} {reason.value}")


def _authority(rest: str) -> str:
    return re.split(r"[/?#]", rest, maxsplit=1)[0]


def _login_end(rest: str) -> int:
    """Where the `@` before the host is, or -1.

    The first with a host that cannot be mistaken, else the last before the path, else the last.
    """
    authority = _authority(rest)
    if _is_host(authority):
        return -1
    marks = [index for index, letter in enumerate(rest) if letter == "@"]
    sure = (index for index in marks if _is_sure_host(_authority(rest[index + 1 :])))
    return next(sure, authority.rfind("@") if "@" in authority else rest.rfind("@"))


def _is_host(authority: str) -> bool:
    """Whether there is no login in it; `user:12` of a password with a bare `/` is no host."""
    return "@" not in authority and (":" not in authority or _is_sure_host(authority))


def _is_sure_host(authority: str) -> bool:
    return _SURE_HOST.fullmatch(authority) is not None
