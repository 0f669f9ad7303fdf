"""When each token was spoken, read from the decoder's cross-attention.

The idea is Whisper's (Radford et al., arXiv 2212.04356; the openai-whisper package, timing.py): some cross-attention
heads follow the audio, and dynamic programming finds the monotone path through what they look at. Moonshine's heads
allow more than Whisper's, because they divide the work. In the row of token n (taken with tokens 0..n known):

- token heads look at the sound of token n itself;
- boundary heads look at where token n ends and the next begins; in a pause they spread over all of it;
- look-ahead heads look at the token after n, and so at speech only.

So a text of N audible tokens is a chain gap, token, gap, token, ..., gap in which a gap may be empty, and the path
divides the frames among the links. Silence before, after and between words falls into gaps.

How the heads were chosen is in docs/experiments/word_timing.md, what the times are worth in docs/word_timing.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.errors import ModelError
from lipstream.models.speech.cross_attention import CrossAttention, DecoderShape
from lipstream.models.speech.engine import SAMPLE_RATE, Encoding, Float32
from lipstream.models.speech.tokenizer import START

# (layer, head), counted from 0, of the tiny English model.
TOKEN_HEADS: Final = ((1, 3), (2, 1))
BOUNDARY_HEADS: Final = ((3, 0), (3, 1), (3, 2), (3, 6), (4, 0), (4, 6))
LOOKAHEAD_HEADS: Final = ((4, 1),)
_LAYERS: Final = 1 + max(layer for layer, _ in TOKEN_HEADS + BOUNDARY_HEADS + LOOKAHEAD_HEADS)

GAP_WEIGHT: Final = 0.3
"""What a frame at a boundary head's peak is worth against one at a token head's peak."""
CERTAIN_SPEECH: Final = 0.6
"""The look-ahead attention that counts as certain speech, in parts of the median row's peak."""
GAP_MARGIN: Final = 3
"""Frames at each end of a gap that still belong to the words beside it: boundary heads peak about 6 frames wide."""

SPEECH_LEVELS: Final = (0.1, 0.4)
"""Where speech is impossible and where it is certain, in parts of the way from the quiet to the loud frames."""
LONGEST_TAIL: Final = 8
"""Frames by which the end of a word may follow sound that goes on: the last sound of a phrase is often drawn out."""
LEAST_RANGE: Final = 10.0
"""Decibels between quiet and loud frames below which the sound level says little about where speech is."""

CLOSING_TOKENS: Final = frozenset((489, 856, 1213, 1699, 3026, 3850, 6169, 29889, 29892, 29897, 29899, 29901)) | {
    *(29908, 29915, 29936, 29962, 29973, 29991, 30010, 30024)
}
"""Tokens without sound that belong to the word before: . , ? ! : ; " ' ’ ” - ) ] ... -- ." ," ?" !" .'"""
OPENING_TOKENS: Final = frozenset((29871, 376, 525, 1346, 5129, 313, 518, 448, 1192, 785, 813, 2023, 395))
"""Tokens without sound that belong to the word after: a lone space, and a space with " ' “ ‘ ( [ - -- – — ... or $."""


