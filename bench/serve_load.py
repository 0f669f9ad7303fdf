"""How many live sessions `serve` holds on this machine, what the next one gets, and the memory a session takes.

Usage: python bench/serve_load.py [--pictures 0,5,10,15] [--most 4] [--seconds 20] [--go-on] [--set key=value]...
                                  [--json bench/results/serve_load.json]
       python bench/serve_load.py --work [--pictures 0,5,10,15] [--seconds 40] [--set key=value]...

Everything is on this machine: a server as a process of its own, and clients here that send speech and a talking head at
its own pace to `/v1/stream`. For each number of pictures a second the sessions grow by one until they are not held any
more, or are `--most`. They are held if no sound is lost and no more than one of 20 sentences comes later than 2 s after
its end: of fewer than 20 sentences, none. Processor time is told as well, which other work on the machine changes less
than delays: seconds of all cores for a second of a session, and how many sessions that makes room for.

With --work: the processor time alone of a session's work, when nothing of it is left out or merged, however busy the
machine is: the most that a session can cost.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import re
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import psutil
import websockets
from clips import RATE, read_audio
from machine import describe, percentile
from PIL import Image
from results import Results, add_json_argument

from lipstream import Pipeline, PushSource
from lipstream.config import parse_assignment
from lipstream.models.assets import resolve

ROOT = Path(__file__).resolve().parents[1]
STEP = 0.1
PATIENCE = 180.0
LATEST = 2.0
SIZE = (640, 480)
AS_LIVE: dict[str, object] = {"speech.partials": "on", "face.looks": "every"}
"""What live runs do and those of recordings do not unless they are told."""
CORES = os.cpu_count() or 1
COLUMNS = (
    *("pictures a second", "sessions", "held", "delay, median s", "delay, 95 % s", "longest delay, s", "sentences"),
    *("kinds of work left out", "sound lost, s", "CPU s a session second", "room for", "memory, MiB", "the next one"),
)


@dataclass
class Heard:
    """What a client was told.

    Attributes:
        delays: seconds from the end of a sentence to its text, by the server's clock.
        shed: most kinds of work that were left out.
        lost: seconds of sound that were lost.
    """

    delays: list[float] = field(default_factory=list)
    shed: int = 0
    lost: float = 0.0

    def take(self, event: dict[str, object]) -> None:
        """Note what an event tells."""
        if event["event"] == "TranscriptFinal":
            self.delays.append(float(event["emitted"]) - float(event["end"]))  # type: ignore[arg-type]
        elif event["event"] == "Stats":
            counters = event["counters"]
            assert isinstance(counters, dict)
            self.shed = max(self.shed, int(counters.get("load.level", 0)))
            self.lost = float(counters.get("audio.lost_seconds", 0.0))


@dataclass(frozen=True)
class Result:
    """One row."""

    sessions: int
    pictures: int
    heard: list[Heard]
    resident: float
    cpu: float
    refused: str

    @property
    def delays(self) -> list[float]:
        """Of all sessions together."""
        return [delay for each in self.heard for delay in each.delays]

    @property
    def held(self) -> bool:
        """Whether all sessions were."""
        late = sum(delay > LATEST for delay in self.delays)
        return all(each.delays and each.lost < 0.5 for each in self.heard) and late <= len(self.delays) // 20


class Media:
    """Speech and pictures of a talking head, again and again."""

    def __init__(self) -> None:
        clip = resolve("media/obama_speech.mp4")
        self._samples = (read_audio(clip) * 32_767).astype("<i2")
        self._times: list[float] = []
        self._pictures: list[bytes] = []
        with av.open(str(clip)) as container:
            for frame in container.decode(video=0):
                file = io.BytesIO()
                Image.fromarray(frame.to_ndarray(format="rgb24")).resize(SIZE).save(file, "JPEG", quality=85)
                self._times.append(frame.time or 0.0)
                self._pictures.append(file.getvalue())
        self._length = len(self._samples) / RATE

    def sound(self, at: float) -> bytes:
        """The tenth of a second that begins at a time."""
        indices = np.arange(round(at * RATE), round(at * RATE) + round(STEP * RATE)) % len(self._samples)
        return self._samples[indices].tobytes()

    def picture(self, at: float) -> bytes:
        """The picture of a time, as JPEG."""
        index = int(np.searchsorted(self._times, at % self._length, side="right")) - 1
        return self._pictures[max(0, index)]


@contextmanager
def serving(sessions: int, settings: list[str]) -> Iterator[tuple[str, psutil.Process]]:
    """A server with so many places; its address and process."""
    command = [sys.executable, "main.py", "serve", "--port", "0", "--max-sessions", str(sessions)]
    for each in settings:
        command += ["--set", each]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        found = re.search(r"http://(\S+)/", said)
        if found is None:
            raise SystemExit(f"the server says: {said}")
        yield found[1], psutil.Process(process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=60)


async def client(address: str, media: Media, pictures: int, seconds: float, begun: asyncio.Event) -> Heard:
    """Send for so long, and hear all that is told."""
    heard = Heard()
    url = f"ws://{address}/v1/stream?frames={'jpeg' if pictures else 'none'}"
    async with websockets.connect(url, max_queue=None, max_size=None) as socket:

        async def listen() -> None:
            async for message in socket:
                event = json.loads(message)
                if event["event"] == "Running":
                    begun.set()
                heard.take(event)

        listening = asyncio.ensure_future(listen())
        await asyncio.wait_for(begun.wait(), PATIENCE)
        start, shown = time.monotonic(), 0
        for tenth in range(round(seconds / STEP)):
            at = tenth * STEP
            await asyncio.sleep(max(0.0, start + at - time.monotonic()))
            await socket.send((b"A" if pictures else b"") + media.sound(at))
            while pictures and shown / pictures < at + STEP:
                moment = shown / pictures
                await socket.send(b"V" + struct.pack("<I", round(moment * 1000)) + media.picture(moment))
                shown += 1
        await socket.send(json.dumps({"type": "end"}))
        await asyncio.wait_for(listening, PATIENCE)
    return heard


async def the_next_one(address: str) -> str:
    """What who comes when all places are taken is told."""
    try:
        async with websockets.connect(f"ws://{address}/v1/stream"):
            return "let in"
    except websockets.InvalidStatus as refused:
        told = json.loads(refused.response.body)["error"]
        return f"{refused.response.status_code} {told['code']}, again after {refused.response.headers['retry-after']} s"


async def measure(address: str, server: psutil.Process, media: Media, seconds: float, row: tuple[int, int]) -> Result:
    """So many sessions with so many pictures a second."""
    sessions, pictures = row
    events = [asyncio.Event() for _ in range(sessions)]
    clients = [asyncio.ensure_future(client(address, media, pictures, seconds, event)) for event in events]
    for event in events:
        await asyncio.wait_for(event.wait(), PATIENCE)
    refused = await the_next_one(address)
    before = server.cpu_times()
    await asyncio.sleep(seconds * 0.9)
    after, resident = server.cpu_times(), server.memory_info().rss / 2**20
    busy = (after.user + after.system - before.user - before.system) / (seconds * 0.9)
    heard = await asyncio.gather(*clients)
    return Result(sessions, pictures, list(heard), resident, busy / sessions, refused)


def work(media: Media, pictures: int, seconds: float, settings: dict[str, object]) -> float:
    """Processor seconds for a second of a session of which nothing is left out: its sound, pictures and updates."""
    source = PushSource(video=pictures > 0)
    run = Pipeline.from_config("file", source=source, **(AS_LIVE | settings))
    run.start()
    while not run.begun:
        time.sleep(0.05)
    before, shown = time.process_time(), 0
    for tenth in range(round(seconds / STEP)):
        at = tenth * STEP
        source.push_audio(media.sound(at), RATE)
        while pictures and shown / pictures < at + STEP:
            source.push_frame(media.picture(shown / pictures), time=shown / pictures)
            shown += 1
    source.end()
    run.wait()
    return (time.process_time() - before) / seconds


def of(pictures: int) -> str:
    """A column of the figures."""
    return f"{pictures} pictures a second" if pictures else "sound only"


def note(results: Results, result: Result, before: float | None) -> None:
    """Keep the figures of a number of sessions that was held."""
    with_them = f"{result.sessions} session{'s' if result.sessions > 1 else ''}"
    results.spread(f"{with_them}: a sentence after its end", of(result.pictures), result.delays, "s")
    results.value(f"{with_them}: memory of the server", of(result.pictures), result.resident, "MiB")
    results.value(f"{with_them}: kinds of work left out", of(result.pictures), max(h.shed for h in result.heard), "")
    if before is not None:
        results.value("memory of a further session", of(result.pictures), result.resident - before, "MiB")


def show(result: Result, before: float | None) -> None:
    delays = result.delays
    middle = statistics.median(delays) if delays else float("nan")
    more = "" if before is None else f" (+{result.resident - before:.0f})"
    shown = [
        result.pictures or "none",
        result.sessions,
        "yes" if result.held else "no",
        f"{middle:.2f}",
        f"{percentile(delays, 0.95):.2f}",
        f"{max(delays, default=float('nan')):.2f}",
        len(delays),
        max(each.shed for each in result.heard),
        f"{sum(each.lost for each in result.heard):.1f}",
        f"{result.cpu:.2f}",
        f"{CORES / result.cpu:.1f}",
        f"{result.resident:.0f}{more}",
        result.refused,
    ]
    print("|", " | ".join(map(str, shown)), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Load of serve.")
    parser.add_argument("--pictures", default="0,5,10,15", help="pictures a second, between commas")
    parser.add_argument("--most", type=int, default=4, help="most sessions at once")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each session lasts")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--go-on", action="store_true", help="further sessions although those before were not held")
    parser.add_argument("--work", action="store_true", help="the processor time of a session's work alone")
    add_json_argument(parser)
    args = parser.parse_args()
    results = Results(f"speech and a talking head at {SIZE[0]}x{SIZE[1]}, {args.seconds:g} s a session")
    print(describe())
    load = os.getloadavg()[0]
    print(f"load of the machine before: {load:.1f}; {args.seconds:.0f} s a session; {args.set or 'as it comes'}")
    media = Media()
    if args.work:
        settings = dict(parse_assignment(each) for each in args.set)
        work(media, 5, 2.0, settings)
        for pictures in map(int, args.pictures.split(",")):
            cost = work(media, pictures, args.seconds, settings)
            print(f"{pictures} pictures a second: {cost:.2f} CPU s a session second, room for {CORES / cost:.1f}")
            results.value("processor time of a second of a session", of(pictures), cost, "s")
        results.write(args.json)
        return
    print("|", " | ".join(COLUMNS), "|")
    print("|---" * len(COLUMNS) + "|")
    for pictures in map(int, args.pictures.split(",")):
        before: float | None = None
        held = 0
        for sessions in range(1, args.most + 1):
            with serving(sessions, args.set) as (address, server):
                result = asyncio.run(measure(address, server, media, args.seconds, (sessions, pictures)))
            show(result, before)
            if result.held and sessions == held + 1:
                held = sessions
                note(results, result, before)
            elif before is not None:
                results.value("memory of a further session", of(pictures), result.resident - before, "MiB")
            before = result.resident
            if not (result.held or args.go_on):
                break
        results.value("sessions held", of(pictures), held, "")
    results.write(args.json)


if __name__ == "__main__":
    main()
