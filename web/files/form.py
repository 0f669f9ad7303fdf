"""A recording in a form (multipart/form-data), as programs send it: one file, and what is wanted of it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from lipstream.web.answers import Refusal, limited, steady, too_large

log = logging.getLogger(__name__)

MAX_FIELDS = 64
"""Most fields besides the file."""
MAX_FIELD_BYTES = 64_000
_PIECE = 1 << 18


class BadField(Refusal):
    """A field of a form is not what it should be.

    Args:
        field: its name.
        message: one plain-language line for people.
        status: of the response.
        error: one word for programs.
    """

    def __init__(self, field: str, message: str, status: int = 400, error: str = "bad field") -> None:
        super().__init__(status, error, message, field)


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent.

    Attributes:
        file: the recording, as `file`; gone when the form is.
        fields: the others, by name; `name[]` and a name that comes more than once give several.
    """

    file: UploadFile
    fields: Mapping[str, tuple[str, ...]]

    def one(self, name: str, default: str = "") -> str:
        """A field that is there once, or not at all.

        Raises:
            BadField: it is there more often.
        """
        values = self.fields.get(name, ())
        if len(values) > 1:
            raise BadField(name, f"Expected '{name}' once.")
        return values[0].strip() if values else default

    async def pieces(self) -> AsyncIterator[bytes]:
        """The recording, piece by piece."""
        await self.file.seek(0)
        while piece := await self.file.read(_PIECE):
            yield piece


@asynccontextmanager
async def form_of(request: Request, max_bytes: int) -> AsyncIterator[Form]:
    """The form in a request. What is large lies in a temporary file meanwhile.

    Args:
        request: the request.
        max_bytes: most bytes of the recording.

    Raises:
        Refusal: it is no form, has no file, is too large, or stops coming.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Refusal(415, "no form", "Expected multipart/form-data with the recording as 'file'.")
    parser = MultiPartParser(
        request.headers, _body(request, max_bytes), max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
    )
    try:
        data = await parser.parse()
    except MultiPartException as error:
        raise Refusal(400, "bad form", f"The form cannot be read: {error.message}") from error
    except OSError as error:
        log.warning("a recording cannot be kept: %s", error)
        raise Refusal(507, "no room", "The server cannot keep the recording: is its disk full?") from error
    try:
        file = data.get("file")
        if not isinstance(file, UploadFile):
            raise BadField("file", "Expected the recording as 'file'.")
        if (file.size or 0) > max_bytes:
            raise too_large(max_bytes)
        fields: dict[str, tuple[str, ...]] = {}
        for name, value in data.multi_items():
            if isinstance(value, str):
                key = name.removesuffix("[]")
                fields[key] = (*fields.get(key, ()), value)
        yield Form(file, fields)
    finally:
        await data.close()


async def _body(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    # Beside the recording there are the fields and what stands between them.
    async for piece in steady(limited(request, max_bytes + MAX_FIELDS * MAX_FIELD_BYTES)):
        yield piece
