"""What lips in the transcript cost at live pace.

    python bench/lips.py [--repeat 1] [--profile NAME] [--set key=value]...

The demo clip, read at its own pace as live sources would deliver it, into the graph of a live run without emotion; as
it is, and with another voice (two_cities.wav) as loud as the speaker's under it, where the general fusion encodes the
sound a second time. Processor seconds for a second of media of the whole process, without and with the lips in the
transcript, and how much of the time the fusion was busy.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import wave
from pathlib import Path

import numpy as np
from clips import RATE, read_audio
from machine import describe

from lipstream import Pipeline
from lipstream.config import Config, Pace, load_config, parse_assignment
from lipstream.models.assets import resolve
from lipstream.models.av_speech.training.mixtures import mixed
from lipstream.pipeline import End, Graph, Stats
from lipstream.stages.build import connect
from lipstream.stages.media.audio import MediaAudio
from lipstream.stages.media.video import MediaVideo


def run(clip: Path, sound: Path, settings: dict[str, object]) -> tuple[float, float, float]:
    """Processor seconds, media seconds, and seconds in which the fusion was busy; from the first event on."""
    config = load_config("live", {"events.stats_interval": 0, "emotion.enabled": False, **settings})

    def build(config: Config) -> Graph:
        video = MediaVideo(clip, Pace.REALTIME, config.video.max_side, config.face.max_fps)
        return connect(config, MediaAudio(sound, Pace.REALTIME), video)

    begun, cpu, duration, busy = None, 0.0, 0.0, 0.0
    for event in Pipeline(config, build).events():
        begun = time.process_time() if begun is None else begun
        if isinstance(event, Stats):
            busy = event.stages["fuse"]["busy_seconds"]
        if isinstance(event, End):
            cpu, duration = time.process_time() - begun, event.duration
    return cpu, duration, busy


def with_a_voice(clip: Path, target: Path) -> Path:
    """The sound of a clip with another voice under it at 0 dB, as WAV."""
    own, other = read_audio(clip), read_audio(resolve("media/two_cities.wav"))
    pcm = mixed(own, np.resize(other, len(own)), 0.0)
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((pcm * 32767).astype("<i2").tobytes())
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--profile", help="of an enrolled user, measured too")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    given = dict(parse_assignment(text) for text in arguments.set)
    systems = {"sound alone": {"fusion.general": False}, "general fusion": {}}
    if arguments.profile:
        systems["with the profile"] = {"fusion.profile": arguments.profile}
    clip = resolve("media/obama_speech.mp4")
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        sounds = {"as it is": clip, "another voice, 0 dB": with_a_voice(clip, Path(folder) / "sound.wav")}
        for heard, sound in sounds.items():
            runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in systems}
            for _ in range(arguments.repeat):
                for name, settings in systems.items():
                    runs[name].append(run(clip, sound, {**given, **settings}))
            shares = {name: np.median([cpu / seconds for cpu, seconds, _ in each]) for name, each in runs.items()}
            plain = shares["sound alone"]
            for name, each in runs.items():
                busy = np.median([busy / seconds for _, seconds, busy in each])
                print(
                    f"{heard:20} {name:17} processor {shares[name]:.3f}: {shares[name] - plain:+6.1%} of a core; "
                    f"fusion busy {busy:5.1%}"
                )


if __name__ == "__main__":
    main()
