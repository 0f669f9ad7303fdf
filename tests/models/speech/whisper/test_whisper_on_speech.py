"""The real test model, Whisper tiny.en, on real sound: against CTranslate2, on speech, and on no speech."""

from __future__ import annotations

import difflib
import re

import numpy as np
import pytest

from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.tails import has_sound
from lipstream.models.speech.whisper import recogniser as module
from lipstream.models.speech.whisper.network import FRAME_RATE, MOST_FRAMES
from lipstream.models.speech.whisper.search import agreed, check

pytestmark = pytest.mark.media

STEP = 1 / FRAME_RATE
BEGINNING = "it was the best of times it was the worst of times it was the age of wisdom it was the age of foolishness"


def spoken(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def likeness(one, other) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


@pytest.fixture(scope="module")
def speech(two_cities_audio):
    """8.5 s: the first two sentences."""
    return two_cities_audio[: round(8.5 * 16_000)]


@pytest.fixture(scope="module")
def found(read, speech):
    """What is read of it."""
    return read(speech)


@pytest.fixture(scope="module")
def said(read, two_cities_audio):
    """The words of 10 s."""
    return read(two_cities_audio[: 10 * 16_000]).words


@pytest.fixture(scope="module")
def draft(read, speech):
    """The tokens of its first 4 s."""
    return read(speech[: 4 * 16_000], whole=False).tokens


@pytest.fixture(scope="module")
def published(real_folder):
    """The same weights in CTranslate2."""
    return pytest.importorskip("ctranslate2").models.Whisper(str(real_folder), device="cpu", compute_type="float32")


@pytest.fixture(scope="module")
def full_length(real, speech, published):
    """Two times the frames of the encoder for the same padded spectrogram, ours and those of CTranslate2."""
    import ctranslate2

    parts = real._parts()
    spectrogram = parts.mel(speech)
    padded = np.pad(spectrogram, ((0, 0), (0, 2 * MOST_FRAMES - spectrogram.shape[1])))
    theirs = published.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(padded[None])), to_cpu=True)
    return parts.encoder(padded), theirs


def test_the_encoder_is_that_of_ctranslate2(full_length):
    ours, theirs = full_length[0], np.asarray(full_length[1])
    assert ours.shape == theirs.shape == (1, MOST_FRAMES, 384)
    # Ours has eight bits, theirs float32.
    assert np.corrcoef(ours.reshape(-1), theirs.reshape(-1))[0, 1] > 0.99


def test_the_decoder_is_that_of_ctranslate2(real, full_length, published):
    parts = real._parts()
    prompt = parts.tokens.prompt("en", "transcribe")
    rules = module._limited(parts.rules, 10.0)
    barred = [int(token) for token in np.flatnonzero(np.isinf(rules.never[: parts.tokens.end]))]
    (theirs,) = published.generate(full_length[1], [prompt], beam_size=1, suppress_tokens=barred, suppress_blank=True)
    text = theirs.sequences_ids[0]
    assert likeness(spoken(parts.tokens.text(text)), BEGINNING.split()) > 0.95

    sound = parts.decoder.of_sound(full_length[0])
    ours = agreed(parts.decoder, sound, prompt, (), rules)
    assert spoken(parts.tokens.text(ours)) == spoken(parts.tokens.text(text))

    (aligned,) = published.align(full_length[1], prompt[:1], [text], 2 * MOST_FRAMES)
    chances = check(parts.decoder, sound, prompt, text, rules).probabilities
    assert np.abs(np.array(chances) - aligned.text_token_probs).mean() < 0.05


