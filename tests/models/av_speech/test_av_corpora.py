"""Folders of speech: GRID, LRS3, tables of transcripts, and what is wrong with them."""

from __future__ import annotations

import pytest

from lipstream.models.av_speech.training.corpora import SpokenWord, find_utterances, read_transcripts
from lipstream.models.errors import ModelError


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def grid(folder):
    touch(folder / "clips" / "s1_a.mp4")
    header = "clip\twords (word@start-end seconds)\n"
    (folder / "words.tsv").write_text(header + "s1_a\tbin@0.730-0.990 blue@0.990-1.150\n", encoding="utf-8")


def test_grid_gives_words_with_their_times_and_the_speaker(tmp_path):
    grid(tmp_path)
    (found,) = find_utterances(tmp_path)
    assert (found.speaker, found.text) == ("s1", "bin blue")
    assert found.words == (SpokenWord("bin", 0.73, 0.99), SpokenWord("blue", 0.99, 1.15))


def test_corpora_are_found_one_folder_down(tmp_path):
    grid(tmp_path / "grid")
    touch(tmp_path / "lrs3" / "abc" / "00001.mp4")
    (tmp_path / "lrs3" / "abc" / "00001.txt").write_text("Text:  HELLO THERE\nConf:  2\n", encoding="utf-8")
    assert len(find_utterances(tmp_path)) == 2
    (utterance,) = find_utterances(tmp_path / "lrs3")
    assert (utterance.name, utterance.speaker, utterance.text) == ("abc_00001", "abc", "hello there")


def test_a_table_of_clips_gives_speakers_and_no_text_of_other_languages(tmp_path):
    touch(tmp_path / "clips" / "one.mp4")
    touch(tmp_path / "clips" / "two.mp4")
    header = "clip\tspeaker\tsource\tlanguage\twhisper_base_transcript\n"
    rows = "one\tann\tvlog\ten\tHi.\ntwo\tbob\tvlog\tde\tHallo.\n"
    (tmp_path / "clips.tsv").write_text(header + rows, encoding="utf-8")
    found = find_utterances(tmp_path)
    assert [(each.speaker, each.text, each.source) for each in found] == [("ann", "Hi.", "vlog"), ("bob", None, "vlog")]


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("clip\twords\ns1_a\tbin0.7-0.9\n", "word@start-end"),
        ("name\ttext\na\tb\n", "columns clip and transcript"),
        ("", "no rows"),
    ],
)
def test_a_table_of_another_form_is_refused_in_one_line(tmp_path, content, wrong):
    path = tmp_path / "words.tsv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=wrong) as caught:
        read_transcripts(path)
    assert "\n" not in str(caught.value)


def test_a_clip_of_the_table_that_is_not_there_is_named(tmp_path):
    grid(tmp_path)
    (tmp_path / "clips" / "s1_a.mp4").unlink()
    with pytest.raises(ModelError, match="s1_a"):
        find_utterances(tmp_path)


def test_a_folder_without_speech_says_what_is_expected(tmp_path):
    with pytest.raises(ModelError, match="LRS3"):
        find_utterances(tmp_path)
