"""An enrolled user's profile beside a recogniser that it was not made for: who reads which speech.

The networks of a profile speak to Moonshine's decoder, and know one voice and its lips. Where other voices are heard
nobody reads that user better; elsewhere the chosen recogniser knows more words. Where that one doubts its own text, the
profile is believed there too if it does not doubt more: it has learnt what the user says.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

from lipstream.models.speech.engine import mean_log
from lipstream.models.speech.recogniser import Hints, Recogniser, Transcript, Utterance
from lipstream.models.speech.second_opinion import HOPELESS

OTHERS: Final = 0.15
"""Share of the loudness that belongs to others from which on the profile reads."""
DOUBTFUL: Final = 0.7
"""Mean confidence of a text of the chosen recogniser from which on it is believed where no others are heard."""
AS_SURE: Final = 0.9
"""Mean confidence of the profile, in parts of a doubtful text's, over which the profile is believed in its place. Its
networks have learnt not to be too sure of anything (label smoothing)."""


class ProfileReader(Recogniser):
    """Two readers of finished speech; each utterance is read by one of them.

    The profile reads what is said in its language (`Recogniser.languages`), and translates nothing.

    Args:
        profile: reads the listener's frames as the fusion of a profile has refined them.
        chosen: the recogniser that reads elsewhere, from the sound.
    """

    reads_frames = True

    def __init__(self, profile: Recogniser, chosen: Recogniser) -> None:
        self._profile, self._chosen = profile, chosen
        self.longest, self.best_length = chosen.longest, chosen.best_length

    def load(self) -> None:
        """Load both. Idempotent."""
        self._profile.load()
        self._chosen.load()
        self.languages = self._chosen.languages

    def check(self) -> None:
        """See that both can be loaded."""
        self._profile.check()
        self._chosen.check()
        self.languages = self._chosen.languages

    def reads_alone(self, utterance: Utterance) -> bool:
        """Whether other voices are heard: the neighbours are of no help to the profile, nor it to them."""
        others = None if utterance.encoding is None else utterance.encoding.others
        return others is not None and others >= OTHERS

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        """Read an utterance; see `Recogniser`."""
        if self.reads_alone(utterance) and self._knows(hints, hints.language or hints.usual):
            return self._profile.recognise(utterance, hints)
        # What checks a doubtful text of the chosen recogniser shall hear the sound, not what the profile makes of it.
        read = self._chosen.recognise(dataclasses.replace(utterance, encoding=None), hints)
        return self.reviewed([utterance], [read], hints)[0]

    def reviewed(
        self, utterances: Sequence[Utterance], parts: Sequence[Transcript], hints: Hints
    ) -> Sequence[Transcript]:
        """What the chosen recogniser has read; where it doubts that, taken together, what the profile reads of them."""
        parts = [dataclasses.replace(part, fused=False) for part in parts]
        refined = all(each.encoding is not None and each.encoding.refined for each in utterances)
        sure = _sure(parts)
        if not refined or sure >= DOUBTFUL:
            return parts
        if not all(self._knows(hints, hints.language or part.language) for part in parts):
            return parts
        mine = [self._profile.recognise(each, hints) for each in utterances]
        return mine if _sure(mine) > max(HOPELESS, AS_SURE * sure) else parts

    def _knows(self, hints: Hints, language: str | None) -> bool:
        return hints.task == "transcribe" and (language is None or language in self._profile.languages)


def _sure(parts: Sequence[Transcript]) -> float:
    """Mean confidence of the words; 0 for none."""
    confidences = [word.confidence for part in parts for word in part.words]
    return math.exp(mean_log(confidences)) if confidences else 0.0
