"""Loud sounds that are no speech, told from what voice activity knows already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lipstream.models.sounds.loud import LoudSounds
from lipstream.models.sounds.tracker import Change
from lipstream.pipeline import Packet, Port, Sink, seconds
from lipstream.stages.sound.changes import event_of
from lipstream.stages.speech.onset import Heard


class LoudSoundEvents(Sink):
    """Publishes `SoundEvent` where sound is loud and no speech: "music" and "loud sound"; see `LoudSounds`."""

    inputs: ClassVar[Mapping[str, Port]] = {"windows": Port(Heard)}

    def __init__(self) -> None:
        self._sounds = LoudSounds()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Listen to a window."""
        heard: Heard = packet.payload
        self._tell(self._sounds.hear(heard.samples, heard.probability, seconds(heard.end)))

    def finish(self) -> None:
        """Tell what is over because the sound is."""
        self._tell(self._sounds.finish())

    def _tell(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self.publish(event_of(change))
