"""Speech encoding: the growing segment through the encoder, at every update and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from models.speech.engine import SpeechEngine
from pipeline import Packet, Port, RecoverableError, Stage, micros
from stages.failures import insist, while_loading, while_running
from stages.payloads import SAMPLE_RATE, EncodedSpeech, Float32, SpeechChunk
from stages.shedding import PARTIALS

_WHAT = "the speech encoder"


class Encode(Stage):
    """Encodes the open segment again every `update_interval`, and the whole segment at its end.

    The encoder attends over the whole segment, so frames of a longer stretch are not those of a shorter one with some
    more behind: the segment is encoded anew each time. Updates fall on fixed times of the segment's own sound, which
    makes the result independent of how the sound was chunked. In a live run an update that newer sound has overtaken is
    merged into the next one, and there are none while the processor cannot keep up; the end of a segment never is left
    out.

    Args:
        engine: the recogniser, shared with `Decode`.
        update_interval: seconds of sound between updates; None for the end of the segment only.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"speech": Port(SpeechChunk)}
    outputs: ClassVar[Mapping[str, Port]] = {"speech": Port(EncodedSpeech)}
    if_stuck = ("audio", "the speech encoder does not answer, captions come late; the sound is kept meanwhile")

    def __init__(self, engine: SpeechEngine, update_interval: float | None) -> None:
        self._engine = engine
        self._interval = None if update_interval is None else round(update_interval * SAMPLE_RATE)
        self._pieces: list[Float32] = []
        self._samples = 0
        self._encoded = 0
        self._start = 0

    def open(self) -> None:
        """Load the recogniser."""
        with while_loading():
            self._engine.load()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Add a chunk to the segment; encode if it is time to."""
        chunk: SpeechChunk = packet.payload
        if chunk.first:
            self._pieces, self._samples, self._encoded = [], 0, 0
            self._start = packet.timestamp
        if len(chunk.samples):
            self._pieces.append(chunk.samples)
            self._samples += len(chunk.samples)
        if self._samples and (chunk.last or self._update_due()):
            self._encode(chunk)

    def _update_due(self) -> bool:
        if self._interval is None or self._samples - self._encoded < self._interval:
            return False
        if self.context.sheds(PARTIALS.name):
            return False
        return self.context.lossless or self.context.backlog("speech") < micros(self._interval / SAMPLE_RATE)

    def _encode(self, chunk: SpeechChunk) -> None:
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        self._encoded = self._samples
        try:
            if chunk.last:
                encoding = insist(self, _WHAT, lambda: self._engine.encode(self._pieces[0]))
            else:
                with while_running("audio", _WHAT):
                    encoding = self._engine.encode(self._pieces[0])
        except RecoverableError as error:
            # Not raised: a chunk that is only collected would count as the recovery.
            self.degrade(error.modality, error.reason)
            return
        self.recover("audio")
        speech = EncodedSpeech(
            segment=chunk.segment,
            encoding=encoding,
            samples=self._pieces[0],
            start=self._start,
            speech_start=chunk.speech_start,
            speech_end=chunk.speech_end,
            last=chunk.last,
        )
        self.emit("speech", speech, self._start + micros(self._samples / SAMPLE_RATE))
