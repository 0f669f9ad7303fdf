"""How many cues keep to the limits, for a line at the end of a run."""

from __future__ import annotations

from lipstream.config.subtitles import SubtitlesConfig
from lipstream.stages.sinks.subtitles.cue import Cue

_NEARLY = 1
"""Milliseconds that rounding may take."""


class Tally:
    """Counts the cues that could not be kept within the limits without a change of the text.

    Args:
        rules: the limits.

    Attributes:
        cues: all there are.
        fast: those with more characters a second.
        fastest: characters a second of the worst of them.
        short: those that stay for less than the least time.
        close: those that follow the one before by less than the gap.
    """

    def __init__(self, rules: SubtitlesConfig) -> None:
        self.cues = self.fast = self.short = self.close = 0
        self.fastest = 0.0
        self._rules = rules
        self._end: int | None = None

    def add(self, cue: Cue) -> None:
        """Count a cue; they come in order."""
        self.add_beside(cue)
        self.close += self._end is not None and cue.start - self._end + _NEARLY < self._rules.gap * 1000
        self._end = cue.end

    def add_beside(self, cue: Cue) -> None:
        """Count a cue that is there at the same time as others, and follows none."""
        rules, length = self._rules, cue.end - cue.start
        self.cues += 1
        if cue.chars * 1000 > rules.max_cps * (length + _NEARLY):
            self.fast += 1
            self.fastest = max(self.fastest, cue.cps)
        self.short += length + _NEARLY < rules.min_duration * 1000

    @property
    def remark(self) -> str:
        """What could not be met, in a few words; empty if nothing."""
        rules = self._rules
        missed = []
        if self.fast:
            missed.append(f"{self.fast} over {rules.max_cps:g} characters a second (up to {self.fastest:.0f})")
        if self.short:
            missed.append(f"{self.short} under {rules.min_duration:g} s")
        if self.close:
            missed.append(f"{self.close} less than {rules.gap:g} s behind the one before")
        return f"of {self.cues} cues {', '.join(missed)}: as it was said" if missed else ""
