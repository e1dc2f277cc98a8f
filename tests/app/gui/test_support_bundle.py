"""The bundle holds what helps and nothing that is secret."""

from __future__ import annotations

import json
import logging
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from app.discreet import DiscreetFormatter, without_secrets
from app.gui.preferences import Preferences, RecordChoice
from app.gui.support_bundle import Facts, write_bundle
from core.errors import WriterError
from tests.app.gui.fake_run import STATUS

SECRETS = ("s3cret", "anna", "t0ken", "erika")


def test_what_it_holds(tmp_path: Path) -> None:
    log = tmp_path / "lowlux.log"
    log.write_text("2026-11-21 INFO Opening rtsp://10.0.0.7/door\n")
    bundle = tmp_path / "help.zip"
    write_bundle(bundle, Facts(Preferences(), (STATUS, replace(STATUS, captured=11)), log))
    with zipfile.ZipFile(bundle) as opened:
        assert opened.testzip() is None
        contents = {name: opened.read(name).decode() for name in opened.namelist()}
    assert set(contents) == {
        "versions.json", "machine.json", "plan.json", "status.json", "settings.json", "log.txt",
    }  # fmt: skip
    assert json.loads(contents["plan.json"])["plan"] == STATUS.plan
    history = json.loads(contents["status.json"])
    assert [status["captured"] for status in history] == [10, 11]
    assert (history[0]["state"], history[0]["promised_rate"]) == ("running", "30")
    assert json.loads(contents["versions.json"])["torch"]
    assert "10.0.0.7/door" in contents["log.txt"]


def test_no_secret_comes_in_from_anywhere(tmp_path: Path) -> None:
    """Also where a caller was careless: settings, figures and log are searched once more."""
    login = "rtsp://anna:s3cret@10.0.0.7/door?token=t0ken"
    log = tmp_path / "lowlux.log"
    log.write_text(f"ERROR {login} failed\nFile /home/erika/films/walk.py\n" * 3)
    preferences = Preferences(
        uri="rtsp://anna:s3cret word@10.0.0.7/door",
        recent=(login,),
        record=RecordChoice(folder=Path("/home/erika/Videos")),
    )
    status = replace(STATUS, title=login, trouble=f"{login} is gone", notes=("/Users/erika/a.mkv",))
    bundle = tmp_path / "help.zip"
    write_bundle(bundle, Facts(preferences, (status,), log))
    with zipfile.ZipFile(bundle) as opened:
        text = "\n".join(opened.read(name).decode() for name in opened.namelist())
    assert [secret for secret in SECRETS if secret in text] == []
    assert "10.0.0.7/door" in text
    assert "Videos" in text


def test_a_long_log_is_cut_at_a_line(tmp_path: Path) -> None:
    log = tmp_path / "lowlux.log"
    log.write_text("".join(f"line {number:06}\n" for number in range(40_000)))
    write_bundle(tmp_path / "help.zip", Facts(Preferences(), (), log))
    with zipfile.ZipFile(tmp_path / "help.zip") as opened:
        lines = opened.read("log.txt").decode().splitlines()
    assert lines[-1] == "line 039999"
    assert all(len(line) == 11 for line in lines)
    assert len(lines) < 25_000


def test_the_own_home_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", staticmethod(lambda: Path("/srv/people/erika")))
    assert without_secrets("in /srv/people/erika/Videos") == "in ~/Videos"
    assert without_secrets(r"in C:\Users\erika\Videos") == r"in C:\Users\***\Videos"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WriterError, match="choose another folder"):
        write_bundle(tmp_path / "gone" / "help.zip", Facts(Preferences(), (), tmp_path / "no.log"))


def test_the_log_itself_is_discreet() -> None:
    try:
        raise ValueError("rtsp://anna:s3cret@10.0.0.7/door")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "it broke", (), sys.exc_info())
    text = DiscreetFormatter("%(message)s").format(record)
    assert "ValueError: rtsp://10.0.0.7/door" in text
    assert "s3cret" not in text
