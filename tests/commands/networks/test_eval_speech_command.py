"""`eval speech`: the table, the files, and what is left of a run that is interrupted."""

from __future__ import annotations

import json

import pytest

from lipstream.commands.main import main
from lipstream.commands.networks import speech_networks
from lipstream.models.av_speech.evaluation.conditions import Systems
from tests.models.av_speech.lip_fakes import SAID, Hearing, Lips, recording


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Two clips of two speakers as GRID has them, and systems that need no networks."""
    folder = tmp_path / "grid"
    (folder / "clips").mkdir(parents=True)
    timed = " ".join(f"{word}@{at / 2}-{at / 2 + 0.5}" for at, word in enumerate(SAID.split()))
    clips = ("s1_a", "s2_b")
    (folder / "words.tsv").write_text("clip\twords\n" + "".join(f"{clip}\t{timed}\n" for clip in clips))
    for clip in clips:
        (folder / "clips" / f"{clip}.mp4").touch()
    monkeypatch.setattr(speech_networks, "reader", lambda: lambda path: recording(int(path.stem[1])))
    hearing = Hearing()
    monkeypatch.setattr(
        speech_networks, "systems_of", lambda profile: Systems(hearing, lambda encoding, sound: encoding, Lips())
    )
    return folder, hearing


def evaluate(folder, out, *arguments):
    return main(["eval", "speech", "--data", str(folder), "--out", str(out), "--snr", "clean,0", *arguments])


def test_rows_and_word_times_are_printed_and_kept_with_what_they_are_of(corpus, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    assert evaluate(corpus[0], out, "--noise", "babble1", "--seeds", "2") == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line[16:36].strip() for line in lines if line.startswith("babble1 0 dB")]
    assert rows == ["backbone", "audio-only fusion", "audio-visual", "someone else's lips"]
    assert any(line.startswith("word times      backbone") and "median error of start 20 ms" in line for line in lines)
    kept = json.loads((out / "speech.json").read_text())
    assert kept["complete"] is True
    assert kept["clips"] == ["s1_a", "s2_b"] and kept["seeds"] == [0, 1]
    assert kept["conditions"] == ["clean", "babble1 0 dB"] and list(kept["figures"]) == [*kept["conditions"], "muted"]
    assert kept["word times"]["backbone"]["right"] == 4
    assert (out / "speech.png").stat().st_size > 1000


def test_another_recogniser_is_asked_for_by_name(corpus, tmp_path, monkeypatch):
    asked = []

    def systems(name, language):
        asked.append((name, language))
        return Systems(corpus[1], None, Lips())

    monkeypatch.setattr(speech_networks, "systems_read_by", systems)
    chosen = ("--noise", "white", "--engine", "whisper", "--language", "en")
    assert evaluate(corpus[0], tmp_path / "out", *chosen) == 0
    assert asked == [("whisper", "en")]
    assert json.loads((tmp_path / "out" / "speech.json").read_text())["engine"] == "whisper"


def test_a_profile_is_refused_with_another_recogniser(corpus, tmp_path, capsys):
    assert evaluate(corpus[0], tmp_path / "out", "--engine", "whisper", "--profile", "ann") == 2
    assert "leave one of them out" in capsys.readouterr().err.splitlines()[-1]


def test_faces_that_are_lent_are_someone_elses_lips(corpus, tmp_path, capsys):
    (corpus[0] / "clips" / "s2_b.mp4").rename(corpus[0] / "clips" / "s1_b.mp4")
    table = corpus[0] / "words.tsv"
    table.write_text(table.read_text().replace("s2_b", "s1_b"))
    for folder in ("ann", "bob"):
        (tmp_path / "faces" / folder).mkdir(parents=True)
        (tmp_path / "faces" / folder / "x3.mp4").touch()
    assert evaluate(corpus[0], tmp_path / "out", "--noise", "white", "--faces", str(tmp_path / "faces")) == 0
    rows = [line[16:43].split("  ")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("clean")]
    assert rows[-2:] == ["someone else's lips", "lips of another clip"]
    kept = json.loads((tmp_path / "out" / "speech.json").read_text())
    assert kept["faces"] == str(tmp_path / "faces")
    clean = kept["figures"]["clean"]
    assert clean["lips of another clip"]["wer"] == 0 < clean["someone else's lips"]["wer"]


def test_what_was_finished_before_ctrl_c_is_kept(corpus, tmp_path, capsys, monkeypatch):
    folder, hearing = corpus
    decode, calls = hearing.decode, []

    def interrupted(encoding, prefix=(), draft=()):
        calls.append(encoding)
        if len(calls) > 2 * 4:
            raise KeyboardInterrupt
        return decode(encoding)

    monkeypatch.setattr(hearing, "decode", interrupted)
    assert evaluate(folder, tmp_path / "out", "--noise", "white") == 130
    assert capsys.readouterr().err.endswith(
        f"interrupted; what was finished is in {tmp_path / 'out' / 'speech.json'}\n"
    )
    kept = json.loads((tmp_path / "out" / "speech.json").read_text())
    assert kept["complete"] is False and list(kept["figures"]) == ["clean"]


def test_a_clip_that_changed_since_it_was_read_is_read_again(corpus, tmp_path, monkeypatch):
    folder, _ = corpus
    reads = []
    monkeypatch.setattr(speech_networks, "reader", lambda: lambda path: reads.append(path.stem) or recording(1))
    for _ in range(2):
        assert evaluate(folder, tmp_path / "out", "--noise", "white") == 0
    (folder / "clips" / "s2_b.mp4").write_text("another recording")
    assert evaluate(folder, tmp_path / "out", "--noise", "white") == 0
    assert reads == ["s1_a", "s2_b", "s2_b"]


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["--noise", "babble9"], "babble9 needs 9 other voices, there are 1"),
        (["--clips", "missing.txt"], "cannot be read"),
        (["--voices", "missing"], "found none"),
        (["--faces", "missing"], "other people's faces"),
    ],
)
def test_what_is_missing_is_one_line_and_exit_code_2(corpus, tmp_path, capsys, arguments, wrong):
    assert evaluate(corpus[0], tmp_path / "out", *arguments) == 2
    assert wrong in capsys.readouterr().err.splitlines()[-1]
