"""Eight hours of captions in accelerated time: memory, what the page holds, and whether the transcript is whole.

    python bench/all_day.py [--hours 8] [--page]

A source tells the events of a talkative day by a clock of its own: a sentence every six seconds, its text growing ten
times, the sound's level and two faces all the while. They go where those of a live run go: every text format, the
terminal, the scene of the window, the text file of `--text-file`; with `--page` also to the page in a headless
Chromium, sentence by sentence. What takes sound and pictures in is not in it: an hour of that is `bench/soak.py`.

Checked: every format has every sentence; resident memory grows by less than 10 MB from the first quarter of the day to
its end; the page never has more than 400 sentences as elements, and saves all of them. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import psutil
from machine import describe

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lipstream.events import FaceSeen, SoundLevel, SpeechEnded, SpeechStarted, TranscriptFinal, TranscriptPartial, Word
from lipstream.pipeline import Event, Graph, Port, Source
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import ScriptedClock
from lipstream.stages.sinks import FORMATS, ConsoleSink
from lipstream.stages.sinks.text_file import TextFile
from lipstream.views.live.live_scene import LiveScene

EVERY = 6.0
"""Seconds from one sentence to the next."""
WORDS = (
    "we",
    "hold",
    "these",
    "truths",
    "to",
    "be",
    "self",
    "evident",
    "that",
    "all",
    "of",
    "them",
    "are",
    "said",
    "today",
)
PARTIALS = 10
MOST_GROWTH = 10.0
MOST_ELEMENTS = 400
KEPT = ("txt", "srt", "vtt", "json", "jsonl", "tsv")


def sentence(number: int) -> list[Event]:
    """All that is told of a sentence, in order."""
    start = number * EVERY
    step = 4.0 / len(WORDS)
    said = [f"Sentence {number}:", *WORDS[number % 5 :]]
    words = tuple(
        Word(word=word, start=start + n * step, end=start + (n + 0.9) * step, confidence=0.9)
        for n, word in enumerate(said)
    )
    segment = number + 1
    told: list[Event] = [SpeechStarted(segment=segment, start=start)]
    for n in range(1, PARTIALS + 1):
        shown = said[: max(1, len(said) * n // PARTIALS)]
        stable, unstable = " ".join(shown[:-1]), f" {shown[-1]}" if len(shown) > 1 else shown[-1]
        told.append(
            TranscriptPartial(segment=segment, start=start, end=start + n * 0.4, stable=stable, unstable=unstable)
        )
        told += [SoundLevel(time=start + n * 0.4, level=-20.0, speech=True) for _ in range(6)]
        box, lips = (0.1, 0.2, 0.4, 0.7), ((0.2, 0.5), (0.3, 0.5), (0.25, 0.6))
        told += [
            FaceSeen(face=face, time=start + n * 0.4, box=box, lips=lips, speaker=face == 1, talking=True)
            for face in (1, 2)
            for _ in range(5)
        ]
    told.append(SpeechEnded(segment=segment, start=start, end=start + 4.4, reason="pause"))
    told.append(TranscriptFinal(segment=segment, start=start, end=start + 4.0, text=" ".join(said), words=words))
    return told


class Day(Source):
    """Tells the sentences of a day as fast as they are taken; the clock goes with them."""

    outputs: ClassVar[Mapping[str, Port]] = {}

    def __init__(self, count: int, clock: ScriptedClock) -> None:
        self.count = count
        self.told = 0
        self._clock = clock

    def produce(self) -> bool:
        """Tell one."""
        for event in sentence(self.told):
            self.publish(event)
        self.told += 1
        self._clock.advance(round(EVERY * 1e6))
        return self.told < self.count


class Terminal(io.StringIO):
    """A terminal that forgets what scrolled away."""

    def isatty(self) -> bool:
        """Whether it is one."""
        return True

    def write(self, text: str) -> int:
        """Take it and let it go."""
        return len(text)


def run_day(hours: float) -> bool:
    """A day in the process; whether all of it holds."""
    process, clock = psutil.Process(), ScriptedClock()
    count = round(hours * 3600 / EVERY)
    day, graph = Day(count, clock), Graph()
    graph.add("day", day)
    memory: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        places = {name: Path(folder) / f"day.{name}" for name in KEPT}
        for name, path in places.items():
            graph.add(name, FORMATS[name](path, "live"))
        graph.add("console", ConsoleSink(Terminal(), Terminal()))
        graph.add("window", LiveScene())
        graph.add("text file", TextFile(Path(folder) / "now.txt"))
        runner = Runner(graph, clock=clock, lossless=False, media_time=False, stats_interval=600.0)
        begin = time.monotonic()
        runner.start()
        while not runner.done(0.5):
            gc.collect()
            memory.append((day.told * EVERY / 3600, process.memory_info().rss / 1e6))
        memory.append((day.told * EVERY / 3600, process.memory_info().rss / 1e6))
        wall = time.monotonic() - begin
        whole = {name: counted(name, path) for name, path in places.items()}
    quarter = next((rss for hour, rss in memory if hour >= hours / 4), memory[0][1])
    growth = memory[-1][1] - quarter
    print(f"{hours:g} hours, {count} sentences, in {wall:.0f} s ({hours * 3600 / wall:.0f} times as fast)")
    for mark in range(int(hours) + 1):
        at = min(memory, key=lambda sample: abs(sample[0] - mark))
        print(f"  after {at[0]:4.1f} h: {at[1]:6.1f} MB resident")
    print(f"  from the first quarter on: {growth:+.1f} MB")
    print("  sentences kept: " + ", ".join(f"{name} {found}" for name, found in whole.items()))
    return growth < MOST_GROWTH and all(found == count for found in whole.values())


def counted(name: str, path: Path) -> int:
    """How many of the sentences a file has."""
    text = path.read_text(encoding="utf-8")
    if name == "jsonl":
        return sum('"TranscriptFinal"' in line for line in text.splitlines())
    if name == "json":
        return len(json.loads(text)["segments"])
    # A cue may break a line within these words, and never within a word.
    joined = " ".join(text.split())
    return sum(f"Sentence {number}:" in joined for number in range(joined.count("Sentence")))


def run_page(hours: float) -> bool:
    """The same day on the page; whether it stays small and keeps all."""
    from playwright.sync_api import sync_playwright

    from tests.web_browser.conftest import ALLOW, FAKE_DEVICES, launched
    from tests.web_browser.fake_server import FakeServer
    from tests.web_browser.steps import go_live

    count = round(hours * 3600 / EVERY)
    server = FakeServer()
    server.start()
    most = 0
    try:
        with sync_playwright() as driver, launched(driver, FAKE_DEVICES, ALLOW, "--js-flags=--expose-gc") as browser:
            page = browser.new_page()
            go_live(page, server)
            for first, last in stretches(count, round(3600 / EVERY)):
                for number in range(first, last):
                    told = sentence(number)
                    server.send(told[1], told[-1])
                page.get_by_text(f"Sentence {last - 1}:", exact=False).first.wait_for(timeout=120_000)
                elements = page.locator("#history li").count()
                most = max(most, elements)
                heap = page.evaluate("(gc(), performance.memory.usedJSHeapSize / 1e6)")
                print(
                    f"  after {last * EVERY / 3600:4.1f} h: {elements} sentences as elements, {heap:5.1f} MB of scripts"
                )
            with page.expect_download() as download:
                page.locator("#save").click()
            saved = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    finally:
        server.stop()
    whole = [line.partition("Sentence ")[2].partition(":")[0] for line in saved] == [str(n) for n in range(count)]
    print(f"  page: at most {most} sentences as elements; saved {len(saved)} of {count}, in order: {whole}")
    return most <= MOST_ELEMENTS and whole


def stretches(count: int, size: int) -> Iterator[tuple[int, int]]:
    """A day in hours."""
    for first in range(0, count, size):
        yield first, min(count, first + size)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--page", action="store_true", help="the page in Chromium as well")
    args = parser.parse_args()
    print(describe())
    holds = run_day(args.hours)
    if args.page:
        holds = run_page(args.hours) and holds
    print("all of it holds" if holds else "NOT all of it holds")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
