"""What may be wrong with the sound of a live source, several things at a time."""

from __future__ import annotations

import weakref

from lipstream.pipeline import Source

MUTED_AFTER_US = 10_000_000
"""Microseconds of nothing but silence after which a source counts as muted."""
_LOSS_OVER_US = 2_000_000
_AUDIO, _GONE, _MUTED, _LOSS = "audio", "gone", "muted", "loss"


class SoundTroubles:
    """Reports a source's sound as gone, muted, or lost in parts: each lasts until it is over itself.

    Args:
        source: the source; it must have its context before anything is reported.
    """

    def __init__(self, source: Source) -> None:
        # A reference back would keep a run that is over, networks and all, until the garbage collector comes by.
        self._source: Source = weakref.proxy(source)
        self._gone = False
        self._silent_since: int | None = None
        self._last_loss: int | None = None

    @property
    def gone(self) -> bool:
        """Whether no sound comes at all."""
        return self._gone

    def lose(self, reason: str) -> None:
        """No sound comes any more; whether what comes next is muted, or has losses, will be another matter."""
        self._gone = True
        self._source.degrade(_AUDIO, reason, _GONE)
        self._source.recover(_AUDIO, _MUTED)
        self._source.recover(_AUDIO, _LOSS)
        self._silent_since = self._last_loss = None

    def find(self) -> None:
        """Sound comes again, or comes."""
        self._gone = False
        self._source.recover(_AUDIO, _GONE)

    def hear(self) -> None:
        """There was something in the sound."""
        self._silent_since = None
        self._source.recover(_AUDIO, _MUTED)

    def hear_nothing(self, now: int, reason: str) -> None:
        """There was nothing in the sound up to `now` (us); for long enough, that is reported."""
        if self._silent_since is None:
            self._silent_since = now
        if now - self._silent_since >= MUTED_AFTER_US:
            self._source.degrade(_AUDIO, reason, _MUTED)

    def miss(self, now: int, reason: str) -> None:
        """Some sound was lost, as became known at `now` (us). Of a row of losses the first is reported."""
        if self._last_loss is None:
            self._source.degrade(_AUDIO, reason, _LOSS)
        self._last_loss = now

    def look(self, now: int) -> None:
        """Take back what is over by `now` (us): a loss is when none has followed it for 2 s."""
        if self._last_loss is not None and now - self._last_loss > _LOSS_OVER_US:
            self._last_loss = None
            self._source.recover(_AUDIO, _LOSS)
