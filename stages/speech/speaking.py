"""Tells how likely the visible mouth is the voice, for those who study faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from lipstream.events import SpeakingProbability
from lipstream.pipeline import Packet, Port, Stage, seconds
from lipstream.stages.payloads import EncodedSpeech


class SpeakingReport(Stage):
    """Publishes `SpeakingProbability` for every finished segment in which fusion has judged it."""

    inputs: ClassVar[Mapping[str, Port]] = {"speech": Port(EncodedSpeech)}

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Tell of a segment that is finished."""
        speech: EncodedSpeech = packet.payload
        if not speech.last or speech.failed or speech.active_speaker is None:
            return
        step = 1 / speech.encoding.frame_rate
        heard = speech.active_speaker[: round(speech.heard / step)].astype(np.float64)
        self.publish(
            SpeakingProbability(
                segment=speech.segment,
                start=round(seconds(speech.start) + step / 2, 6),
                step=round(step, 6),
                own_voice=tuple(None if np.isnan(each) else round(float(each), 4) for each in heard),
            )
        )
