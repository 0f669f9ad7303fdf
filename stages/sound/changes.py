"""What begins to be heard or is over, as an event."""

from __future__ import annotations

from lipstream.events import SoundEvent
from lipstream.models.sounds.tracker import Change


def event_of(change: Change) -> SoundEvent:
    """The event that tells of a change; a confidence is 1 at most."""
    return SoundEvent(label=change.label, start=change.start, end=change.end, confidence=min(1.0, change.confidence))
