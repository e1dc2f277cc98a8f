"""What the window remembers from one time to the next, as JSON in the user's own folder."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from PyQt6.QtCore import QStandardPaths

from app.gui.source_words import split_camera
from core.errors import WriterError
from core.media.addresses import is_network, without_password
from core.media.atomic import PartFile
from core.run.record_ledger import Track
from core.settings import LiveSettings, Model

_log = logging.getLogger(__name__)

MOST_RECENT = 8
Container = Literal["mkv", "mp4"]
ThemeName = Literal["system", "light", "dark"]


def _films() -> Path:
    return Path(_place(QStandardPaths.StandardLocation.MoviesLocation)) / "LowLux"


class RecordChoice(Model):
    """What the recording panel is set to."""

    folder: Path = Field(default_factory=_films, description="Where recordings and snapshots go")
    tracks: tuple[Track, ...] = Field(
        ("enhanced",), min_length=1, max_length=2, description="What is recorded, at most two"
    )
    container: Container = Field("mkv", description="MKV is safest, MP4 plays everywhere")
    segment_minutes: int = Field(
        0, ge=0, le=240, description="Begin a new file after so many minutes; 0 for one file"
    )
    segment_mib: int = Field(
        0, ge=0, le=65536, description="Begin a new file once one has so many MiB; 0 for one file"
    )


class Preferences(Model):
    """All of it; what is missing has its default."""

    uri: str = Field("", description="The last source, without its password")
    recent: tuple[str, ...] = Field((), description="Addresses of late, without passwords")
    cameras: dict[str, str] = Field(
        default_factory=dict, description="Options of each camera's address, by its identity"
    )
    live: LiveSettings = LiveSettings(keep_seconds=30.0)
    record: RecordChoice = Field(default_factory=RecordChoice)
    view: str = Field("SIDE_BY_SIDE", description="Name of the view")
    theme: ThemeName = "system"
    on_top: bool = False
    overlay: bool = True
    histogram: bool = False
    panel: bool = True
    geometry: str = Field("", description="Of the window, in Qt's own form, base 64")

    def with_source(self, uri: str) -> Preferences:
        """The same with a source remembered; passwords are not."""
        bare = without_password(uri)
        others = [address for address in self.recent if address != bare]
        recent = (bare, *others)[:MOST_RECENT] if is_network(bare) else self.recent
        known = self.model_copy(update={"uri": bare, "recent": recent})
        identity, options = split_camera(bare)
        return known.with_camera(identity, options) if identity and options else known

    def with_camera(self, identity: str, options: str) -> Preferences:
        """The same with the way remembered in which a camera is opened."""
        return self.model_copy(update={"cameras": {**self.cameras, identity: options}})


def preferences_path() -> Path:
    """Where they are kept."""
    folder = _place(QStandardPaths.StandardLocation.AppConfigLocation)
    return Path(folder) / "window.json"


def log_path() -> Path:
    """Where the log is kept."""
    return Path(_place(QStandardPaths.StandardLocation.AppLocalDataLocation)) / "lowlux.log"


def load_preferences(path: Path) -> Preferences:
    """What was remembered; the defaults where there is nothing, or nothing that can be read.

    A damaged file is kept beside, its name ending in `.damaged`.
    """
    try:
        return Preferences.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValidationError) as error:
        _log.warning("Settings could not be read and are set anew: %s", error)
        with contextlib.suppress(OSError):
            path.replace(path.with_name(f"{path.name}.damaged"))
        return Preferences()


def save_preferences(path: Path, preferences: Preferences) -> None:
    """Remember them; the file is whole or as it was.

    Raises:
        WriterError: the folder cannot be written to.
    """
    part = PartFile(path, overwrite=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.path.write_text(preferences.model_dump_json(indent=1), encoding="utf-8")
    except OSError as error:
        part.discard()
        raise WriterError(
            f"The settings could not be kept in {path} ({error.strerror}); check that folder"
        ) from error
    part.commit()


def _place(kind: QStandardPaths.StandardLocation) -> str:
    return QStandardPaths.writableLocation(kind) or str(Path.home())
