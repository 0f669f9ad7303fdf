"""Speech encoding: the growing segment through the encoder, at every update and at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from models.speech.engine import Encoding, SpeechEngine
from pipeline import Packet, Port, RecoverableError, Stage, micros
from stages.ending import Ahead, may_end, prolonged
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

    In the middle of a pause that may end the segment it is encoded with the rest of that pause made up from what was
    heard of it. If the segment then ends, and nothing louder was heard, that is its final encoding, and the text need
    not wait for another; if speech goes on, it was one more update.

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
        self._ahead: Ahead | None = None
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
            self._pieces, self._samples, self._encoded, self._ahead = [], 0, 0, None
            self._start = packet.timestamp
        if len(chunk.samples):
            self._pieces.append(chunk.samples)
            self._samples += len(chunk.samples)
        if not self._samples:
            return
        if chunk.last:
            self._encode_last(chunk)
        elif self._interval is not None and self._may_update(self._interval):
            if may_end(chunk) and (self._ahead is None or not self._ahead.is_of(chunk)):
                self._look_ahead(chunk)
            elif self._samples - self._encoded >= self._interval and not self._is_known(chunk):
                self._update(chunk)

    def _may_update(self, interval: int) -> bool:
        if self.context.sheds(PARTIALS.name):
            return False
        return self.context.lossless or self.context.backlog("speech") < micros(interval / SAMPLE_RATE)

    def _is_known(self, chunk: SpeechChunk) -> bool:
        """Whether the segment is what it was taken for when it was encoded ahead."""
        return self._ahead is not None and self._ahead.is_of(chunk) and self._ahead.holds(self._sound())

    def _sound(self) -> Float32:
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        return self._pieces[0]

    def _look_ahead(self, chunk: SpeechChunk) -> None:
        sound = self._sound()
        samples = prolonged(sound, round((chunk.pause - chunk.silence) * SAMPLE_RATE))
        encoding = self._try(lambda: self._tried(samples))
        self._ahead = Ahead(chunk.speech_end, len(sound), samples, encoding)
        self._send(chunk, encoding, samples, ahead=True)

    def _update(self, chunk: SpeechChunk) -> None:
        samples = self._sound()
        self._send(chunk, self._try(lambda: self._tried(samples)), samples)

    def _encode_last(self, chunk: SpeechChunk) -> None:
        if self._ahead is not None and self._is_known(chunk):
            self._send(chunk, self._ahead.encoding, self._ahead.samples)
            return
        samples = self._sound()
        self._send(chunk, self._try(lambda: insist(self, _WHAT, lambda: self._engine.encode(samples))), samples)

    def _tried(self, samples: Float32) -> Encoding:
        with while_running("audio", _WHAT):
            return self._engine.encode(samples)

    def _try(self, encode: Callable[[], Encoding]) -> Encoding | None:
        self._encoded = self._samples
        try:
            encoding = encode()
        except RecoverableError as error:
            # Not raised: a chunk that is only collected would count as the recovery.
            self.degrade(error.modality, error.reason)
            return None
        self.recover("audio")
        return encoding

    def _send(self, chunk: SpeechChunk, encoding: Encoding | None, samples: Float32, ahead: bool = False) -> None:
        if encoding is None:
            return
        speech = EncodedSpeech(
            segment=chunk.segment,
            encoding=encoding,
            samples=samples,
            start=self._start,
            speech_start=chunk.speech_start,
            speech_end=chunk.speech_end,
            last=chunk.last,
            ahead=ahead,
        )
        self.emit("speech", speech, self._start + micros(self._samples / SAMPLE_RATE))
