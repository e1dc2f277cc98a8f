"""An output is proved by its manifest, and nothing that was changed passes for what was made."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from core.frame import Frame
from core.media.chunk_file import ChunkWriter
from core.media.joining import join
from core.media.keyframes import cut_into_chunks
from core.media.source import open_source
from core.run.chunk_task import run_chunk
from core.run.manifest import Manifest, Part, Recipe, manifest_path, read, save
from core.run.proof import Proof
from core.run.sample import Sample
from core.run.verify import Verdict, verify, write_manifest
from core.settings import EncodeSettings
from tests.conftest import Clip
from tests.run.batch_parts import quick_engine, quick_settings, quick_task

FAST = EncodeSettings(preset="ultrafast")
LATE_VFR = {
    "times": [648_000_000 + 1500 * i + 700 * (i % 3) for i in range(24)],
    "time_base": Fraction(1, 90000),
    "last_duration": 1500,
}
GROUPS = {"preset": "medium", "bf": "3", "g": "8", "sc_threshold": "0"}


@dataclass(frozen=True)
class Film:
    """An output with its manifest, and what it was made of."""

    source: Path
    output: Path
    manifest: Manifest

    @property
    def proof(self) -> Proof:
        return Proof(self.output, self.source, self.manifest.recipe)

    def verify(self, **how: Any) -> Verdict:
        return verify(self.output, source=self.source, **how)


def make_film(
    source: Path, output: Path, encode: EncodeSettings = FAST, copied: Sequence[int] = ()
) -> Film:
    """As a batch makes it: cut, enhanced in parts, joined, noted down."""
    settings = quick_settings(
        source.parent, encode=encode, chunk_seconds=0.0, only_dark=bool(copied)
    )
    identity = quick_engine(settings).identity(source, settings)
    parts, paths, samples = [], [], list[Sample]()
    for chunk in cut_into_chunks(source, 0):
        is_copied = chunk.number in copied
        paths.append(output.with_name(f"{output.name}-{chunk.number}"))
        done = run_chunk(
            quick_task(
                source, output, settings, path=paths[-1], chunk=chunk, warm_up=0.2,
                copied=is_copied, beside_copies=bool(copied), seed=identity.seed,
            )
        )  # fmt: skip
        samples += done.samples
        parts.append(Part(chunk=chunk, frames=done.frames, copied=is_copied))
    with open_source(source) as opened:
        info = opened.info
    join(paths, output, info, encode, copy_from=source)
    recipe = Recipe(identity=identity, parts=tuple(parts), warm_up=0.2, threads=1)
    return Film(source, output, write_manifest(output, source, recipe, samples))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Three parts, two tracks of sound; made once."""
    folder = tmp_path_factory.mktemp("kept")
    clip = Clip(times=range(24), width=64, height=48, audio=("eng", "deu"), options=GROUPS)
    return make_film(clip.write(folder / "in.mp4"), folder / "out.mp4")


@pytest.fixture
def film(kept: Film, tmp_path: Path) -> Film:
    """A copy of it that may be spoilt."""
    names = [kept.source.name, kept.output.name, manifest_path(kept.output).name]
    for name in names:
        shutil.copy(kept.source.with_name(name), tmp_path / name)
    return Film(tmp_path / names[0], tmp_path / names[1], kept.manifest)


def failures(verdict: Verdict) -> dict[str, str]:
    return {check.name: check.detail for check in verdict.checks if not check.passed}


def flip(path: Path, share: float = 0.5) -> None:
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * share)] ^= 1
    path.write_bytes(content)


FILMS: list[Any] = [
    pytest.param("in.mp4", {"audio": ("eng",), "options": GROUPS}, "out.mkv", 3, id="mkv"),
    pytest.param("in.mkv", LATE_VFR, "out.mp4", 3, id="late-vfr"),
    pytest.param("in.mp4", LATE_VFR, "out.mkv", 3, id="rounded"),
    pytest.param("in.ts", {"audio": ("eng",)}, "out.mp4", 3, id="sound-of-a-stream"),
    pytest.param("in.mkv", {"pixel_format": "yuv420p10le"}, "out.mp4", 3, id="ten-bit"),
    pytest.param("in.mp4", {"rotation": 90.0}, "out.mov", 3, id="turned"),
    pytest.param("in.avi", {}, "out.mp4", 3, id="without-times"),
]


