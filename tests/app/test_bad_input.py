"""Whatever is given: one sentence, the right exit code, and nothing touched or left behind."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from app.cli import run
from core.model import checkpoint
from core.settings import EnhanceSettings
from tests.app.conftest import FAST, ROOT, Done, Lowlux, program

MakeClip = Callable[..., Path]
FAILED, WRONG_USAGE = 1, 2


@pytest.fixture
def refused(enhance: Lowlux, tmp_path: Path) -> Callable[..., str]:
    """Runs, checks everything that holds for every refusal, and returns the sentence."""

    def check(source: Path, code: int, *more: object, output: Path | None = None) -> str:
        before = contents(tmp_path)
        done = enhance(source, output or tmp_path / "bright.mp4", *more)
        assert_one_sentence(done, code)
        assert contents(tmp_path) == before
        return done.err

    return check


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder, and what is in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def assert_one_sentence(done: Done, code: int) -> None:
    assert done.code == code, done.err
    assert len(done.err.splitlines()) == 1
    assert "Traceback" not in done.err
    assert "Unexpected" not in done.err
    assert [line for line in done.lines if line["event"] == "summary"] == []


def missing(folder: Path) -> Path:
    return folder / "missing.mp4"


def a_folder(folder: Path) -> Path:
    (folder / "folder.mp4").mkdir()
    return folder / "folder.mp4"


def empty(folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def text(folder: Path) -> Path:
    (folder / "text.mp4").write_text("Dear diary, it was dark. " * 200)
    return folder / "text.mp4"


def text_photo(folder: Path) -> Path:
    (folder / "text.png").write_text("Dear diary, it was dark. " * 200)
    return folder / "text.png"


def sound(folder: Path) -> Path:
    path = folder / "sound.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((2, 4800), np.float32), format="fltp", layout="stereo"
        )
        frame.sample_rate = 48000
        output.mux([*stream.encode(frame), *stream.encode(None)])
    return path


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (missing, WRONG_USAGE, "does not exist"),
        (a_folder, WRONG_USAGE, "is a folder"),
        (empty, FAILED, "is empty"),
        (text, FAILED, "not a video file"),
        (sound, FAILED, "no video"),
    ],
)
def test_what_is_no_film(
    refused: Callable[..., str], tmp_path: Path, make: Callable[[Path], Path], code: int, says: str
) -> None:
    source = make(tmp_path)
    said = refused(source, code)
    assert says in said
    assert source.name in said


def test_what_is_no_photograph(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "text.png" in refused(text_photo(tmp_path), FAILED, output=tmp_path / "bright.png")


def test_a_film_cut_before_its_index(refused: Callable[..., str], plain_clip: Path) -> None:
    data = plain_clip.read_bytes()
    plain_clip.write_bytes(data[: data.index(b"moov") - 4])
    assert "moov" in refused(plain_clip, FAILED)


def test_a_film_too_small_to_see(refused: Callable[..., str], make_clip: MakeClip) -> None:
    assert "too small" in refused(make_clip(width=16, height=16), FAILED)


def test_an_output_that_is_the_input(refused: Callable[..., str], plain_clip: Path) -> None:
    assert "is the input" in refused(plain_clip, WRONG_USAGE, output=plain_clip)
    assert "is the input" in refused(plain_clip, WRONG_USAGE, "--overwrite", output=plain_clip)
    alias = plain_clip.with_name("alias.mp4")
    alias.symlink_to(plain_clip)
    assert "is the input" in refused(plain_clip, WRONG_USAGE, "--overwrite", output=alias)


def test_an_output_that_is_a_photograph_s_input(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    photo = text_photo(tmp_path)
    assert "is the input" in refused(photo, WRONG_USAGE, "--overwrite", output=photo)


def test_an_output_that_a_photograph_would_replace(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "bright.png").write_text("mine")
    said = refused(text_photo(tmp_path), WRONG_USAGE, output=tmp_path / "bright.png")
    assert "exists already" in said


def test_a_moment_of_a_photograph(refused: Callable[..., str], tmp_path: Path) -> None:
    photo, output = text_photo(tmp_path), tmp_path / "bright.png"
    assert "one moment" in refused(photo, WRONG_USAGE, "--start", "1", output=output)


@pytest.mark.parametrize(
    ("name", "says"),
    [("none/bright.mp4", "does not exist"), ("bright", "should end in"), ("bright.png", "cannot")],
)
def test_an_output_that_cannot_be(
    refused: Callable[..., str], plain_clip: Path, tmp_path: Path, name: str, says: str
) -> None:
    assert says in refused(plain_clip, WRONG_USAGE, output=tmp_path / name)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder that even root cannot write")
def test_a_folder_that_cannot_be_written(refused: Callable[..., str], plain_clip: Path) -> None:
    said = refused(plain_clip, WRONG_USAGE, output=Path("/proc/bright.mp4"))
    assert "cannot be written" in said


@pytest.mark.skipif(os.name != "posix", reason="no limit on the size of files here")
@pytest.mark.parametrize("limit", [0, 700, 6000])
def test_a_disk_that_is_full(
    make_clip: MakeClip, weights: Path, tmp_path: Path, limit: int
) -> None:
    clip = make_clip(times=range(60))
    before = contents(tmp_path)
    command = program("enhance", clip, "-o", tmp_path / "bright.mp4", "--model", weights)[3:]
    code = (
        "import resource, sys; from app.cli import run; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
        "raise SystemExit(run(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command, "--crf", "0"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert_one_sentence(Done(done.returncode, done.stdout, done.stderr), FAILED)
    assert "free some space" in done.stderr
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--codec", "libx999"), "libx999"),
        (("--crf", "99"), "--crf"),
        (("--crf", "60"), "51 at the most"),
        (("--strength", "-1"), "--strength"),
        (("--strength", "much"), "--strength"),
        (("--prior-every", "0"), "--prior-every"),
        (("--device", "abacus"), "--device"),
        (("--compare", "above"), "--compare"),
        (("--start", "2", "--end", "1"), "--end"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_wishes_that_make_no_sense(
    refused: Callable[..., str], plain_clip: Path, arguments: tuple[str, ...], says: str
) -> None:
    assert says in refused(plain_clip, WRONG_USAGE, *arguments)


@pytest.mark.parametrize("command", ["enhance", "batch", "live"])
@pytest.mark.parametrize("field", EnhanceSettings.model_fields)
def test_each_command_takes_each_wish_for_a_picture(
    plain_clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str, field: str
) -> None:
    """A value that none of them allows is named, so it was looked at."""
    source = ["--headless", "--source"] if command == "live" else ["-o", str(tmp_path / "b.mp4")]
    option = f"--{field.replace('_', '-')}"
    assert run([command, *source, str(plain_clip), option, "-7"]) in (WRONG_USAGE, FAILED)
    said = capfd.readouterr().err
    assert "-7" in said
    assert "No such option" not in said


def test_a_start_after_the_end_of_the_film(refused: Callable[..., str], plain_clip: Path) -> None:
    assert "nothing is left" in refused(plain_clip, FAILED, "--start", "99")


def test_a_gpu_that_is_not_there(refused: Callable[..., str], plain_clip: Path) -> None:
    assert "CUDA" in refused(plain_clip, FAILED, "--device", "cuda")


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, crater: Path) -> None:
        self._crater = crater

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self._crater,)


@pytest.mark.parametrize("name", ["model.pth", "model.safetensors"])
def test_a_pickle_is_not_opened(
    refused: Callable[..., str], plain_clip: Path, tmp_path: Path, name: str
) -> None:
    crater, model = tmp_path / "crater", tmp_path / name
    model.write_bytes(pickle.dumps({"weights": Bomb(crater)}))
    assert "not a safetensors file" in refused(plain_clip, FAILED, "--model", model)
    assert not crater.exists()
    pickle.loads(model.read_bytes())
    assert crater.exists(), "the bomb is a dud, so this test proves nothing"


@pytest.mark.parametrize("name", ["nightowl", "none.safetensors"])
def test_a_model_nobody_knows(refused: Callable[..., str], plain_clip: Path, name: str) -> None:
    assert name in refused(plain_clip, FAILED, "--model", name)


def test_weights_with_wrong_names(
    refused: Callable[..., str], plain_clip: Path, weights: Path, tmp_path: Path
) -> None:
    model = tmp_path / "wrong.safetensors"
    state = {f"old.{name}": tensor for name, tensor in load_file(weights).items()}
    save_file(state, model, metadata=checkpoint.load(weights, "deepspg").header)
    assert "do not fit" in refused(plain_clip, FAILED, "--model", model)


def test_a_prior_is_no_enhancer(refused: Callable[..., str], plain_clip: Path) -> None:
    said = refused(plain_clip, FAILED, "--model", "hrnet-w18-small")
    assert "hrnet-prior" in said
    assert "deepspg" in said


def test_debug_shows_where_it_failed(tmp_path: Path) -> None:
    command = program("enhance", empty(tmp_path), "-o", tmp_path / "bright.mp4", "--debug", *FAST)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == FAILED
    assert done.stderr.startswith("Traceback")
    assert "SourceOpenError" in done.stderr


def test_debug_leaves_the_exit_code_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["enhance", str(empty(tmp_path)), "-o", str(tmp_path / "bright.mp4")]
    assert run([*arguments, "--strength", "3", "--debug"]) == WRONG_USAGE
    assert "--strength" in capfd.readouterr().err


def test_help_and_info_succeed(lowlux: Lowlux) -> None:
    for command in (("--help",), ("enhance", "--help"), ("info",)):
        assert lowlux(*command).code == 0


def test_info_on_what_is_no_film(lowlux: Lowlux, tmp_path: Path) -> None:
    done = lowlux("info", text(tmp_path))
    assert done.code == FAILED
    assert len(done.err.splitlines()) == 1
