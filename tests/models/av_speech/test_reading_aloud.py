"""Sentences to read aloud, and what was read."""

from __future__ import annotations

import itertools
import string

import numpy as np
import pytest

from lipstream.models.av_speech.enrolment.read_aloud import Readings
from lipstream.models.av_speech.enrolment.sentences import sentences, still_to_read
from lipstream.models.av_speech.enrolment.take_check import LEAST_LIKENESS, likeness
from lipstream.models.av_speech.recording import LipTrack, Recording
from lipstream.models.errors import ModelError

WORDS_A_SECOND = 2.6


def recording(seconds=2.0):
    return Recording(np.zeros(int(seconds * 16_000), np.int16), LipTrack.unseen(int(seconds * 25)))


def test_there_are_sentences_of_different_length_for_a_quarter_of_an_hour():
    lengths = [len(each.split()) for each in sentences()]
    assert sum(lengths) / WORDS_A_SECOND + 0.6 * len(lengths) > 15 * 60
    assert min(lengths) <= 3 and max(lengths) >= 20
    # A recording with a transcript lasts 20 s at most, read slowly.
    assert max(lengths) / 1.5 < 20
    assert len(set(sentences())) == len(lengths)


def test_the_first_minutes_have_every_letter_and_spelling_of_a_sound():
    text = " ".join(sentences()[:60]).lower()
    for spelling in [*string.ascii_lowercase, "th", "sh", "ch", "oi", "ow", "oo", "ee", "ng", "mp", "pl", "fr", "qu"]:
        assert spelling in text


def test_sentences_are_plain_text_of_one_line():
    allowed = set(string.ascii_letters + " ,.?!'")
    assert all(set(each) <= allowed and each == " ".join(each.split()) for each in sentences())


def test_what_was_read_does_not_come_again_before_all_of_it_was():
    shown = ["a", "b", "c"]
    assert list(itertools.islice(still_to_read(["b"], shown), 5)) == ["a", "c", "a", "b", "c"]


def test_what_is_read_is_there_again_when_the_program_is_started_anew(tmp_path):
    readings = Readings(tmp_path / "read")
    assert readings.texts == [] and readings.seconds == 0
    readings.add('Say "this".', recording(2.0))
    readings.add("And that.", recording(1.5))
    again = Readings(tmp_path / "read")
    assert again.texts == ['Say "this".', "And that."]
    assert again.seconds == pytest.approx(3.5)
    assert [len(each.pcm) for each in again.recordings()] == [32_000, 24_000]
    assert again.drop_last() == "And that."
    again.add("Or this.", recording(1.0))
    assert Readings(tmp_path / "read").texts == ['Say "this".', "Or this."]


def test_a_damaged_list_is_one_line(tmp_path):
    (tmp_path / "read.tsv").write_text("clip\ttranscript\tseconds\nread-0001\thello\tlong\n")
    with pytest.raises(ModelError, match="to begin again"):
        Readings(tmp_path)


def test_a_sentence_is_told_from_others_and_from_its_half_but_not_from_its_mishearings():
    pytest.importorskip("whisper_normalizer")
    texts = sentences()
    for one, other in itertools.pairwise(texts):
        assert likeness(one, other) < LEAST_LIKENESS
    for text in texts:
        half = " ".join(text.split()[: len(text.split()) // 2])
        assert likeness(text, half) < LEAST_LIKENESS
    assert likeness("The bus was full.", "the bus was fool") >= LEAST_LIKENESS
    assert likeness("Five fine fresh figs, please.", "5 fine fresh fix please") >= LEAST_LIKENESS
