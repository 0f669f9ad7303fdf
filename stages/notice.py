"""Says at the start of a run what will be missing from it."""

from __future__ import annotations

from lipstream.pipeline import Source


class Notice(Source):
    """Reports one degraded modality and ends.

    Args:
        modality: "audio" or "video".
        reason: one plain-language line.
    """

    def __init__(self, modality: str, reason: str) -> None:
        self._modality = modality
        self._reason = reason

    def produce(self) -> bool:
        """Report it."""
        self.degrade(self._modality, self._reason)
        return False
