"""A recording that comes as a form, with what is wanted of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

from lipstream.config import Config
from lipstream.web.answers import Refusal
from lipstream.web.files.form import BadField, Form, form_of
from lipstream.web.files.uploads import Kind, Order, Upload, Uploads

W = TypeVar("W")


async def received(
    request: Request, uploads: Uploads, kind: Kind, read: Callable[[Form, Config], W], order_of: Callable[[W], Order]
) -> tuple[W, Upload]:
    """Take a recording; gives what is wanted and the recording, which waits for its turn.

    Args:
        request: with the form.
        uploads: captions the recordings.
        kind: for whom.
        read: what is wanted, by the fields of the form and the server's configuration.
        order_of: what is to be made, by what is wanted.

    Raises:
        Refusal: the form or the recording is none that is taken.
        ClientDisconnect: whoever sends it has gone.
    """
    with uploads.coming(kind):
        async with form_of(request, uploads.limits.max_bytes) as form:
            want = read(form, uploads.config)
            try:
                return want, await uploads.take(form.file.filename or "", form.pieces(), order_of(want))
            except Refusal as refusal:
                if refusal.error != "no recording":
                    raise
                # In a form it is a field that is wrong, as it is for OpenAI.
                raise BadField("file", str(refusal), error=refusal.error) from refusal
