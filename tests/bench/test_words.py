"""What the bench of the words measures: erasure, repeats, sentence ends, delays, word errors, languages."""

from __future__ import annotations

from dataclasses import replace

import pytest
import words
import words_systems
from words_report import measure, measure_live
from words_shown import Reading, Said, Shown, delays, erasure, languages_told, taken_back, whole_stable_words, word_lags
from words_systems import Row, Run, System, take
from words_texts import Errors, SentenceEnds, repeats, sentence_ends, word_errors

from lipstream.events import (
    SpeechEnded,
    SpeechStarted,
    TranscriptCorrected,
    TranscriptFinal,
    TranscriptPartial,
    Word,
)
from lipstream.pipeline import Degraded, End, Error, StageFailed

NOT_CORRECTED = {"corrected": 0, "corrected_gone": 0}


def partial(segment, emitted, stable, unstable):
    return TranscriptPartial(segment=segment, start=0.0, end=emitted, stable=stable, unstable=unstable, emitted=emitted)


def final(segment, emitted, *words):
    told = tuple(Word(word=word, start=start, end=end, confidence=1.0) for word, start, end in words)
    text = " ".join(word for word, _, _ in words)
    return TranscriptFinal(segment=segment, start=words[0][1], end=words[-1][2], text=text, words=told, emitted=emitted)


def heard(*events):
    reading = Reading()
    for event in events:
        take(reading, event)
    return reading


def test_taken_back_is_all_behind_the_common_beginning():
    assert taken_back([["a"], ["a", "b", "c"], ["a", "x", "c", "d"], ["a", "x", "c", "d"]]) == 2
    assert taken_back([["a", "b"], []]) == 2
    assert taken_back([["a", "b"]]) == 0


def test_erasure_counts_stable_and_unstable_together_and_stable_alone():
    reading = heard(
        partial(1, 1.0, "", "I like"),
        partial(1, 1.5, "I", " like it."),
        partial(1, 2.0, "I like", " it because"),
        final(1, 3.0, ("I", 0.2, 0.4), ("liked", 0.4, 1.0), ("it", 1.1, 1.3), ("because", 1.4, 2.0)),
    )
    # "it." is taken back, then "like it because", of which only "like" is gone; of the stable text "like".
    counts = {"shown": 1 + 3, "words": 3, "gone": 1, "stable": 1, "final": 4, "final_words": 4}
    assert erasure(reading) == counts | NOT_CORRECTED


def test_a_segment_that_gives_no_final_takes_back_all_it_showed():
    reading = heard(partial(1, 1.0, "", "1, 2, 3,"), partial(1, 1.5, "", ""), partial(2, 2.0, "No", " way"))
    counts = {"shown": 5, "words": 5, "gone": 5, "stable": 1, "final": 0, "final_words": 0}
    assert erasure(reading) == counts | NOT_CORRECTED


def test_a_stable_word_that_grows_is_not_taken_back():
    assert whole_stable_words(Shown(1, 0.0, "a tran", "a transcript")) == "a "
    assert whole_stable_words(Shown(1, 0.0, "a tran", "a tran script")) == "a tran"
    assert whole_stable_words(Shown(1, 0.0, "a ", "a transcript")) == "a "
    reading = heard(partial(1, 1.0, "a tran", "s"), final(1, 2.0, ("a", 0.0, 0.2), ("transcript", 0.2, 0.9)))
    assert erasure(reading)["stable"] == 0
    assert erasure(reading)["shown"] == 1


def test_erasure_counts_characters_where_words_are_not_spaced():
    reading = heard(partial(1, 1.0, "", "你们"), final(1, 2.0, ("你好", 0.0, 0.9)))
    counts = {"shown": 1, "words": 1, "gone": 1, "stable": 0, "final": 2, "final_words": 2}
    assert erasure(reading, "zh") == counts | NOT_CORRECTED


def test_what_corrections_take_back_is_counted_apart_and_texts_are_those_at_the_end(tmp_path):
    """It would look as if partials had been worse, or as if finals never changed."""
    first, second = final(1, 1.0, ("Black", 0.0, 0.4), ("end", 0.5, 0.9)), final(2, 2.0, ("white", 1.0, 1.5))
    row = Row(tmp_path / "a", "Black and white. Yes.")
    told = [partial(1, 0.5, "", "Black end"), first, replace(second, joint=","), final(3, 3.0, ("Yes.", 2.0, 2.5))]
    correction = TranscriptCorrected(
        segment=1, start=0.0, end=0.9, previous="Black end", text="Black and", words=(), emitted=2.5
    )
    uncorrected = erasure(heard(*told))
    reading = heard(*told, correction)
    assert erasure(reading) == uncorrected | {"corrected": 1, "corrected_gone": 1}
    assert (reading.text, reading.at_end().text) == ("Black end white Yes.", "Black and white Yes.")
    assert heard(*told).at_end().text == "Black end, white Yes."
    run = Run([reading], [], cpu=1.0, wall=1.0)
    both = words.all_measured({"live": run}, [row], {row: 1.0})
    assert [each["substitutions"] for each in both.values()] == [1, 0]
    assert list(both) == ["live", "live, at the end"]
    shown = measure_live(run, [row])
    assert (shown["finals"], shown["finals_corrected"]) == (3, 1)
    assert shown["words_gone_corrections"] == pytest.approx(1 / 4) and shown["words_gone"] == 0.0
    plain = Run([heard(first)], [], cpu=1.0, wall=1.0)
    assert list(words.all_measured({"file": plain}, [row], {row: 1.0})) == ["file"]


