"""talk.de.srt: the language in the names of texts, told or heard."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lipstream.commands.main import main
from lipstream.commands.outputs import unique_stems
from lipstream.events import TranscriptFinal
from tests.commands.fakes import Captions, sentence

Recording = Callable[[str], Path]


def said(text: str, start: float, language: str | None) -> TranscriptFinal:
    return replace(sentence(text, start), language=language)


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()} - {"talk.wav"}


def caption(recording: Recording, *more: str, formats: str = "txt,srt,json") -> int:
    return main(["file", str(recording("talk.wav")), "-f", formats, "--name-language", *more])


def test_the_language_that_most_words_are_in_comes_into_the_names_of_texts(
    captions: Captions, recording: Recording, tmp_path: Path, capsys
):
    captions.steps = [
        said("Yes.", 0.2, "en"),
        said("No.", 0.6, "en"),
        said("Das ist ein langer Satz.", 1.0, "de"),
    ]
    assert caption(recording, formats="txt,srt,vtt,ass,tsv,json,jsonl,emotion.csv,words.csv") == 0
    texts = {f"talk.de.{name}" for name in ("txt", "srt", "vtt", "ass", "tsv")}
    assert left(tmp_path) == texts | {"talk.json", "talk.jsonl", "talk.emotion.csv", "talk.words.csv"}
    assert (tmp_path / "talk.de.txt").read_text() == "Yes.\nNo.\nDas ist ein langer Satz.\n"
    assert json.loads((tmp_path / "talk.json").read_text())["language"] == "de"
    assert "saved talk.de.txt, .de.srt, .de.vtt, .de.ass, .de.tsv, .json" in capsys.readouterr().err


def test_without_the_option_names_are_as_they_were(captions: Captions, recording: Recording, tmp_path: Path):
    captions.steps = [said("Das ist ein Satz.", 0.2, "de")]
    assert main(["file", str(recording("talk.wav")), "-f", "srt", "--language", "de"]) == 0
    assert left(tmp_path) == {"talk.srt"}


@pytest.mark.parametrize("language", [None, "", "../de", "Deutsch", "d"])
def test_a_language_that_is_not_told_or_has_no_code_leaves_the_plain_name(
    captions: Captions, recording: Recording, tmp_path: Path, language: str | None
):
    captions.steps = [said("Ein Satz.", 0.2, language)]
    assert caption(recording, formats="srt") == 0
    assert left(tmp_path) == {"talk.srt"}


def test_a_language_that_was_chosen_is_in_the_name_from_the_beginning(
    captions: Captions, recording: Recording, tmp_path: Path
):
    grown: list[set[str]] = []
    captions.steps = [lambda: grown.append(left(tmp_path)), said("Ein Satz.", 0.2, None)]
    assert caption(recording, "--language", "de", formats="srt,json") == 0
    assert grown == [{"talk.de.srt.part", "talk.json.part"}]
    assert left(tmp_path) == {"talk.de.srt", "talk.json"}


def test_what_is_translated_is_called_english(captions: Captions, recording: Recording, tmp_path: Path):
    captions.steps = [said("A sentence.", 0.2, "en")]
    assert caption(recording, "--language", "de", "--translate", formats="srt") == 0
    assert left(tmp_path) == {"talk.en.srt"}


def test_the_configuration_asks_for_it_as_well_and_for_live_runs_too(captions: Captions, tmp_path: Path):
    captions.steps = [said("Un mot.", 0.2, "fr")]
    assert main(["live", "-f", "srt", "-q", "--set", "outputs.name_language=true"]) == 0
    (name,) = left(tmp_path)
    assert name.startswith("live-") and name.endswith(".fr.srt")


def test_a_file_grows_under_its_usual_name_and_stays_there_whole_if_the_run_is_killed(
    captions: Captions, recording: Recording, tmp_path: Path
):
    part, seen = tmp_path / "talk.srt.part", []

    def look() -> None:
        deadline = time.monotonic() + 60
        while not part.read_text() and time.monotonic() < deadline:
            time.sleep(0.001)
        seen.append((left(tmp_path), part.read_text()))

    captions.steps = [said("Ein Satz.", 0.0, "de"), look]
    assert caption(recording, formats="srt") == 0
    ((names, text),) = seen
    assert names == {"talk.srt.part"}
    assert text.endswith("Ein Satz.\n\n")
    assert (tmp_path / "talk.de.srt").read_text() == text


def test_a_run_that_is_stopped_or_fails_is_named_by_what_was_heard_until_then(
    captions: Captions, recording: Recording, tmp_path: Path
):
    def endless():
        yield said("Ein Satz.", 0.2, "de")
        yield lambda: signal.raise_signal(signal.SIGINT)
        while True:
            yield lambda: None

    captions.steps = endless()
    assert caption(recording, formats="srt") == 130
    captions.steps = [said("Une phrase.", 0.2, "fr"), ValueError("broken")]
    assert caption(recording, "--overwrite", formats="srt") == 1
    assert left(tmp_path) == {"talk.de.srt", "talk.fr.srt"}


@pytest.mark.parametrize("there", ["talk.de.srt", "talk.yue.srt", "talk.srt"])
def test_what_the_file_may_come_to_be_called_must_be_free(
    captions: Captions, recording: Recording, tmp_path: Path, capsys, there: str
):
    (tmp_path / there).write_text("corrected by hand")
    assert caption(recording, formats="srt") == 2
    assert f"{there} is there already; --overwrite replaces it" in capsys.readouterr().err
    assert captions.configs == [] and (tmp_path / there).read_text() == "corrected by hand"


@pytest.mark.parametrize("there", ["talk.part1.srt", "talk.d.srt", "talks.de.srt", "talk.de.json", "talk.de.vtt"])
def test_what_it_cannot_come_to_be_called_is_nobodys_business(
    captions: Captions, recording: Recording, tmp_path: Path, there: str
):
    (tmp_path / there).write_text("something else")
    assert caption(recording, formats="srt,json") == 0
    assert (tmp_path / there).read_text() == "something else"


def test_a_chosen_language_is_refused_only_where_its_own_file_is_there(
    captions: Captions, recording: Recording, tmp_path: Path
):
    (tmp_path / "talk.en.srt").write_text("by somebody else")
    assert caption(recording, "--language", "de", formats="srt") == 0
    assert caption(recording, "--language", "en", formats="srt") == 2
    assert (tmp_path / "talk.en.srt").read_text() == "by somebody else"


def test_a_folder_in_the_place_of_the_file_leaves_what_was_written(
    captions: Captions, recording: Recording, tmp_path: Path, capsys
):
    (tmp_path / "talk.de.srt").mkdir()
    captions.steps = [said("Ein Satz.", 0.2, "de")]
    assert caption(recording, formats="srt") != 0
    assert "talk.de.srt: Is a directory; what was written so far is in talk.srt.part" in capsys.readouterr().err
    assert "Ein Satz." in (tmp_path / "talk.srt.part").read_text()


def test_no_two_recordings_of_one_run_share_a_file(captions: Captions, recording: Recording, tmp_path: Path):
    inputs = [recording("talk.wav"), recording("talk.de.wav"), recording("talk.part2.wav")]
    assert unique_stems(inputs) == ["talk", "talk.de", "talk.part2"]
    assert unique_stems(inputs, "auto") == ["talk", "talk.de-2", "talk.part2"]
    assert unique_stems(inputs[::-1], "de") == ["talk.part2", "talk.de", "talk-2"]
