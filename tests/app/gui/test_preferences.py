"""What is remembered comes back; what is damaged is kept aside; no password is ever stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.gui.preferences import (
    MOST_RECENT,
    Preferences,
    RecordChoice,
    load_preferences,
    save_preferences,
)
from core.errors import WriterError
from core.settings import EnhanceSettings, LiveSettings


def test_all_of_it_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "window.json"
    preferences = Preferences(
        live=LiveSettings(enhance=EnhanceSettings(strength=0.4), plan="fast", keep_seconds=12),
        record=RecordChoice(folder=tmp_path, tracks=("original", "enhanced"), container="mp4"),
        view="WIPE",
        theme="light",
        on_top=True,
        geometry="QUJD",
    )
    save_preferences(path, preferences)
    assert load_preferences(path) == preferences
    assert [file.name for file in path.parent.iterdir()] == ["window.json"]


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    preferences = load_preferences(tmp_path / "window.json")
    assert preferences == Preferences()
    assert preferences.live.keep_seconds == 30


@pytest.mark.parametrize("text", ["", "{", '{"theme": "pink"}', '{"unknown": 1}', "\x00\xff"])
def test_a_damaged_file_is_kept_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "window.json"
    path.write_text(text)
    assert load_preferences(path) == Preferences()
    assert (tmp_path / "window.json.damaged").read_text() == text
    assert not path.exists()


def test_a_source_is_remembered_without_its_password(tmp_path: Path) -> None:
    path = tmp_path / "window.json"
    preferences = Preferences().with_source("rtsp://anna:s3cret@10.0.0.7/door?token=abc")
    save_preferences(path, preferences)
    stored = path.read_text()
    assert "rtsp://10.0.0.7/door" in stored
    assert not any(secret in stored for secret in ("anna", "s3cret", "abc"))


def test_each_camera_is_remembered_as_it_was_opened_last(tmp_path: Path) -> None:
    path = tmp_path / "window.json"
    preferences = Preferences().with_source("camera:046d:0825:A1?size=640x480&format=YUYV")
    preferences = preferences.with_source("camera:046d:0825@usb-2?keep_rate=1")
    preferences = preferences.with_source("camera:046d:0825:A1").with_source("walk.mp4?loop=1")
    save_preferences(path, preferences)
    assert load_preferences(path).cameras == {
        "046d:0825:A1": "size=640x480&format=YUYV",
        "046d:0825@usb-2": "keep_rate=1",
    }
    assert preferences.with_camera("046d:0825@usb-2", "").cameras["046d:0825@usb-2"] == ""


def test_recent_addresses_are_few_and_each_once() -> None:
    preferences = Preferences()
    for number in [*range(MOST_RECENT + 3), 5]:
        preferences = preferences.with_source(f"rtsp://10.0.0.{number}/door")
    preferences = preferences.with_source("walk.mp4")
    assert preferences.uri == "walk.mp4"
    assert len(preferences.recent) == MOST_RECENT
    assert preferences.recent[:2] == ("rtsp://10.0.0.5/door", "rtsp://10.0.0.10/door")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriterError, match="check that folder"):
        save_preferences(tmp_path / "file" / "window.json", Preferences())
