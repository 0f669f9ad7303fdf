"""Subtitle cues: readable, in time, and nothing lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipstream.config import SubtitlesConfig
from lipstream.events import TranscriptFinal, Word
from lipstream.stages.sinks.subtitles.cutter import LONGEST_PAUSE_MS, CueCutter, cut
from lipstream.stages.sinks.subtitles.width import columns
from tests.stages.sinks.subtitles.said import cues_of, lines_of, spoken, unspaced

RULES = SubtitlesConfig()
LANGUAGES = (None, "en", "de", "ja", "zh", "th")


@st.composite
def segments(draw: st.DrawFn) -> list[TranscriptFinal]:
    """Consecutive segments with words at any speed and with any pauses, of any script."""
    letters = draw(
        st.sampled_from(["abcdefgh.,;?!'-", "今日はいい天気ですね。、「」ー1A", "กขค่า", "Ab1 .", "é\u0301e가나"])
    )
    token = st.text(alphabet=letters.replace(" ", ""), min_size=1, max_size=90)
    short = st.text(alphabet=letters.replace(" ", ""), min_size=1, max_size=9)
    language = draw(st.sampled_from(LANGUAGES))
    time = 0.0
    finals = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        words = []
        for word in draw(st.lists(st.one_of(short, short, short, token), min_size=1, max_size=40)):
            start = time + draw(st.sampled_from([0.0, 0.0, 0.1, 0.5, 3.0]))
            time = start + draw(st.floats(0, 2))
            words.append(Word(word=word, start=start, end=time, confidence=0.5))
        text = ("" if language in ("ja", "zh", "th") else " ").join(word.word for word in words)
        finals.append(
            TranscriptFinal(
                segment=number,
                start=words[0].start,
                end=time,
                text=text,
                words=tuple(words),
                language=language,
                face=draw(st.sampled_from([None, 1, 2])),
                off_camera=False,
            )
        )
    return finals


@st.composite
def rules(draw: st.DrawFn) -> SubtitlesConfig:
    return SubtitlesConfig(
        max_chars=draw(st.sampled_from([8, 16, 37, 42, 80])),
        max_lines=draw(st.sampled_from([1, 2, 3])),
        max_cps=draw(st.sampled_from([10.0, 17.0])),
        gap=draw(st.sampled_from([0.0, 0.083, 0.5])),
        min_duration=draw(st.sampled_from([0.0, 0.833])),
        max_duration=draw(st.sampled_from([2.0, 7.0])),
        speakers=draw(st.sampled_from(["dash", "names", "none"])),
    )


@settings(max_examples=200, deadline=None)
@given(segments(), rules())
def test_cues_keep_within_lines_and_times_and_never_overlap(finals: list[TranscriptFinal], limits: SubtitlesConfig):
    cues = cut(finals, limits)
    for cue in cues:
        assert 1 <= len(cue.lines) <= limits.max_lines
        assert all(line and columns(line) <= limits.max_chars for line in cue.lines)
        assert 0 < cue.end - cue.start <= limits.max_duration * 1000
        assert tuple("".join(word.text for word in row) for row in cue.words) == cue.lines
        assert len(cue.voices) in (0, len(cue.lines))
    for one, other in pairwise(cues):
        assert one.end <= other.start


@settings(max_examples=200, deadline=None)
@given(segments(), rules())
def test_cues_hold_the_text_unchanged_and_once(finals: list[TranscriptFinal], limits: SubtitlesConfig):
    cues = cut(finals, limits.model_copy(update={"speakers": "none"}))
    shown = "".join("".join(cue.lines) for cue in cues).replace(" ", "")
    assert shown == "".join(final.text for final in finals).replace(" ", "")


@settings(max_examples=100, deadline=None)
@given(segments())
def test_a_cue_begins_with_its_first_word_unless_the_cue_before_is_still_on(finals: list[TranscriptFinal]):
    starts = {round(word.start * 1000) for final in finals for word in final.words}
    previous = None
    for cue in cut(finals, RULES):
        first = cue.words[0][0].start
        assert cue.start == first or cue.start == previous
        assert first in starts or len(cue.words[0][0].text) < 43
        previous = cue.end


@settings(max_examples=100, deadline=None)
@given(segments(), rules())
def test_what_is_settled_does_not_depend_on_what_is_looked_at_meanwhile(
    finals: list[TranscriptFinal], limits: SubtitlesConfig
):
    cutter, cues = CueCutter(limits), []
    for final in finals:
        cues += cutter.add(final)
        assert all(cue.start >= cues[-1].end for cue in cutter.pending() if cues)
    assert cues + cutter.finish() == cut(finals, limits)


# When cues come and go.


def test_a_short_sentence_is_one_cue_with_one_line():
    (cue,) = cues_of(spoken("Ask not what your country can do."))
    assert cue.lines == ("Ask not what your country can do.",)
    assert (cue.start, cue.end) == (0, 2050)


def test_a_cue_that_is_read_slower_than_it_is_said_lingers_into_the_silence():
    fast = spoken("Seventeen characters every second are possible.", pace=0.1, gap=0.01)
    (cue,) = cues_of(fast)
    assert fast.end < 1
    assert cue.cps == pytest.approx(17, abs=0.1)


def test_a_cue_lingers_no_further_than_the_gap_before_the_next():
    first = spoken("Seventeen characters every second are possible here and now with two lines.", pace=0.1, gap=0.01)
    one, two = cues_of(first, spoken("And this is what comes next after that, or nearly so.", start=2.0))
    assert (one.end, two.start) == (2000 - 83, 2000)


def test_a_cue_that_ends_just_before_the_next_stays_until_that():
    text = "This is one sentence of a fair length, and it fills two lines very well indeed."
    one, two = cues_of(spoken(text), spoken(text, start=5.0))
    assert one.words[-1][-1].end == 4750
    assert (one.end, two.start) == (5000 - 83, 5000)


def test_a_single_quick_word_stays_long_enough_to_be_read():
    (cue,) = cues_of(spoken("Yes.", start=1.0, pace=0.4, gap=0.1))
    assert (cue.start, cue.end) == (1000, 1833)


def test_words_that_come_slowly_are_cut_by_time():
    cues = cues_of(spoken("one two three four five six", pace=3.0))
    assert len(cues) >= 3
    assert all(cue.end - cue.start <= 7000 for cue in cues)


def test_no_cue_tells_what_is_said_after_a_long_pause():
    pause = LONGEST_PAUSE_MS / 1000 + 0.1
    assert len(cues_of(spoken("Yes."), spoken("And then he came.", start=0.25 + pause))) == 2


@pytest.mark.parametrize("gap", [0.0, 0.083, 0.4])
def test_the_gap_is_kept_between_words_that_follow_each_other_at_once(gap: float):
    cues = cues_of(spoken(" ".join(["words"] * 80), gap=0.0), gap=gap)
    assert len(cues) > 3
    assert all(other.start - one.end >= round(gap * 1000) for one, other in pairwise(cues))


# Where cues and lines are cut.


def test_cuts_fall_between_sentences_where_they_can():
    text = (
        "It was the best of times and it was the worst of times in the old town. "
        "It was the age of wisdom and of much foolishness too."
    )
    cues = cues_of(spoken(text))
    assert len(cues) >= 2
    assert any(cue.lines[-1].endswith("town.") for cue in cues)


def test_lines_break_after_punctuation_before_they_break_inside_a_phrase():
    (lines,) = lines_of(spoken("When the rain had stopped at last, all of us went home.", pace=0.2))
    assert lines == ("When the rain had stopped at last,", "all of us went home.")


def test_lines_are_about_as_long_as_each_other():
    (lines,) = lines_of(spoken("somewhere somebody something sometimes somehow someone", pace=0.4))
    assert abs(len(lines[0]) - len(lines[1])) <= 10


def test_a_word_that_ends_a_sentence_joins_the_cue_before_rather_than_stand_alone():
    lines = lines_of(spoken("Nobody had ever thought that this could be so very difficult for all of us, and it was."))
    assert all(len(" ".join(each).split()) > 1 for each in lines)


def test_a_lone_word_joins_its_neighbour_across_a_pause_and_a_segment():
    assert lines_of(spoken("So."), spoken("What shall we do now?", start=1.0)) == [("So. What shall we do now?",)]


def test_segments_of_a_few_words_become_one_cue():
    said = [spoken("we went", 0.0), spoken("to the market", 0.9), spoken("and bought", 2.0), spoken("some bread.", 2.9)]
    assert lines_of(*said) == [("we went to the market", "and bought some bread.")]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("All of them had been born and brought up in New York City before the war.", "New York City"),
        (
            "It costs far more than anybody had expected: twenty five million dollars in all.",
            "twenty five million dollars",
        ),
        ("We have waited for this for all of our lives, said Dr. Anna Maria Smith to us.", "Dr. Anna Maria Smith"),
        ("The music that you have heard was written by Ludwig van Beethoven in Vienna.", "Ludwig van Beethoven"),
        ("The parcel that came this morning in the rain must have weighed 25 kg at least.", "25 kg"),
        ("Nobody who was there will ever forget the morning of July 20, 1969 in Houston.", "July 20, 1969"),
        ("You will find all that I have told you about on page 394 of the red book here.", "page 394"),
    ],
)
@pytest.mark.parametrize("words_before", range(0, 9))
def test_numbers_and_names_are_not_split(text: str, whole: str, words_before: int):
    lead = " ".join(["well"] * words_before)
    lines = [line for cue in lines_of(spoken(f"{lead} {text}".strip())) for line in cue]
    assert any(whole in line for line in lines)


def test_text_in_title_case_is_cut_all_the_same():
    lines = lines_of(spoken("The Quick Brown Fox Jumps Over The Lazy Dog And Then Goes Home To Bed For The Night"))
    assert all(len(line) <= 42 for cue in lines for line in cue)


# Scripts.


def test_japanese_lines_count_wide_characters_twice_and_break_behind_a_phrase():
    text = "今日はとても天気がいいので、公園まで歩いて行こうと思っています。"
    (lines,) = lines_of(unspaced(text))
    assert "".join(lines) == text
    assert lines == ("今日はとても天気がいいので、", "公園まで歩いて行こうと思っています。")
    assert all(columns(line) <= 42 for line in lines)


@pytest.mark.parametrize("most", [16, 20, 26, 42])
def test_no_japanese_line_begins_with_what_ends_one(most: int):
    text = "「ちょっと待ってください」と言われたので、しばらく待っていました。そうしたら、コンピューターが動きました。"
    lines = [line for cue in lines_of(unspaced(text), max_chars=most) for line in cue]
    assert "".join(lines) == text
    assert not any(line[0] in "、。」ーゃっょ" for line in lines)
    assert not any(line[-1] == "「" for line in lines)


def test_spaces_of_a_text_without_spaces_are_as_in_the_text():
    words = [("私は", 0.0), ("Visual", 0.4), ("Studio", 0.8), ("を", 1.2), ("使います。", 1.4)]
    timed = tuple(Word(word=word, start=at, end=at + 0.3, confidence=1.0) for word, at in words)
    said = TranscriptFinal(
        segment=1, start=0.0, end=1.7, text="私はVisual Studioを使います。", words=timed, language="ja"
    )
    assert lines_of(said) == [("私はVisual Studioを使います。",)]


def test_chinese_without_word_times_is_cut_between_characters():
    text = "我们今天要讨论的是一个非常重要的问题，请大家认真听讲。然后我们会有一个小时的时间来回答问题。"
    said = TranscriptFinal(segment=1, start=0.0, end=12.0, text=text, words=(), language="zh")
    lines = [line for cue in lines_of(said) for line in cue]
    assert "".join(lines) == text
    assert len(lines) > 2 and all(columns(line) <= 42 for line in lines)


def test_a_word_longer_than_a_line_is_cut_between_letters_and_not_between_a_letter_and_its_marks():
    said = spoken("e\u0301" * 50)
    lines = [line for cue in lines_of(said) for line in cue]
    assert "".join(lines) == "e\u0301" * 50
    assert not any(line.startswith("\u0301") for line in lines)


# What is not there.


def test_a_segment_without_word_times_is_spread_over_its_length():
    text = " ".join(["word"] * 40)
    cues = cues_of(TranscriptFinal(segment=1, start=10.0, end=20.0, text=text, words=()))
    assert " ".join(line for cue in cues for line in cue.lines) == text
    assert cues[0].start == 10_000
    assert len(cues) > 1


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07"])
def test_a_segment_without_text_makes_no_cue(text: str):
    assert cues_of(TranscriptFinal(segment=1, start=0.0, end=1.0, text=text, words=())) == []


def test_line_breaks_and_control_characters_in_a_word_do_not_reach_a_cue():
    word = Word(word="a\n\n2\x1b[31m\u202eb", start=0, end=1, confidence=1)
    (cue,) = cues_of(TranscriptFinal(segment=1, start=0.0, end=1.0, text="x", words=(word,)))
    assert cue.lines == ("a 2[31mb",)


# Speakers.


def test_a_change_of_speaker_within_a_cue_has_a_dash_on_each_line():
    said = [spoken("Is that so?", face=1), spoken("Yes.", start=1.1, face=2), spoken("We are.", start=4.0, face=2)]
    first, second = cues_of(*said)
    assert first.lines == ("-Is that so?", "-Yes.")
    assert first.voices == ("Face 1", "Face 2")
    assert second.lines == ("We are.",)


def test_nobody_takes_over_in_the_middle_of_a_sentence():
    """A face that was lost and found has another number: a dash there would be wrong."""
    said = [spoken("and so we", face=1), spoken("went home.", start=1.0, face=3)]
    assert lines_of(*said) == [("and so we",), ("went home.",)]


def test_who_is_off_camera_is_another_speaker_than_a_face_and_an_unknown_one_is_not():
    question, answer = spoken("Is that so?", face=1), spoken("Yes.", start=1.1, off_camera=True)
    assert lines_of(question, answer) == [("-Is that so?", "-Yes.")]
    assert lines_of(question, spoken("Yes.", start=1.1)) == [("Is that so? Yes.",)]


def test_names_stand_where_they_change():
    said = [
        spoken("Is that so?", face=1),
        spoken("Yes, it is, as you can see.", start=1.1, face=2),
        spoken("We are all of us very glad to hear that, to be sure.", start=6.0, face=2),
        spoken("Good.", start=12.0, off_camera=True),
    ]
    assert lines_of(*said, speakers="names") == [
        ("Face 1: Is that so?", "Face 2: Yes, it is, as you can see."),
        ("We are all of us very glad", "to hear that, to be sure."),
        ("Off camera: Good.",),
    ]


def test_without_marks_no_cue_has_two_speakers():
    said = [spoken("Is that so?", face=1), spoken("Yes.", start=1.1, face=2)]
    assert lines_of(*said, speakers="none") == [("Is that so?",), ("Yes.",)]


# What could not be met.


def test_cues_that_are_too_fast_or_too_short_are_counted():
    cutter = CueCutter(RULES)
    fast = " ".join(["extraordinarily"] * 30)
    cutter.add(spoken(fast, pace=0.3, gap=0.0))
    cutter.finish()
    tally = cutter.tally
    assert tally.cues > 4 and 0 < tally.fast <= tally.cues
    assert f"of {tally.cues} cues {tally.fast} over 17 characters a second (up to " in tally.remark


def test_cues_within_the_limits_leave_nothing_to_say():
    cutter = CueCutter(RULES)
    cutter.add(spoken("Ask not what your country can do."))
    cutter.finish()
    assert (cutter.tally.cues, cutter.tally.remark) == (1, "")


def test_one_that_has_no_room_is_counted_as_too_short_and_too_close():
    cutter = CueCutter(SubtitlesConfig(speakers="none"))
    cutter.add(spoken("Go.", pace=0.05, gap=0.0, face=1))
    cutter.add(spoken("No.", start=0.05, pace=0.05, gap=0.0, face=2))
    cutter.finish()
    assert (cutter.tally.short, cutter.tally.close) == (1, 1)
    assert "1 under 0.833 s, 1 less than 0.083 s behind the one before" in cutter.tally.remark


def test_where_two_speak_at_once_no_cue_is_gone_in_a_moment():
    long = spoken("One two three four five six seven eight. Nine ten eleven twelve thirteen fourteen.", pace=0.6)
    other = spoken("Yes indeed so it was.", 1.0, pace=0.3)
    for finals in ((long, other), (other, long)):
        cues = cues_of(*finals, speakers="none")
        assert all(cue.end - cue.start >= 500 for cue in cues)
        assert all(one.end <= following.start for one, following in pairwise(cues))


def test_cues_of_two_who_speak_at_once_come_in_order_though_each_has_several():
    first = spoken("We think about change. And it takes long. So we wait for it.", overlaps=True)
    second = spoken("Look at this. Nobody does that now. It is all wrong here.", start=0.4, overlaps=True)
    cues = cues_of(first, second, spoken("So it is.", start=9.0), max_chars=24, max_lines=1, max_duration=1.5)
    assert len(cues) > 5
    assert [cue.start for cue in cues] == sorted(cue.start for cue in cues)