class CrossAttentionAligner:
    """Times tokens on the audio they were recognised in. Runs the first layers of the decoder once over all tokens."""

    def __init__(self, decoder_path: Path) -> None:
        """`decoder_path` is the published `decoder_model_merged.ort`. Nothing is read before `load`."""
        self._path = decoder_path
        self._decoder: CrossAttention | None = None

    def load(self) -> None:
        """Read the decoder's weights. Idempotent.

        Raises:
            ModelError: the file is missing or not the expected decoder.
        """
        if self._decoder is None:
            self._decoder = CrossAttention(self._path, DecoderShape(layers=_LAYERS))

    def token_times(self, encoding: Encoding, tokens: Sequence[int], levels: Float32 | None = None) -> Float32:
        """Start and end of each token.

        Tokens without sound (punctuation) get no time of their own: start and end are the end of the audible token
        before, or for an opening quote and the like the start of the one after.

        Args:
            encoding: the encoded audio.
            tokens: the text, without start and end tokens.
            levels: (T,) sound level of each frame (`frame_levels`), which sharpens times beside silence: the attention
                to a word can begin 0.2 s early there, and end before its last sound does.

        Returns:
            (len(tokens), 2) float32 seconds from the first sample, read row by row never decreasing, inside
            [0, encoding.duration].

        Raises:
            ModelError: `load` was not called.
        """
        if self._decoder is None:
            raise ModelError(f"the word aligner is not loaded: call load() first ({self._path})")
        audible = [index for index, token in enumerate(tokens) if token not in CLOSING_TOKENS | OPENING_TOKENS]
        if len(audible) > len(encoding.features) or not audible:
            edges = np.linspace(0.0, encoding.duration, len(tokens) + 1, dtype=np.float32)
            return np.stack([edges[:-1], edges[1:]], axis=1)
        attention = self._decoder([START, *tokens], encoding.features)
        scores, optional = link_scores(attention, audible)
        if levels is None:
            spans = close_gaps(segment(scores, optional))
        else:
            speech = speech_by_level(levels)
            scores[1::2] *= speech
            spans = follow_sound(close_gaps(segment(scores, optional)), speech)
        times = np.clip(spans / encoding.frame_rate, 0.0, encoding.duration)
        return _with_silent(times, audible, tokens).astype(np.float32)


def link_scores(attention: Float32, audible: Sequence[int]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """How well each frame fits each link of the chain gap, token, gap, ..., gap.

    Args:
        attention: (layers, heads, tokens + 1, T) cross-attention, row 0 that of the start token.
        audible: indices of the tokens that have sound, increasing.

    Returns:
        (2 * len(audible) + 1, T) scores in [0, 1] and (2 * len(audible) + 1,) True where a link may be empty.
    """
    rows = np.asarray(audible) + 1
    # Not the last row: it looks for a token after the text, in the silence there.
    lookahead = _heads(attention, LOOKAHEAD_HEADS)[:, :-1].mean(axis=0)
    speech = np.minimum(lookahead.max(axis=0) / (CERTAIN_SPEECH * np.median(lookahead.max(axis=1))), 1.0)
    token = np.square(_peak_normed(_heads(attention, TOKEN_HEADS)[:, rows])).mean(axis=0) * speech
    boundary = _peak_normed(_heads(attention, BOUNDARY_HEADS)).mean(axis=0)
    scores = np.empty((2 * len(audible) + 1, attention.shape[-1]))
    scores[1::2] = token
    # The pause after a word may be looked for in the rows of the punctuation that follows it too.
    scores[0::2] = GAP_WEIGHT * np.maximum.reduceat(boundary, [0, *rows], axis=0)
    optional = np.ones(len(scores), dtype=bool)
    optional[1::2] = False
    return scores, optional


def frame_levels(audio: Float32, frames: int, frame_rate: float) -> Float32:
    """Sound level of each encoder frame.

    Args:
        audio: (N,) samples at 16 kHz in [-1, 1].
        frames: T, how many frames the encoder gave.
        frame_rate: frames per second.

    Returns:
        (T,) float32 decibels relative to full scale, not below -80.
    """
    edges = np.minimum(np.arange(frames + 1) * (SAMPLE_RATE / frame_rate), len(audio)).astype(np.intp)
    energy = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64))])[edges]
    power = np.diff(energy) / np.maximum(np.diff(edges), 1)
    levels: Float32 = (10.0 * np.log10(power + 1e-8)).astype(np.float32)
    return levels


def speech_by_level(levels: Float32) -> Float32:
    """(T,) in [0, 1]: whether frames are loud enough for speech, against the quiet and loud frames around them."""
    quiet, loud = np.percentile(levels, [10, 90])
    low, high = SPEECH_LEVELS
    part = (levels - quiet) / max(loud - quiet, LEAST_RANGE)
    speech: Float32 = np.clip((part - low) / (high - low), 0.0, 1.0).astype(np.float32)
    return speech


