"""Sounds that are no speech, told as they begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from lipstream.models.errors import ModelError
from lipstream.models.sounds.tracker import Change, SoundTracker
from lipstream.models.sounds.yamnet import SAMPLES
from lipstream.pipeline import Packet, Port, RecoverableError, Sink, UserError
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Float32
from lipstream.stages.sound.changes import event_of
from lipstream.stages.switches import SOUND

HOP = 7680
"""Samples from one look to the next, 0.48 s."""
_SILENT = 1e-4
"""Largest sample (-80 dB) under which there is nothing to look at."""


class Tagger(Protocol):
    """How likely each kind of sound is heard."""

    def load(self) -> None:
        """Load what it needs. Idempotent."""

    def scores(self, sound: Float32) -> Float32:
        """(521,) in [0, 1] of (15600,) samples at 16 kHz."""


class SoundEvents(Sink):
    """Looks at 0.96 s of sound about twice a second, and publishes `SoundEvent`.

    Args:
        tagger: the network.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        self._tracker = SoundTracker()
        self._sound = np.zeros(0, np.float32)
        self._end = 0

    def open(self) -> None:
        """Load the network."""
        try:
            self._tagger.load()
        except ModelError as error:
            raise UserError(str(error)) from error

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Take a block, and look once there is enough that is new."""
        block: AudioBlock = packet.payload
        samples = np.zeros_like(block.samples) if self.context.switched_off(SOUND) else block.samples
        self._sound = np.concatenate([self._sound, samples])
        self._end = packet.timestamp + round(len(samples) * 1e6 / SAMPLE_RATE)
        while len(self._sound) >= SAMPLES:
            self._look()

    def finish(self) -> None:
        """Tell what is over because the sound is."""
        self._tell(self._tracker.finish())

    def _look(self) -> None:
        begin = self._end / 1e6 - len(self._sound) / SAMPLE_RATE
        sound, self._sound = self._sound[:SAMPLES], self._sound[HOP:]
        try:
            silent = float(np.abs(sound).max()) < _SILENT
            scores = np.zeros(521, np.float32) if silent else self._tagger.scores(sound)
        except RuntimeError as error:
            raise RecoverableError("audio", f"sounds cannot be told apart ({error})") from error
        self._tell(self._tracker.look(scores, max(0.0, begin), max(0.0, begin) + SAMPLES / SAMPLE_RATE))

    def _tell(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self.publish(event_of(change))
