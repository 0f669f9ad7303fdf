"""The addresses under which the user of this machine agrees that a profile grows, takes it back, and deletes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from lipstream.models.errors import ModelError
from lipstream.stages.enrol import own_profile
from lipstream.stages.enrol.consent import GrowthConsent
from lipstream.web.answers import Refusal, json_answer, read_json
from lipstream.web.files.uploads import sentence
from lipstream.web.growing.local import is_from_here
from lipstream.web.threads import on_thread

_MAX_JSON_BYTES = 4096

T = TypeVar("T")


class GrowingApi:
    """Answers about the profile that grows; to browsers of this machine alone.

    Args:
        consent: where the answer is kept; None where nothing is asked, as on a server that others reach.
    """

    def __init__(self, consent: GrowthConsent | None) -> None:
        self._consent = consent

    @property
    def routes(self) -> list[BaseRoute]:
        """The addresses, with what answers them."""
        return [
            Route("/api/growing", self._tell, methods=["GET"]),
            Route("/api/growing", self._answer, methods=["PUT"]),
            Route("/api/growing", self._delete, methods=["DELETE"]),
        ]

    async def _tell(self, request: Request) -> Response:
        return await self._state(self._asked(request))

    async def _answer(self, request: Request) -> Response:
        consent = self._asked(request)
        wanted = (await read_json(request, _MAX_JSON_BYTES)).get("grow")
        if not isinstance(wanted, bool):
            raise Refusal(400, "bad request", 'Expected {"grow": true} or {"grow": false}.')
        await _tried(consent.give if wanted else consent.refuse)
        return await self._state(consent)

    async def _delete(self, request: Request) -> Response:
        consent = self._asked(request)
        # First of all nothing more is kept; then what there is goes.
        await _tried(consent.refuse)
        await _tried(own_profile.delete_grown)
        return await self._state(consent)

    async def _state(self, consent: GrowthConsent) -> Response:
        answer = consent.answer
        told = await _tried(own_profile.grown) if answer is not None else None
        there = told is not None and (told.made or told.minutes > 0)
        minutes, made, paused = (told.minutes, told.made, told.paused) if told is not None else (0.0, False, False)
        state = {"minutes": round(minutes, 1), "made": made, "paused": paused, "kept": there}
        return json_answer({"answer": answer} | state)

    def _asked(self, request: Request) -> GrowthConsent:
        if self._consent is None or not is_from_here(request):
            raise Refusal(404, "not here", "No profile grows here: that is for the browser of the machine it runs on.")
        return self._consent


async def _tried(work: Callable[[], T]) -> T:
    """What takes files and time, on a thread of its own."""
    try:
        return await on_thread(work)
    except (ModelError, OSError) as error:
        raise Refusal(500, "cannot be kept", sentence(str(error))) from error
