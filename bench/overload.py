"""What a live run leaves out when the processor is taken away from it, and whether it recovers.

    python bench/overload.py [--share 0.25] [--calm 30] [--starved 60] [--after 60] [--set key=value]...

A child process runs the `live` configuration with the real networks at the pace of life; a fake microphone and a fake
camera play the demo speaker to it. After `--calm` seconds it is stopped and continued ten times a second so that it
runs for only `--share` of the time, on all cores (SIGSTOP and SIGCONT, which needs no rights as a control group does);
after `--starved` seconds it gets the processor back. The devices' sound waits while the child is stopped, as it does
in a driver, and must all be there at the end.

Exit status 1 if sound was lost, if nothing was left out or not in the documented order, or if something still is at
the end.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from live_world import LiveWorld, demo_media, fake_devices
from machine import describe, summary, who_reads

from lipstream import Pipeline
from lipstream.config import load_config, parse_assignment
from lipstream.events import SpeechEnded, TranscriptFinal
from lipstream.pipeline import Degraded, Event, Recovered, Stats
from lipstream.stages.shedding import CORRECTIONS, EMOTION_RATE, FACE_RATE, PARTIALS, SECOND_PASS

PERIOD = 0.1
ORDER = [f"load: {shed.name}" for shed in (CORRECTIONS, SECOND_PASS, FACE_RATE, EMOTION_RATE, PARTIALS)]
_LINE_SECONDS = 5.0
_BEGUN = "begun"
_MOST_MISSING = 0.5


@dataclass
class Watched:
    """What the events of the run have told so far."""

    counts: Counter[str] = field(default_factory=Counter)
    left_out: set[str] = field(default_factory=set)
    ever: list[str] = field(default_factory=list)
    ended: dict[int, float] = field(default_factory=dict)
    delays: list[tuple[float, float]] = field(default_factory=list)
    stats: Stats | None = None

    def take(self, event: Event) -> None:
        """Account for an event; print what is left out and what is taken up again."""
        self.counts[type(event).__name__] += 1
        if isinstance(event, Degraded):
            print(f"{event.emitted:7.1f} s  {event.stage}: {event.reason}", flush=True)
            if event.stage.startswith("load"):
                self.left_out.add(event.stage)
                self.ever.append(event.stage)
        elif isinstance(event, Recovered):
            print(f"{event.emitted:7.1f} s  {event.stage}: {event.reason or 'back again'}", flush=True)
            self.left_out.discard(event.stage)
        elif isinstance(event, SpeechEnded):
            self.ended[event.segment] = event.end
        elif isinstance(event, TranscriptFinal):
            self.delays.append((event.emitted, event.emitted - self.ended[event.segment]))
        elif isinstance(event, Stats):
            self.stats = event


def _line(pipeline: Pipeline, watched: Watched, before: Counter[str], now: float, elapsed: float) -> Counter[str]:
    stats = pipeline.stats()
    figures = watched.counts + Counter({"frames": round(stats.stages["face"]["packets_in"])})
    rates = {
        name: (figures[key] - before[key]) / elapsed
        for name, key in (("faces", "frames"), ("emotions", "EmotionUpdate"), ("partials", "TranscriptPartial"))
    }
    shown = ", ".join(f"{name} {rate:5.1f}/s" for name, rate in rates.items())
    print(f"{now:7.1f} s  {shown}, load level {stats.counters['load.level']:.0f}", flush=True)
    return figures


def work(seconds: float, settings: dict[str, object]) -> int:
    """The live run; in the child process."""
    world = LiveWorld(demo_media(fps=25.0), 2 * seconds)
    with fake_devices(world.microphone, world.camera):
        config = load_config("live", settings)
        pipeline = Pipeline(config)
    watched = Watched()
    pipeline.on(Event, watched.take)
    pipeline.start()
    while not pipeline.begun:
        pipeline.wait(0.05)
    print(_BEGUN, flush=True)
    print(who_reads(config), flush=True)
    world.start()
    before: Counter[str] = Counter()
    begin, last = time.monotonic(), 0.0
    while time.monotonic() - begin < seconds and not world.over.wait(_LINE_SECONDS):
        now = time.monotonic() - begin
        before, last = _line(pipeline, watched, before, now, now - last), now
    # The devices go on for as long as the run, or it would take them for unplugged.
    played = world.played
    pipeline.stop()
    world.over.set()
    world.camera.release()
    # A thread that is still in a network when the interpreter ends would take it down.
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(20)
    assert watched.stats is not None
    return _verdict(played, watched, watched.stats.counters)


def _verdict(played: float, watched: Watched, counters: dict[str, float]) -> int:
    captured, processed = counters["audio.captured_seconds"], counters["audio.processed_seconds"]
    lost = counters.get("audio.lost_seconds", 0.0)
    print(f"sound: played {played:.2f} s, captured {captured:.2f} s, lost {lost:.2f} s, processed {processed:.2f}")
    print(
        f"speech: {counters['audio.speech_seconds']:.1f} s, recognised {counters['audio.recognised_seconds']:.1f} s; "
        f"final after end of speech {summary([delay for _, delay in watched.delays])}, "
        f"longest {max((delay for _, delay in watched.delays), default=0.0):.1f} s"
    )
    order = list(dict.fromkeys(watched.ever))
    checks = {
        "no sound lost": lost < 0.02 and captured >= played - _MOST_MISSING,
        f"left out, in this order: {', '.join(order) or 'nothing'}": bool(order)
        and order == [each for each in ORDER if each in order],
        f"still left out at the end: {', '.join(watched.left_out) or 'nothing'}": not watched.left_out,
    }
    for text, holds in checks.items():
        print(f"{'ok  ' if holds else 'FAIL'} {text}")
    return 0 if all(checks.values()) else 1


def starve(child: subprocess.Popen[str], share: float, seconds: float) -> None:
    """Let a process run for only a share of the time."""
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until and child.poll() is None:
            child.send_signal(signal.SIGSTOP)
            time.sleep(PERIOD * (1 - share))
            child.send_signal(signal.SIGCONT)
            time.sleep(PERIOD * share)
    finally:
        child.send_signal(signal.SIGCONT)


def direct(arguments: argparse.Namespace) -> int:
    """Run the child, take the processor away from it, and give it back."""
    print(describe())
    seconds = arguments.calm + arguments.starved + arguments.after
    command = [sys.executable, __file__, "--work", str(seconds), *(f"--set={text}" for text in arguments.set)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip() == _BEGUN:
                break
        printer = threading.Thread(target=lambda lines: [print(line, end="") for line in lines], args=(child.stdout,))
        printer.start()
        time.sleep(arguments.calm)
        print(f"--- {arguments.share:.0%} of the processor for {arguments.starved:g} s ---", flush=True)
        starve(child, arguments.share, arguments.starved)
        print("--- all of the processor ---", flush=True)
        printer.join()
        return child.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.25, help="share of the time that is left to the run")
    parser.add_argument("--calm", type=float, default=30.0, help="seconds before")
    parser.add_argument("--starved", type=float, default=60.0, help="seconds without the processor")
    parser.add_argument("--after", type=float, default=60.0, help="seconds afterwards")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--work", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work is not None:
        return work(arguments.work, dict(parse_assignment(text) for text in arguments.set))
    return direct(arguments)


if __name__ == "__main__":
    sys.exit(main())
