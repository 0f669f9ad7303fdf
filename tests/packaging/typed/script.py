"""A user's script of twenty lines: a stage of their own, a hook, and the events as they come."""

import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from lipstream import End, Pipeline, TranscriptFinal
from lipstream.pipeline import Packet, Port, Sink
from lipstream.stages.payloads import AudioBlock


class Loudest(Sink):
    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}
    value = 0.0

    def process(self, port: str, packet: Packet[Any]) -> None:
        block: AudioBlock = packet.payload
        self.value = max(self.value, float(abs(block.samples).max(initial=0)))


run, loudest = Pipeline.from_config("file", input=sys.argv[1]), Loudest()
run.graph.add("loudest", loudest)
run.graph.connect("audio.audio", "loudest.audio")
run.on(TranscriptFinal, lambda event: print(event.text, *[word.start for word in event.words]))
for told in run.events():
    if isinstance(told, End):
        print(told.reason, f"{told.duration:.1f} s, loudest {loudest.value:.2f}")
