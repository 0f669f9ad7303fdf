"""Subtitle cues: readable, in time, and nothing lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipstream.events import TranscriptFinal, Word
from lipstream.stages.sinks.cues import MAX_LINE, MAX_MS, MIN_MS, split_cues


def spoken(text: str, start: float = 0.0, pace: float = 0.3, gap: float = 0.05) -> TranscriptFinal:
    """A segment whose words take `pace` seconds each, `gap` seconds of silence between them."""
    words = []
    for word in text.split():
        words.append(Word(word=word, start=start, end=start + pace - gap, confidence=0.9))
        start += pace
    return TranscriptFinal(segment=1, start=words[0].start, end=words[-1].end, text=text, words=tuple(words))


@st.composite
def segments(draw: st.DrawFn, longest_word: int) -> list[TranscriptFinal]:
    """Consecutive segments with words at any speed and with any pauses."""
    token = st.text(alphabet="abcdefgh.,;?!'-", min_size=1, max_size=longest_word)
    time = 0.0
    finals = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        words = []
        for word in draw(st.lists(token, min_size=1, max_size=60)):
            start = time + draw(st.floats(0, 2))
            time = start + draw(st.floats(0, 3))
            words.append(Word(word=word, start=start, end=time, confidence=0.5))
        text = " ".join(word.word for word in words)
        finals.append(TranscriptFinal(segment=number, start=words[0].start, end=time, text=text, words=tuple(words)))
    return finals


@settings(max_examples=150, deadline=None)
@given(segments(longest_word=2 * MAX_LINE))
def test_cues_hold_every_word_once_in_order_within_the_limits(finals: list[TranscriptFinal]):
    cues = []
    for final in finals:
        cues += split_cues(final, cues[-1].end if cues else 0)
    letters = "".join("".join(line) for cue in cues for line in cue.lines).replace(" ", "")
    assert letters == "".join(final.text for final in finals).replace(" ", "")
    for cue in cues:
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < len(line) <= MAX_LINE for line in cue.lines)
        assert 0 < cue.end - cue.start <= MAX_MS
    for one, other in pairwise(cues):
        assert one.end <= other.start


@settings(max_examples=150, deadline=None)
@given(segments(longest_word=MAX_LINE))
def test_a_cue_begins_with_its_first_word_unless_the_cue_before_is_still_on(finals: list[TranscriptFinal]):
    for final in finals:
        starts = {round(word.start * 1000) for word in final.words}
        previous = None
        for cue in split_cues(final):
            assert cue.start in starts or cue.start == previous
            previous = cue.end


def test_a_short_sentence_is_one_cue_with_one_line():
    (cue,) = split_cues(spoken("Ask not what your country can do."))
    assert cue.lines == ("Ask not what your country can do.",)
    assert (cue.start, cue.end) == (0, 2050)


def test_cuts_fall_between_sentences_where_they_can():
    text = (
        "It was the best of times and it was the worst of times in the old town. "
        "It was the age of wisdom and of much foolishness too."
    )
    cues = split_cues(spoken(text))
    assert len(cues) >= 2
    assert any(cue.lines[-1].endswith("town.") for cue in cues)


def test_lines_break_after_punctuation_before_they_break_inside_a_phrase():
    (cue,) = split_cues(spoken("When the rain had stopped at last, all of us went home.", pace=0.2))
    assert cue.lines == ("When the rain had stopped at last,", "all of us went home.")


def test_words_that_come_slowly_are_cut_by_time():
    cues = split_cues(spoken("one two three four five six", pace=3.0))
    assert len(cues) >= 3
    assert all(cue.end - cue.start <= MAX_MS for cue in cues)


def test_a_single_quick_word_stays_long_enough_to_be_read():
    (cue,) = split_cues(spoken("Yes.", start=1.0, pace=0.4, gap=0.1))
    assert cue.start == 1000
    assert 1300 < cue.end <= 1000 + MIN_MS


def test_a_lingering_cue_gives_way_to_the_next_segment_without_overlap():
    (first,) = split_cues(spoken("Yes.", start=1.0, pace=0.2))
    (second,) = split_cues(spoken("No.", start=1.25, pace=0.2), first.end)
    assert second.start == first.end < second.end


def test_a_segment_without_word_times_is_spread_over_its_length():
    text = " ".join(["word"] * 40)
    cues = split_cues(TranscriptFinal(segment=1, start=10.0, end=20.0, text=text, words=()))
    assert " ".join(line for cue in cues for line in cue.lines) == text
    assert cues[0].start == 10_000
    assert len(cues) > 1


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07"])
def test_a_segment_without_text_makes_no_cue(text: str):
    assert split_cues(TranscriptFinal(segment=1, start=0.0, end=1.0, text=text, words=())) == []


def test_line_breaks_and_control_characters_in_a_word_do_not_reach_a_cue():
    word = Word(word="a\n\n2\x1b[31m\u202eb", start=0, end=1, confidence=1)
    (cue,) = split_cues(TranscriptFinal(segment=1, start=0.0, end=1.0, text="x", words=(word,)))
    assert cue.lines == ("a 2[31mb",)
