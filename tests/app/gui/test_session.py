"""The controller, on a run and a view that were written by hand; no screen, no widget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.gui.notices import Notice
from app.gui.preferences import RecordChoice
from app.gui.session import RecordingState, Session
from core.errors import SourceOpenError, WriterError
from core.media.photo import read_photo
from core.run.live_status import LiveState
from core.settings import LiveSettings
from tests.app.gui.fake_run import RECORDING, STATUS, FakeRun, FakeView, make_pair

SETTINGS = LiveSettings(keep_seconds=30.0)


class Scene:
    """A session, what it stands between, and what it told."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot, self.view = qtbot, FakeView()
        self.runs: list[FakeRun] = []
        self.refuses: Exception | None = None
        self.notices: list[Notice] = []
        self.titles: list[str] = []
        self.closed: list[bool] = []
        self.choice = RecordChoice(folder=folder / "films", tracks=("original", "enhanced"))
        self.session = Session(self.view, SETTINGS, self._make)
        self.session.noticed.connect(self.notices.append)
        self.session.sourceChanged.connect(self.titles.append)
        self.session.closed.connect(self.closed.append)

    def _make(self, uri: str, settings: LiveSettings, tell: Callable[[], None]) -> FakeRun:
        if self.refuses is not None:
            raise self.refuses
        self.runs.append(FakeRun(uri, settings, tell))
        return self.runs[-1]

    def wait(self, until: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(until()))

    def open(self, uri: str = "test:") -> FakeRun:
        count = len(self.runs)
        self.session.open(uri)
        self.wait(lambda: len(self.runs) > count and self.session.state is not None)
        return self.runs[-1]

    def record(self) -> FakeRun:
        run = self.open()
        self.session.record(self.choice)
        self.wait(lambda: self.session.recording is RecordingState.ON)
        return run


