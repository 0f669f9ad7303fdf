"""The addresses that programs for OpenAI's transcription know: they need another base address, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from lipstream.config import Config
from lipstream.events import TranscriptFinal
from lipstream.pipeline import Event
from lipstream.stages.sinks.transcript.reading import read_transcript
from lipstream.stages.sinks.transcript.schema import TranscriptRecord
from lipstream.web.answers import Refusal, error_of, json_answer
from lipstream.web.files.form import Form
from lipstream.web.files.uploads import Order, Upload, Uploads
from lipstream.web.openai.answers import Text, plain, verbose
from lipstream.web.openai.options import MODELS, OWN_MODEL, Wanted, translated, wanted
from lipstream.web.openai.receiving import received
from lipstream.web.threads import on_thread

_LOOK_SECONDS = 0.5
_ALIVE_SECONDS = 15.0
"""After so long without text a stream says that it is still there, for proxies that end what is quiet."""
_FILES = {"text": "txt", "srt": "srt", "vtt": "vtt"}
_BEGUN = 1_735_689_600
"""When the models were "created", which their list has to say: the same for ever."""


class OpenAiApi:
    """`POST /v1/audio/transcriptions` and `/v1/audio/translations`, and `GET /v1/models`.

    Args:
        uploads: captions the recordings.
    """

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    @property
    def routes(self) -> list[BaseRoute]:
        """The addresses, with what answers them."""
        return [
            Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"]),
            Route("/v1/audio/translations", self._translate, methods=["POST"]),
            Route("/v1/models", self._models),
            Route("/v1/models/{name}", self._model),
        ]

    async def _models(self, request: Request) -> Response:
        return json_answer({"object": "list", "data": [_model(name) for name in MODELS]})

    async def _model(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in MODELS:
            raise Refusal(404, "no model", f"There is no such model; there are: {', '.join(MODELS)}.", "model")
        return json_answer(_model(name))

    async def _transcribe(self, request: Request) -> Response:
        return await self._caption(request, wanted)

    async def _translate(self, request: Request) -> Response:
        return await self._caption(request, translated)

    async def _caption(self, request: Request, read: Callable[[Form, Config], Wanted]) -> Response:
        try:
            heard: asyncio.Queue[Event] = asyncio.Queue()
            want, upload = await received(request, self._uploads, "request", read, partial(_order, heard))
        except ClientDisconnect:
            # Nobody is there to be told.
            return Response(status_code=400)
        if want.stream:
            headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
            return StreamingResponse(self._stream(upload, heard), media_type="text/event-stream", headers=headers)
        try:
            await self._until_finished(request, upload)
            return await self._answer(upload, want)
        except BaseException:
            self._uploads.forget(upload)
            raise

    async def _until_finished(self, request: Request, upload: Upload) -> None:
        """Wait for the captions; who has gone does not want them any more."""
        while not upload.finished.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(upload.finished.wait(), _LOOK_SECONDS)
            if await request.is_disconnected():
                raise Refusal(400, "gone", "Nobody waits for this any more.")
        _check(upload)

    async def _answer(self, upload: Upload, want: Wanted) -> Response:
        if want.answer in _FILES:
            text = await on_thread(upload.outputs[_FILES[want.answer]].read_bytes)
            self._uploads.forget(upload)
            return Response(text, media_type="text/plain; charset=utf-8")
        record = await self._record(upload)
        self._uploads.forget(upload)
        if want.answer == "json":
            return json_answer(plain(record))
        return json_answer(verbose(record, want.granularities, want.config.speech.task))

    async def _record(self, upload: Upload) -> TranscriptRecord:
        return await on_thread(lambda: read_transcript(upload.outputs["json"]))

    async def _stream(self, upload: Upload, heard: asyncio.Queue[Event]) -> AsyncIterator[bytes]:
        """Server-sent events, by OpenAI's names: text as segments are finished, and at the end all of it."""
        text = Text()
        finished = asyncio.ensure_future(upload.finished.wait())
        coming: asyncio.Future[Event] | None = None
        try:
            while not (finished.done() and heard.empty()):
                coming = asyncio.ensure_future(heard.get())
                tasks: list[asyncio.Future[Any]] = [coming, finished]
                done, _ = await asyncio.wait(tasks, timeout=_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    coming.cancel()
                    if not done:
                        yield b": waiting\n\n"
                    continue
                event = coming.result()
                if isinstance(event, TranscriptFinal) and (added := text.take(event)):
                    yield _sent({"type": "transcript.text.delta", "delta": added})
            _check(upload)
            usage = plain(await self._record(upload))["usage"]
            yield _sent({"type": "transcript.text.done", "text": text.text, "usage": usage})
        except Refusal as refusal:
            yield _sent({"type": "error", **error_of(refusal)})
        finally:
            finished.cancel()
            if coming is not None:
                # Who has left does so in the midst of a wait, which ends none of what is waited for.
                coming.cancel()
            self._uploads.forget(upload)
        yield b"data: [DONE]\n\n"


def _order(heard: asyncio.Queue[Event], want: Wanted) -> Order:
    formats = tuple(dict.fromkeys(["json", _FILES.get(want.answer, "json")]))
    tell = _teller(heard) if want.stream else None
    return Order(want.config, "request", formats, report=False, tell=tell)


def _check(upload: Upload) -> None:
    """See whether there are captions.

    Raises:
        Refusal: there are none.
    """
    if upload.state == "failed":
        raise Refusal(500 if upload.ours else 400, "failed", upload.message)
    if upload.state != "done":
        raise Refusal(503, "ended", "The server is ending.")


def _teller(heard: asyncio.Queue[Event]) -> Callable[[Event], None]:
    loop = asyncio.get_running_loop()

    def tell(event: Event) -> None:
        if isinstance(event, TranscriptFinal):
            # A loop that is closed means that nobody listens any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(heard.put_nowait, event)

    return tell


def _sent(message: dict[str, Any]) -> bytes:
    # The name is in the data, as OpenAI has it; "event:" has it for readers that go by it.
    return f"event: {message['type']}\ndata: {json.dumps(message, ensure_ascii=False)}\n\n".encode()


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _BEGUN, "owned_by": OWN_MODEL}
