"""What the user wants of a run becomes files, and what became of them is told."""

from __future__ import annotations

from dataclasses import replace

from app.gui.recording import RecordingState
from core.errors import WriterError
from core.media.photo import read_photo
from core.settings import LiveSettings
from tests.app.gui.fake_run import RECORDING, STATUS, make_pair
from tests.app.gui.session_parts import Scene


def test_a_recording_is_finished_in_the_background_and_its_result_told(scene: Scene) -> None:
    run = scene.record()
    assert run.wish is not None
    paths = dict(run.wish.paths)
    assert list(paths) == ["original", "enhanced"]
    assert all(path.parent == scene.choice.folder for path in paths.values())
    assert scene.choice.folder.is_dir()
    run.may_finish.clear()
    scene.session.saver.stop_recording()
    assert scene.session.saver.recording is RecordingState.FINISHING
    run.may_finish.set()
    scene.wait(lambda: scene.session.saver.recording is RecordingState.IDLE)
    (notice,) = scene.notices
    assert (notice.kind, len(notice.files)) == ("done", 2)
    assert "2.0 s, saved and checked." in notice.text


def test_a_recording_that_cannot_begin_is_told(scene: Scene) -> None:
    run = scene.open()
    run.refuses = WriterError("The disk is nearly full; free some space first")
    scene.session.saver.record()
    scene.wait(lambda: scene.notices)
    assert scene.session.saver.recording is RecordingState.IDLE
    assert scene.notices[0].text == "The disk is nearly full; free some space first"


def test_a_recording_that_ended_by_itself_is_finished_and_told(scene: Scene) -> None:
    run = scene.record()
    run.checked, run.note = False, "The disk was nearly full"
    run.status = replace(STATUS, recording=replace(RECORDING, recording=False, reason="full"))
    scene.wait(lambda: scene.notices)
    assert scene.notices[0].kind == "trouble"
    assert "The disk was nearly full" in scene.notices[0].text
    assert scene.session.saver.recording is RecordingState.IDLE


def test_another_source_finishes_the_recording_first(scene: Scene) -> None:
    first = scene.record()
    scene.open("walk.mp4")
    assert first.deeds == ["start", "record", "stop recording", "close"]
    assert scene.notices[0].files
    assert scene.session.saver.recording is RecordingState.IDLE


def test_closing_finishes_the_recording_and_says_whether_it_is_fine(scene: Scene) -> None:
    run = scene.record()
    run.checked = False
    scene.session.close()
    scene.session.close()
    scene.wait(lambda: scene.closed)
    assert scene.closed == [False]
    assert run.deeds[-2:] == ["stop recording", "close"]


def test_a_snapshot_is_three_pictures_of_the_same_moment(scene: Scene) -> None:
    scene.session.saver.snapshot()
    assert scene.notices[0].kind == "trouble"
    run, pair = scene.open(), make_pair()
    run.bring(pair)
    scene.wait(lambda: scene.session.pair)
    scene.session.saver.snapshot()
    scene.session.saver.snapshot()
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
    scene.session.saver.save_last()
    scene.wait(lambda: scene.notices)
    assert "12.0 s, saved and checked." in scene.notices[0].text
    run.refuses = WriterError("It would be empty; wait a second")
    scene.session.saver.save_last()
    scene.wait(lambda: len(scene.notices) == 2)
    assert scene.notices[1].text == "It would be empty; wait a second"
    scene.session.change(LiveSettings(keep_seconds=0.0))
    scene.session.saver.save_last()
    assert "No seconds are kept ready" in scene.notices[2].text
