"""What the environment of a process decides whatever a configuration says."""

from __future__ import annotations

import os

NO_EMOTION = "LIPSTREAM_NO_EMOTION"
"""The variable that switches emotion off for good."""

_OFF = frozenset({"", "0", "false", "no", "off"})


def emotion_forbidden() -> bool:
    """Whether LIPSTREAM_NO_EMOTION switches emotion off. Anything but a plain no does, for a slip must not judge."""
    return os.environ.get(NO_EMOTION, "").strip().lower() not in _OFF
