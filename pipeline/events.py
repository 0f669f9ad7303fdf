"""The events every run tells, whatever flows in it: how it is doing, what failed, and that it is over.

All times are seconds from session start. A field added later gets a default, so that old readers go on working.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events; a hook on this class receives every event.

    Attributes:
        emitted: when the event was published, seconds on the session clock. In a file run at full speed, where wall
            time says nothing, it is the media time that had been read when the event could be known.
    """

    ephemeral: ClassVar[bool] = False
    """True for events a later one supersedes; these are dropped first when a slow hook falls behind."""

    emitted: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The event as JSON-ready data: `{"event": class name, "emitted": seconds, ...fields}`."""
        return {"event": type(self).__name__, "emitted": self.emitted} | dataclasses.asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Degraded(Event):
    """A modality is missing or bad; the run goes on with the other.

    Of one component and modality the newest holds: a further reason takes the place of the one before, and one that
    was overtaken and is not over is told again.

    Attributes:
        modality: "audio" or "video".
        stage: name of the component that noticed; "load: " and what is left out, where the processor cannot keep up.
        reason: one plain-language line.
    """

    modality: str
    stage: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered(Event):
    """A degraded modality is back: nothing that its component has told of it holds any more.

    Attributes:
        modality: "audio" or "video".
        stage: that of the `Degraded` event.
        reason: one plain-language line; empty where there is no more to say than that the modality is back.
    """

    modality: str
    stage: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats(Event):
    """A snapshot of the run's metrics, on an interval and once at the end.

    Attributes:
        wall: wall-clock seconds since the start.
        stages: per component: packets in and out, busy seconds, service and latency percentiles in milliseconds.
        channels: per channel: packets put, taken and dropped, depth and peak depth.
        counters: named totals. Of the sound, in seconds: "audio.captured_seconds" came from the source and
            "audio.lost_seconds" are silence in place of what did not; together they are "audio.processed_seconds", but
            for what is still on its way. "audio.speech_seconds" of it are speech, and "audio.recognised_seconds" of
            those went through recognition to the end, of which "audio.off_camera_seconds" were left out with
            `speech.only_on_camera`. Finals were read once more with what came after them "audio.read_again" times,
            "audio.finals_corrected" of them were corrected, and "audio.corrections_given_up" times there was no time
            for it. "load.level" is how many kinds of work are left out just now.
        consumers: per event sink and hook: events in and dropped, busy seconds, service percentiles in milliseconds.
    """

    ephemeral: ClassVar[bool] = True

    wall: float
    stages: dict[str, dict[str, float]]
    channels: dict[str, dict[str, float]]
    counters: dict[str, float]
    consumers: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(Event):
    """Something failed.

    Attributes:
        stage: name of the component.
        message: one line.
        recoverable: False when the run ends because of it.
    """

    stage: str
    message: str
    recoverable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Event):
    """The run is over. Delivered exactly once, last.

    Attributes:
        reason: "finished", "stopped" or "failed".
        duration: session time covered, seconds: the end of the last input, or of the session when live.
    """

    reason: str
    duration: float