@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        ("I, I, I really enjoyed it", "I really enjoy it", ["i", "i"]),
        ("It's very, very good", "it's very very good", []),
        ("It's very, very, very good", "it's very very good", ["very"]),
        ("we went to the we went to the sea", "we went to the sea", ["we went to the"]),
        ("I I think", "I, um, I think", []),
        ("one two three four five one two three four five", "one two three four five", []),
        ("", "words", []),
    ],
)
def test_repeats_that_nobody_said(output, reference, expected):
    assert repeats(output, reference) == expected


def test_a_full_stop_at_a_pause_inside_a_sentence_is_wrong():
    reference = "Today, after two years of negotiations, the United States has won. It goes on."
    cut = ["Today, after two years.", "Of negotiations, the United States has won.", "It goes on."]
    assert sentence_ends(reference, cut) == SentenceEnds(
        inside=1, inside_marked=1, between=1, between_marked=1, marked=2, marked_wrong=1, reference=1, found=1
    )
    joined = ["Today, after two years", "of negotiations, the United States has won", "it goes on"]
    assert sentence_ends(reference, joined) == SentenceEnds(inside=1, between=1, reference=1)


def test_sentence_ends_are_found_where_words_differ():
    # "rein" stands for "rain", and "and" behind it is left out.
    left_out = sentence_ends("We waited for rain and. Nobody came by.", ["we waited for rein", "nobody came by"])
    assert (left_out.inside, left_out.between, left_out.between_marked) == (0, 1, 0)
    # "well" is made up: the sentence may end in front of it or behind it.
    made_up = sentence_ends("We waited for rain. Nobody came by.", ["We waited for rain.", "Well. Nobody came by."])
    assert (made_up.between_marked, made_up.marked, made_up.marked_wrong, made_up.found) == (1, 2, 0, 1)


def test_the_end_of_a_clip_and_abbreviations_and_bare_references_count_for_nothing():
    assert sentence_ends("Mr. Smith of the U.S. army. Yes.", ["Mr. Smith of the U.S. army."]).marked == 0
    assert sentence_ends("no punctuation at all", ["No.", "Punctuation at all."]) == SentenceEnds()
    assert sentence_ends("Some. Thing.", []) == SentenceEnds()


def test_lag_is_from_the_end_of_a_word_to_its_first_showing():
    words = (("one", 0.0, 0.4), ("two", 0.5, 0.8), ("three.", 0.9, 1.3))
    shown = [
        Shown(1, 0.3, "", "Once"),
        Shown(1, 0.7, "", "One to"),
        Shown(1, 1.0, "One", "One two"),
        Shown(1, 1.2, "One", "One too"),
        Shown(1, 2.0, "One two three.", "One two three."),
    ]
    assert word_lags(words, shown) == pytest.approx([0.3, 0.2, 0.7])


def test_a_word_is_not_shown_before_it_was_begun():
    words = (("no", 0.0, 0.2), ("means", 0.3, 0.6), ("no", 0.8, 1.0))
    shown = [Shown(1, 0.4, "", "no no"), Shown(1, 1.5, "no means no", "no means no")]
    assert word_lags(words, shown) == pytest.approx([0.2, 0.9, 0.5])


def test_delays_are_those_of_segments_that_gave_text():
    reading = heard(
        SpeechStarted(segment=1, start=1.0, emitted=1.1),
        partial(1, 1.3, "", ""),
        partial(1, 1.5, "", "Hi"),
        SpeechEnded(segment=1, start=1.0, end=1.8, reason="pause", emitted=2.1),
        final(1, 2.2, ("Hi", 1.0, 1.3)),
        SpeechStarted(segment=2, start=3.0),
        partial(2, 3.4, "", "Hm"),
        SpeechEnded(segment=2, start=3.0, end=3.5, reason="pause"),
        SpeechStarted(segment=3, start=4.0),
        SpeechEnded(segment=3, start=4.0, end=4.5, reason="end_of_stream"),
        final(3, 4.6, ("Bye", 4.0, 4.4)),
    )
    found = delays(reading)
    assert found["partial"] == pytest.approx([0.2, 0.2])
    assert found["first"] == pytest.approx([0.5, 0.6])
    assert found["final"] == pytest.approx([0.4])
    assert found["final_at_end"] == pytest.approx([0.1])


