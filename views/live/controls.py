"""The keys of the live window, and what they switch."""

from __future__ import annotations

from collections.abc import Iterable

from lipstream.pipeline import Switches
from lipstream.stages.switches import EMOTION, LIPS, PICTURE, SOUND

ESCAPE = "\x1b"
QUIT, PAUSE, MUTE, LIPS_KEY, EMOTION_KEY, SNAPSHOT, GROW, HELP = "q", "p", "m", "l", "e", "s", "g", "h"
YES, NO = "y", "n"
_MEANINGS = {
    PAUSE: "pause, go on",
    MUTE: "mute the microphone, or not",
    LIPS_KEY: "lips on, off",
    EMOTION_KEY: "emotion on, off",
    SNAPSHOT: "save a snapshot",
    GROW: "learn my lips, or not: asks",
    HELP: "show these keys, or not",
    QUIT: "quit",
}


class Controls:
    """What the user has switched off with the keys.

    A pause switches sound and picture off; what was muted before it still is after it.

    Args:
        switches: those of the run.
        parts: which of `lipstream.stages.switches` the run has; keys for others do nothing and are not in the help.
        asks: whether there is a question about a profile that grows.

    Attributes:
        paused: whether everything stands still.
        help: whether the help is shown.
    """

    def __init__(self, switches: Switches, parts: Iterable[str], *, asks: bool = False) -> None:
        self._switches = switches
        self._parts = frozenset(parts)
        self._asks = asks
        self._off: set[str] = set()
        self.paused = False
        self.help = False

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """The keys there are, and what they do."""
        absent = {
            key for key, part in ((MUTE, SOUND), (LIPS_KEY, LIPS), (EMOTION_KEY, EMOTION)) if part not in self._parts
        }
        if not self._asks:
            absent.add(GROW)
        return tuple((key, meaning) for key, meaning in _MEANINGS.items() if key not in absent)

    @property
    def words(self) -> tuple[str, ...]:
        """What is switched off, for the picture."""
        words = {SOUND: "muted", LIPS: "lips off", EMOTION: "emotion off"}
        return (*(["paused"] if self.paused else []), *(word for part, word in words.items() if part in self._off))

    def press(self, key: str) -> None:
        """Do what a key stands for; nothing for one that has no meaning, or that is not for this class."""
        if key == HELP:
            self.help = not self.help
        elif key == PAUSE:
            self.paused = not self.paused
        elif (part := {MUTE: SOUND, LIPS_KEY: LIPS, EMOTION_KEY: EMOTION}.get(key)) in self._parts and part is not None:
            self._off ^= {part}
        self._apply()

    def _apply(self) -> None:
        standing = {SOUND, PICTURE} if self.paused else set()
        for part in self._parts:
            self._switches.turn(part, part not in self._off | standing)
