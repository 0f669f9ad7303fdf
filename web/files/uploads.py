"""The recordings that browsers have sent: kept in a folder for a while, captioned one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import anyio

from lipstream.config import Config
from lipstream.pipeline import PipelineError, UserError
from lipstream.stages.printable import printable
from lipstream.web.answers import Refusal
from lipstream.web.files.recording import caption, look_into, offered_formats
from lipstream.web.sessions import Sessions
from lipstream.web.threads import on_thread

log = logging.getLogger(__name__)

MAX_KEPT = 8
"""Most recordings that are there at once, be they on their way, waiting, or done."""
KEPT_SECONDS = 3600.0
"""How long one is kept after it was last asked for."""
STALL_SECONDS = 30.0
"""Longest pause in the sending of one."""
_LOOK_SECONDS = 60.0
_MAX_NAME = 120
# Left free on the disk: others need it as well.
_SPARE_BYTES = 256_000_000

State = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How large a recording may be.

    Attributes:
        max_bytes: of the file.
        max_seconds: how long it may last.
    """

    max_bytes: int
    max_seconds: float


@dataclass(slots=True, eq=False)
class Upload:
    """A recording and what has become of it.

    Attributes:
        id: its name here, which cannot be guessed. The sender's is for people only and never part of a path.
        name: what its sender calls it.
        path: where it lies.
        state: what is being done with it.
        progress: how much of it is done, in [0, 1]; None if nobody knows.
        message: one plain-language line on its state.
        touched: when it was last asked for, `time.monotonic`.
        wanted: False once it is to be forgotten.
        formats: in which its captions can be had once it is done.
    """

    id: str
    name: str
    path: Path
    state: State = "waiting"
    progress: float | None = None
    message: str = ""
    touched: float = field(default_factory=time.monotonic)
    wanted: bool = True
    duration: float | None = None
    formats: tuple[str, ...] = ()

    @property
    def report(self) -> Path:
        """Where its report is once it is done."""
        return self.path.with_suffix(".html")

    @property
    def outputs(self) -> dict[str, Path]:
        """Where its captions are once it is done, by format."""
        return {name: self.path.with_suffix(f".{name}") for name in self.formats}


class Uploads:
    """Takes recordings in, has them captioned one after the other, and forgets them.

    A recording that is being captioned takes the place of a browser's session: on the processors there are it would
    make captions late. It waits until a place is free.

    Args:
        config: how they are captioned.
        limits: how large one may be.
        sessions: has the places.
    """

    def __init__(self, config: Config, limits: UploadLimits, sessions: Sessions) -> None:
        self.limits = limits
        self._config = config
        self._sessions = sessions
        self._folder = Path(tempfile.mkdtemp(prefix="lipstream-"))
        self._uploads: dict[str, Upload] = {}
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, name: str) -> Upload | None:
        """A recording by its id; it is kept for another while."""
        upload = self._uploads.get(name)
        if upload is not None:
            upload.touched = time.monotonic()
        return upload

    async def take(self, name: str, pieces: AsyncIterator[bytes]) -> Upload:
        """Take a recording in and begin to caption it as soon as may be.

        Args:
            name: what its sender calls it.
            pieces: the file.

        Raises:
            Refusal: there are too many, the disk is full, or it is no recording that can be captioned.
        """
        self._forget_old()
        if len(self._uploads) >= MAX_KEPT:
            raise Refusal(503, "busy", f"This server keeps {MAX_KEPT} recordings at most; remove one first.")
        key = secrets.token_urlsafe(12)
        upload = Upload(key, printable(name)[:_MAX_NAME] or "recording", self._folder / f"{key}.media")
        self._uploads[key] = upload
        try:
            await self._store(upload.path, pieces)
            media = await on_thread(lambda: look_into(upload.path, upload.name, self._config, self.limits.max_seconds))
        except UserError as error:
            self.forget(upload)
            raise Refusal(415, "no recording", sentence(str(error))) from error
        except BaseException:
            self.forget(upload)
            raise
        upload.duration = media.duration
        upload.formats = tuple(offered_formats(self._config))
        upload.message = "Waiting for its turn."
        task = asyncio.ensure_future(self._caption(upload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return upload

    def forget(self, upload: Upload) -> None:
        """Delete a recording and its report; if it is being captioned, that ends."""
        upload.wanted = False
        self._uploads.pop(upload.id, None)
        if upload.state != "running":
            _delete(upload)

    async def keep_tidy(self) -> None:
        """Forget what has been kept for long enough, for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._forget_old()

    async def close(self) -> None:
        """Forget everything."""
        for upload in list(self._uploads.values()):
            self.forget(upload)
        for task in self._tasks:
            # One that runs sees that it is not wanted any more; the others wait for nothing.
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _forget_old(self) -> None:
        now = time.monotonic()
        for upload in list(self._uploads.values()):
            if upload.state in ("done", "failed") and now - upload.touched > KEPT_SECONDS:
                self.forget(upload)

    async def _store(self, path: Path, pieces: AsyncIterator[bytes]) -> None:
        try:
            if shutil.disk_usage(self._folder).free < _SPARE_BYTES:
                raise OSError(errno.ENOSPC, "less than 256 MB are left")
            async with await anyio.open_file(path, "xb") as file:
                while True:
                    async with asyncio.timeout(STALL_SECONDS):
                        piece = await anext(pieces, None)
                    if piece is None:
                        return
                    await file.write(piece)
        except TimeoutError as error:
            raise Refusal(408, "too slow", "The recording stopped coming.") from error
        except OSError as error:
            log.warning("a recording cannot be kept: %s", error)
            raise Refusal(507, "no room", "The server cannot keep the recording: is its disk full?") from error

    # Captioning.

    async def _caption(self, upload: Upload) -> None:
        async with self._turn, self._sessions.place():
            if not upload.wanted:
                return
            upload.state, upload.message = "running", ""
            try:
                found = await on_thread(lambda: self._run(upload))
                upload.state, upload.progress, upload.message = "done", 1.0, sentence(found) if found else ""
            except PipelineError as error:
                self._fail(upload, sentence(str(error)))
            except Exception:
                log.exception("captioning a recording failed")
                self._fail(upload, "Captioning it failed, which is a mistake of Lipstream's.")
            if not upload.wanted:
                _delete(upload)

    def _fail(self, upload: Upload, message: str) -> None:
        upload.state, upload.message = "failed", message
        _delete(upload)

    def _run(self, upload: Upload) -> str:
        def watch(reached: float) -> bool:
            if upload.duration:
                upload.progress = min(1.0, reached / upload.duration)
            return upload.wanted

        url = f"/api/files/{upload.id}/media"
        return caption(self._config, upload.path, upload.name, url, upload.report, upload.outputs, watch)


def sentence(line: str) -> str:
    """A line as the terminal shows it as a sentence of a page."""
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", "!", "?")) else ".")


def _delete(upload: Upload) -> None:
    for path in (upload.path, upload.report, *upload.outputs.values()):
        for each in (path, path.with_name(f"{path.name}.part")):
            with contextlib.suppress(OSError):
                each.unlink(missing_ok=True)
