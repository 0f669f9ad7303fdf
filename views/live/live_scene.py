"""The scene of a live run, from its events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from lipstream.events import (
    EmotionUpdate,
    FaceLost,
    FaceSeen,
    Recording,
    SoundEvent,
    SoundLevel,
    SpeechStarted,
    TranscriptCorrected,
    TranscriptFinal,
    TranscriptPartial,
)
from lipstream.pipeline import Degraded, Error, Event, EventSink, Recovered, Switches
from lipstream.stages.switches import EMOTION, LIPS, PICTURE, SOUND
from lipstream.views.drawing.captions import CaptionRoll
from lipstream.views.drawing.scene import EmotionMark, FaceMark, Scene, SoundMark

FACE_SECONDS = 0.5
"""A face that was not reported for so long is not drawn."""
CAPTION_SECONDS = 6.0
"""How long captions stay after the last final."""
PARTIAL_SECONDS = 15.0
"""How long captions stay while a segment is open, if nothing more comes of it."""
SOUND_SECONDS = 1.0
EMOTION_SECONDS = 2.0
GATE_SECONDS = 4.0
"""How long the lips of a finished segment count for the drawing."""
ERROR_SECONDS = 8.0
TALKING_COUNTS = 0.4
"""How bright lips are that talk, while no final says how much they counted."""
_FALL = 40.0
"""dB a second at which the meter falls: slowly enough to be read, as a peak programme meter does (IEC 60268-10)."""
_LATENCY_SMOOTHING = 0.3
_CAMERA = "video"
_LOAD = "load: "

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    """Something to be shown, and since when, on the clock of the scene."""

    value: T
    since: float

    def fresh(self, now: float, seconds: float) -> T | None:
        return self.value if now - self.since <= seconds else None


class LiveScene(EventSink):
    """Folds events into what there is to see now; any thread may tell it events, any may ask.

    All expiry is by the time at which an event arrived, since what is seen has to go when nothing comes any more.

    Args:
        sound: whether the run has sound: without it a lost picture is not "going on with sound only".
        switches: those of the run: what is switched off goes at once and not only when it has expired.
        clock: seconds, steadily growing.

    Attributes:
        recording: the file in which the run is kept just now; None if in none.
        sounds: what is heard just now that is no speech.
    """

    def __init__(
        self, sound: bool = True, switches: Switches | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sound_runs = sound
        self._switches = switches or Switches()
        self._clock = clock
        self._lock = threading.Lock()
        self._roll = CaptionRoll()
        self._captions_end = 0.0
        self._faces: dict[int, _Kept[FaceSeen]] = {}
        self._emotions: dict[int | None, _Kept[EmotionUpdate]] = {}
        self._sound: _Kept[SoundMark] | None = None
        self._gate: _Kept[float] | None = None
        self._warnings: dict[tuple[str, str], str] = {}
        self._errors: dict[str, _Kept[str]] = {}
        self._latency: float | None = None
        self.recording: str | None = None
        self.sounds: tuple[str, ...] = ()

    def handle(self, event: Event) -> None:
        """Take an event."""
        now = self._clock()
        with self._lock:
            match event:
                case TranscriptPartial() | TranscriptFinal() | TranscriptCorrected() | SpeechStarted():
                    self._caption(event, now)
                case FaceSeen():
                    self._faces[event.face] = _Kept(event, now)
                case FaceLost():
                    self._faces.pop(event.face, None)
                    self._emotions.pop(event.face, None)
                case EmotionUpdate():
                    self._emotions[event.face] = _Kept(event, now)
                case SoundLevel():
                    self._sound = _Kept(self._metered(event, now), now)
                case Recording():
                    self.recording = event.file if event.on else None
                case SoundEvent():
                    others = tuple(label for label in self.sounds if label != event.label)
                    self.sounds = (*others, event.label) if event.end is None else others
                case Degraded():
                    self._warnings[event.modality, event.stage] = warning(event, self._sound_runs)
                case Recovered():
                    self._warnings.pop((event.modality, event.stage), None)
                case Error():
                    self._errors[event.stage] = _Kept(f"{event.stage}: {event.message}", now)

    def scene(self, now: float) -> Scene:
        """What there is to see at a time of the clock."""
        with self._lock:
            self._expire(now)
            faces = self._marks() if self._switches.is_on(PICTURE) else ()
            sound = self._sound.fresh(now, SOUND_SECONDS) if self._sound and self._switches.is_on(SOUND) else None
            return Scene(
                captions=self._roll.lines,
                faces=faces,
                lips_count=self._lips_count(faces, now),
                emotion=self._emotion(faces) if self._switches.is_on(EMOTION) else None,
                sound=sound,
                warnings=self._lines(),
                figures=(("latency", f"{self._latency:.1f} s"),) if self._latency is not None else (),
            )

    def _caption(
        self, event: TranscriptPartial | TranscriptFinal | TranscriptCorrected | SpeechStarted, now: float
    ) -> None:
        match event:
            case TranscriptCorrected():
                # What is shown is put right; it stays no longer for that.
                self._roll.corrected(event.segment, event.text, event.face)
            case SpeechStarted():
                self._roll.drop(event.segment)
                return
            case TranscriptPartial():
                self._roll.partial(event.segment, event.stable, event.unstable)
                if not event.text:
                    return
                self._captions_end = now + PARTIAL_SECONDS
                late = max(0.0, event.emitted - event.end)
                before = self._latency if self._latency is not None else late
                self._latency = before + _LATENCY_SMOOTHING * (late - before)
            case TranscriptFinal():
                self._roll.final(event.segment, event.text, event.joint, event.face)
                self._captions_end = now + CAPTION_SECONDS
                self._gate = _Kept(event.lip_gate, now)

    def _metered(self, event: SoundLevel, now: float) -> SoundMark:
        before = self._sound
        least = before.value.level - _FALL * (now - before.since) if before else event.level
        return SoundMark(max(event.level, least), event.speech)

    def _expire(self, now: float) -> None:
        if now > self._captions_end:
            self._roll.clear()
        self._faces = {face: kept for face, kept in self._faces.items() if kept.fresh(now, FACE_SECONDS)}
        self._emotions = {face: kept for face, kept in self._emotions.items() if kept.fresh(now, EMOTION_SECONDS)}
        self._errors = {stage: kept for stage, kept in self._errors.items() if kept.fresh(now, ERROR_SECONDS)}

    def _lines(self) -> tuple[str, ...]:
        """The warnings; of the kinds of work that a busy processor makes a run leave out, the last says enough."""
        left_out = [key for key in self._warnings if key[1].startswith(_LOAD)]
        lines = [line for key, line in self._warnings.items() if key not in left_out[:-1]]
        return (*lines, *(kept.value for kept in self._errors.values()))

    def _marks(self) -> tuple[FaceMark, ...]:
        shown = self._switches.is_on(LIPS)
        seen = (kept.value for kept in self._faces.values())
        return tuple(
            FaceMark(each.face, each.box, each.lips if shown else (), each.speaker, each.talking) for each in seen
        )

    def _lips_count(self, faces: tuple[FaceMark, ...], now: float) -> float:
        """How much the lips moved the newest final; while no final says that they did, whether they talk."""
        gate = self._gate.fresh(now, GATE_SECONDS) if self._gate else None
        return gate or max((TALKING_COUNTS for face in faces if face.speaker and face.talking), default=0.0)

    def _emotion(self, faces: tuple[FaceMark, ...]) -> EmotionMark | None:
        """The speaker's emotion; else that of a voice without a face; else the newest of all."""
        wanted = [face.face for face in faces if face.speaker]
        newest = sorted(self._emotions, key=lambda face: -self._emotions[face].since)
        for face in (*wanted, None, *newest):
            if (kept := self._emotions.get(face)) is not None:
                update = kept.value
                weights = update.weights.get("face", 0.0), update.weights.get("voice", 0.0)
                return EmotionMark(update.face, update.label, update.probabilities, *weights)
        return None


def warning(event: Degraded, sound: bool) -> str:
    """One plain line on what is degraded and what it means.

    Args:
        event: the report.
        sound: whether the run has sound to go on with.
    """
    lost = event.modality == "video" and event.stage == _CAMERA and "going on" not in event.reason
    return f"{event.reason}; going on with sound only" if lost and sound else event.reason


def mirrored(scene: Scene) -> Scene:
    """The scene for a picture that is shown as in a mirror; only places are turned round, never text."""
    faces = []
    for face in scene.faces:
        left, top, right, bottom = face.box
        lips = tuple((1 - x, y) for x, y in face.lips)
        faces.append(replace(face, box=(1 - right, top, 1 - left, bottom), lips=lips))
    return replace(scene, faces=tuple(faces))
