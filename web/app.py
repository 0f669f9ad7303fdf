"""The application: all addresses, behind the guard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from lipstream.web.answers import Refusal, refused

STATIC = Path(__file__).parent / "static"


def make_app(routes: Sequence[BaseRoute]) -> Starlette:
    """The pages, and what else is to be served.

    Args:
        routes: further addresses.
    """
    pages: list[BaseRoute] = [
        Route("/", _page("main/index.html")),
        Route("/captions", _page("captions/captions.html")),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    handlers = {Refusal: _refuse, HTTPException: _refuse_plainly}
    app = Starlette(routes=[*pages, *routes], exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


def _page(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return FileResponse(STATIC / name)

    return serve


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refused(error, request.scope["path"])


async def _refuse_plainly(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refused(Refusal(error.status_code, "refused", f"{error.detail}."), request.scope["path"])
