"""The vocabulary: words, signs, prompts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.models.errors import ModelError
from lipstream.models.speech.whisper.tokens import WhisperTokens
from tests.models.speech.whisper.small_whisper import write_tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vocabulary")
    write_tokenizer(folder / "tokenizer.json")
    write_tokenizer(folder / "english.json", multilingual=False)
    return folder


@pytest.fixture(scope="module")
def tokens(folder):
    return WhisperTokens(folder / "tokenizer.json")


@pytest.fixture(scope="module")
def english(folder):
    return WhisperTokens(folder / "english.json")


def words(tokens: WhisperTokens, text: str, language: str | None = "en") -> list[str]:
    return [span.text for span in tokens.words(tokens.encode(text), language)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" the best of times", ["the", "best", "of", "times"]),
        ("Hello, the best.", ["Hello,", "the", "best."]),
        (" bestest of-times it's", ["bestest", "of-times", "it's"]),
        (" the best ... of times...", ["the", "best ...", "of", "times..."]),
        (" the best — of times", ["the", "best —", "of", "times"]),
        (' of "Hello" times', ["of", '"Hello"', "times"]),
        (" of $5 times", ["of", "$5", "times"]),
        (" Hola. ¿Qué tal? ¡Sí!", ["Hola.", "¿Qué", "tal?", "¡Sí!"]),
        (" Zürich, naïve Ærø", ["Zürich,", "naïve", "Ærø"]),
        (" Привет мир", ["Привет", "мир"]),
        ("... the", ["...", "the"]),
        ("...", ["..."]),
        ("", []),
    ],
)
def test_words_have_spaces_between_them(tokens, text, expected):
    assert words(tokens, text) == expected


def test_each_piece_of_japanese_is_a_word_and_signs_belong_to_the_one_before(tokens):
    assert words(tokens, "日本です。はい、", "ja") == ["日本", "で", "す。", "は", "い、"]
    assert words(tokens, " 日本", "ja") == ["日本"]
    assert words(tokens, "日本です。はい、", "en") == ["日本です。はい、"]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (" dit « Oui » et", "fr", ["dit", "« Oui »", "et"]),
        (" sagte „Ja“ und", "de", ["sagte", "„Ja“", "und"]),
        ("は「い」。『本』", "ja", ["は", "「い」。", "『本』"]),
        (" the end «", "en", ["the", "end «"]),
    ],
)
def test_a_sign_that_opens_a_quotation_belongs_to_the_word_after_it(tokens, text: str, language: str, expected):
    assert words(tokens, text, language) == expected


def test_pieces_of_a_character_stay_together(tokens):
    pieces = tokens.encode(" é語")
    assert len(pieces) == 6
    assert [(span.text, span.first, span.last) for span in tokens.words(pieces, "en")] == [("é語", 0, 6)]
    assert [(span.text, span.first, span.last) for span in tokens.words(pieces, "ja")] == [("é", 0, 3), ("語", 3, 6)]


def test_a_character_that_is_cut_off_belongs_to_the_word_it_stands_in(tokens):
    whole = tokens.encode(" the b語")
    (the, cut) = tokens.words(whole[:-1], "en")
    assert the.text == "the"
    assert (cut.text, cut.last) == ("b\N{REPLACEMENT CHARACTER}", len(whole) - 1)
    assert [span.last for span in tokens.words(tokens.encode("語")[:-1], "ja")] == [2]


@given(data=st.data(), language=st.sampled_from(["en", "ja", None]))
def test_every_token_belongs_to_exactly_one_word(tokens, data, language):
    text = data.draw(st.lists(st.integers(0, tokens.end - 1), max_size=12))
    spans = tokens.words(text, language)
    assert [at for span in spans for at in range(span.first, span.last)] == list(range(len(text)))


def test_signs_are_no_text(tokens):
    assert tokens.text([*tokens.prompt("en", "transcribe"), *tokens.encode(" the  best "), tokens.end]) == "the best"


def test_what_begins_a_word_and_what_is_audible(tokens):
    def one(text):
        (token,) = tokens.encode(text)
        return token

    assert [tokens.starts_word(one(text), "en") for text in (" the", "Hello", " ...", "5")] == [
        True,
        False,
        False,
        False,
    ]
    assert tokens.starts_word(one("日本"), "ja")
    assert not tokens.starts_word(one("."), "ja")
    assert [tokens.is_audible(one(text)) for text in (" the", "5", "...", " $", ".")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert tokens.is_audible(tokens.encode("語")[0])


def names(tokens: WhisperTokens, prompt: list[int]) -> str:
    return "".join(tokens._tokenizer.id_to_token(token) for token in prompt)


def test_the_prompt_names_language_and_task(tokens):
    assert names(tokens, tokens.prompt("de", "translate")) == "<|startoftranscript|><|de|><|translate|><|notimestamps|>"
    assert tokens.prompt("de", "transcribe")[:1] == tokens.before_language


def test_the_prompt_begins_with_what_was_said_before(tokens):
    prompt = tokens.prompt("en", "transcribe", " the best ")
    assert prompt[1:-4] == tokens.encode(" the best")
    assert prompt[-4:] == tokens.prompt("en", "transcribe")
    assert names(tokens, prompt[:1]) == "<|startofprev|>"


def test_of_a_long_text_before_the_end_is_taken(tokens):
    prompt = tokens.prompt("en", "transcribe", "the " * 300 + "best")
    assert len(prompt) == 1 + 200 + 4
    assert tokens.text(prompt).split() == ["the"] * 199 + ["best"]


def test_an_unknown_language_is_one_line_that_names_what_is_known(tokens):
    with pytest.raises(ModelError) as caught:
        tokens.prompt("xx", "transcribe")
    assert str(caught.value) == "Whisper does not know the language 'xx'; it knows de, en, ja"


def test_a_network_for_english_alone_has_no_languages(english, tokens):
    assert (english.end, english.languages) == (50_256, {})
    assert names(english, english.prompt("de", "translate")) == "<|startoftranscript|><|notimestamps|>"
    assert list(tokens.languages) == ["en", "de", "ja"]


def test_the_sign_for_no_speech_is_found_by_its_name_or_its_place(tokens, tmp_path):
    assert names(tokens, [tokens.no_speech]) == "<|nospeech|>"
    write_tokenizer(tmp_path / "older.json", left_out="nospeech")
    older = WhisperTokens(tmp_path / "older.json")
    assert older.no_speech == older.prompt("en", "transcribe")[-1] - 1


def test_a_vocabulary_that_is_none_is_one_clear_line(tmp_path):
    path = tmp_path / "tokenizer.json"
    with pytest.raises(ModelError, match=r"cannot read .*tokenizer\.json"):
        WhisperTokens(path)
    path.write_text("{}")
    with pytest.raises(ModelError, match=r"expected the tokenizer\.json of a Whisper model"):
        WhisperTokens(path)
    write_tokenizer(path, left_out="notimestamps")
    with pytest.raises(ModelError, match=r"has no token <\|notimestamps\|>"):
        WhisperTokens(path)


@pytest.mark.media
def test_the_real_vocabulary_is_read(real_folder):
    real = WhisperTokens(real_folder / "tokenizer.json")
    assert real.languages == {}
    assert names(real, real.prompt(None, "transcribe")) == "<|startoftranscript|><|notimestamps|>"
    text = 'It was — of $5, she said: "Hello..." ¿Qué?'
    assert words(real, " " + text) == ["It", "was —", "of", "$5,", "she", "said:", '"Hello..."', "¿Qué?"]
