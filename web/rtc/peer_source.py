"""What the two sources of a browser's session share: they are ready long before a browser comes."""

from __future__ import annotations

import threading

from lipstream.pipeline import Source
from lipstream.pipeline.clock import Clock
from lipstream.pipeline.component import Context

POLL_SECONDS = 0.05


class Invitation:
    """Lets a run that is loaded wait for its browser, and tells it what will come.

    Attributes:
        sound: whether the browser sends sound.
        picture: whether it sends a picture.
    """

    def __init__(self) -> None:
        self.sound = True
        self.picture = True
        self._accepted = threading.Event()

    def accept(self, sound: bool, picture: bool) -> None:
        """A browser is there; the session begins as soon as everything is loaded."""
        self.sound, self.picture = sound, picture
        self._accepted.set()

    def wait(self, stopping: threading.Event) -> None:
        """Wait for a browser, or for the end of the run."""
        while not self._accepted.wait(POLL_SECONDS) and not stopping.is_set():
            continue


class PeerSource(Source):
    """A source that something outside the run hands its media to.

    Its `open` waits for the invitation to be accepted, so that the networks of the run can be loaded ahead and session
    time still begins with the browser.

    Args:
        invitation: the session's, shared by its sources.
    """

    def __init__(self, invitation: Invitation) -> None:
        self._invitation = invitation
        self._clock: Clock | None = None

    def attach(self, context: Context) -> None:
        """Take up the surroundings; a browser may have begun to send before."""
        super().attach(context)
        self._clock = context.clock

    def open(self) -> None:
        """Wait for the browser."""
        self._invitation.wait(self.context.stopping)

    def now(self) -> int:
        """Session time in microseconds; 0 before the session has begun. Safe to call from any thread."""
        return self._clock.now() if self._clock is not None else 0
