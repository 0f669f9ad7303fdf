"""What stands of speech that goes on, and what a final changes of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lipstream.events import Revision
from lipstream.models.speech.engine import TimedWord
from lipstream.stages.speech.live_text import FIRST_MOMENTS, FIRST_SURE, SEEN, SEEN_SURE, LiveText, Shown


def said(text: str, confidence: float = 0.9, step: float = 0.5, start: float = 0.0) -> list[TimedWord]:
    return [
        TimedWord(word, start + at * step, start + (at + 1) * step, confidence) for at, word in enumerate(text.split())
    ]


def test_a_word_stands_once_two_hypotheses_agree_and_its_sound_lies_behind():
    text = LiveText()
    assert text.add(said("one two three"), 2.0) == Shown("", "one two three")
    # "four" ends at 2.0, which is not far enough behind 2.3 to stand.
    assert text.add(said("one two three four"), 2.35) == Shown("one two three", " four")
    assert text.add(said("one two three four five"), 2.9) == Shown("one two three four", " five")


def test_a_word_is_shown_once_its_sound_is_over_and_the_first_one_at_once():
    """A word cut short is heard as another one, which then has to be taken back."""
    text = LiveText()
    assert text.add(said("one"), 0.5) == Shown("", "one")
    assert text.add(said("one two"), 1.0 + SEEN - 0.05).text == "one"
    assert text.add(said("one two"), 1.0 + SEEN).text == "one two"


def test_a_number_at_the_beginning_is_not_shown_before_its_sound_is_over():
    """The demo clip began with "2-3-3-3-3", made up in its first quarter of a second."""
    text = LiveText()
    assert text.add(said("2-3-3-3-3 is"), 0.6) == Shown()
    assert text.add(said("25 is"), 0.5 + SEEN).text == "25"


def test_a_word_that_the_network_is_not_sure_of_is_not_shown_nor_what_follows_it():
    text = LiveText()
    assert text.add(said("one", FIRST_SURE - 0.05), 2.0) == Shown()
    words = [*said("one", FIRST_SURE), *said("two", SEEN_SURE - 0.05, start=0.5), *said("three", start=1.0)]
    assert text.add(words, 5.0).text == "one"


def test_a_hypothesis_that_is_sure_of_less_takes_nothing_back():
    text = LiveText()
    text.add(said("one two three"), 5.0)
    assert text.add([*said("one two"), *said("three", 0.1, start=1.0)], 5.4) == Shown("one two", " three")
    assert text.add(said("one two three", 0.1), 5.8) == Shown("one two", " three")


def test_words_that_only_the_newest_hypothesis_has_do_not_stand():
    text = LiveText()
    text.add(said("I I I I really enjoyed"), 4.0)
    assert text.add(said("I really enjoy it because"), 4.4).stable == "I"


def test_nothing_stands_from_the_first_moments_alone():
    """What a network made up in the first half second once stayed for ever."""
    text = LiveText()
    for _ in range(5):
        shown = text.add(said("1, 2, 3,", step=0.1), FIRST_MOMENTS - 0.1)
    assert shown.stable == ""


def test_a_tentative_hypothesis_is_shown_and_lets_nothing_stand():
    text = LiveText()
    text.add(said("one two three"), 5.0)
    assert text.add(said("one two three"), 5.0, tentative=True) == Shown("", "one two three")
    assert text.add(said("one two three"), 5.0).stable == "one two three"


def test_the_sign_behind_the_newest_word_is_not_shown():
    text = LiveText()
    assert text.add(said("After two years of negotiations."), 3.0).unstable == "After two years of negotiations"
    assert LiveText().add(said("Are you? Yes."), 3.0).unstable == "Are you? Yes"


def test_the_sign_behind_the_last_word_that_stands_follows_what_comes_next():
    """A pause was shown as a full stop, and stayed one when the sentence went on."""
    text = LiveText()
    for _ in range(2):
        assert text.add(said("of negotiations."), 3.0).text == "of negotiations"
    assert text.shown.stable == "of negotiations"
    assert text.add(said("of negotiations, the United States"), 5.0).text == "of negotiations, the United States"


def test_a_hypothesis_that_contradicts_what_stands_goes_on_behind_it():
    text = LiveText()
    for _ in range(2):
        text.add(said("one too three four"), 2.35)
    assert text.shown == Shown("one too three", " four")
    assert text.add(said("one two free four five"), 2.9) == Shown("one too three four", " five")


def test_hypotheses_without_words_change_nothing_but_agree_with_nothing():
    text = LiveText()
    text.add(said("one two three"), 5.0)
    assert text.add([], 5.0) == Shown("", "one two three")
    assert text.add(said("one two three"), 5.0).stable == ""


def test_the_final_says_which_words_it_changes_of_those_that_stood():
    text = LiveText()
    for _ in range(2):
        text.add(said("I really enjoyed it because"), 9.0)
    assert text.shown.stable == "I really enjoyed it because"
    assert text.revisions(["I", "really", "enjoy", "it", "because", "I", "love", "learning."]) == (
        Revision(was="enjoyed", now="enjoy"),
    )
    assert text.revisions(["I", "really", "enjoyed", "it", "because", "I", "love."]) == ()
    assert text.revisions(["I", "REALLY", "enjoyed", "it.", "Because"]) == ()
    assert text.revisions(["Enjoyed", "it", "because"]) == (Revision(was="I really", now=""),)
    assert text.revisions([]) == (Revision(was="I really enjoyed it because", now=""),)


def test_a_last_word_that_changes_is_not_compared_with_all_that_follows():
    text = LiveText()
    for _ in range(2):
        text.add(said("one two thee"), 9.0)
    assert text.revisions(["one", "two", "three", "four", "five", "six"]) == (Revision(was="thee", now="three"),)


def test_nothing_is_left_of_a_segment_that_was_cleared():
    text = LiveText()
    for _ in range(2):
        text.add(said("one two three"), 9.0)
    text.clear()
    assert (text.shown, text.revisions(["four"])) == (Shown(), ())


hypotheses = st.lists(
    st.tuples(
        st.lists(
            st.tuples(st.sampled_from(["a", "b", "c."]), st.floats(0, 1), st.floats(0.05, 0.9)), min_size=0, max_size=6
        ),
        st.booleans(),
    ),
    max_size=10,
)


@given(hypotheses)
def test_what_stands_only_grows(found):
    text, stood = LiveText(), ""
    for number, (words, tentative) in enumerate(found):
        at, timed = 0.0, []
        for word, confidence, length in words:
            timed.append(TimedWord(word, at, at + length, confidence))
            at += length
        shown = text.add(timed, 0.4 * number + 0.6, tentative)
        assert shown.stable.startswith(stood)
        assert not shown.stable or not shown.unstable or shown.unstable.lstrip(".").startswith(" ")
        stood = shown.stable
