"""Whether a browser is one of this machine's user."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from lipstream.web.address import Address
from lipstream.web.guard import ALONE, is_local

_PASSED_ON: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers of a request that came through a proxy."""


def is_own_server(address: Address) -> bool:
    """Whether only this machine reaches a server: it listens here, with nothing in front of it."""
    return is_local(address.host) and address.front == ALONE


def is_from_here(request: Request) -> bool:
    """Whether a request comes from this machine itself, and was not passed on for somebody else.

    A port that is forwarded (`ssh -L`, an editor's remote window) cannot be told: its requests come from here and say
    nothing of where they began.
    """
    client = request.client
    return client is not None and is_local(client.host) and not any(name in request.headers for name in _PASSED_ON)
