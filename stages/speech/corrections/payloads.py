"""What flows to who reads finals once more."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from lipstream.events import TranscriptFinal
from lipstream.models.speech.recogniser import Transcript
from lipstream.stages.payloads import EncodedSpeech
from lipstream.stages.speech.on_camera import UNKNOWN, Speaker


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """A segment that has ended.

    Attributes:
        speech: the segment; without frames, which nobody reads again.
        final: what was published of it; None where that is nothing, or several people have said it.
        read: the text as it was read, with the words that were left in; None likewise.
        speaker: who said it.
    """

    speech: EncodedSpeech
    final: TranscriptFinal | None = None
    read: Transcript | None = None
    speaker: Speaker = UNKNOWN

    @classmethod
    def of(
        cls,
        speech: EncodedSpeech,
        final: TranscriptFinal | None = None,
        read: Transcript | None = None,
        speaker: Speaker = UNKNOWN,
    ) -> Finished:
        """One of a segment, without what would be kept for nothing."""
        bare = dataclasses.replace(speech.encoding, features=np.zeros((0, 0), np.float32), inner=None, levels=None)
        return cls(dataclasses.replace(speech, encoding=bare, active_speaker=None), final, read, speaker)