def test_the_beginning_of_a_book_is_read(found):
    assert spoken(found.text) == BEGINNING.split()
    assert (found.language, found.language_probability, found.speechless) == ("en", 1.0, False)
    edges = [edge for word in found.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0.0
    assert edges[-1] <= 8.5
    assert all(0.0 < word.confidence <= 1.0 for word in found.words)
    assert all(has_sound(word, STEP) for word in found.words)


def test_words_are_where_they_are_loud(found, speech):
    power = np.square(speech[: len(speech) // 320 * 320].reshape(-1, 320)).mean(axis=1)
    spans = [slice(round(word.start / STEP), round(word.end / STEP)) for word in found.words]
    inside = np.zeros(len(power), bool)
    for span in spans:
        inside[span] = True
    assert power[inside].mean() > 30 * power[~inside].mean()
    assert all(power[span].max() > 10 * np.median(power[~inside]) for span in spans)


def test_a_word_by_itself_is_read_and_has_the_time_of_its_sound(read, two_cities_audio):
    found = read(two_cities_audio[4 * 16_000 : round(4.9 * 16_000)])
    assert spoken(found.text) == ["times"]
    assert 0.4 < found.words[0].end - found.words[0].start < 0.7


@pytest.mark.parametrize("seconds", [0.1, 1.0, 8.0, 30.0])
@pytest.mark.parametrize("loudness", [0.0, 0.001, 0.05])
def test_nothing_is_read_into_silence_and_noise(read, seconds, loudness):
    noise = np.random.default_rng(0).normal(scale=loudness, size=round(seconds * 16_000)).astype(np.float32)
    for whole in (True, False):
        found = read(noise, whole=whole)
        assert (found.words, found.speechless) == ((), True)


@pytest.mark.parametrize("seconds", [4.2, 6.0, 8.5])
def test_a_partial_with_a_draft_equals_one_without(read, speech, draft, seconds):
    audio = speech[: round(seconds * 16_000)]
    right = read(audio, whole=False)
    assert len(right.words) > 5
    for given in (draft, right.tokens, (50, 60, 70)):
        # In eight bits tokens that are read together are rounded a little differently than one by one: a comma may
        # become a full stop.
        assert spoken(read(audio, whole=False, draft=given).text) == spoken(right.text)


def test_an_expected_term_is_in_partials_too(read, speech):
    audio, terms = speech[: 4 * 16_000], Terms(("worst of crimes",), 12.0)
    plain = read(audio, whole=False)
    found = read(audio, whole=False, terms=terms)
    assert "worst of times" in plain.text
    assert found.text == plain.text.replace("worst of times", "worst of crimes")
    assert read(audio, whole=False, terms=terms, draft=found.tokens).text == found.text


@pytest.mark.parametrize("cut", [2.6, 3.2, 3.75, 4.0, 4.5, 5.6, 6.05, 7.0, 7.45, 8.0])
@pytest.mark.parametrize("whole", [True, False])
def test_speech_cut_in_mid_sentence_has_no_words_behind_the_cut(read, two_cities_audio, said, cut, whole):
    # What is known of when a word begins is good to 0.15 s.
    begun = spoken(" ".join(word.text for word in said if word.start < cut + 0.15))
    found = read(two_cities_audio[: round(cut * 16_000)], whole=whole)
    heard = spoken(found.text)
    assert len(begun) - 4 <= len(heard) <= len(begun)
    # The word that was cut may be misheard, those before it are what they are.
    assert heard[:-1] == begun[: len(heard) - 1]
    assert found.words[-1].end <= cut + 1e-6


def test_more_than_thirty_seconds_are_cut_without_error(read, two_cities_audio):
    assert len(two_cities_audio) > 40 * 16_000
    found = read(two_cities_audio)
    assert spoken(found.text)[: len(BEGINNING.split())] == BEGINNING.split()
    assert len(found.words) > 60
    assert 25.0 < found.words[-1].end <= 30.0


def test_sentences_that_were_passed_over_are_read_by_themselves_and_put_in_their_place(
    real, read, speech, found, monkeypatch
):
    beam_search, calls = module.beam_search, []

    def leaves_out(decoder, sound, prompt, rules, width, interruption):
        tokens = beam_search(decoder, sound, prompt, rules, width, interruption)
        calls.append(tokens)
        if len(calls) > 1:
            return tokens
        return tokens[: real._parts().tokens.words(tokens, "en")[12].first]

    monkeypatch.setattr(module, "beam_search", leaves_out)
    words = read(speech).words
    assert spoken(" ".join(word.text for word in words)) == BEGINNING.split()
    assert len(calls) == 2
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert [word.start for word in words[12:]] == pytest.approx([word.start for word in found.words[12:]], abs=0.2)
