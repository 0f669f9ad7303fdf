"""Many recordings, sent one after the other, whose captions are fetched later."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from lipstream.config import Config
from lipstream.stages.sinks.transcript.reading import read_transcript
from lipstream.web.answers import Refusal, json_answer
from lipstream.web.files.recording import offered_formats
from lipstream.web.files.uploads import Order, State, Upload, Uploads
from lipstream.web.openai.answers import verbose
from lipstream.web.openai.options import GRANULARITIES, config_of
from lipstream.web.openai.receiving import received
from lipstream.web.threads import on_thread

_VERBOSE: Final = "verbose_json"
_STATUS: Final[dict[State, str]] = {
    "waiting": "queued",
    "running": "in_progress",
    "done": "completed",
    "failed": "failed",
}


class JobsApi:
    """`/v1/jobs`: a list of recordings that wait, are captioned, and are done, until they are deleted or too old.

    Args:
        uploads: captions the recordings.
    """

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    @property
    def routes(self) -> list[BaseRoute]:
        """The addresses, with what answers them."""
        return [
            Route("/v1/jobs", self._take, methods=["POST"]),
            Route("/v1/jobs", self._list, methods=["GET"]),
            Route("/v1/jobs/{name}", self._tell, methods=["GET"]),
            Route("/v1/jobs/{name}", self._delete, methods=["DELETE"]),
            Route("/v1/jobs/{name}/result", self._result),
        ]

    async def _take(self, request: Request) -> Response:
        try:
            _, upload = await received(request, self._uploads, "job", config_of, _order)
        except ClientDisconnect:
            # Nobody is there to be told.
            return Response(status_code=400)
        return json_answer(_told(upload), 202)

    async def _list(self, request: Request) -> Response:
        jobs = [_told(each) for each in self._uploads.kept if each.order.kind == "job"]
        return json_answer({"object": "list", "data": jobs})

    async def _tell(self, request: Request) -> Response:
        return json_answer(_told(self._job(request)))

    async def _delete(self, request: Request) -> Response:
        job = self._job(request)
        self._uploads.forget(job)
        return json_answer({"id": job.id, "object": "job", "deleted": True})

    async def _result(self, request: Request) -> Response:
        job, name = self._job(request), request.query_params.get("format", _VERBOSE)
        if job.state == "failed":
            raise Refusal(409, "failed", job.message)
        if job.state != "done":
            raise Refusal(409, "not done", "This recording has not been captioned yet.")
        if name == _VERBOSE:
            record = await on_thread(lambda: read_transcript(job.outputs["json"]))
            return json_answer(verbose(record, GRANULARITIES, job.order.config.speech.task))
        path = job.made.get(name)
        if path is None:
            there = ", ".join([_VERBOSE, *job.made])
            raise Refusal(404, "no format", f"There is no such format; there are: {there}.")
        kind = "application/json" if name == "json" else "text/plain"
        return FileResponse(path, media_type=kind, filename=f"{PurePath(job.name).stem or 'captions'}.{name}")

    def _job(self, request: Request) -> Upload:
        upload = self._uploads.get(request.path_params["name"])
        if upload is None or upload.order.kind != "job":
            raise Refusal(404, "no job", "There is no such job, or not any more.")
        return upload


def _order(config: Config) -> Order:
    return Order(config, "job", tuple(offered_formats(config)), report=False)


def _told(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "object": "job",
        "status": _STATUS[upload.state],
        "name": upload.name,
        "created": round(upload.created),
        "duration": upload.duration,
        "progress": upload.progress,
        "message": upload.message,
        "formats": [_VERBOSE, *upload.made] if upload.state == "done" else [],
    }
