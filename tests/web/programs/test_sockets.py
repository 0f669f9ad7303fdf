"""Sound and pictures over a WebSocket, and the events back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import json
import runpy
import struct
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import websockets
from PIL import Image
from websockets.datastructures import Headers
from websockets.http11 import Response

from lipstream import Pipeline, PushSource
from lipstream.config import Config, changed, load_config
from lipstream.web.address import Address
from lipstream.web.answers import Refusal
from lipstream.web.server import pushed
from lipstream.web.sockets.opus import OpusDecoder
from lipstream.web.sockets.protocol import opening
from tests.web.fakes import PATIENCE, Runs, Server, first, server, until

TOKEN = "a-long-enough-secret"
END = json.dumps({"type": "end"})


def beeps(count: int, rate: int = 16_000) -> np.ndarray:
    """A beep of a tenth of a second in each half second."""
    time = np.arange(round(count * 0.5 * rate)) / rate
    loud = (time % 0.5 >= 0.2) & (time % 0.5 < 0.3)
    return np.where(loud, 0.5 * np.sin(2 * np.pi * 440 * time), 0.0).astype(np.float32)


def pcm(samples: np.ndarray) -> bytes:
    return (samples * 2**15).astype("<i2").tobytes()


def jpeg(brightness: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), brightness, np.uint8)).save(file, "JPEG")
    return file.getvalue()


def opus_packets(samples: np.ndarray) -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.format, encoder.layout = 48_000, "s16", "mono"
    frame = av.AudioFrame.from_ndarray((samples * 2**15).astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate = 48_000
    resampler = av.AudioResampler("s16", "mono", 48_000, frame_size=960)
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return [bytes(packet) for each in [*frames, None] for packet in encoder.encode(each)]


@asynccontextmanager
async def opened(here: Server, query: str = "", **arguments: Any) -> AsyncIterator[Any]:
    url = here.base.replace("http", "ws", 1) + f"/v1/stream{query}"
    async with websockets.connect(url, max_queue=None, **arguments) as socket:
        yield socket


async def messages(socket: Any) -> AsyncIterator[dict[str, Any]]:
    async for message in socket:
        yield json.loads(message)


async def everything(socket: Any) -> list[dict[str, Any]]:
    async with asyncio.timeout(PATIENCE):
        return [message async for message in messages(socket)]


def named(told: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [each for each in told if each["event"] == name]


@pytest.mark.parametrize(("query", "rate"), [("", 16_000), ("?rate=48000", 48_000), ("?rate=8000&channels=2", 8_000)])
def test_sound_in_and_events_out(query: str, rate: int):
    sound = beeps(4, rate)
    data = pcm(np.repeat(sound, 2)) if "channels=2" in query else pcm(sound)

    async def scenario():
        async with server() as here, opened(here, query) as socket:
            for at in range(0, len(data), 3200):
                await socket.send(data[at : at + 3200])
            await socket.send(END)
            return await everything(socket), socket.close_code

    told, code = asyncio.run(scenario())
    assert [each["event"] for each in told[:2]] == ["Hello", "Running"] and told[0]["session"]
    finals = named(told, "TranscriptFinal")
    assert [each["text"] for each in finals] == [f"Beep {n}." for n in range(1, 5)]
    starts = np.array([each["start"] for each in finals])
    assert np.diff(starts) == pytest.approx(0.5, abs=0.06)
    assert told[-1]["event"] == "End" and told[-1]["reason"] == "finished" and code == 1000


def test_a_long_message_is_taken_up_in_parts_that_fit():
    runs = Runs(load_config("live", {"audio.buffer": 1}))

    async def scenario():
        async with server(runs) as here, opened(here) as socket:
            await first(messages(socket), "Running")
            await socket.send(pcm(beeps(12)))
            await socket.send(END)
            return await everything(socket)

    told = asyncio.run(scenario())
    assert len(named(told, "TranscriptFinal")) == 12 and not named(told, "Degraded")


def test_opus_is_sound_too():
    packets = opus_packets(beeps(4, 48_000))

    async def scenario():
        async with server() as here, opened(here, "?encoding=opus") as socket:
            for packet in packets:
                await socket.send(packet)
            await socket.send(END)
            return await everything(socket)

    assert len(named(asyncio.run(scenario()), "TranscriptFinal")) == 4


def test_an_opus_packet_of_two_channels_is_decoded():
    decoder = OpusDecoder(2)
    (frame,) = decoder.decode(opus_packets(beeps(1, 48_000))[3])
    assert (frame.sample_rate, frame.layout.nb_channels) == (48_000, 2)
    for wrong in (b"", bytes(5000)):
        with pytest.raises(ValueError, match="Opus packet"):
            decoder.decode(wrong)


def test_pictures_come_on_the_same_socket_at_the_times_of_the_sound():
    # However slow the machine is, nothing counts as a pause.
    runs = Runs(load_config("live", {"video.freeze_after": 60, "audio.reopen_after": 60}))

    async def scenario():
        async with server(runs) as here, opened(here, "?frames=jpeg&events=FaceSeen,TranscriptFinal") as socket:
            told = messages(socket)
            await first(told, "Running")
            data, beeped = pcm(beeps(8)), []
            for tenth in range(40):
                await socket.send(b"A" + data[tenth * 3200 : (tenth + 1) * 3200])
                await socket.send(b"V" + struct.pack("<I", tenth * 100) + jpeg(255 if tenth % 5 == 2 else 0))
                # A live run may leave a picture out, where the sound goes on: nobody waits for that one for good.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(2):
                        while (event := json.loads(await socket.recv()))["event"] != "FaceSeen":
                            beeped.append(event["start"])
            await socket.send(END)
            return [*beeped, *(each["start"] for each in named(await everything(socket), "TranscriptFinal"))]

    beeped, flashes = asyncio.run(scenario()), runs.eyes[-1].flashes
    # Each flash is at its beep, to the picture, whatever the way took.
    assert len(beeped) == 8
    assert 6 <= len(flashes) <= 8
    assert max(min(abs(flash - beep) for beep in beeped) for flash in flashes) < 0.1


def test_what_is_asked_for_is_in_the_configuration():
    runs = Runs()

    async def scenario():
        query = "?language=German&model=lipstream-balanced&terms=Ada%20Lovelace,%20Babbage&emotion=false"
        async with server(runs) as here, opened(here, query) as socket:
            await socket.send(json.dumps({"type": "terms", "terms": ["Zuse"]}))
            await first(messages(socket), "Running")
            await until(lambda: runs.readers[-1].terms.phrases == ("Zuse",))
            await socket.send(END)
            await everything(socket)

    asyncio.run(scenario())
    config, _ = runs.pushed[0]
    assert (config.speech.language, config.speech.quality) == ("de", "balanced")
    assert config.speech.terms == ("Ada Lovelace", "Babbage")
    assert not config.emotion.enabled and not config.video.enabled


def test_a_program_gets_less_than_the_operator_allows_if_it_asks_and_never_more():
    off = {"emotion.enabled": False, "video.enabled": False, "speech.terms": ("Babbage",)}
    query = {"emotion": "true", "frames": "jpeg", "terms": "Ada Lovelace"}
    config = opening(query).config(changed(load_config("live"), off))
    assert not config.emotion.enabled and not config.video.enabled
    assert config.speech.terms == ("Babbage", "Ada Lovelace")
    config = opening(query).config(load_config("live"))
    assert config.emotion.enabled and config.video.enabled
    full = changed(load_config("live"), {"speech.terms": tuple(f"Babbage {number}" for number in range(500))})
    with pytest.raises(Refusal, match="500 terms"):
        opening(query).config(full)


def test_what_the_operator_expects_stays_expected_whatever_is_asked_for_later():
    runs = Runs(load_config("live", {"speech.terms": ["Babbage"]}))

    async def scenario():
        async with server(runs) as here, opened(here) as socket:
            hello = await first(messages(socket), "Hello")
            await socket.send(json.dumps({"type": "terms", "terms": ["Zuse"]}))
            await until(lambda: runs.readers[-1].terms.phrases == ("Babbage", "Zuse"))
            async with httpx.AsyncClient(base_url=here.base) as http:
                await http.post(f"/api/sessions/{hello['session']}/terms", json={"terms": ["Ada"]})
            assert runs.readers[-1].terms.phrases == ("Babbage", "Ada")
            await socket.send(END)
            await everything(socket)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?encoding=mp3", "pcm_s16le or opus"),
        ("?rate=44101", "48000"),
        ("?rate=1", "8000"),
        ("?rate=fast", "number"),
        ("?channels=9", "1 to 8"),
        ("?encoding=opus&channels=3", "1 or 2"),
        ("?frames=png", "jpeg"),
        ("?model=gpt", "gpt"),
        ("?language=klingon", "'klingon' is no language that is known"),
        ("?events=Everything", "Everything"),
        ("?emotion=yes", "true or false"),
        ("?speed=2", "speed"),
        ("?terms=" + "x" * 200, "x"),
    ],
)
def test_what_cannot_be_is_said_before_the_socket_is_open(query: str, said: str):
    async def scenario():
        async with server() as here:
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with opened(here, query):
                    pass
            return refused.value.response

    answer = asyncio.run(scenario())
    assert answer.status_code == 400 and said in json.loads(answer.body)["error"]["message"]


def test_when_all_places_are_taken_the_next_one_is_told_and_gets_in_later():
    async def scenario():
        async with server() as here:
            async with opened(here) as socket:
                await first(messages(socket), "Running")
                with pytest.raises(websockets.InvalidStatus) as refused:
                    async with opened(here):
                        pass
                response = refused.value.response
                assert response.status_code == 503 and response.headers["retry-after"]
                assert json.loads(response.body)["error"]["code"] == "busy"
                await socket.send(END)
                await everything(socket)
            async with opened(here) as socket:
                await first(messages(socket), "Running")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("query", "message", "said"),
    [
        ("", "nonsense", "terms"),
        ("", json.dumps({"type": "terms", "terms": 1}), "terms"),
        ("", json.dumps({"type": "terms", "terms": ["x" * 999]}), "x"),
        ("", b"odd", "16-bit"),
        ("?frames=jpeg", b"X12345", "'A'"),
        ("?frames=jpeg", b"V1", "'A'"),
        ("?encoding=opus", bytes(5000), "Opus"),
    ],
)
def test_a_message_that_means_nothing_ends_the_session_with_a_reason(query: str, message, said: str):
    async def scenario():
        async with server() as here:
            async with opened(here, query) as socket:
                await first(messages(socket), "Running")
                await socket.send(message)
                with pytest.raises(websockets.ConnectionClosedError):
                    await everything(socket)
                assert socket.close_code == 1003 and said in socket.close_reason
            # Its place is free again.
            async with opened(here) as socket:
                await first(messages(socket), "Running")

    asyncio.run(scenario())


def test_who_goes_without_a_word_frees_the_place():
    async def scenario():
        async with server() as here:
            async with opened(here) as socket:
                await first(messages(socket), "Running")
                socket.transport.abort()
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        async with opened(here) as socket:
                            await first(messages(socket), "Running")
                            return
                    except websockets.InvalidStatus:
                        await asyncio.sleep(0.1)

    asyncio.run(scenario())


def test_who_sends_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.web.sockets.api.IDLE_SECONDS", 0.3)

    async def scenario():
        async with server() as here, opened(here) as socket:
            with pytest.raises(websockets.ConnectionClosedError):
                await everything(socket)
            return socket.close_code

    assert asyncio.run(scenario()) == 4408


def test_a_message_that_is_too_large_is_refused():
    async def scenario():
        async with server() as here, opened(here) as socket:
            await first(messages(socket), "Running")
            await socket.send(bytes(2_000_000))
            with pytest.raises(websockets.ConnectionClosedError):
                await everything(socket)
            return socket.close_code

    assert asyncio.run(scenario()) == 1009


def test_others_can_watch_a_session_by_its_name():
    async def scenario():
        async with server() as here, opened(here) as socket:
            hello = await first(messages(socket), "Hello")
            url = here.base.replace("http", "ws", 1) + f"/events?session={hello['session']}"
            async with websockets.connect(url) as watching:
                await socket.send(pcm(beeps(2)))
                assert (await first(messages(watching), "TranscriptFinal"))["text"] == "Beep 1."
                await socket.send(END)
                await everything(socket)

    asyncio.run(scenario())


def test_a_session_that_is_ended_from_elsewhere_is_told_so_and_closed():
    async def scenario():
        async with server() as here, opened(here) as socket:
            hello = await first(messages(socket), "Hello")
            async with httpx.AsyncClient(base_url=here.base) as http:
                assert (await http.delete(f"/api/sessions/{hello['session']}")).status_code == 204
            return (await everything(socket))[-1], socket.close_code

    last, code = asyncio.run(scenario())
    assert (last["event"], last["reason"], code) == ("End", "stopped", 1000)


def test_nothing_of_a_session_is_held_when_it_is_over():
    made: list[weakref.ref[Pipeline]] = []

    class Forgetful(Runs):
        def push(self, config: Config, source: PushSource) -> Pipeline:
            pipeline = super().push(config, source)
            self.pushed.clear()
            made.append(weakref.ref(pipeline))
            return pipeline

    async def scenario():
        async with server(Forgetful()) as here:
            for _ in range(3):
                async with opened(here) as socket:
                    await socket.send(pcm(beeps(1)))
                    await socket.send(END)
                    await everything(socket)

                def gone() -> bool:
                    gc.collect()
                    return made[-1]() is None

                await until(gone)

    asyncio.run(scenario())
    assert len(made) == 3


def test_it_needs_the_token():
    async def scenario():
        async with server(address=Address("127.0.0.1", 0, TOKEN)) as here:
            with pytest.raises(websockets.InvalidStatus):
                async with opened(here):
                    pass
            async with opened(here, additional_headers={"authorization": f"Bearer {TOKEN}"}) as socket:
                await first(messages(socket), "Running")
            async with opened(here, f"?token={TOKEN}"):
                pass

    asyncio.run(scenario())


class Real(Runs):
    """Runs with real networks, for programs."""

    def push(self, config: Config, source: PushSource) -> Pipeline:
        return pushed(config, source)


@pytest.mark.media
def test_a_face_is_seen_and_its_words_are_its(obama_speech: Path, obama_audio: np.ndarray):
    with av.open(str(obama_speech)) as clip:
        frames = []
        for frame in clip.decode(video=0):
            file = io.BytesIO()
            Image.fromarray(frame.to_ndarray(format="rgb24")).save(file, "JPEG", quality=90)
            frames.append((round(1000 * (frame.time or 0.0)), file.getvalue()))
            if frames[-1][0] > 5000:
                break

    async def scenario():
        config = load_config("live", {"emotion.enabled": False, "speech.quality": "fast", "video.freeze_after": 60})
        query = "?frames=jpeg&events=FaceFound,TranscriptFinal,Degraded"
        async with server(Real(config)) as here, opened(here, query) as socket:
            await first(messages(socket), "Running")
            loop = asyncio.get_running_loop()
            begun = loop.time()
            for at in range(0, 5000, 100):
                # At its own pace: live, pictures that come faster than they are looked at give way.
                await asyncio.sleep(max(0.0, begun + at / 1000 - loop.time()))
                await socket.send(b"A" + pcm(obama_audio[at * 16 : (at + 100) * 16]))
                while frames and frames[0][0] < at + 100:
                    time, data = frames.pop(0)
                    await socket.send(b"V" + struct.pack("<I", time) + data)
            await socket.send(END)
            return await everything(socket)

    told = asyncio.run(scenario())
    text = " ".join(each["text"] for each in named(told, "TranscriptFinal")).lower().replace(",", "")
    assert "two years of negotiations" in text and named(told, "FaceFound")


@pytest.mark.media
def test_the_example_shows_captions_of_real_speech(obama_audio: np.ndarray):
    """The client as it is in examples/, against real networks."""
    root = Path(__file__).parents[3]
    samples = np.pad(obama_audio[int(0.8 * 16_000) : int(3.9 * 16_000)], (0, 24_000))

    async def scenario():
        config = load_config("live", {"emotion.enabled": False, "speech.quality": "fast"})
        async with server(Real(config)) as here:
            url = here.base.replace("http", "ws", 1) + "/v1/stream"
            command = [sys.executable, str(root / "examples" / "stream_captions.py"), url]
            return await asyncio.to_thread(
                subprocess.run, command, input=pcm(samples), capture_output=True, timeout=200, check=False
            )

    done = asyncio.run(scenario())
    assert done.returncode == 0, done.stderr
    words = done.stdout.decode().lower().replace(",", "").replace(".", "").split()
    assert "two years of negotiations" in " ".join(words)


def test_the_example_says_in_one_line_that_the_server_is_not_there():
    root = Path(__file__).parents[3]
    command = [sys.executable, str(root / "examples" / "stream_captions.py"), "ws://127.0.0.1:1/v1/stream"]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=100, check=False)
    assert done.returncode == 1 and done.stderr.startswith(b"error: ") and done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "Which token?"}}', "Which token?"),
        (b"", "403"),
        (b'"error"', "403"),
        (b"<html>", "403"),
    ],
)
def test_the_example_says_in_one_line_why_it_is_refused(body: bytes, said: str):
    example = runpy.run_path(str(Path(__file__).parents[3] / "examples" / "stream_captions.py"))
    answer = Response(403, "Forbidden", Headers(), body)
    assert said in example["reason"](websockets.InvalidStatus(answer))
