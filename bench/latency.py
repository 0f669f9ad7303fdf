"""Latency and load at live pace, with face tracking on, beside moonshine-voice's own streaming on the same sound.

    python bench/latency.py [--sound FILE] [--config live] [--set key=value]...

The clip is the demo clip's speaker at 640x360, 25 frames a second, under the given sound (two_cities.wav of the
Moonshine package by default). Latencies are those of emission against the sound's own time:

- first partial: first text of a segment, after the first voiced moment of the segment;
- word final: a word becomes stable (never taken back from then on), after the end of the word;
- final: the finished segment, after the end of speech as voice activity sees it.

RTF is processor seconds for a second of media, summed over all threads, from the moment that all is loaded and the
sound begins. How late voice activity tells of speech shows whether the machine kept up: where it did not, or work was
left out, a line says so, and the delays are those of a busy machine. For published figures pin the quality
(`--set speech.quality=balanced`, or `fast`) and leave the machine alone; a call takes about three times the sound.
"""

# ruff: noqa: E402 - threads are limited before numpy is imported.

from __future__ import annotations

from lipstream.commands.main import limit_threads

limit_threads(())  # as the command line does

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from clips import RATE, read_audio, talking_clip
from machine import describe, percentile, summary, who_reads
from peer import PeerRun, transcribe
from results import Results, add_json_argument

from lipstream import Pipeline
from lipstream.config import load_config, parse_assignment
from lipstream.events import Degraded, SpeechEnded, SpeechStarted, TranscriptFinal, TranscriptPartial
from lipstream.models.assets import resolve
from lipstream.pipeline import End, Event, Stats

STARVED = 0.5
"""Seconds after which voice activity tells of speech on a machine that does not keep up; else it takes 0.1 to 0.2."""


@dataclass
class Measured:
    """Latencies of one run in seconds, and its load."""

    noticed: list[float] = field(default_factory=list)
    first_partial: list[float] = field(default_factory=list)
    word_final: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    started: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)
    stable_at: dict[int, list[float]] = field(default_factory=dict)
    cpu: float = 0.0
    lost: float = 0.0
    dropped_frames: float = 0.0
    troubles: list[str] = field(default_factory=list)

    @property
    def kept_up(self) -> bool:
        """Whether the machine had the time that the run needed."""
        late = self.noticed and percentile(self.noticed, 0.95) > STARVED
        return not late and not any(each.startswith(("pace:", "load:")) for each in self.troubles)

    def take(self, event: Event) -> None:
        """Account for one event."""
        if isinstance(event, SpeechStarted):
            self.started[event.segment] = event.start
            self.noticed.append(event.emitted - event.start)
        elif isinstance(event, SpeechEnded):
            self.ended[event.segment] = event.end
        elif isinstance(event, TranscriptPartial):
            if event.segment in self.started:
                self.first_partial.append(event.emitted - self.started.pop(event.segment))
            times = self.stable_at.setdefault(event.segment, [])
            times += [event.emitted] * (len(event.stable.split()) - len(times))
        elif isinstance(event, TranscriptFinal):
            self.final.append(event.emitted - self.ended[event.segment])
            times = self.stable_at.pop(event.segment, [])
            times += [event.emitted] * (len(event.words) - len(times))
            self.word_final += [when - word.end for when, word in zip(times, event.words, strict=False)]
            self.text.append(event.text)
        elif isinstance(event, Degraded):
            self.troubles.append(f"{event.stage}: {event.reason}")
        elif isinstance(event, Stats):
            self.lost = event.counters.get("audio.lost_seconds", 0.0)
            self.dropped_frames = sum(c["dropped"] for name, c in event.channels.items() if name.startswith("video"))


def run_lipstream(clip: Path, config: str, settings: dict[str, object]) -> Measured:
    """One run at the clip's own pace; the processor time counts from when all is loaded.

    Raises:
        PipelineError: the run failed.
    """
    measured = Measured()
    overrides = {"mode": "file", "pace": "realtime", "input": str(clip), "events.stats_interval": 0, **settings}
    loaded = load_config(config, overrides)
    print(f"\n{who_reads(loaded)}")
    pipeline = Pipeline(loaded)
    events = pipeline.events()
    while not pipeline.begun and not pipeline.wait(0.02):
        # Its networks are loading; a run that cannot begin raises.
        pass
    cpu = time.process_time()
    for event in events:
        measured.take(event)
        if isinstance(event, End):
            measured.cpu = time.process_time() - cpu
    pipeline.wait()
    return measured


def report(name: str, measured: Measured | PeerRun, seconds: float, results: Results) -> None:
    """Print one run, and note its figures."""
    note(name, measured, seconds, results)
    print(name if isinstance(measured, Measured) else f"\n{name}")
    print(f"  first partial after speech start   {summary(measured.first_partial)}")
    if isinstance(measured, Measured):
        print(f"  word final after end of word       {summary(measured.word_final)}")
    print(f"  final after end of speech          {summary(measured.final)}")
    print(f"  RTF (processor / media seconds)    {measured.cpu / seconds:.3f}")
    if isinstance(measured, Measured):
        print(f"  speech noticed after it starts     {summary(measured.noticed)}")
        print(f"  sound lost {measured.lost:.3f} s, frames dropped {measured.dropped_frames:.0f}")
        for trouble in measured.troubles:
            print(f"  told: {trouble}")
        if not measured.kept_up:
            print("  The machine did not keep up with the sound: these are no figures of an idle one.")


def note(name: str, measured: Measured | PeerRun, seconds: float, results: Results) -> None:
    """Note the figures of one run."""
    results.spread("first text, after speech starts", name, measured.first_partial, "s")
    if isinstance(measured, Measured):
        results.spread("a word stands, after its end", name, measured.word_final, "s")
        results.spread("speech noticed, after it starts", name, measured.noticed, "s")
    results.spread("segment final, after speech ends", name, measured.final, "s")
    results.value("processor seconds for a second of media", name, measured.cpu / seconds, "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sound", type=Path, help="any media file with speech (default: two_cities.wav)")
    parser.add_argument("--config", default="live", help="configuration whose live behaviour is measured")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    add_json_argument(parser)
    arguments = parser.parse_args()
    sound = read_audio(arguments.sound or resolve("media/two_cities.wav"))
    seconds = len(sound) / RATE
    print(describe())
    print(f"{seconds:.1f} s of sound, 640x360 at 25 frames a second")
    results = Results(f"{seconds:.0f} s of read speech, a 640x360 picture at 25 frames a second, at live pace")
    with tempfile.TemporaryDirectory() as folder:
        clip = talking_clip(Path(folder) / "clip.mp4", sound)
        settings = dict(parse_assignment(text) for text in arguments.set)
        report("Lipstream, sound and face", run_lipstream(clip, arguments.config, settings), seconds, results)
        settings["video.enabled"] = False
        report("Lipstream, sound only", run_lipstream(clip, arguments.config, settings), seconds, results)
    report("moonshine-voice 0.1.0, sound only", transcribe(sound, realtime=True), seconds, results)
    results.write(arguments.json)


if __name__ == "__main__":
    main()