def test_word_errors_by_language():
    assert word_errors([("It's 20 cats.", "it is twenty cats"), ("a b", "a c d")], "en") == Errors(6, 1, 0, 1)
    assert word_errors([("你好吗", "你吗")], "zh") == Errors(3, 0, 1, 0)
    assert word_errors([("Um.", "made up")], "en") == Errors()


def test_languages_count_long_segments_with_text():
    said = [
        Said(1, "Guten Tag", 0.0, 4.0, language="de"),
        Said(2, "Hello", 4.0, 8.0, language="en"),
        Said(3, "Ja", 8.0, 9.0, language="de"),
        Said(4, "Na gut", 9.0, 13.0),
    ]
    assert languages_told(said, "de") == (1, 3)


def test_a_final_that_replaces_another_takes_its_place():
    reading = heard(
        final(1, 1.0, ("helo", 0.0, 0.5)), final(2, 2.0, ("you", 1.0, 1.5)), final(1, 2.5, ("hello", 0.0, 0.5))
    )
    assert sorted(said.text for said in reading.said) == ["hello", "you"]
    assert erasure(reading)["shown"] == 1


def test_measures_of_a_run_are_sums_over_its_clips(tmp_path):
    rows = [Row(tmp_path / "a", "black and white"), Row(tmp_path / "b", "eins zwei", "de")]
    readings = [
        heard(
            partial(1, 0.5, "", "black end"), final(1, 1.0, ("black", 0.0, 0.4), ("and", 0.5, 0.9), ("and", 0.9, 1.0))
        ),
        Reading(error="b: broken"),
    ]
    run = Run(readings, [Reading(), heard(final(1, 1.0, ("Boo", 0.0, 0.5)))], cpu=1.0, wall=1.0)
    measures = measure(run, rows)
    assert (measures["substitutions"], measures["deletions"], measures["insertions"]) == (1, 2, 0)
    assert measures["wer"] == pytest.approx(3 / 5)
    assert measures["languages"]["de"]["wer"] == 1.0
    assert (measures["silent_with_text"], measures["silent"]) == (1, 2)
    assert (measures["repeats"], measures["clips_with_repeats"]) == (1, 1)
    assert measures["failed"] == ["b: broken"]
    assert measure_live(run, rows)["erasure"] == pytest.approx(1 / 3)


def test_a_run_that_fails_counts_and_what_a_run_tells_of_itself_too(tmp_path, monkeypatch):
    """Events of a run that fails end like any others; only `wait` raises."""

    class Failing:
        def __init__(self, config) -> None: ...

        def events(self):
            return iter([final(1, 1.0, ("black", 0.0, 0.4)), End(reason="failed", duration=1.0)])

        def wait(self):
            raise StageFailed("decode", RuntimeError("broken"))

    monkeypatch.setattr(words_systems, "Pipeline", Failing)
    row = Row(tmp_path / "a.wav", "black")
    system = System("Lipstream", "file")
    with pytest.raises(StageFailed):
        words_systems._run(system, [row], [])
    failed = words_systems._guarded(words_systems._lipstream(system), row)
    assert failed.error.startswith("a.wav: ") and "broken" in failed.error
    told = heard(
        Degraded(modality="video", stage="load: faces", reason="cannot keep up"),
        Degraded(modality="audio", stage="decode", reason="cannot be read"),
        Error(stage="json", message="disk full", recoverable=True),
    )
    measures = measure(Run([failed, told], [], cpu=1.0, wall=1.0), [row, row])
    assert (measures["shed"], measures["troubles"]) == (1, ["decode: cannot be read", "json: disk full"])
    assert measures["failed"] == [failed.error]


def test_the_table_of_clips_is_read_and_what_is_wrong_with_it_is_told(tmp_path):
    (tmp_path / "a.wav").touch()
    table = tmp_path / "clips.tsv"
    table.write_text("a.wav\tSome words.\n\na.wav\tWorte\tde\na.wav\t\n", encoding="utf-8")
    path = tmp_path / "a.wav"
    assert words.read_rows(table) == [Row(path, "Some words."), Row(path, "Worte", "de"), Row(path)]
    table.write_text("a.wav\tSome words.\nb.wav\tMore.\n", encoding="utf-8")
    with pytest.raises(words.Wrong, match=r"line 2: there is no file .*b\.wav"):
        words.read_rows(table)


def test_variants_are_a_name_and_settings():
    told = words.variant("no faces: video.enabled=false speech.partials=on", told=False)
    assert told == System("no faces", "file", {"video.enabled": False, "speech.partials": True})
    with pytest.raises(words.Wrong, match="is no variant"):
        words.variant("video.enabled=false", told=False)


def test_live_clips_are_spread_over_the_list(tmp_path):
    rows = [Row(tmp_path / str(number), "x") for number in range(10)]
    assert [row.path.name for row in words.spread(rows, 3)] == ["0", "3", "6"]
    assert words.spread(rows, 20) == rows
