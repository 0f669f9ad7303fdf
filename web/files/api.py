"""The addresses under which recordings are sent, followed and looked at."""

from __future__ import annotations

import mimetypes
from pathlib import PurePath

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from lipstream.web.answers import Refusal, json_answer, limited
from lipstream.web.files.recording import offered_formats
from lipstream.web.files.uploads import Order, Upload, Uploads
from lipstream.web.wishes import granted

REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; media-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""For reports, which are one file: the page itself allows its own scripts and styles by their hashes, and no others."""


class FilesApi:
    """The addresses of recordings.

    Args:
        uploads: the recordings.
    """

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    @property
    def routes(self) -> list[BaseRoute]:
        """The addresses, with what answers them."""
        return [
            Route("/api/files", self._take, methods=["POST"]),
            Route("/api/files/{name}", self._tell, methods=["GET"]),
            Route("/api/files/{name}", self._forget, methods=["DELETE"]),
            Route("/api/files/{name}/report", self._report),
            Route("/api/files/{name}/media", self._media),
            Route("/api/files/{name}/captions/{format}", self._captions),
        ]

    async def _take(self, request: Request) -> Response:
        query, pieces = request.query_params, limited(request, self._uploads.limits.max_bytes)
        emotion = query.get("emotion", "true")
        if emotion not in ("true", "false"):
            raise Refusal(400, "bad request", "Expected emotion=true or false.")
        config = granted(self._uploads.config, {"emotion.enabled": emotion == "true"})
        order = Order(config, formats=tuple(offered_formats(config)))
        try:
            upload = await self._uploads.take(query.get("name", ""), pieces, order)
        except ClientDisconnect:
            # Nobody is there to be told.
            return Response(status_code=400)
        return json_answer({"file": upload.id}, 202)

    async def _tell(self, request: Request) -> Response:
        upload = self._upload(request)
        told = {"state": upload.state, "progress": upload.progress, "message": upload.message}
        return json_answer(told | ({"formats": list(upload.made)} if upload.state == "done" else {}))

    async def _forget(self, request: Request) -> Response:
        self._uploads.forget(self._upload(request))
        return Response(status_code=204)

    async def _report(self, request: Request) -> Response:
        upload = self._done(request)
        return FileResponse(upload.report, media_type="text/html", headers={"content-security-policy": REPORT_POLICY})

    async def _media(self, request: Request) -> Response:
        upload = self._done(request)
        kind = mimetypes.guess_type(upload.name)[0] or ""
        # By what it is called, and never as anything that a browser would run.
        return FileResponse(upload.path, media_type=kind if kind.startswith(("audio/", "video/")) else "video/mp4")

    async def _captions(self, request: Request) -> Response:
        upload = self._done(request)
        name = request.path_params["format"]
        path = upload.made.get(name)
        if path is None:
            raise Refusal(404, "no format", f"There is no such format; there are: {', '.join(upload.made)}.")
        # Always as a file to keep, never as anything that a browser would show or run.
        kind = "application/json" if name == "json" else "text/plain"
        return FileResponse(path, media_type=kind, filename=f"{PurePath(upload.name).stem or 'captions'}.{name}")

    def _upload(self, request: Request) -> Upload:
        upload = self._uploads.get(request.path_params["name"])
        if upload is None:
            raise Refusal(404, "no file", "There is no such recording, or not any more.")
        return upload

    def _done(self, request: Request) -> Upload:
        upload = self._upload(request)
        if upload.state != "done":
            raise Refusal(409, "not done", "This recording has not been captioned yet.")
        return upload
