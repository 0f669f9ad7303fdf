"""Answers of the server that are no page: JSON, and errors in plain language."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from lipstream.stages.sinks.text import json_text

STALL_SECONDS = 30.0
"""Longest pause in what is sent, and the time in which there must be at least `LEAST_BYTES` of it."""
LEAST_BYTES = 8192
RETRY_SECONDS = 5
"""After which a client that was told that the server is busy may try again."""
_TYPES = {401: "authentication_error", 404: "not_found_error", 408: "timeout_error", 429: "rate_limit_error"}
_CODES = {
    "unauthorized": "invalid_api_key",
    "no model": "model_not_found",
    "no recording": "unsupported_file",
    "too large": "file_too_large",
    "too long": "file_too_long",
    "busy": "busy",
}
"""OpenAI's words, or words like them, for what programs tell apart."""


class Refusal(Exception):
    """A request that is not granted.

    Args:
        status: of the response.
        error: one word for programs.
        message: one plain-language line for people.
        field: of a form, that is to blame.
    """

    def __init__(self, status: int, error: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.field = field


def json_answer(value: object, status: int = 200) -> Response:
    """A response in JSON."""
    return Response(json_text(value), status, media_type="application/json")


def refused(refusal: Refusal, path: str) -> Response:
    """The response to a request that is not granted.

    Args:
        refusal: why.
        path: what was asked for: under `/v1/` errors have OpenAI's form.
    """
    if path.startswith("/v1/"):
        told: dict[str, Any] = error_of(refusal)
    else:
        told = {"error": refusal.error, "message": str(refusal)}
    answer = json_answer(told, refusal.status)
    if refusal.status == 503:
        answer.headers["retry-after"] = str(RETRY_SECONDS)
    return answer


def error_of(refusal: Refusal) -> dict[str, Any]:
    """What went wrong, in OpenAI's form."""
    status = refusal.status
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    code = _CODES.get(refusal.error, "not_found" if status == 404 else None)
    return {"error": {"message": str(refusal), "type": kind, "param": refusal.field, "code": code}}


async def read_json(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object in a request.

    Args:
        request: the request.
        limit: most bytes.

    Raises:
        Refusal: it is too long, or no JSON object.
    """
    body = bytearray()
    async for piece in steady(limited(request, limit)):
        body += piece
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "bad request", "Expected JSON.") from error
    if not isinstance(value, dict):
        raise Refusal(400, "bad request", "Expected a JSON object.")
    return value


async def limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body of a request piece by piece.

    Raises:
        Refusal: it is longer than `limit` bytes, as it says itself or as it turns out.
    """
    too_long = too_large(limit)
    announced = request.headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdecimal() or int(announced[:20]) > limit:
        raise too_long
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise too_long
        yield piece


def too_large(limit: int) -> Refusal:
    """What is said to who sends more than `limit` bytes."""
    return Refusal(413, "too large", f"This is larger than {_in_words(limit)}, the most this server takes.")


async def steady(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What comes, for as long as it comes at a pace.

    Raises:
        Refusal: in 30 s less than 8 kB came, which would hold a place for ever.
    """
    loop = asyncio.get_running_loop()
    since, came = loop.time(), 0
    try:
        while True:
            async with asyncio.timeout(STALL_SECONDS):
                piece = await anext(pieces, None)
            if piece is None:
                return
            came += len(piece)
            if loop.time() - since >= STALL_SECONDS:
                if came < LEAST_BYTES:
                    raise TimeoutError
                since, came = loop.time(), 0
            yield piece
    except TimeoutError as error:
        raise Refusal(408, "too slow", "The recording stopped coming.") from error


def _in_words(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size >= 1_000_000 else f"{size / 1000:.0f} kB"
