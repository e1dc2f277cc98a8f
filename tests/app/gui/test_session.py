"""The controller, on a run and a view that were written by hand; no screen, no widget."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.gui.notices import Notice
from app.gui.recording import RecordingState
from core.errors import SourceOpenError, WriterError
from core.run.live_status import LiveState
from tests.app.gui.fake_run import STATUS, make_pair
from tests.app.gui.session_parts import SETTINGS, Scene


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
    scene.session.lender.toggle()
    scene.wait(lambda: scene.notices)
    assert "/dev/video7" in scene.notices[-1].text
    scene.session.lender.toggle()
    scene.wait(lambda: not run.status.lent_as)
    run.refuses = WriterError("There is no driver for a virtual camera")
    scene.session.lender.toggle()
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


@pytest.mark.parametrize("state", [LiveState.OPENING, LiveState.RECONNECTING])
def test_what_stands_still_while_no_picture_comes_goes_on_when_asked(
    scene: Scene, state: LiveState
) -> None:
    run = scene.open("rtsp://10.0.0.7/door")
    run.status = replace(STATUS, state=state)
    scene.session.toggle_pause()
    assert (run.is_paused, scene.session.is_paused) == (True, True)
    scene.session.toggle_pause()
    assert (run.is_paused, scene.session.is_paused) == (False, False)
    scene.session.toggle_pause()
    run.status = STATUS
    states = [scene.session.state]
    scene.session.toggle_pause()
    assert [*states, scene.session.state] == [LiveState.PAUSED, LiveState.RUNNING]


def test_what_is_opened_after_a_pause_moves(scene: Scene) -> None:
    scene.open("walk.mp4")
    scene.session.toggle_pause()
    scene.open("test:")
    assert not scene.session.is_paused


def test_closing_while_a_source_is_opened_leaves_nothing_behind(scene: Scene) -> None:
    scene.session.open("test:")
    scene.session.close()
    scene.wait(lambda: scene.closed)
    assert scene.runs[0].deeds == ["start", "close"]
    assert scene.closed == [True]


def test_a_camera_that_slows_down_can_be_asked_not_to(scene: Scene) -> None:
    run = scene.open("camera:046d:0825?rate=30")
    assert not scene.session.can_keep_rate
    run.status = replace(STATUS, can_keep_rate=True)
    scene.wait(lambda: scene.session.can_keep_rate)
    scene.session.keep_rate()
    scene.wait(lambda: len(scene.runs) == 2 and scene.session.state is not None)
    assert scene.runs[1].uri == "camera:046d:0825?rate=30&keep_rate=1"
    assert not scene.session.can_keep_rate


def test_a_recording_goes_on_when_the_camera_is_opened_again_to_keep_its_rate(
    scene: Scene,
) -> None:
    first = scene.record()
    scene.session.keep_rate()
    scene.wait(lambda: len(scene.notices) == 2)
    assert first.deeds == ["start", "record", "stop recording", "close"]
    assert scene.runs[1].deeds == ["start", "record"]
    assert scene.session.saver.recording is RecordingState.ON
    before, after = scene.notices
    sentence = "The source was opened again; the recording goes on in a new file."
    assert (after.kind, after.text) == ("done", f"{before.text} {sentence}")


def test_without_a_recording_none_is_begun_to_keep_the_rate(scene: Scene) -> None:
    scene.open("camera:046d:0825")
    scene.session.keep_rate()
    scene.wait(lambda: len(scene.runs) == 2 and scene.session.state is not None)
    assert scene.runs[1].deeds == ["start"]


def test_an_error_nobody_foresaw_tells_no_words_that_may_be_secret(scene: Scene) -> None:
    scene.session.say_later(KeyError("rtsp://anna:s3cret@10.0.0.7"))
    scene.wait(lambda: scene.notices)
    assert "KeyError" in scene.notices[0].text
    assert "s3cret" not in scene.notices[0].text
