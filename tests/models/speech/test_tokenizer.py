"""Token ids to text and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.models import assets
from lipstream.models.errors import ModelError
from lipstream.models.speech.tokenizer import Tokenizer

BYTES = [b"<unk>", b"<s>", b"</s>", *(bytes([value]) for value in range(256))]
WORDS = ["▁No", "▁way", ",", ".", "▁", "▁▁▁", "body", "▁caf"]
PIECES = [*BYTES, *(word.encode() for word in WORDS), b"<<ST_0>>", b"<<ST_1>>"]
NO, WAY, COMMA, STOP, SPACE, SPACES, BODY, CAF = range(259, 259 + len(WORDS))


def as_byte(value: int) -> int:
    return 3 + value


E_ACUTE = [as_byte(value) for value in "é".encode()]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(PIECES)


def spelled(spans):
    return [(span.text, span.first, span.last) for span in spans]


def test_text_is_detokenised_and_stripped(tokenizer):
    assert tokenizer.text([NO, BODY, COMMA, WAY, STOP]) == "Nobody, way."


def test_byte_tokens_join_to_one_character(tokenizer):
    assert tokenizer.text([CAF, *E_ACUTE, STOP]) == "café."


def test_bytes_that_are_not_utf8_are_replaced_not_raised(tokenizer):
    assert tokenizer.text([NO, E_ACUTE[0]]) == "No\ufffd"


def test_encoding_joins_the_piece_learnt_first(tokenizer):
    learnt = Tokenizer([*BYTES, *(piece.encode() for piece in ("▁", "a", "b", "ab", "▁a", "▁ab"))])
    assert learnt.encode("ab") == [259 + 5]
    assert learnt.encode("ab ba") == [259 + 5, 259 + 0, 259 + 2, 259 + 1]


def test_signs_that_are_no_piece_become_their_bytes(tokenizer):
    assert tokenizer.encode("é") == [SPACE, *E_ACUTE]
    assert tokenizer.text(tokenizer.encode("Nein, é!")) == "Nein, é!"


def test_no_text_has_no_tokens(tokenizer):
    assert tokenizer.encode("  ") == []


@pytest.mark.media
def test_what_the_recogniser_writes_is_encoded_as_it_was_written():
    published = Tokenizer.from_file(assets.resolve("moonshine-tiny-en/tokenizer.bin"))
    for text in ("It was the best of times, the worst of times.", "Bin blue at F two now.", "I don't know, 1775!"):
        tokens = published.encode(text)
        assert published.text(tokens) == text
        assert len(tokens) <= 3 * len(text.split())


def test_control_tokens_spell_nothing(tokenizer):
    assert tokenizer.text([0, 1, NO, 2]) == "No"


def test_control_tokens_end_the_text_vocabulary(tokenizer):
    assert tokenizer.text_end == 259 + len(WORDS)


def test_punctuation_belongs_to_the_word_before(tokenizer):
    assert spelled(tokenizer.words([NO, COMMA, NO, BODY, STOP])) == [("No,", 0, 2), ("Nobody.", 2, 5)]


def test_bytes_of_a_character_stay_in_one_word(tokenizer):
    assert spelled(tokenizer.words([CAF, *E_ACUTE, WAY])) == [("café", 0, 3), ("way", 3, 4)]


def test_lone_spaces_go_with_the_word_after_or_at_the_end_before(tokenizer):
    assert spelled(tokenizer.words([SPACE, NO, SPACES, WAY, SPACE])) == [("No", 0, 2), ("way", 2, 5)]


def test_no_tokens_no_words(tokenizer):
    assert tokenizer.words([]) == []


def test_letters_and_bytes_of_letters_go_on_with_a_word(tokenizer):
    assert [each for each in range(len(PIECES)) if each > 258 and tokenizer.continues_word(each)] == [BODY]
    assert all(map(tokenizer.continues_word, (as_byte(ord("x")), *E_ACUTE)))
    assert not any(map(tokenizer.continues_word, (as_byte(ord("'")), as_byte(ord(" ")), 2)))


@given(st.lists(st.integers(0, len(PIECES) - 1), max_size=30))
def test_every_token_is_in_exactly_one_word(tokens):
    spans = Tokenizer(PIECES).words(tokens)
    assert [index for span in spans for index in range(span.first, span.last)] == list(range(len(tokens)))


@given(st.lists(st.sampled_from(range(259, 259 + len(WORDS))), max_size=30))
def test_words_spell_the_text(tokens):
    tokenizer = Tokenizer(PIECES)
    assert " ".join(filter(None, (span.text for span in tokenizer.words(tokens)))) == tokenizer.text(tokens)


def test_lengths_over_127_take_two_bytes(tmp_path):
    long = b"x" * 300
    path = tmp_path / "tokenizer.bin"
    path.write_bytes(b"".join([bytes([len(piece)]) + piece for piece in BYTES] + [bytes([128 + 300 % 128, 2]) + long]))
    tokenizer = Tokenizer.from_file(path)
    assert tokenizer.text([259]) == "x" * 300


@pytest.mark.parametrize("content", [b"", b"\x05abc", b"\x81", b"not a vocabulary at all"])
def test_a_file_of_another_kind_is_a_clear_error(tmp_path, content):
    path = tmp_path / "tokenizer.bin"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"tokenizer\.bin"):
        Tokenizer.from_file(path)


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(ModelError, match="cannot read"):
        Tokenizer.from_file(tmp_path / "tokenizer.bin")


@pytest.mark.media
def test_published_vocabulary():
    tokenizer = Tokenizer.from_file(assets.resolve("moonshine-tiny-en/tokenizer.bin"))
    assert (len(tokenizer), tokenizer.text_end) == (32_768, 32_000)
    assert tokenizer.text([887]) == "You"
