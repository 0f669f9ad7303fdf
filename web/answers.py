"""Answers of the server that are no page: JSON, and errors in plain language."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from lipstream.stages.sinks.text import json_text


class Refusal(Exception):
    """A request that is not granted.

    Args:
        status: of the response.
        error: one word for programs.
        message: one plain-language line for people.
    """

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error


def json_answer(value: object, status: int = 200) -> Response:
    """A response in JSON."""
    return Response(json_text(value), status, media_type="application/json")


def refused(refusal: Refusal) -> Response:
    """The response to a request that is not granted."""
    return json_answer({"error": refusal.error, "message": str(refusal)}, refusal.status)


async def read_json(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object in a request.

    Args:
        request: the request.
        limit: most bytes.

    Raises:
        Refusal: it is too long, or no JSON object.
    """
    body = bytearray()
    async for piece in limited(request, limit):
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
    too_long = Refusal(413, "too large", f"This is larger than {_in_words(limit)}, the most this server takes.")
    announced = request.headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdecimal() or int(announced[:20]) > limit:
        raise too_long
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise too_long
        yield piece


def _in_words(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size >= 1_000_000 else f"{size / 1000:.0f} kB"
