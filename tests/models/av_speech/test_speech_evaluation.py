"""`eval speech`: which clips, what is compared, and how far the times of words are off."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from lipstream.models.av_speech.evaluation.conditions import (
    AUDIO_ONLY,
    AUDIO_VISUAL,
    BACKBONE,
    ELSEWHEN,
    LIPS_ALONE,
    MISMATCHED,
    MUTED,
    Systems,
    Trial,
    check_voices,
    evaluate,
    parse_conditions,
)
from lipstream.models.av_speech.evaluation.trials import chosen_clips, make_trials, seen_lips
from lipstream.models.av_speech.evaluation.word_errors import count_errors, right_words
from lipstream.models.av_speech.evaluation.word_time_errors import word_time_errors
from lipstream.models.av_speech.recording import LipTrack, Recording
from lipstream.models.av_speech.training.corpora import SpokenWord, Utterance
from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.fusion import FusedSpeech
from lipstream.models.speech.recogniser import Recogniser, Transcript
from tests.models.av_speech.lip_fakes import SAID, Hearing, Lips, recording
from tests.stages.fakes import CountingEngine, spoken

RATE = 16_000


def trial(**parts):
    words = tuple(SpokenWord(word, at / 2, at / 2 + 0.5) for at, word in enumerate(SAID.split()))
    return Trial(recording(), SAID, [np.ones(RATE, np.float32)] * 4, words, **parts)


SYSTEMS = Systems(Hearing(), lambda encoding, sound: encoding, Lips())


def test_every_row_has_its_errors_by_kind_and_lips_of_others_are_a_row_of_their_own():
    found = evaluate(
        [trial(mismatched=recording(2).lips)], parse_conditions("clean,0", "babble4"), SYSTEMS, 2, print_no
    )
    assert list(found) == ["clean", "babble4 0 dB", MUTED]
    assert list(found["clean"]) == [BACKBONE, AUDIO_ONLY, AUDIO_VISUAL, MISMATCHED]
    assert found["clean"][BACKBONE] | {"wer": 0} == {
        "words": 6, "substitutions": 0, "deletions": 4, "insertions": 0, "wer": 0, "wer by seed": [0.6667]
    }  # fmt: skip
    assert found["clean"][AUDIO_VISUAL]["wer"] == 0
    assert found["babble4 0 dB"][MISMATCHED]["wer by seed"] == [1.0, 1.0]
    assert found[MUTED][LIPS_ALONE]["wer"] == 0


def test_without_lips_of_somebody_else_for_every_clip_there_is_no_such_row():
    trials = [trial(mismatched=recording(2).lips), trial()]
    assert MISMATCHED not in evaluate(trials, parse_conditions("clean", ""), SYSTEMS, 1, print_no)["clean"]


def test_lips_of_the_speaker_from_another_clip_are_not_called_somebody_elses():
    found = evaluate([trial(elsewhen=recording(2).lips)], parse_conditions("clean", ""), SYSTEMS, 1, print_no)
    assert list(found["clean"]) == [BACKBONE, AUDIO_ONLY, AUDIO_VISUAL, ELSEWHEN]


def test_words_that_the_decoder_doubts_are_not_written_where_fusion_says_so():
    class Unsure(CountingEngine):
        def align(self, encoding, hypothesis):
            timed = super().align(encoding, hypothesis)
            return [
                dataclasses.replace(word, confidence=each) for word, each in zip(timed, (0.9, 0.2, 0.2), strict=True)
            ]

    engine = Unsure()
    sound, systems = spoken([1, 2, 3]), Systems(engine, None, None)
    encoding = engine.encode(sound)
    assert systems.text(FusedSpeech(encoding), sound) == "one two three"
    _, doubted, sure = engine.align(encoding, engine.decode(encoding))
    asked = np.zeros(len(encoding.features), np.float32)
    asked[: round((doubted.end + sure.start) / 2 * encoding.frame_rate)] = 0.3
    asking = FusedSpeech(dataclasses.replace(encoding, least_confidence=asked))
    assert systems.text(asking, sound) == "one three"


def test_another_recogniser_reads_the_sound_as_fusion_left_it():
    class Softens(Lips):
        def fuse(self, encoding, sound, lips):
            asked = np.array([0.0, 0.3], np.float32)
            return FusedSpeech(dataclasses.replace(encoding, least_confidence=asked, frame_rate=1.0), sound=sound / 2)

    class Loudness(Recogniser):
        def load(self): ...

        def recognise(self, utterance, hints):
            loud = f"{utterance.sound.max():.2f}"
            return Transcript((TimedWord(loud, 0.0, 0.9, 0.2), TimedWord(str(hints.language), 1.0, 2.0, 0.2)))

    systems = Systems(Hearing(), None, Softens(), Loudness(), "en")
    sound = np.full(32_000, 0.5, np.float32)
    found = systems.fused(sound, recording().lips)
    assert {name: systems.text(each, sound) for name, each in found.items()} == {
        BACKBONE: "0.50 en",
        AUDIO_VISUAL: "0.25",
    }


def test_what_is_finished_is_told_after_each_condition():
    told = []
    done = lambda figures: told.append(list(figures))  # noqa: E731
    evaluate([trial()], parse_conditions("clean,0", "white"), SYSTEMS, 1, print_no, done)
    assert told == [["clean"], ["clean", "white 0 dB"], ["clean", "white 0 dB", MUTED]]


def print_no(*_):
    """Progress that nobody looks at."""


@pytest.mark.parametrize("snr", ["nan", "inf", "", ",", "10 5"])
def test_levels_that_are_none_are_refused(snr):
    with pytest.raises(ModelError, match="expected 'clean'"):
        parse_conditions(snr, "white")


def test_decibels_without_a_noise_are_refused_and_conditions_come_once():
    with pytest.raises(ModelError, match="decibels and a noise"):
        parse_conditions("0", "")
    assert [str(each) for each in parse_conditions("clean,0,0.0,clean", "white,white")] == ["clean", "white 0 dB"]


def test_too_few_voices_are_said_before_the_work_begins():
    with pytest.raises(ModelError, match="babble9 needs 9 other voices, there are 4"):
        check_voices([trial()], parse_conditions("0", "babble4,babble9"))
    check_voices([trial()], parse_conditions("clean,0", "babble4,white"))


def utterances(*speakers):
    return [Utterance(Path(f"{i}.mp4"), f"clip{i}", each, "a text") for i, each in enumerate(speakers)]


def test_lips_of_somebody_else_are_of_another_speaker_where_there_is_one():
    recordings = [recording(1), recording(1), recording(2, sound=0.2)]
    trials = make_trials(utterances("ann", "ann", "bob"), recordings, None)
    assert [float(each.mismatched.points[0, 0, 0]) for each in trials] == [2, 2, 1]
    assert trials[0].elsewhen is recordings[1].lips and trials[2].elsewhen is None
    assert [len(each.voices) for each in trials] == [1, 1, 2]
    alone = make_trials(utterances("ann", "ann"), recordings[:2], [])
    assert alone[0].mismatched is None and alone[0].elsewhen is recordings[1].lips
    lent = make_trials(utterances("ann", "ann"), recordings[:2], [], [recordings[2].lips])
    assert [each.mismatched for each in lent] == [recordings[2].lips] * 2


def test_lips_that_are_lent_begin_where_a_mouth_is_seen():
    late, never = recording(1).lips, LipTrack.unseen(5)
    late.mask[:3] = False
    (found,) = seen_lips([Recording(np.zeros(0, np.int16), late), Recording(np.zeros(0, np.int16), never)])
    assert found.mask[0] and len(found.mask) == len(late.mask) - 3
    with pytest.raises(ModelError, match="expected faces"):
        seen_lips([Recording(np.zeros(0, np.int16), never)])


def test_clips_can_be_chosen_and_those_that_are_not_there_are_named(tmp_path):
    told, names = utterances("ann", "ann", "bob"), tmp_path / "clips.txt"
    names.write_text("clip2\n\nclip0\n")
    assert [each.name for each in chosen_clips(told, tmp_path, names)] == ["clip0", "clip2"]
    assert chosen_clips(told, tmp_path, None) == told
    for content, wrong in (("clip0\nclip7\n", "'clip7': no such clip"), ("", "it is empty")):
        names.write_text(content)
        with pytest.raises(ModelError, match=wrong):
            chosen_clips(told, tmp_path, names)
    with pytest.raises(ModelError, match="cannot be read"):
        chosen_clips(told, tmp_path, tmp_path / "missing.txt")
    with pytest.raises(ModelError, match="none has a transcript"):
        chosen_clips([Utterance(Path("a.mp4"), "a", "", None)], tmp_path, None)


def test_times_are_judged_of_words_that_are_right():
    found = word_time_errors([trial(), dataclasses.replace(trial(), words=())], SYSTEMS, print_no)
    assert found[BACKBONE] == {
        "words": 6, "right": 2, "start": {"median": 20, "p90": 20}, "end": {"median": 100, "p90": 100},
        "edges": {"median": 60, "p90": 100},
    }  # fmt: skip
    assert found[AUDIO_VISUAL]["right"] == 6
    assert word_time_errors([dataclasses.replace(trial(), words=())], SYSTEMS, print_no) == {}


def test_times_without_a_right_word_are_none():
    class Deaf(Hearing):
        texts = ("something else",)

    found = word_time_errors([trial()], Systems(Deaf(), None, None), print_no)
    assert found[BACKBONE] == {"words": 6, "right": 0, "start": None, "end": None, "edges": None}


def test_words_that_are_spelt_otherwise_are_right_and_sounds_that_are_no_words_are_passed_over():
    assert right_words(["place", "two", "uh", "now"], ["Place", "2,", "then", "now."]) == [(0, 0), (1, 1), (3, 3)]
    assert right_words([], ["now"]) == []


def test_errors_are_counted_with_digits_and_words_made_equal():
    found = count_errors(["twenty two birds", "it is late", ""], ["22 bird", "it's", "well then"])
    assert (found.words, found.substitutions, found.deletions, found.insertions) == (5, 1, 1, 2)
    assert found.rate == pytest.approx(4 / 5)
