"""What emotion costs at live pace, and how soon it is there.

    python bench/emotion.py [--repeat 1] [--set key=value]...

The demo clip, read at its own pace as live sources would deliver it, into the graph of a live run:

- first of a face: the first `EmotionUpdate` with that face, after the moment it came into view;
- first of a voice: the first `EmotionUpdate` in which the voice has a weight, after the first voiced moment of a
  segment (segments that begin within the memory of the voice before them are passed over);
- cost: processor seconds for a second of media of the threads that judge emotion, and of the whole process with emotion
  less those without it.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

from machine import describe, summary

from lipstream import Pipeline
from lipstream.config import Config, Pace, load_config, parse_assignment
from lipstream.events import EmotionUpdate, FaceFound, SpeechEnded, SpeechStarted
from lipstream.models.assets import resolve
from lipstream.pipeline import End, Event, Graph, Stats
from lipstream.stages.build import connect
from lipstream.stages.media.audio import MediaAudio
from lipstream.stages.media.video import MediaVideo

STAGES = ("expression", "voice", "emotion")
VOICE_MEMORY = 2.0


@dataclass
class Measured:
    """Delays of one or more runs in seconds, and their load."""

    face: list[float] = field(default_factory=list)
    voice: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    busy: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    _found: dict[int, float] = field(default_factory=dict)
    _started: float | None = None
    _quiet_since: float = -10.0

    def take(self, event: Event) -> None:
        """Account for one event."""
        if isinstance(event, FaceFound):
            self._found[event.face] = event.time
        elif isinstance(event, SpeechStarted):
            self._started = event.start if event.start - self._quiet_since > VOICE_MEMORY else None
        elif isinstance(event, SpeechEnded):
            self._quiet_since = event.end
        elif isinstance(event, EmotionUpdate):
            if event.face in self._found:
                self.face.append(event.emitted - self._found.pop(event.face))
            if self._started is not None and event.weights["voice"] > 0:
                self.voice.append(event.emitted - self._started)
                self._started = None
        elif isinstance(event, Stats):
            for name in STAGES:
                if name in event.stages:
                    self.busy[name] = self.busy.get(name, 0.0) + event.stages[name]["busy_seconds"]


def run(clip: Path, settings: dict[str, object], measured: Measured) -> None:
    """One run; the processor time counts from the first event on."""
    config = load_config("live", {"events.stats_interval": 0, **settings})

    def build(config: Config) -> Graph:
        video = MediaVideo(clip, Pace.REALTIME, config.video.max_side, config.face.max_fps)
        return connect(config, MediaAudio(clip, Pace.REALTIME), video)

    begun = None
    measured._found, measured._started, measured._quiet_since = {}, None, -10.0
    for event in Pipeline(config, build).events():
        begun = begun or (time.process_time(), time.monotonic())
        measured.take(event)
        if isinstance(event, End):
            measured.cpu.append(time.process_time() - begun[0])
            measured.seconds += event.duration


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, help="any video with sound (default: the demo clip)")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    clip = arguments.clip or resolve("media/obama_speech.mp4")
    settings = dict(parse_assignment(text) for text in arguments.set)
    emotional, plain = Measured(), Measured()
    print(describe())
    for _ in range(arguments.repeat):
        run(clip, settings, emotional)
        run(clip, {**settings, "emotion.enabled": False}, plain)
    print(f"first update of a face   {summary(emotional.face)}")
    print(f"first update of a voice  {summary(emotional.voice)}")
    for name, busy in emotional.busy.items():
        print(f"{name:12} busy {busy / emotional.seconds:6.1%} of the time")
    shares = [sum(each.cpu) / each.seconds for each in (emotional, plain)]
    print(f"processor: {shares[0]:.3f} with emotion, {shares[1]:.3f} without: {shares[0] - shares[1]:+.1%} of a core")


if __name__ == "__main__":
    main()
