"""A recording that comes as a form, with what is wanted of it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from lipstream.web.files.form import form_of
from lipstream.web.files.uploads import Kind, Order, Upload, Uploads
from lipstream.web.openai.options import Wanted, wanted


async def received(
    request: Request, uploads: Uploads, kind: Kind, order_of: Callable[[Wanted], Order]
) -> tuple[Wanted, Upload]:
    """Take a recording; gives what is wanted and the recording, which waits for its turn.

    Args:
        request: with the form.
        uploads: captions the recordings.
        kind: for whom.
        order_of: what is to be made, by what is wanted.

    Raises:
        Refusal: the form or the recording is none that is taken.
        ClientDisconnect: whoever sends it has gone.
    """
    with uploads.coming(kind):
        async with form_of(request, uploads.limits.max_bytes) as form:
            want = wanted(form, uploads.config)
            return want, await uploads.take(form.file.filename or "", form.pieces(), order_of(want))
