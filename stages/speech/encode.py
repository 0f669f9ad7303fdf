"""Speech encoding: the growing segment through the encoder, at every update and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from lipstream.models.speech.engine import Encoding, SpeechEngine
from lipstream.pipeline import Packet, Port, RecoverableError, Stage, micros
from lipstream.stages.failures import retry, while_loading, while_running
from lipstream.stages.payloads import SAMPLE_RATE, EncodedSpeech, Float32, SpeechChunk
from lipstream.stages.shedding import PARTIALS
from lipstream.stages.sound.segment_sound import SegmentSound
from lipstream.stages.speech.endpoint_prediction import EndpointPrediction, is_level, may_end, prolonged

_WHAT = "the speech encoder"
_NO_FRAMES = Encoding(np.zeros((0, 0), np.float32), frame_rate=1.0, samples=0)
_FIRST_LOOK = 1.5
"""Intervals from the start of a segment to the early look at it."""


class Encode(Stage):
    """Encodes the open segment again every `update_interval`, and the whole segment at its end.

    The encoder attends over the whole segment, so frames of a longer stretch are not those of a shorter one with some
    more behind: the segment is encoded anew each time. Updates fall on fixed times of the segment's own sound, which
    makes the result independent of how the sound was chunked. In a live run an update that newer sound has overtaken is
    merged into the next one, and there are none while the processor cannot keep up; the end of a segment never is left
    out.

    Between the first and the second update there is an early look, shown and no more: the pre-roll takes most of the
    first one, and half a second later is late for the first words.

    In the middle of a pause that may end the segment it is encoded with the rest of that pause made up from what was
    heard of it. If the segment then ends, and nothing louder was heard, that is its final encoding, and the text need
    not wait for another; until then there is no update. If speech goes on, so do the updates.

    Args:
        engine: the recogniser, shared with `Decode`.
        update_interval: seconds of sound between updates; None for the end of the segment only.
        early: whether it is loaded before anything comes, so that nothing waits for it, or when somebody speaks. What
            the user can mend is told before anything comes in either case.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"speech": Port(SpeechChunk)}
    outputs: ClassVar[Mapping[str, Port]] = {"speech": Port(EncodedSpeech)}
    if_stuck = ("audio", "the speech encoder does not answer, captions come late; the sound is kept meanwhile")

    def __init__(self, engine: SpeechEngine, update_interval: float | None, *, early: bool = True) -> None:
        self._engine = engine
        self._early = early
        self._loaded = False
        self._interval = None if update_interval is None else round(update_interval * SAMPLE_RATE)
        self._ahead: EndpointPrediction | None = None
        self._predictions = 0
        self._sound = SegmentSound()
        self._encoded = 0
        self._looked = False

    def open(self) -> None:
        """Load the recogniser; where that can wait, see that it can be loaded."""
        if self._early:
            self._load()
            return
        with while_loading():
            self._engine.check()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Add a chunk to the segment; encode if it is time to."""
        self._load()
        chunk: SpeechChunk = packet.payload
        if chunk.first:
            self._encoded, self._looked, self._ahead = 0, False, None
        self._sound.add(packet)
        if not self._sound.count:
            return
        if chunk.last:
            self._encode_last(chunk)
        elif self._interval is not None and self._may_update(self._interval):
            if self._may_look_ahead(chunk):
                self._look_ahead(chunk)
            elif not self._is_known(chunk):
                if self._sound.count - self._encoded >= self._interval:
                    self._update(chunk)
                elif not self._looked and self._encoded < _FIRST_LOOK * self._interval <= self._sound.count:
                    self._look_early(chunk)

    def _load(self) -> None:
        if not self._loaded:
            with while_loading():
                self._engine.load()
            self._loaded = True

    def _may_update(self, interval: int) -> bool:
        if self.context.sheds(PARTIALS.name):
            return False
        return self.context.lossless or self.context.backlog("speech") < micros(interval / SAMPLE_RATE)

    def _may_look_ahead(self, chunk: SpeechChunk) -> bool:
        if not may_end(chunk) or (self._ahead is not None and self._ahead.is_of(chunk)):
            return False
        return is_level(self._sound.whole())

    def _is_known(self, chunk: SpeechChunk) -> bool:
        """Whether the segment is what it was taken for when it was encoded ahead."""
        return self._ahead is not None and self._ahead.is_of(chunk) and self._ahead.holds(self._sound.whole())

    def _look_early(self, chunk: SpeechChunk) -> None:
        self._looked = True
        self._send(chunk, self._try(self._sound.whole()), self._sound.whole(), tentative=True)

    def _update(self, chunk: SpeechChunk) -> None:
        self._encoded = self._sound.count
        self._send(chunk, self._try(self._sound.whole()), self._sound.whole())

    def _look_ahead(self, chunk: SpeechChunk) -> None:
        samples = prolonged(self._sound.whole(), round((chunk.pause - chunk.silence) * SAMPLE_RATE))
        self._predictions += 1
        self._ahead = EndpointPrediction(
            chunk.speech_end, self._sound.count, samples, self._try(samples), self._predictions
        )
        self._send(chunk, self._ahead.encoding, samples, tentative=True, prediction=self._ahead.number)

    def _encode_last(self, chunk: SpeechChunk) -> None:
        if self._ahead is not None and self._is_known(chunk):
            self._send(chunk, self._ahead.encoding, self._ahead.samples, prediction=self._ahead.number)
        else:
            self._send(chunk, self._try(self._sound.whole(), again=True), self._sound.whole())

    def _try(self, samples: Float32, again: bool = False) -> Encoding | None:
        """Encode; None if the network fails, with `again` if it does so twice."""
        try:
            if again:
                encoding = retry(self, _WHAT, lambda: self._engine.encode(samples))
            else:
                with while_running("audio", _WHAT):
                    encoding = self._engine.encode(samples)
        except RecoverableError as error:
            # Not raised: a chunk that is only collected would count as the recovery.
            self.degrade(error.modality, error.reason)
            return None
        self.recover("audio")
        return encoding

    def _send(
        self,
        chunk: SpeechChunk,
        encoding: Encoding | None,
        samples: Float32,
        tentative: bool = False,
        prediction: int = 0,
    ) -> None:
        if encoding is None:
            if not chunk.last:
                return
            # Whoever waits for the end of the segment must hear of it.
            encoding, failed = _NO_FRAMES, True
        else:
            failed = False
        speech = EncodedSpeech(
            segment=chunk.segment,
            encoding=encoding,
            samples=samples,
            start=self._sound.start,
            speech_start=chunk.speech_start,
            speech_end=chunk.speech_end,
            end=self._sound.end,
            last=chunk.last,
            tentative=tentative,
            prediction=prediction,
            failed=failed,
        )
        self.emit("speech", speech, self._sound.end)
