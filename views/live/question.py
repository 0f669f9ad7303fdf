"""The window's question whether a profile may grow from use: asked once, and again only by its key."""

from __future__ import annotations

from typing import Final

from lipstream.models.errors import ModelError
from lipstream.stages.enrol.consent import GrowthConsent
from lipstream.views.live.controls import GROW, NO, YES

LINES: Final = (
    ("", "Shall Lipstream learn your lips while you use it?"),
    ("", "It then reads you better in noise, after some minutes of clear speech."),
    ("", "Kept on this computer only: features of your voice and mouth, and the"),
    ("", "words that were read. No sound, no pictures. Only while you are alone"),
    ("", "in the picture. Say yes for yourself only. The key g brings this back;"),
    ("", "lipstream profile delete me   deletes all of it."),
    (YES, "yes, learn my lips"),
    (NO, "no; you are not asked again"),
)
"""Key and text of each line of the card."""
_SECONDS: Final = 30.0
"""How long an unanswered question covers the picture; it comes again with the next window."""
_LEARNS, _LEARNS_NOT = "learns your lips; g to stop", "does not learn your lips; g to change that"


class GrowthQuestion:
    """What the window asks about a profile that grows.

    Args:
        consent: where the answer is kept.

    Attributes:
        open: whether it is to be shown, where there is room.
        drawn: whether it was in the last frame. Only then do the keys of an answer count, and its time runs.
    """

    def __init__(self, consent: GrowthConsent) -> None:
        self._consent = consent
        self.open = consent.answer is None
        self.drawn = False
        self._seen = self._last = 0.0

    def frame(self, now: float, *, room: bool) -> bool:
        """Whether the question is to be drawn in a frame; to be asked of every frame.

        Args:
            now: seconds, steadily growing.
            room: whether nothing else is in its place.
        """
        if self.drawn:
            self._seen += now - self._last
        self._last = now
        if self._seen > _SECONDS:
            self.open = False
        if not self.open:
            self._seen = 0.0
        self.drawn = self.open and room
        return self.drawn

    def press(self, key: str) -> str | None:
        """Do what a key stands for.

        Returns:
            What came of it, in a few words; None if the key is not for this class.
        """
        if key == GROW:
            self.open = not self.open
            return "" if self.open else self._state()
        if not self.drawn or key not in (YES, NO):
            return None
        self.open = False
        try:
            if key == YES:
                self._consent.give()
            else:
                self._consent.refuse()
        except ModelError as error:
            return f"nothing is learnt: {error}"
        return self._state()

    def _state(self) -> str:
        return _LEARNS if self._consent.given else _LEARNS_NOT
