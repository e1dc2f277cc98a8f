"""Texts and logs without what is secret in them: logins, and the names of homes."""

from __future__ import annotations

import logging
import re
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

from core.media.addresses import without_password

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE)
_WHOLE = re.compile(r"\b[a-z][a-z0-9+.-]*://.+", re.IGNORECASE | re.DOTALL)
_HOME = re.compile(r"(/home/|/Users/|[A-Za-z]:\\+Users\\+)[^/\\\s\"':,]+", re.IGNORECASE)


def addresses_in(arguments: Iterable[str]) -> tuple[str, ...]:
    """The addresses that a command line names, each to the end of its argument."""
    return tuple(found[0] for argument in arguments if (found := _WHOLE.search(argument)))


def without_logins(text: str, known: Sequence[str] = ()) -> str:
    """The same text, its addresses without user and password.

    Args:
        text: whatever is to be told.
        known: addresses that it may repeat. A login may hold blanks and quotes: in a text nobody
            can tell where such an address ends.
    """
    for address in known:
        for written in (address, repr(address)[1:-1]):
            text = text.replace(written, without_password(address))
    return _ADDRESS.sub(lambda found: without_password(found[0]), text)


def without_secrets(text: str, known: Sequence[str] = ()) -> str:
    """Addresses without login, paths without the name of their owner; see `without_logins`."""
    text = without_logins(text, known)
    home = str(Path.home())
    if len(home) > 1:
        text = text.replace(home, "~")
    return _HOME.sub(r"\1***", text)


class DiscreetFormatter(logging.Formatter):
    """Writes no secret into a log, tracebacks included.

    Args:
        words: how a line is put together; see `logging.Formatter`.
        known: addresses that it may repeat; see `without_logins`.
        traces: whether tracebacks are written at all.
    """

    def __init__(self, words: str, known: Sequence[str] = (), *, traces: bool = True) -> None:
        super().__init__(words)
        self._known, self._traces = known, traces

    def format(self, record: logging.LogRecord) -> str:
        """One record, made harmless."""
        if not self._traces:
            record = copy(record)
            record.exc_info = record.exc_text = record.stack_info = None
        return without_secrets(super().format(record), self._known)
