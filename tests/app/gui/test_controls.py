"""Controls are what the settings' fields say, and the pickers make addresses that can be opened."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QListWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.gui.controls import SettingsPanel
from app.gui.editors import (
    ChoiceEditor,
    CountEditor,
    ModelEditor,
    ShareEditor,
    SwitchEditor,
    shipped_models,
)
from app.gui.health_panel import HealthPanel
from app.gui.preferences import RecordChoice
from app.gui.recording import RecordingState
from app.gui.recording_panel import RecordingPanel
from app.gui.saving import record_wish
from app.gui.source_picker import SourcePicker
from app.gui.source_words import source_words, with_login
from core.media.addresses import split_login
from core.media.open_live import open_live
from core.settings import EnhanceSettings, LiveSettings
from tests.app.gui.fake_run import RECORDING, STATUS


@pytest.fixture
def panel(qtbot: QtBot) -> SettingsPanel:
    panel = SettingsPanel(LiveSettings())
    qtbot.addWidget(panel)
    return panel


def test_ranges_and_explanations_are_those_of_the_fields(panel: SettingsPanel) -> None:
    count = panel.editors["prior_every"]
    assert isinstance(count, CountEditor)
    assert (count.spin.minimum(), count.spin.maximum(), count.spin.value()) == (1, 120, 15)
    for name, editor in panel.editors.items():
        kind = EnhanceSettings if name in EnhanceSettings.model_fields else LiveSettings
        assert editor.explanation == f"{kind.model_fields[name].description}."
    plan = panel.editors["plan"]
    assert isinstance(plan, ChoiceEditor)
    assert [plan.box.itemData(index) for index in range(3)] == ["auto", "fast", "full"]


def test_every_edit_tells_the_whole_settings(panel: SettingsPanel) -> None:
    told: list[LiveSettings] = []
    panel.edited.connect(told.append)
    strength, count, plan, auto = (
        panel.editors[name] for name in ("strength", "prior_every", "plan", "auto")
    )
    assert isinstance(strength, ShareEditor)
    assert isinstance(count, CountEditor)
    assert isinstance(plan, ChoiceEditor)
    assert isinstance(auto, SwitchEditor)
    strength.slider.setValue(40)
    count.spin.setValue(7)
    plan.box.setCurrentIndex(2)
    plan.box.activated.emit(2)
    auto.box.click()
    assert told[-1] == LiveSettings(
        enhance=EnhanceSettings(strength=0.4, prior_every=7), plan="full", auto=True
    )
    assert len(told) == 4


def test_showing_settings_tells_nothing(panel: SettingsPanel) -> None:
    told: list[LiveSettings] = []
    panel.edited.connect(told.append)
    enhance = EnhanceSettings(strength=0.25, steady=0.5, model="/films/mine.safetensors")
    panel.show_settings(LiveSettings(enhance=enhance, auto=True, plan="fast"))
    model, strength = panel.editors["model"], panel.editors["strength"]
    assert isinstance(model, ModelEditor)
    assert isinstance(strength, ShareEditor)
    assert (model.box.currentText(), strength.slider.value()) == ("mine", 25)
    assert told == []


def test_the_models_that_enhance_are_offered() -> None:
    assert "deepspg" in shipped_models()
    assert not any(name.startswith("hrnet") for name in shipped_models())


def test_tracks_are_one_or_two(qtbot: QtBot) -> None:
    panel = RecordingPanel(RecordChoice())
    qtbot.addWidget(panel)
    told: list[RecordChoice] = []
    panel.edited.connect(told.append)
    boxes = panel.tracks
    assert not boxes["enhanced"].isEnabled()
    boxes["side_by_side"].click()
    assert not boxes["original"].isEnabled()
    boxes["enhanced"].click()
    assert [choice.tracks for choice in told] == [("enhanced", "side_by_side"), ("side_by_side",)]
    panel.show_state(RecordingState.ON)
    assert not any(box.isEnabled() for box in boxes.values())
    assert panel.record.text() == "End recording"


def test_files_are_split_by_time_and_by_size(qtbot: QtBot, tmp_path: Path) -> None:
    panel = RecordingPanel(RecordChoice(folder=tmp_path, segment_mib=300))
    qtbot.addWidget(panel)
    told: list[RecordChoice] = []
    panel.edited.connect(told.append)
    assert panel.mib.text() == "300 MiB"
    panel.mib.stepUp()
    panel.minutes.setValue(10)
    assert [(choice.segment_mib, choice.segment_minutes) for choice in told] == [
        (400, 0),
        (400, 10),
    ]
    wish = record_wish(told[-1], datetime.now())
    assert (wish.segment_bytes, wish.segment_seconds) == (400 * 2**20, 600.0)
    assert record_wish(RecordChoice(folder=tmp_path), datetime.now()).segment_bytes is None
    panel.show_state(RecordingState.ON)
    assert not panel.mib.isEnabled()


def test_an_address_is_put_together_and_its_field_forgets_the_password(qtbot: QtBot) -> None:
    picker = SourcePicker(["rtsp://10.0.0.7/door"])
    qtbot.addWidget(picker)
    told: list[str] = []
    picker.chosen.connect(told.append)
    picker.address.setEditText("10.0.0.7/door")
    picker.user.setText("anna")
    picker.password.setText("p@ss/word")
    picker.connect_button.click()
    assert split_login(told[0]) == ("rtsp://10.0.0.7/door", "anna", "p@ss/word")
    assert picker.password.text() == ""
    picker.address.setEditText("rtsp://bob:s3cret@10.0.0.8/yard")
    picker.user.clear()
    picker.connect_button.click()
    assert told[1] == "rtsp://bob:s3cret@10.0.0.8/yard"
    assert picker.address.currentText() == "rtsp://10.0.0.8/yard"


@pytest.mark.parametrize(
    ("address", "user", "password", "uri"),
    [
        ("", "", "", ""),
        (" rtsp://host/a ", "", "", "rtsp://host/a"),
        ("host/a", "", "", "rtsp://host/a"),
        ("rtsp://old:one@host/a", "new", "", "rtsp://new@host/a"),
    ],
)
def test_addresses(address: str, user: str, password: str, uri: str) -> None:
    assert with_login(address, user, password) == uri


def test_the_setup_is_tested_with_faults_that_can_be_opened(qtbot: QtBot) -> None:
    picker = SourcePicker([])
    qtbot.addWidget(picker)
    told: list[str] = []
    picker.chosen.connect(told.append)
    picker.trial.click()
    with open_live(told[0]) as source:
        assert source.info.title == "Test pattern with faults"
    assert source_words(told[0]) == "the test of your setup"


def test_health_tells_of_a_recording_while_there_is_one(qtbot: QtBot) -> None:
    panel = HealthPanel()
    qtbot.addWidget(panel)

    def waiting() -> list[str]:
        labels = panel.findChildren(QLabel)
        return [label.text() for label in labels if label.accessibleName() == "Recording: Waiting"]

    panel.show_status(replace(STATUS, recording=replace(RECORDING, frames_in=75, dropped=3)))
    assert waiting() == ["12"]
    panel.show_status(STATUS)
    qtbot.waitUntil(lambda: waiting() == [])


def test_every_control_has_a_name_for_screen_readers(panel: SettingsPanel, qtbot: QtBot) -> None:
    picker, recording = SourcePicker([]), RecordingPanel(RecordChoice())
    picker.show_last("walk.mp4")
    pages: list[QWidget] = [panel, picker, recording]
    for page in pages[1:]:
        qtbot.addWidget(page)
    for page in pages:
        for kind in (QAbstractButton, QComboBox, QAbstractSlider, QAbstractSpinBox, QListWidget):
            for widget in page.findChildren(kind):
                if widget.focusPolicy() is not Qt.FocusPolicy.NoFocus:
                    text = widget.accessibleName() or getattr(widget, "text", str)()
                    assert text, f"a {type(widget).__name__} in {type(page).__name__} has no name"
