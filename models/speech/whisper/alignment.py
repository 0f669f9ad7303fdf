"""When each token of Whisper was spoken, read from where its decoder looked.

As in the openai-whisper package (timing.py): the looks of the heads that follow the sound are brought to one scale for
each frame, so that frames at which every token looks count for none, and smoothed over time; the best monotone path
through them divides the sound among the tokens. Unlike there, what is quiet may belong to no token: pauses stand
between words and not in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.speech.alignment import follow_sound, segment, speech_by_level
from lipstream.models.speech.engine import Float32, WordSpan

_SMOOTHED: Final = 7
"""Frames of the median filter, as published."""
_LATE: Final = 3.0
"""What a frame costs that lies behind the place at which the next token is looked at most."""
_GAP: Final = 2.0
"""What a quiet frame is worth in a pause, in spreads of the looks."""


def token_times(
    looks: Float32, audible: Sequence[bool], levels: Float32, frame_rate: float, closing: Sequence[bool] = ()
) -> Float32:
    """Start and end of each token.

    Args:
        looks: (h, N, T) where h heads looked when they predicted each of N tokens; T frames of sound.
        audible: (N,) whether a token has letters or digits; the others get no time of their own.
        levels: (T,) sound level of each frame in decibels.
        frame_rate: frames a second.
        closing: (N,) whether a token is a sign that belongs to the word before it; none by default.

    Returns:
        (N, 2) float32 seconds, read row by row never decreasing, inside the T frames.
    """
    count, frames = looks.shape[1:]
    rows = np.flatnonzero(audible)
    if not len(rows) or len(rows) > frames:
        even = np.linspace(0.0, frames / frame_rate, count + 1, dtype=np.float32)
        return np.stack([even[:-1], even[1:]], axis=1)
    speech = speech_by_level(levels)
    scores = np.empty((2 * len(rows) + 1, frames))
    followed = _followed(looks)
    scores[1::2] = _with_signs(followed, rows, closing) * np.maximum(speech, 0.1)
    scores[0::2] = _GAP * (1.0 - speech)
    for row, peak in _peaks(followed[rows] * speech):
        # What comes before a token ends where it is looked at most, which is at its beginning.
        scores[: 2 * row + 1, peak + 1 :] -= _LATE
    optional = np.ones(len(scores), dtype=bool)
    optional[1::2] = False
    edges = segment(scores, optional)
    spans = follow_sound(np.stack([edges[1:-1:2], edges[2::2]], axis=1).astype(np.float64), speech)
    return _with_silent(spans / frame_rate, rows, count).astype(np.float32)


def with_openings(times: Float32, spans: Sequence[WordSpan], audible: Sequence[bool]) -> Float32:
    """The times of tokens, with signs that open a word ("$", "¿") at its beginning, not at the end of the one before.

    Args:
        times: (N, 2) from `token_times`.
        spans: the words.
        audible: (N,) as for `token_times`.
    """
    moved = times.copy()
    for span in spans:
        first = next((at for at in range(span.first, span.last) if audible[at]), span.first)
        moved[span.first : first] = times[first, 0]
    return moved


def _peaks(followed: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Tokens and the frame at which each is looked at most; the most of them that are in order."""
    best: list[list[tuple[int, int]]] = [[]]
    # The first token has nothing before it, and its look has not settled.
    for row, peak in list(enumerate(followed.argmax(axis=1).tolist()))[1:]:
        before = max((chain for chain in best if not chain or chain[-1][1] < peak), key=len)
        best.append([*before, (row, peak)])
    return max(best, key=len)


def _with_signs(
    followed: npt.NDArray[np.float64], rows: npt.NDArray[np.intp], closing: Sequence[bool]
) -> npt.NDArray[np.float64]:
    """(R, T) the rows of tokens with sound, each with what the signs behind it look at.

    A token looks at the beginning of its sound, and the comma behind it at its end and the pause that follows.
    """
    joined = followed[rows].copy()
    place = -1
    for index in range(len(followed)):
        if place + 1 < len(rows) and rows[place + 1] == index:
            place += 1
        elif place >= 0 and closing and closing[index]:
            joined[place] = np.maximum(joined[place], followed[index])
    return joined


def _followed(looks: Float32) -> npt.NDArray[np.float64]:
    """(N, T) how much each frame is looked at for a token, against how much it is for the others; mean of the heads."""
    if looks.shape[1] == 1:
        # There are no others to measure it against: all that is loud is its own.
        return np.ones((1, looks.shape[2]))
    deviation = looks.std(axis=1, keepdims=True)
    scaled = (looks - looks.mean(axis=1, keepdims=True)) / np.maximum(deviation, 1e-6)
    padded = np.pad(scaled, ((0, 0), (0, 0), (_SMOOTHED // 2, _SMOOTHED // 2)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED, axis=2)
    # Head by head: the median copies every window, which is a lot for all of them at once.
    smooth = np.stack([np.median(each, axis=2) for each in windows])
    result: npt.NDArray[np.float64] = smooth.mean(axis=0).astype(np.float64)
    return result


def _with_silent(times: npt.NDArray[np.float64], audible: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.float64]:
    """(count, 2) times of all tokens: one without sound lies at the end of the audible one before it."""
    full = np.empty((count, 2))
    before = np.searchsorted(audible, np.arange(count), side="right") - 1
    for index, place in enumerate(before):
        full[index] = times[0, 0] if place < 0 else times[place, 1]
    full[audible] = times
    return full
