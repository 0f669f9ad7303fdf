"""The application: all addresses, behind the guard."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from lipstream.web.answers import Refusal, refused
from lipstream.web.guard import PREFIX

_LINK = re.compile(r'(\s(?:href|src|action)=")/(?!/)')

STATIC = Path(__file__).parent / "static"


def make_app(routes: Sequence[BaseRoute]) -> Starlette:
    """The pages, and what else is to be served.

    Args:
        routes: further addresses.
    """
    pages: list[BaseRoute] = [
        Route("/", _page("main/index.html")),
        Route("/captions", _page("captions/captions.html")),
        Route("/captions/settings", _page("captions/settings.html")),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    handlers = {Refusal: _refuse, HTTPException: _refuse_plainly, Exception: _fail}
    app = Starlette(routes=[*pages, *routes], exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


def under(prefix: str, page: str) -> str:
    """A page whose links and files are found where a proxy has them, behind a prefix such as "/captions"."""
    return _LINK.sub(rf"\1{prefix}/", page)


def _page(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        prefix = request.scope.get(PREFIX, "")
        if not prefix:
            return FileResponse(STATIC / name)
        return HTMLResponse(under(prefix, (STATIC / name).read_text(encoding="utf-8")))

    return serve


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refused(error, request.scope["path"])


async def _refuse_plainly(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refused(Refusal(error.status_code, "refused", f"{error.detail}."), request.scope["path"])


async def _fail(request: Request, error: Exception) -> Response:
    # It is raised again behind this, and logged.
    return refused(Refusal(500, "failed", "This failed, which is a mistake of Lipstream's."), request.scope["path"])
