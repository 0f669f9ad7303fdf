"""The fusion of an enrolled user whose profile is not the only reader: it tells when others are heard too."""

from __future__ import annotations

import dataclasses

from lipstream.models.av_speech.general_fusion import GeneralFusion, MouthEvidence
from lipstream.models.av_speech.recording import Float32
from lipstream.models.speech.fusion import FusedSpeech


class ProfileFusion(GeneralFusion):
    """A general fusion with an enrolled user's inside, which says in `Encoding.others` what it finds of others."""

    def _told(self, fused: FusedSpeech, mouth: MouthEvidence, sound: Float32) -> FusedSpeech:
        # Without a gate the lips are not the user's, or not of this sound.
        others = None if fused.gate is None else self.others(mouth, sound)
        return dataclasses.replace(fused, encoding=dataclasses.replace(fused.encoding, others=others))
