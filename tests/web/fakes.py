"""A server and a browser in one process: the media is made, the captions are scripted, the connection is real."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar
from unittest.mock import patch

import httpx
import numpy as np
import websockets
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from lipstream import Pipeline, PushSource
from lipstream.config import Config, load_config
from lipstream.events import FaceSeen, SoundLevel, TranscriptFinal
from lipstream.models.speech.split import SplitRecogniser
from lipstream.pipeline import Bounds, Graph, Packet, Policy, Port, Source, Stage, Switches, seconds
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, VideoFrame
from lipstream.stages.sound.resample import StreamResampler
from lipstream.stages.speech.decode import Decode
from lipstream.stages.speech.reading.reader import Reading
from lipstream.web.address import Address
from lipstream.web.files.recording import file_config
from lipstream.web.files.uploads import UploadLimits
from lipstream.web.prepare import prepare
from lipstream.web.rtc.aiortc_inside import with_loopback
from lipstream.web.server import Service, serving
from lipstream.web.session import Prepared
from tests.stages.fakes import CountingEngine
from tests.web.peer_media import RATE, Beeps, Flashes, Start

PATIENCE = 60.0
"""Seconds after which something that should have happened has not."""


# The filter comes with torchaudio, whose import takes seconds that no test should wait for.
StreamResampler(RATE)


class Ears(Stage):
    """Publishes a level for every block, and a final for every beep; keeps what it heard."""

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}

    def __init__(self) -> None:
        self.blocks: list[tuple[int, int]] = []
        self.beeps: list[float] = []
        self._loud = False

    def process(self, port: str, packet: Packet[Any]) -> None:
        samples = packet.payload.samples
        self.blocks.append((packet.timestamp, packet.payload.filled))
        self.publish(SoundLevel(time=seconds(packet.timestamp), level=-20.0, speech=self._loud))
        for index in np.flatnonzero(np.diff(np.abs(samples) > 0.1, prepend=self._loud)):
            self._loud = bool(np.abs(samples[index]) > 0.1)
            time = seconds(packet.timestamp) + float(index) / SAMPLE_RATE
            if self._loud and (not self.beeps or time - self.beeps[-1] > 0.2):
                self.beeps.append(time)
                text = f"Beep {len(self.beeps)}."
                self.publish(TranscriptFinal(segment=len(self.beeps), start=time, end=time, text=text, words=()))


class Reader(Decode):
    """Reads nothing; keeps what it is told to expect."""

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}

    def __init__(self) -> None:
        recogniser = SplitRecogniser(CountingEngine(), is_listener=True)
        super().__init__(Reading(recogniser, recogniser))

    def process(self, port: str, packet: Packet[Any]) -> None:
        pass


class Eyes(Stage):
    """Publishes a face for every picture; keeps when it saw flashes."""

    inputs: ClassVar[Mapping[str, Port]] = {"video": Port(VideoFrame)}

    def __init__(self) -> None:
        self.pictures: list[tuple[int, tuple[int, ...]]] = []
        self.flashes: list[float] = []
        self._bright = False

    def process(self, port: str, packet: Packet[Any]) -> None:
        image = packet.payload.image
        self.pictures.append((packet.timestamp, image.shape))
        bright = float(image.mean()) > 128
        if bright and not self._bright:
            self.flashes.append(seconds(packet.timestamp))
        self._bright = bright
        self.publish(
            FaceSeen(face=1, time=seconds(packet.timestamp), box=(0, 0, 1, 1), lips=(), speaker=True, talking=bright)
        )


@dataclass
class Runs:
    """The runs a server has made, newest last."""

    config: Config = field(default_factory=lambda: load_config("live"))
    ears: list[Ears] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    eyes: list[Eyes] = field(default_factory=list)
    made: list[Prepared] = field(default_factory=list)
    pushed: list[tuple[Config, Pipeline]] = field(default_factory=list)
    before: Callable[[], object] = lambda: None

    def prepare(self) -> Prepared:
        self.before()
        prepared = prepare(self.config, self._connect)
        self.made.append(prepared)
        return prepared

    def push(self, config: Config, source: PushSource) -> Pipeline:
        """The run of a program that sends sound, started by who asks for it."""
        self.before()
        pipeline = Pipeline(config, lambda config: self._connect(config, *source.sources(config)))
        self.pushed.append((config, pipeline))
        return pipeline

    def _connect(self, config: Config, audio: Source | None, video: Source | None) -> Graph:
        graph = Graph()
        if audio is not None:
            self.ears.append(Ears())
            graph.add("audio", audio)
            graph.add("ears", self.ears[-1])
            graph.connect("audio.audio", "ears.audio", Bounds(items=8192))
            self.readers.append(Reader())
            graph.add("decode", self.readers[-1])
            graph.connect("audio.audio", "decode.audio", Bounds(Policy.LATEST, items=1))
        if video is not None:
            self.eyes.append(Eyes())
            graph.add("video", video)
            graph.add("eyes", self.eyes[-1])
            graph.connect("video.video", "eyes.video", Bounds(Policy.LATEST, items=1))
        graph.switches = Switches(("sound", "lips"))
        return graph


class Browser:
    """What a page does: offers, listens, ends."""

    def __init__(self, base: str, headers: Mapping[str, str] | None = None) -> None:
        self.base = base
        self.http = httpx.AsyncClient(base_url=base, timeout=PATIENCE, headers=dict(headers or {}))
        self.headers = dict(headers or {})
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.session = ""
        self.microphone: Beeps | None = None
        self.camera: Flashes | None = None

    async def offer(self, sound: bool = True, picture: bool = True) -> str:
        start = Start()
        if sound:
            self.microphone = Beeps(start)
            self.peer.addTransceiver(self.microphone, "sendonly")
        if picture:
            self.camera = Flashes(start)
            self.peer.addTransceiver(self.camera, "sendonly")
        offer = await self.peer.createOffer()
        with_loopback(self.peer)
        await self.peer.setLocalDescription(offer)
        return self.peer.localDescription.sdp

    async def connect(self, sound: bool = True, picture: bool = True) -> str:
        """Begin a session; returns its id."""
        answer = await self.post_offer(await self.offer(sound, picture))
        assert answer.status_code == 200, answer.text
        await self.accept(answer.json())
        return self.session

    async def post_offer(self, sdp: str) -> httpx.Response:
        return await self.http.post("/api/sessions", json={"sdp": sdp, "type": "offer", "audio": True, "video": True})

    async def accept(self, answer: Mapping[str, str]) -> None:
        self.session = answer["session"]
        await self.peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))

    @asynccontextmanager
    async def events(self, query: str | None = None) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The messages of the WebSocket."""
        query = f"?session={self.session}" if query is None else query
        url = self.base.replace("http", "ws", 1) + f"/events{query}"
        async with websockets.connect(url, additional_headers=self.headers, max_queue=None) as socket:

            async def messages() -> AsyncIterator[dict[str, Any]]:
                async for message in socket:
                    yield json.loads(message)

            yield messages()

    async def end(self) -> httpx.Response:
        return await self.http.delete(f"/api/sessions/{self.session}")

    async def close(self) -> None:
        await self.peer.close()
        await self.http.aclose()


