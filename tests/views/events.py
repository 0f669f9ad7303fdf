"""Events of a run, as short as tests want them."""

from __future__ import annotations

from lipstream.events import EmotionUpdate, FaceSeen, TranscriptFinal, TranscriptPartial

LIPS_OUTLINE = ((0.2, 0.5), (0.3, 0.5), (0.25, 0.6))


def partial(stable: str, unstable: str = "", segment: int = 1, end: float = 1.0, emitted: float = 1.4):
    return TranscriptPartial(segment=segment, start=0.0, end=end, stable=stable, unstable=unstable, emitted=emitted)


def final(text: str, segment: int = 1, lip_gate: float = 0.0):
    return TranscriptFinal(segment=segment, start=0.0, end=1.0, text=text, words=(), lip_gate=lip_gate)


def face(
    number: int = 1,
    box: tuple[float, float, float, float] = (0.1, 0.2, 0.4, 0.7),
    *,
    speaker: bool = True,
    talking: bool = False,
):
    return FaceSeen(face=number, time=0.0, box=box, lips=LIPS_OUTLINE, speaker=speaker, talking=talking)


def emotion(number: int | None, label: str):
    return EmotionUpdate(
        face=number,
        start=0.0,
        end=0.5,
        label=label,
        probabilities={label: 1.0},
        valence=0.0,
        arousal=0.0,
        weights={"face": 0.7, "voice": 0.3},
    )