@pytest.fixture
def scene(qtbot: QtBot, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(qtbot, tmp_path)
    yield scene
    scene.session.close()
    scene.wait(lambda: scene.closed)


def test_a_pair_goes_to_the_view_and_its_painting_back_to_the_run(scene: Scene) -> None:
    run, pair = scene.open(), make_pair()
    run.bring(pair)
    scene.wait(lambda: scene.view.shown[-1] is pair)
    assert run.painted_pairs == []
    scene.session.painted(pair)
    assert run.painted_pairs == [pair]
    assert scene.session.pair is pair


def test_settings_reach_the_run_and_strength_keeps_its_range(scene: Scene) -> None:
    run = scene.open()
    scene.session.nudge_strength(-0.25)
    assert run.settings.enhance.strength == 0.75
    scene.session.nudge_strength(0.9)
    assert run.settings.enhance.strength == 1.0
    scene.session.change(SETTINGS.model_copy(update={"plan": "full"}))
    assert run.settings.plan == "full"


def test_the_picture_is_lent_and_taken_back(scene: Scene) -> None:
    run = scene.open()
    scene.session.toggle_lending()
    scene.wait(lambda: scene.notices)
    assert "/dev/video7" in scene.notices[-1].text
    scene.session.toggle_lending()
    scene.wait(lambda: not run.status.lent_as)
    run.refuses = WriterError("There is no driver for a virtual camera")
    scene.session.toggle_lending()
    scene.wait(lambda: scene.notices[-1].kind == "trouble")
    assert "no driver" in scene.notices[-1].text


def test_settings_changed_while_it_was_opened_are_not_lost(scene: Scene) -> None:
    scene.session.open("test:")
    scene.session.nudge_strength(-0.5)
    scene.wait(lambda: scene.session.state is not None)
    assert scene.runs[-1].settings.enhance.strength == 0.5


def test_another_source_closes_the_one_before(scene: Scene) -> None:
    first = scene.open("test:")
    second = scene.open("walk.mp4")
    assert first.deeds == ["start", "close"]
    assert (second.uri, second.deeds) == ("walk.mp4", ["start"])
    assert scene.view.shown == [None, None]


def test_of_two_chosen_at_once_only_the_second_stays(scene: Scene) -> None:
    scene.session.open("test:")
    scene.session.open("walk.mp4")
    scene.wait(lambda: scene.session.state is not None)
    scene.wait(lambda: "close" in scene.runs[0].deeds)
    assert [run.uri for run in scene.runs] == ["test:", "walk.mp4"]
    assert "close" not in scene.runs[1].deeds


def test_a_password_reaches_the_run_and_nobody_else(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    run = scene.open("rtsp://anna:s3cret@10.0.0.7/door")
    assert run.uri == "rtsp://anna:s3cret@10.0.0.7/door"
    assert scene.titles == ["rtsp://10.0.0.7/door"]
    assert "10.0.0.7/door" in caplog.text
    assert "s3cret" not in caplog.text


def test_what_cannot_be_opened_is_told(scene: Scene) -> None:
    scene.refuses = SourceOpenError("There is no camera; plug one in")
    scene.session.open("camera:")
    scene.wait(lambda: scene.notices)
    assert scene.notices == [Notice("trouble", "There is no camera; plug one in")]
    assert scene.session.state is None


def test_pause_resume_and_what_has_ended_begins_again(scene: Scene) -> None:
    run = scene.open("walk.mp4")
    scene.session.toggle_pause()
    states = [run.status.state]
    scene.session.toggle_pause()
    states.append(run.status.state)
    assert states == [LiveState.PAUSED, LiveState.RUNNING]
    run.status = replace(STATUS, state=LiveState.ENDED)
    scene.session.toggle_pause()
    scene.wait(lambda: len(scene.runs) == 2 and scene.session.state is LiveState.RUNNING)
    assert scene.runs[1].uri == "walk.mp4"


def test_a_recording_is_finished_in_the_background_and_its_result_told(scene: Scene) -> None:
    run = scene.record()
    assert run.wish is not None
    paths = dict(run.wish.paths)
    assert list(paths) == ["original", "enhanced"]
    assert all(path.parent == scene.choice.folder for path in paths.values())
    assert scene.choice.folder.is_dir()
    run.may_finish.clear()
    scene.session.stop_recording()
    assert scene.session.recording is RecordingState.FINISHING
    run.may_finish.set()
    scene.wait(lambda: scene.session.recording is RecordingState.IDLE)
    (notice,) = scene.notices
    assert (notice.kind, len(notice.files)) == ("done", 2)
    assert "2.0 s, saved and checked." in notice.text


def test_a_recording_that_cannot_begin_is_told(scene: Scene) -> None:
    run = scene.open()
    run.refuses = WriterError("The disk is nearly full; free some space first")
    scene.session.record(scene.choice)
    scene.wait(lambda: scene.notices)
    assert scene.session.recording is RecordingState.IDLE
    assert scene.notices[0].text == "The disk is nearly full; free some space first"


def test_a_recording_that_ended_by_itself_is_finished_and_told(scene: Scene) -> None:
    run = scene.record()
    run.checked, run.note = False, "The disk was nearly full"
    run.status = replace(STATUS, recording=replace(RECORDING, recording=False, reason="full"))
    scene.wait(lambda: scene.notices)
    assert scene.notices[0].kind == "trouble"
    assert "The disk was nearly full" in scene.notices[0].text
    assert scene.session.recording is RecordingState.IDLE


def test_another_source_finishes_the_recording_first(scene: Scene) -> None:
    first = scene.record()
    scene.open("walk.mp4")
    assert first.deeds == ["start", "record", "stop recording", "close"]
    assert scene.notices[0].files
    assert scene.session.recording is RecordingState.IDLE


def test_closing_finishes_the_recording_and_says_whether_it_is_fine(scene: Scene) -> None:
    run = scene.record()
    run.checked = False
    scene.session.close()
    scene.session.close()
    scene.wait(lambda: scene.closed)
    assert scene.closed == [False]
    assert run.deeds[-2:] == ["stop recording", "close"]


def test_closing_while_a_source_is_opened_leaves_nothing_behind(scene: Scene) -> None:
    scene.session.open("test:")
    scene.session.close()
    scene.wait(lambda: scene.closed)
    assert scene.runs[0].deeds == ["start", "close"]
    assert scene.closed == [True]


def test_a_snapshot_is_three_pictures_of_the_same_moment(scene: Scene) -> None:
    scene.session.snapshot(scene.choice)
    assert scene.notices[0].kind == "trouble"
    run, pair = scene.open(), make_pair()
    run.bring(pair)
    scene.wait(lambda: scene.session.pair)
    scene.session.snapshot(scene.choice)
    scene.session.snapshot(scene.choice)
    scene.wait(lambda: len(scene.notices) == 3)
    files = sorted(scene.choice.folder.iterdir())
    assert len(files) == 6
    by_kind = {path.stem.rpartition(" ")[2]: read_photo(path).pixels for path in files}
    assert (by_kind["original"] == pair.original.pixels).all()
    assert (by_kind["enhanced"] == pair.enhanced.pixels).all()
    assert (by_kind["pair"][:, :128] == pair.original.pixels).all()
    assert (by_kind["pair"][:, -128:] == pair.enhanced.pixels).all()


def test_the_last_seconds_are_saved_if_any_are_kept(scene: Scene) -> None:
    run = scene.open()
    scene.session.save_last(scene.choice)
    scene.wait(lambda: scene.notices)
    assert "12.0 s, saved and checked." in scene.notices[0].text
    run.refuses = WriterError("It would be empty; wait a second")
    scene.session.save_last(scene.choice)
    scene.wait(lambda: len(scene.notices) == 2)
    assert scene.notices[1].text == "It would be empty; wait a second"
    scene.session.change(LiveSettings(keep_seconds=0.0))
    scene.session.save_last(scene.choice)
    assert "No seconds are kept ready" in scene.notices[2].text


def test_a_camera_that_slows_down_can_be_asked_not_to(scene: Scene) -> None:
    run = scene.open("camera:046d:0825?rate=30")
    assert not scene.session.can_keep_rate
    run.status = replace(STATUS, can_keep_rate=True)
    scene.wait(lambda: scene.session.can_keep_rate)
    scene.session.keep_rate()
    scene.wait(lambda: len(scene.runs) == 2 and scene.session.state is not None)
    assert scene.runs[1].uri == "camera:046d:0825?rate=30&keep_rate=1"
    assert not scene.session.can_keep_rate


def test_an_error_nobody_foresaw_tells_no_words_that_may_be_secret(scene: Scene) -> None:
    scene.session.say_later(KeyError("rtsp://anna:s3cret@10.0.0.7"))
    scene.wait(lambda: scene.notices)
    assert "KeyError" in scene.notices[0].text
    assert "s3cret" not in scene.notices[0].text
