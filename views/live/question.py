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
        open: whether the question is shown.
    """

    def __init__(self, consent: GrowthConsent) -> None:
        self._consent = consent
        self.open = consent.answer is None
        self._since: float | None = None

    def shown(self, now: float) -> bool:
        """Whether the question is to be drawn.

        Args:
            now: seconds, steadily growing.
        """
        if not self.open:
            self._since = None
            return False
        self._since = now if self._since is None else self._since
        self.open = now - self._since <= _SECONDS
        return self.open

    def press(self, key: str) -> str | None:
        """Do what a key stands for.

        Returns:
            What came of it, in a few words; None if the key is not for this class.
        """
        if key == GROW:
            self.open = not self.open
            return "" if self.open else self._state()
        if not self.open or key not in (YES, NO):
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