async def first(messages: AsyncIterator[dict[str, Any]], name: str) -> dict[str, Any]:
    """The next message of a name."""
    async with asyncio.timeout(PATIENCE):
        async for message in messages:
            if message["event"] == name:
                return message
    raise AssertionError(f"the stream ended without {name}")


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


@dataclass
class Server:
    """A server that is running."""

    base: str
    asked: threading.Event
    runs: Runs
    port: int

    def browser(self, **arguments: Any) -> Browser:
        return Browser(self.base, **arguments)


@asynccontextmanager
async def server(
    runs: Runs | None = None,
    limit: int = 1,
    address: Address | None = None,
    limits: UploadLimits | None = None,
) -> AsyncIterator[Server]:
    """A server on a free port, on this event loop, until the block is left."""
    runs = runs or Runs()
    address = address or Address("127.0.0.1", 0)
    limits = limits or UploadLimits(50_000_000, 600.0)
    recordings = file_config("live", {}, limits.max_seconds)
    service = Service(runs.prepare, limit, recordings, limits, runs.config, runs.push)
    asked = threading.Event()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    # It notices sooner that it is to end.
    with address.listen() as listener, patch("lipstream.web.server._POLL_SECONDS", 0.01):
        task = asyncio.ensure_future(serving(address, listener, service, asked, ready.set_result))
        await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        here = asyncio.current_task()
        assert here is not None
        # A server that ends by itself ends the test that is in the block.
        task.add_done_callback(lambda _: None if asked.is_set() else here.cancel())
        try:
            port: int = listener.getsockname()[1]
            yield Server(ready.result().partition("?")[0].rstrip("/"), asked, runs, port)
        finally:
            asked.set()
            await task
