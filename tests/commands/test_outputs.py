"""The files of a run as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from lipstream.commands.outputs import Outputs, names, unique_stems, writers_for
from lipstream.events import SpeechStarted
from lipstream.pipeline import UserError
from lipstream.stages.sinks import EmotionVttWriter, TxtWriter, VttWriter, Writer
from tests.commands.fakes import sentence


def plain(*formats: str) -> dict[str, type[Writer]]:
    return writers_for(formats, emotion=True, vtt_emotion=False)


def test_a_run_that_never_starts_leaves_nothing(tmp_path: Path):
    with Outputs(tmp_path, "talk", plain("txt", "json"), "live"):
        assert {path.name for path in tmp_path.iterdir()} >= {"talk.txt.part", "talk.json.part"}
    assert list(tmp_path.iterdir()) == []


def test_when_one_file_cannot_be_begun_the_others_are_taken_back(tmp_path: Path):
    (tmp_path / "talk.srt").mkdir()
    with pytest.raises(UserError, match="folder of that name"), Outputs(tmp_path, "talk", plain("txt", "srt"), "live"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["talk.srt"]


def test_what_a_writer_left_behind_by_a_stop_has_written_is_not_thrown_away(tmp_path: Path):
    with Outputs(tmp_path, "talk", plain("txt"), "live") as outputs:
        outputs.writers["txt"].handle(SpeechStarted(segment=1, start=0.0))
        outputs.writers["txt"].handle(sentence("Still busy.", 0.0))
    assert (tmp_path / "talk.txt.part").read_text() == "Still busy.\n"
    outputs.writers["txt"].close()
    assert outputs.saved == [tmp_path / "talk.txt"]


def test_stems_are_never_used_twice():
    inputs = [Path(name) for name in ("a/talk.mp4", "b/talk.mov", "talk-2.wav", "b/TALK.mp4", ".hidden", "x.tar.gz")]
    assert unique_stems(inputs) == ["talk", "talk-2", "talk-2-2", "TALK-3", ".hidden", "x.tar"]


def test_names_share_their_stem():
    assert names([Path("out/talk.txt"), Path("out/talk.srt")]) == f"{Path('out/talk.txt')}, .srt"
    assert names([Path("talk.txt"), Path("talk.emotion.csv")]) == "talk.txt, .emotion.csv"
    assert names([Path("a.b.words.csv"), Path("a.b.eaf"), Path("a.b.tsv")]) == "a.b.words.csv, .eaf, .tsv"
    assert names([Path("a/talk.emotion.csv")]) == "a/talk.emotion.csv"


class Slow(TxtWriter):
    """Takes so many waits to be complete, in some of which it grows."""

    def __init__(self, path: Path, sizes: list[int]) -> None:
        super().__init__(path)
        self.sizes = sizes
        self.waits = 0

    def wait(self, timeout: float) -> bool:
        self.waits += 1
        return self.waits > len(self.sizes)

    @property
    def made_bytes(self) -> int:
        return self.sizes[self.waits - 1]


@pytest.mark.parametrize(
    ("sizes", "waits", "warned"), [([], 1, False), ([0], 1, True), ([5, 9, 12], 4, False), ([5, 9, 9, 12], 3, True)]
)
def test_a_file_that_is_still_being_made_is_waited_for_and_one_that_stands_still_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sizes: list[int], waits: int, warned: bool
):
    outputs = Outputs(tmp_path, "talk", {}, "live")
    writer = outputs.writers["txt"] = Slow(tmp_path / "talk.txt", sizes)
    outputs.settle()
    assert (writer.waits, "is not complete" in caplog.text) == (waits, warned)


def test_without_emotion_there_is_no_table_of_them():
    formats = ["txt", "emotion.csv"]
    assert list(writers_for(formats, emotion=True, vtt_emotion=False)) == formats
    assert list(writers_for(formats, emotion=False, vtt_emotion=False)) == ["txt"]


def test_cues_are_marked_only_where_it_is_asked_for():
    assert writers_for(["vtt"], emotion=True, vtt_emotion=False) == {"vtt": VttWriter}
    assert writers_for(["vtt"], emotion=True, vtt_emotion=True) == {"vtt": EmotionVttWriter}


@pytest.mark.parametrize(("formats", "emotion", "why"), [(["vtt"], False, "switched off"), (["srt"], True, "with -f")])
def test_marking_cues_that_cannot_be_marked_is_an_error(formats: list[str], emotion: bool, why: str):
    with pytest.raises(UserError, match=why):
        writers_for(formats, emotion=emotion, vtt_emotion=True)