def segment(scores: npt.NDArray[np.float64], optional: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Divide frames among links that follow each other so that the sum of the scores is greatest.

    Dynamic programming over the links; each step is a running maximum over all frames. With `C` the cumulative score
    of a link, the best sum after it at frame e is C[e] + max over u of (best before it at u - C[u]).

    Args:
        scores: (L, T) score of each frame in each link.
        optional: (L,) True where a link may get no frame; every other gets at least one, so T must suffice.

    Returns:
        (L + 1,) edges, never decreasing, from 0 to T: link i takes frames edges[i] to edges[i + 1] - 1.
    """
    links, frames = scores.shape
    cumulative = np.zeros((links, frames + 1))
    np.cumsum(scores, axis=1, out=cumulative[:, 1:])
    entry = np.empty_like(cumulative)
    best = np.full(frames + 1, -np.inf)
    best[0] = 0.0
    for link in range(links):
        np.subtract(best, cumulative[link], out=entry[link])
        reached = np.maximum.accumulate(entry[link])
        if not optional[link]:
            reached[1:], reached[0] = reached[:-1].copy(), -np.inf
        best = cumulative[link] + reached
    edges = np.empty(links + 1, dtype=np.intp)
    edges[links] = frames
    for link in reversed(range(links)):
        edges[link] = entry[link, : edges[link + 1] + int(optional[link])].argmax()
    return edges


def close_gaps(edges: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Give the margins of each gap to the tokens beside it; a short gap vanishes, split in the middle.

    Args:
        edges: (2 N + 2,) edges of the chain gap, token, gap, ..., gap of N tokens.

    Returns:
        (N, 2) start and end of each token in frames.
    """
    gap_starts, gap_ends = edges[0::2], edges[1::2]
    margins = np.minimum((gap_ends - gap_starts) / 2, GAP_MARGIN)
    return np.stack([gap_ends[:-1] - margins[:-1], gap_starts[1:] + margins[1:]], axis=1)


def follow_sound(spans: npt.NDArray[np.float64], speech: Float32) -> npt.NDArray[np.float64]:
    """Move each end to where the sound ends, but not into the next token and not far.

    Args:
        spans: (N, 2) start and end of each token in frames.
        speech: (T,) in [0, 1] as from `speech_by_level`.

    Returns:
        (N, 2) spans with the same starts.
    """
    followed = spans.copy()
    limits = np.append(spans[1:, 0], len(speech))
    for index, (end, limit) in enumerate(zip(spans[:, 1], limits, strict=True)):
        first = int(np.ceil(end))
        tail = speech[first : min(first + LONGEST_TAIL, int(limit))] < 1.0
        length = int(tail.argmax()) if tail.any() else len(tail)
        if length:
            followed[index, 1] = first + length
    return followed


def _with_silent(
    times: npt.NDArray[np.float64], audible: Sequence[int], tokens: Sequence[int]
) -> npt.NDArray[np.float64]:
    """(len(tokens), 2) times of all tokens, given the (len(audible), 2) times of the audible ones."""
    full = np.empty((len(tokens), 2))
    following = 0
    for index, token in enumerate(tokens):
        if following < len(audible) and audible[following] == index:
            full[index] = times[following]
            following += 1
        elif following == 0 or (token in OPENING_TOKENS and following < len(audible)):
            full[index] = times[following, 0]
        else:
            full[index] = max(times[following - 1, 1], full[index - 1, 1])
    return full


def _heads(attention: Float32, heads: Sequence[tuple[int, int]]) -> Float32:
    """(len(heads), rows, T): the rows of some heads."""
    layers, numbers = zip(*heads, strict=True)
    chosen: Float32 = attention[list(layers), list(numbers)]
    return chosen


def _peak_normed(rows: Float32) -> Float32:
    """Scale each row's peak to 1, so that a look spread over a long stretch counts like a short one."""
    normed: Float32 = rows / rows.max(axis=-1, keepdims=True)
    return normed
