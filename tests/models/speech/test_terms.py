"""The phrases to be expected, as users give them."""

from __future__ import annotations

import pytest

from lipstream.models.errors import ModelError
from lipstream.models.speech.expected.terms import LONGEST_TERM, MOST_BONUS, MOST_TERMS, NO_TERMS, Terms


def written(tmp_path, content):
    path = tmp_path / "names.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_file_has_a_phrase_a_line_and_comments(tmp_path):
    path = written(tmp_path, "# people\nSiobhan\n\n  Ana   Lindqvist \r\nC#\n   # places\nSiobhan\n")
    assert Terms.from_file(path) == Terms(("Siobhan", "Ana Lindqvist", "C#"))


def test_a_byte_order_mark_is_no_part_of_the_first_term(tmp_path):
    assert Terms.from_file(written(tmp_path, b"\xef\xbb\xbfKim\n")).phrases == ("Kim",)


def test_the_same_letter_in_two_encodings_is_one_term():
    assert Terms.from_list(["Jose\N{COMBINING ACUTE ACCENT}", "Jos\N{LATIN SMALL LETTER E WITH ACUTE}"]).phrases == (
        "Jos\N{LATIN SMALL LETTER E WITH ACUTE}",
    )


def test_terms_are_a_key_and_false_when_there_are_none():
    assert len({Terms.from_list(["Kim"]), Terms(("Kim",)), Terms(("Kim",), bonus=1.0)}) == 2
    assert not NO_TERMS
    assert Terms(("Kim",))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"...", "no letter or digit"),
        (b"x" * (LONGEST_TERM + 1), "81 characters"),
        (b"bell\x07", "control character"),
        (b"caf\xe9", "not UTF-8"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path, line, fault):
    path = written(tmp_path, b"# names\nKim\n" + line + b"\n")
    with pytest.raises(ModelError, match=rf"names\.txt, line 3: .*{fault}") as error:
        Terms.from_file(path)
    assert "\n" not in str(error.value)


def test_a_phrase_of_a_list_that_cannot_be_used_is_named():
    with pytest.raises(ModelError, match=r"^term 2: '\?'"):
        Terms.from_list(["Kim", "?"])


def test_too_many_terms_are_an_error():
    assert len(Terms.from_list(f"name {each}" for each in range(MOST_TERMS)).phrases) == MOST_TERMS
    with pytest.raises(ModelError, match="more than 500 terms"):
        Terms.from_list(f"name {each}" for each in range(MOST_TERMS + 1))


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ModelError, match=r"cannot read the terms in .*none\.txt"):
        Terms.from_file(tmp_path / "none.txt")


@pytest.mark.parametrize("bonus", [-0.1, MOST_BONUS + 0.1, float("nan")])
def test_a_bonus_out_of_bounds_is_an_error(bonus):
    with pytest.raises(ModelError, match="expected 0 to 12"):
        Terms(("Kim",), bonus)


@pytest.mark.parametrize("text", ["Ada", "Ada Lovelace"])
def test_a_text_in_place_of_a_list_is_not_taken_for_its_letters(text: str):
    with pytest.raises(ModelError, match=f"a list of terms .* got the text '{text}'"):
        Terms.from_list(text)


def test_a_term_that_is_no_text_is_refused_by_its_number():
    with pytest.raises(ModelError, match="term 2: expected a text, got 7"):
        Terms.from_list(["Ada", 7])
