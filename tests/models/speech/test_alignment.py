"""Word times: the path through the attention by itself, and the whole on real speech."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
import torch

from lipstream.models.assets import resolve
from lipstream.models.errors import ModelError
from lipstream.models.speech.alignment import (
    BOUNDARY_HEADS,
    CLOSING_TOKENS,
    GAP_MARGIN,
    LONGEST_TAIL,
    LOOKAHEAD_HEADS,
    OPENING_TOKENS,
    TOKEN_HEADS,
    CrossAttentionAligner,
    close_gaps,
    follow_sound,
    frame_levels,
    link_scores,
    segment,
    speech_by_level,
)
from lipstream.models.speech.engine import SAMPLE_RATE, Encoding
from lipstream.models.speech.moonshine import MoonshineEngine
from lipstream.models.speech.tokenizer import Tokenizer

DECODER = "moonshine-tiny-en/decoder_model_merged.ort"
FULL_STOP, OPENING_QUOTE = 29889, 376


def brute_force(scores, optional):
    """The best sum over all ways to divide the frames."""
    links, frames = scores.shape
    best = -np.inf
    for inner in combinations_with_replacement(range(frames + 1), links - 1):
        edges = [0, *inner, frames]
        widths = np.diff(edges)
        if all(width > 0 or may for width, may in zip(widths, optional, strict=True)):
            best = max(best, sum(scores[i, edges[i] : edges[i + 1]].sum() for i in range(links)))
    return best


@pytest.mark.parametrize("seed", range(20))
def test_the_path_is_the_best_of_all(seed):
    random = np.random.default_rng(seed)
    scores = random.random((5, 7))
    optional = random.random(5) < 0.5
    edges = segment(scores, optional)
    assert edges[0] == 0
    assert edges[-1] == 7
    assert (np.diff(edges) >= np.where(optional, 0, 1)).all()
    total = sum(scores[i, edges[i] : edges[i + 1]].sum() for i in range(5))
    assert total == pytest.approx(brute_force(scores, optional))


def test_as_many_links_as_frames_get_one_each():
    edges = segment(np.random.default_rng(0).random((6, 6)), np.zeros(6, bool))
    assert edges.tolist() == list(range(7))


def test_a_link_without_any_score_still_gets_a_frame():
    scores = np.zeros((3, 10))
    scores[0, :5] = scores[2, 5:] = 1.0
    edges = segment(scores, np.array([True, False, True]))
    assert edges[2] - edges[1] == 1


def test_short_gaps_close_in_the_middle_and_long_ones_keep_their_core():
    spans = close_gaps(np.array([0, 20, 30, 34, 40, 80]))
    assert spans.tolist() == [[20 - GAP_MARGIN, 32], [32, 40 + GAP_MARGIN]]


def test_an_end_follows_the_sound_but_not_far_and_not_into_the_next_token():
    spans = np.array([[5.0, 10.0], [12.5, 15.0], [40.0, 45.0]])
    speech = np.zeros(60, np.float32)
    speech[8:19] = speech[44:60] = 1.0
    assert follow_sound(spans, speech).tolist() == [[5, 12], [12.5, 19], [40, 45 + LONGEST_TAIL]]


def test_a_pause_after_punctuation_is_a_gap():
    # Tokens: word, full stop, word. The boundary heads look at the pause in the row of the full stop only.
    attention = np.full((5, 8, 4, 100), 1e-6, np.float32)
    for row, (begin, end) in {1: (10, 20), 3: (70, 80)}.items():
        for layer, head in TOKEN_HEADS:
            attention[layer, head, row, begin:end] = 0.1
        for layer, head in LOOKAHEAD_HEADS:
            attention[layer, head, row - 1, begin:end] = 0.1
    for row, (begin, end) in {0: (0, 10), 1: (19, 21), 2: (21, 70), 3: (80, 100)}.items():
        for layer, head in BOUNDARY_HEADS:
            attention[layer, head, row, begin:end] = 0.1
    edges = segment(*link_scores(attention, [0, 2]))
    assert edges.tolist() == [0, 10, 20, 70, 80, 100]


def test_levels_of_silence_and_of_a_full_scale_sine():
    sine = np.sin(np.arange(3840) * 2 * np.pi / 32).astype(np.float32)
    levels = frame_levels(np.concatenate([np.zeros(3840, np.float32), sine]), 22, SAMPLE_RATE / 384)
    np.testing.assert_allclose(levels[:10], -80.0)
    np.testing.assert_allclose(levels[10:20], -3.01, atol=0.01)
    np.testing.assert_allclose(levels[20:], -80.0)  # Frames past the end of the sound.
    speech = speech_by_level(levels)
    assert not speech[:10].any()
    assert (speech[10:20] == 1.0).all()


def test_times_before_loading_say_what_to_do(tmp_path):
    aligner = CrossAttentionAligner(tmp_path / "decoder.ort")
    with pytest.raises(ModelError, match=r"call load\(\)"):
        aligner.token_times(Encoding(np.zeros((5, 288), np.float32), 41.67, 2880), [400])


@pytest.fixture(scope="module")
def engine():
    engine = MoonshineEngine()
    engine.load()
    return engine


@pytest.fixture(scope="module")
def aligner():
    aligner = CrossAttentionAligner(resolve(DECODER))
    aligner.load()
    return aligner


@pytest.fixture(scope="module")
def speech(two_cities_audio):
    """12 s of read speech with pauses between its clauses."""
    return two_cities_audio[: 12 * SAMPLE_RATE]


@pytest.fixture(scope="module")
def tokens(engine, speech):
    return engine.decode(engine.encode(speech)).tokens


@pytest.fixture(scope="module")
def times(engine, aligner, speech, tokens):
    return aligner.token_times(engine.encode(speech), tokens)


def silence(seconds):
    """Room noise about 80 dB below full scale."""
    noise = np.random.default_rng(0).standard_normal(int(seconds * SAMPLE_RATE))
    return (1e-4 * noise).astype(np.float32)


@pytest.mark.media
def test_silent_tokens_are_what_they_are_said_to_be():
    tokenizer = Tokenizer.from_file(resolve("moonshine-tiny-en/tokenizer.bin"))
    for token in CLOSING_TOKENS | OPENING_TOKENS:
        assert not any(letter.isalnum() for letter in tokenizer.text([token]))
    assert all(tokenizer.starts_word(token) for token in OPENING_TOKENS)
    assert not any(tokenizer.starts_word(token) for token in CLOSING_TOKENS)


@pytest.mark.media
def test_times_grow_and_lie_inside_the_audio(times, tokens, speech):
    assert times.shape == (len(tokens), 2)
    assert times.dtype == np.float32
    assert (np.diff(times.ravel()) >= 0).all()
    assert times[0, 0] >= 0
    assert times[-1, 1] <= len(speech) / SAMPLE_RATE


@pytest.mark.media
@pytest.mark.parametrize(("with_levels", "least_inside"), [(False, 0.85), (True, 0.93)])
def test_words_are_where_the_sound_is(engine, aligner, tokens, speech, with_levels, least_inside):
    encoding = engine.encode(speech)
    levels = frame_levels(speech, len(encoding.features), encoding.frame_rate)
    times = aligner.token_times(encoding, tokens, levels if with_levels else None)
    centres = (np.arange(len(levels)) + 0.5) / encoding.frame_rate
    words = [(times[span.first, 0], times[span.last - 1, 1]) for span in engine.words(tokens)]
    inside = np.any([(centres >= start) & (centres < end) for start, end in words], axis=0)
    loud = levels > np.percentile(levels, 90) - 15
    assert inside[loud].mean() > least_inside
    quiet = levels < np.percentile(levels, 5) + 3
    assert inside[quiet].mean() < 0.2


@pytest.mark.media
def test_words_of_a_text_last_like_words(engine, times, tokens):
    lengths = [times[span.last - 1, 1] - times[span.first, 0] for span in engine.words(tokens)]
    assert 0.1 < np.median(lengths) < 0.4
    assert max(lengths) < 1.0


@pytest.mark.media
@pytest.mark.parametrize("with_levels", [False, True])
def test_no_word_spans_or_sits_in_a_long_silence(engine, aligner, speech, tokens, times, with_levels):
    gaps = times[1:, 0] - times[:-1, 1]
    after = int(gaps[: len(gaps) // 2].argmax())
    cut = float(times[after, 1] + gaps[after] / 2)
    audio = np.insert(speech, int(cut * SAMPLE_RATE), silence(2.0))
    encoding = engine.encode(audio)
    levels = frame_levels(audio, len(encoding.features), encoding.frame_rate) if with_levels else None
    moved = aligner.token_times(encoding, tokens, levels)
    assert ((moved[:, 1] < cut + 0.25) | (moved[:, 0] > cut + 1.75)).all()
    assert (moved[: after + 1, 1] < cut + 0.25).all()
    assert (moved[after + 1 :, 0] > cut + 1.75).all()


@pytest.mark.media
def test_silence_in_front_moves_all_times_by_its_length(engine, aligner, speech, tokens, times):
    later = aligner.token_times(engine.encode(np.concatenate([silence(1.0), speech])), tokens)
    moved = later - times
    assert np.median(moved) == pytest.approx(1.0, abs=0.03)
    assert np.abs(moved - 1.0).max() < 0.25


@pytest.mark.media
def test_punctuation_takes_no_time_of_its_own(engine, aligner, speech, tokens, times):
    encoding = engine.encode(speech)
    stops = [at for at, token in enumerate(tokens) if token == FULL_STOP]
    assert stops
    for at in stops:
        assert times[at, 0] == times[at, 1] == times[at - 1, 1]
    quoted = aligner.token_times(encoding, [*tokens[: stops[0] + 1], OPENING_QUOTE, *tokens[stops[0] + 1 :]])
    quote = stops[0] + 1
    assert quoted[quote, 0] == quoted[quote, 1] == quoted[quote + 1, 0]
    assert quoted[quote, 0] > quoted[quote - 1, 1]


@pytest.mark.media
def test_texts_that_cannot_be_aligned_get_ordered_times_inside_the_audio(engine, aligner, speech):
    short = engine.encode(speech[:1600])
    for text in ([400] * 50, [FULL_STOP, FULL_STOP], [FULL_STOP]):
        times = aligner.token_times(short, text)
        assert times.shape == (len(text), 2)
        assert (np.diff(times.ravel()) >= 0).all()
        assert times[-1, 1] <= np.float32(short.duration)
    assert aligner.token_times(short, []).shape == (0, 2)


@pytest.mark.media
def test_aligning_leaves_the_threads_of_torch_alone(engine, aligner, speech, tokens):
    encoding = engine.encode(speech[: 3 * SAMPLE_RATE])
    before = torch.get_num_threads()
    aligner.token_times(encoding, tokens[:9])
    assert torch.get_num_threads() == before