@pytest.mark.parametrize(("name", "what", "output", "parts"), FILMS)
def test_a_fresh_output_passes(
    make_clip: Callable[..., Path],
    tmp_path: Path,
    name: str,
    what: dict[str, Any],
    output: str,
    parts: int,
) -> None:
    clip = make_clip(name, **{"times": range(24), "width": 64, "height": 48, **what})
    made = make_film(clip, tmp_path / output)
    assert len(made.manifest.recipe.parts) == parts
    assert all(check.passed for check in made.manifest.checks)
    verdict = verify(made.output)
    assert failures(verdict) == {}
    names = [check.name for check in verdict.checks]
    assert names == ["manifest", "output", "source", "times", "sound", "pictures"]
    assert "5 frames enhanced again, 5 the same to the bit" in verdict.checks[-1].detail


def test_every_frame_can_be_looked_at(film: Film) -> None:
    verdict = film.verify(count=None)
    assert verdict.passed
    assert "24 frames enhanced again, 5 the same to the bit" in verdict.checks[-1].detail
    assert film.verify(count=1).passed


def test_what_is_enhanced_again_is_what_was_encoded(
    make_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: dict[int, str] = {}
    write = ChunkWriter.write

    def watched(self: ChunkWriter, frame: Frame) -> None:
        encoded[frame.pts] = hashlib.sha256(frame.pixels.tobytes()).hexdigest()
        write(self, frame)

    monkeypatch.setattr(ChunkWriter, "write", watched)
    made = make_film(make_clip(times=range(24), width=64, height=48), tmp_path / "out.mkv")
    assert len(encoded) == len(set(encoded.values())) == 24
    sample = made.manifest.sample
    assert [encoded[noted.pts] for noted in sample] == [noted.sha256 for noted in sample]
    assert tuple(made.proof.samples(made.proof.drawn(5))) == sample


def test_an_output_that_is_wrong_from_the_start_is_noted_so(film: Film) -> None:
    shutil.copy(film.source, film.output)
    first, *others = film.manifest.sample
    sample = (first.model_copy(update={"db": 9.0}), *others)
    manifest = write_manifest(film.output, film.source, film.manifest.recipe, sample)
    wrong = {check.name: check.detail for check in manifest.checks if not check.passed}
    when = f"the frame at {film.proof.seconds(first):.3f} s"
    assert wrong == {"pictures": f"{when} shows its source enhanced with only 9.0 dB PSNR"}
    assert set(failures(film.verify())) == {"pictures"}


@pytest.mark.parametrize("which", ["source", "output", "manifest"])
def test_one_changed_byte_is_noticed(film: Film, which: str) -> None:
    path = {
        "source": film.source,
        "output": film.output,
        "manifest": manifest_path(film.output),
    }[which]
    flip(path)
    wrong = failures(film.verify())
    assert "changed" in wrong[which]
    assert str(path) in wrong[which]
    others = {"source", "output", "manifest"} - {which}
    assert not others & set(wrong)


def remuxed(path: Path, change: Callable[[Any, int], bool]) -> None:
    """Written again packet for packet, but for those that `change` drops or alters."""
    other = path.with_name("other.mp4")
    with av.open(str(path)) as source, av.open(str(other), "w") as target:
        streams = {s.index: target.add_stream_from_template(s, opaque=True) for s in source.streams}
        counts = dict.fromkeys(streams, 0)
        for packet in source.demux():
            if packet.size and packet.dts is not None:
                counts[packet.stream_index] += 1
                if change(packet, counts[packet.stream_index]):
                    packet.stream = streams[packet.stream_index]
                    target.mux(packet)
    other.replace(path)


def test_a_dropped_frame_is_noticed(film: Film) -> None:
    remuxed(film.output, lambda packet, count: packet.stream.type != "video" or count != 5)
    wrong = failures(film.verify())
    assert "it has 23 frames, its source 24" in wrong["times"]
    assert set(wrong) == {"output", "times", "pictures"}


def test_a_moved_frame_is_noticed(film: Film) -> None:
    def late(packet: Any, count: int) -> bool:
        if packet.stream.type == "video":
            packet.pts += count == 24
        return True

    remuxed(film.output, late)
    wrong = failures(film.verify())
    assert wrong["times"] == "frame 23 is shown at 0.920078 s, in the source at 0.920000 s"


def test_altered_sound_is_noticed(film: Film) -> None:
    def louder(packet: Any, count: int) -> bool:
        if packet.stream_index == 2 and count == 3:
            memory = np.frombuffer(packet, dtype=np.uint8)
            memory.flags.writeable = True
            memory[-1] ^= 1
        return True

    remuxed(film.output, louder)
    wrong = failures(film.verify())
    assert wrong["sound"] == "track 1 (aac) is not as in the source"
    assert set(wrong) == {"output", "sound"}


def test_a_lost_track_is_noticed(film: Film) -> None:
    remuxed(film.output, lambda packet, _: packet.stream_index != 2)
    wrong = failures(film.verify())
    assert wrong["sound"] == "tracks: 1, in the source 2"


def test_other_pictures_are_noticed(film: Film) -> None:
    shutil.copy(film.source, film.output)
    wrong = failures(film.verify())
    assert set(wrong) == {"output", "pictures"}
    assert "is not its source enhanced: PSNR" in wrong["pictures"]


def noted(film: Film, **values: Any) -> None:
    """The manifest says otherwise."""
    save(read(film.output).model_copy(update=values), film.output)


def test_pixels_have_to_be_equal_on_the_same_machine(film: Film) -> None:
    sample = film.manifest.sample
    spoilt = sample[2].model_copy(update={"sha256": "0" * 64})
    noted(film, sample=(*sample[:2], spoilt, *sample[3:]))
    wrong = failures(film.verify())
    when = f"the frame at {film.proof.seconds(spoilt):.3f} s"
    assert wrong == {"pictures": f"{when} enhanced again is not what it was"}


def test_another_machine_is_forgiven_its_last_bit(film: Film) -> None:
    sample = film.manifest.sample
    other = {"sha256": "0" * 64, "means": sample[0].means.model_copy(update={"name": "another"})}
    noted(film, sample=tuple(one.model_copy(update=other) for one in sample))
    verdict = film.verify()
    assert verdict.passed
    assert "0 the same to the bit" in verdict.checks[-1].detail
    assert "so not to the bit" in verdict.checks[-1].detail


def test_what_was_noted_has_to_be_there(film: Film) -> None:
    noted(film, times_sha256="0" * 64, sound=film.manifest.sound[:1])
    assert set(failures(film.verify())) == {"times", "sound"}


def test_another_model_is_named(film: Film) -> None:
    recipe = film.manifest.recipe
    identity = recipe.identity.model_copy(update={"model_sha256": "0" * 64})
    noted(film, recipe=recipe.model_copy(update={"identity": identity}))
    wrong = failures(film.verify())
    assert set(wrong) == {"pictures"}
    assert "is not the one this film was begun with" in wrong["pictures"]
    noted(film, recipe=recipe, prior="hrnet-w18-small", prior_sha256="0" * 64)
    assert "prior hrnet-w18-small here is not the one" in failures(film.verify())["pictures"]


def test_a_source_is_found_beside_the_output(film: Film, tmp_path: Path) -> None:
    gone = film.manifest.source.model_copy(update={"path": str(tmp_path / "gone" / "in.mp4")})
    noted(film, source=gone)
    assert verify(film.output).passed
    film.source.unlink()
    verdict = verify(film.output)
    assert "gone/in.mp4 is not there; name it with --source" in failures(verdict)["source"]
    assert [check.name for check in verdict.checks] == ["manifest", "output", "source"]


def test_an_output_without_manifest_or_file_is_told(film: Film) -> None:
    film.output.unlink()
    assert "cannot be read" in failures(film.verify())["output"]
    manifest_path(film.output).unlink()
    assert "out.mp4.lowlux.json is not there" in failures(film.verify())["manifest"]


def test_copied_parts_are_compared_packet_for_packet(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    clip = make_clip(times=range(32), options=GROUPS)
    made = make_film(clip, tmp_path / "out.mp4", EncodeSettings(preset="veryfast"), (1, 3))
    numbers = {round(made.proof.seconds(sample) * 25) for sample in made.manifest.sample}
    assert len(numbers) == 5
    assert numbers <= {*range(8), *range(16, 24)}
    verdict = verify(made.output, count=None)
    assert verdict.passed
    checks = {check.name: check.detail for check in verdict.checks}
    assert checks["copies"] == "2 parts, every packet as in the source"
    assert "16 frames enhanced again" in checks["pictures"]
    parts = made.manifest.recipe.parts
    swapped = tuple(part.model_copy(update={"copied": not part.copied}) for part in parts)
    noted(made, recipe=made.manifest.recipe.model_copy(update={"parts": swapped}))
    assert "not as in the source" in failures(verify(made.output))["copies"]


def test_the_draw_is_fixed_and_grows(film: Film) -> None:
    proof = film.proof
    few, more = proof.drawn(3), proof.drawn(9)
    assert few == proof.drawn(3)
    assert set(few) < set(more)
    assert more == sorted(more)
    assert proof.drawn(None) == proof.drawn(99) == list(range(24))
