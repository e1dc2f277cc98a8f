"""One file for whoever helps: what ran on what, and how it went; nothing that is secret."""

from __future__ import annotations

import json
import platform
import zipfile
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import psutil
from PyQt6.QtCore import PYQT_VERSION_STR, QT_VERSION_STR

from app.discreet import without_secrets
from core.errors import WriterError
from core.media.addresses import is_network, without_password
from core.media.atomic import PartFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.gui.preferences import Preferences
    from core.run.live_status import LiveStatus

_PACKAGES = ("lowlux", "torch", "openvino", "av", "opencv-python-headless", "numpy", "PyGObject")
_LOG_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Facts:
    """What goes into a bundle."""

    preferences: Preferences
    """As the window has them now."""
    history: Sequence[LiveStatus]
    """Of the last minute, oldest first."""
    log: Path
    """The log file; need not exist."""


def write_bundle(path: Path, facts: Facts) -> None:
    """Write the bundle under its name once it is complete.

    Raises:
        WriterError: it cannot be written there.
    """
    part = PartFile(path, overwrite=True)
    try:
        with zipfile.ZipFile(part.path, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, content in _contents(facts).items():
                bundle.writestr(name, content)
    except OSError as error:
        part.discard()
        raise WriterError(
            f"{path} could not be written ({error.strerror}); choose another folder"
        ) from error
    part.commit()


def _contents(facts: Facts) -> dict[str, str]:
    newest = facts.history[-1] if facts.history else None
    plan = None if newest is None else {"plan": newest.plan, "reasons": newest.reasons}
    settings = facts.preferences.model_dump(mode="json", exclude={"geometry"})
    return {
        "versions.json": _json(_versions()),
        "machine.json": _json(_machine()),
        "plan.json": _json(plan),
        "status.json": _json([asdict(status) for status in facts.history]),
        "settings.json": _json(settings),
        "log.txt": without_secrets(_tail(facts.log)),
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "qt": QT_VERSION_STR, "pyqt": PYQT_VERSION_STR}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _machine() -> dict[str, object]:
    memory = psutil.virtual_memory()
    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "memory_mb": memory.total // 2**20,
        "memory_free_mb": memory.available // 2**20,
        "load_percent": psutil.cpu_percent(),
    }


def _tail(path: Path) -> str:
    """The end of the log, whole lines only."""
    try:
        data = path.read_bytes()
    except OSError:
        return "There is no log.\n"
    cut = data[-_LOG_BYTES:]
    whole = cut if len(cut) == len(data) else cut[cut.find(b"\n") + 1 :]
    return whole.decode("utf-8", "replace")


def _json(value: object) -> str:
    return json.dumps(_plain(value), indent=1, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """What JSON can hold, every string of it without secrets."""
    match value:
        case str():
            # A whole address may hold blanks and quotes; in a text nobody can tell where it ends.
            return without_secrets(without_password(value) if is_network(value) else value)
        case Enum():
            return value.value
        case Fraction():
            return str(value)
        case dict():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _plain(asdict(value))
        case _:
            return value
