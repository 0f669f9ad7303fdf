"""A diarizer to compare with: `python bench/who.py sound --peer moonshine`.

moonshine-voice has one of its own: `identify_speakers`. Its library names what is in it, the networks and settings of
pyannote's speaker-diarization-community-1 (segmentation of 10 s, WeSpeaker's voices, clustering by VBx), in C++.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from who_scores import Turn

_RATE = 16_000
_STEP = 0.01


class Span(Protocol):
    """Speech of one speaker, as moonshine-voice tells it, in seconds."""

    start_time: float
    duration: float
    speaker_index: int


class Line(Protocol):
    """A line of its transcript."""

    speaker_spans: Sequence[Span] | None


class Moonshine:
    """moonshine-voice's diarizer over a whole recording at once; the words are not read, which changes no span."""

    def __init__(self) -> None:
        import moonshine_voice

        folder = Path(moonshine_voice.__file__).parent / "assets" / "tiny-en"
        options = {"identify_speakers": "true", "skip_transcription": "true"}
        self._transcriber = moonshine_voice.Transcriber(str(folder), moonshine_voice.ModelArch.TINY, options=options)

    def turns(self, sound: npt.NDArray[np.float32]) -> list[Turn]:
        """Who speaks when in sound (samples,), float32 of 16 kHz."""
        return turns_of_lines(self._transcriber.transcribe_without_streaming(sound.tolist(), _RATE).lines)


def turns_of_lines(lines: Iterable[Line]) -> list[Turn]:
    """The spans of all lines in order of time, those of one speaker that overlap or touch put together.

    Lines overlap by some tenths of a second, so one stretch of speech may be in two of them.
    """
    spans = sorted(
        (str(span.speaker_index), span.start_time, span.start_time + span.duration)
        for line in lines
        for span in line.speaker_spans or ()
    )
    found: list[Turn] = []
    for who, start, end in spans:
        if found and found[-1][2] == who and start <= found[-1][1] + _STEP:
            found[-1] = found[-1][0], max(end, found[-1][1]), who
        else:
            found.append((start, end, who))
    return sorted(found)


def within(told: Sequence[Turn], speech: Iterable[tuple[float, float]]) -> list[Turn]:
    """Turns under a voice activity that is given: none outside of it, and where nobody was told, the nearest turn's.

    What is left to be wrong is who, so it can be compared with what was told from that voice activity.
    """
    found: list[Turn] = []
    if not told:
        return found
    for begin, end in speech:
        for moment in np.arange(begin, end, _STEP):
            away = [max(start - moment, moment - last, 0.0) for start, last, _ in told]
            least = min(away)
            # Two may be told at once; of two that are as near in a pause one is enough.
            here = {who for (_, _, who), far in zip(told, away, strict=True) if far == least}
            for who in sorted(here) if least == 0 else sorted(here)[:1]:
                found.append((float(moment), float(moment + _STEP), who))
    return found
