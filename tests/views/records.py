"""Records of runs that never were."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from lipstream.events import (
    EmotionUpdate,
    FaceSeen,
    LipActivity,
    SoundLevel,
    SpeakerChanged,
    SpeakerNamed,
    SpeechEnded,
    TranscriptFinal,
    Word,
)
from lipstream.pipeline import Degraded, End, Event, Recovered, Stats
from lipstream.views.recorded.record import Recorder

EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")


def recorded(events: Iterable[Event]) -> Recorder:
    recorder = Recorder()
    for event in events:
        recorder.handle(event)
    return recorder


def final(text: str, start: float = 0.5, segment: int = 1, lip_gate: float = 0.0, confidence: float = 0.9):
    words = tuple(
        Word(word=word, start=start + 0.4 * at, end=start + 0.4 * at + 0.3, confidence=confidence)
        for at, word in enumerate(text.split(" "))
    )
    return TranscriptFinal(segment=segment, start=start, end=words[-1].end, text=text, words=words, lip_gate=lip_gate)


def two_voices() -> Iterator[Event]:
    """A question and its answer, told as one person's; at the end the answer is Bo's after all."""
    for segment, (text, start) in enumerate([("Is it?", 0.5), ("It is.", 1.5)], 1):
        told = final(text, start, segment)
        words = tuple(replace(word, speaker=1) for word in told.words)
        yield replace(told, words=words, speaker=1)
    yield SpeakerChanged(segment=2, start=1.5, end=2.2, previous=1, speaker=2, words=(2, 2))
    yield SpeakerNamed(speaker=2, name="Bo")


def emotion(start: float, face: int | None = 1, voice: float = 0.4, label: str = "happy", evidence: float = 1.0):
    return EmotionUpdate(
        face=face,
        start=start,
        end=start + 0.5,
        label=label,
        probabilities={name: 0.4 if name == "happy" else 0.1 for name in EMOTIONS},
        valence=0.3,
        arousal=0.2,
        weights={"face": (1 - voice) * evidence, "voice": voice * evidence},
    )


def seen(time: float, face: int = 1, talking: bool = True, speaker: bool = True):
    lips = ((0.4, 0.6), (0.6, 0.6), (0.5, 0.7))
    return FaceSeen(face=face, time=time, box=(0.3, 0.2, 0.7, 0.9), lips=lips, speaker=speaker, talking=talking)


def stats(wall: float = 2.0, **counters: float) -> Stats:
    named = {name.replace("__", "."): value for name, value in counters.items()}
    return Stats(wall=wall, stages={}, channels={}, counters=named)


def talk(seconds: float = 6.0) -> Iterator[Event]:
    """Somebody who talks all the time, seen and heard; the camera fails from 2 s to 3 s."""
    segment = 0
    for step in range(round(seconds * 25)):
        time = step / 25
        yield LipActivity(face=1, time=time, aperture=0.1 + 0.1 * math.sin(8 * time), motion=0.1)
        if step % 5 == 0:
            yield SoundLevel(time=time + 0.2, level=-30 + 20 * math.sin(3 * time), speech=True)
        if step % 3 == 0:
            yield seen(time)
        if step % 12 == 0 and step:
            yield emotion(round(time / 0.48) * 0.5 - 0.5)
        if step % 75 == 74:
            segment += 1
            yield final("one two three four five", time - 2.5, segment)
            yield SpeechEnded(segment=segment, start=time - 2.6, end=time - 0.3, reason="pause")
        if step == 50:
            yield Degraded(modality="video", stage="camera", reason="the picture stands still", emitted=time)
        if step == 75:
            yield Recovered(modality="video", stage="camera", emitted=time)
    yield stats(seconds / 4)
    yield End(reason="finished", duration=seconds)
