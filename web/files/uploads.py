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
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import anyio

from lipstream.config import Config
from lipstream.pipeline import Event, PipelineError, UserError
from lipstream.stages.printable import printable
from lipstream.web.answers import Refusal, steady
from lipstream.web.files.recording import Report, TooLong, caption, look_into, offered_formats
from lipstream.web.ops.journal import Journal
from lipstream.web.sessions import Sessions
from lipstream.web.threads import on_thread

log = logging.getLogger(__name__)

MAX_KEPT = 8
"""Most recordings that a server keeps unless told otherwise, be they on their way, waiting, or done."""
MAX_COMING = 4
"""Most that are on their way at once in the parts of forms, which are kept elsewhere until they are whole."""
KEPT_SECONDS = 3600.0
"""How long one is kept after it was last asked for."""
_LOOK_SECONDS = 60.0
_MAX_NAME = 120
# Left free on the disk: others need it as well.
_SPARE_BYTES = 256_000_000

State = Literal["waiting", "running", "done", "failed"]
Kind = Literal["page", "job", "request"]
"""Who sent it: a page, a program that comes back for the result, or one that waits for it."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How large a recording may be.

    Attributes:
        max_bytes: of the file.
        max_seconds: how long it may last.
        max_kept: most of them that are there at once; of those that somebody waits for, beside those that are done.
    """

    max_bytes: int
    max_seconds: float
    max_kept: int = MAX_KEPT


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made of a recording.

    Attributes:
        config: how it is captioned.
        kind: for whom.
        formats: of its captions.
        report: whether a report is made too.
        tell: takes every event of the run, on a thread of its own.
    """

    config: Config
    kind: Kind = "page"
    formats: tuple[str, ...] = ()
    report: bool = True
    tell: Callable[[Event], None] | None = None


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
        ours: it has failed by a mistake of Lipstream's, not by what the recording is.
        touched: when it was last asked for, `time.monotonic`.
        created: when it came, seconds since 1970.
        wanted: False once it is to be forgotten.
        finished: set once it is done, has failed, or is forgotten.
    """

    id: str
    name: str
    path: Path
    order: Order
    state: State = "waiting"
    progress: float | None = None
    message: str = ""
    ours: bool = False
    touched: float = field(default_factory=time.monotonic)
    created: float = field(default_factory=time.time)
    wanted: bool = True
    duration: float | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def report(self) -> Path:
        """Where its report is once it is done."""
        return self.path.with_suffix(".html")

    @property
    def outputs(self) -> dict[str, Path]:
        """Where its captions are once it is done, by format."""
        return {name: self.path.with_suffix(f".{name}") for name in self.order.formats}

    @property
    def made(self) -> dict[str, Path]:
        """The captions that there are: a run without emotions leaves no table of them."""
        return {name: path for name, path in self.outputs.items() if path.is_file()}


class Uploads:
    """Takes recordings in, has them captioned one after the other, and forgets them.

    A recording that is being captioned takes the place of a browser's session: on the processors there are it would
    make captions late. It waits until a place is free.

    Args:
        config: how they are captioned.
        limits: how large one may be.
        sessions: has the places.
        journal: is told of recordings that are done.
    """

    def __init__(
        self, config: Config, limits: UploadLimits, sessions: Sessions, journal: Journal | None = None
    ) -> None:
        self._journal = journal or Journal()
        self.limits = limits
        self.config = config
        self._sessions = sessions
        self._folder = Path(tempfile.mkdtemp(prefix="lipstream-"))
        self._uploads: dict[str, Upload] = {}
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._coming = 0

    @property
    def kept(self) -> list[Upload]:
        """All recordings, in the order in which they came."""
        return list(self._uploads.values())

    @contextlib.contextmanager
    def coming(self, kind: Kind) -> Iterator[None]:
        """Somebody sends one in the parts of a form, which are kept elsewhere until it is whole.

        Raises:
            Refusal: too many do, or there is no room for one more of its kind.
        """
        self._check_room(kind)
        if self._coming >= MAX_COMING:
            raise Refusal(503, "busy", f"{MAX_COMING} recordings are being sent already; try again in a moment.")
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def get(self, name: str) -> Upload | None:
        """A recording by its id; it is kept for another while."""
        upload = self._uploads.get(name)
        if upload is not None:
            upload.touched = time.monotonic()
        return upload

    async def take(self, name: str, pieces: AsyncIterator[bytes], order: Order | None = None) -> Upload:
        """Take a recording in and begin to caption it as soon as may be.

        Args:
            name: what its sender calls it.
            pieces: the file.
            order: what is to be made of it; by default what a page shows.

        Raises:
            Refusal: there are too many, the disk is full, or it is no recording that can be captioned.
        """
        order = order or Order(self.config, formats=tuple(offered_formats(self.config)))
        self._check_room(order.kind)
        key = secrets.token_urlsafe(12)
        upload = Upload(key, printable(name)[:_MAX_NAME] or "recording", self._folder / f"{key}.media", order)
        self._uploads[key] = upload
        try:
            await self._store(upload.path, pieces)
            media = await on_thread(lambda: look_into(upload.path, upload.name, order.config, self.limits.max_seconds))
        except UserError as error:
            self.forget(upload)
            status, kind = (413, "too long") if isinstance(error, TooLong) else (415, "no recording")
            raise Refusal(status, kind, sentence(str(error))) from error
        except BaseException:
            self.forget(upload)
            raise
        upload.duration = media.duration
        upload.message = "Waiting for its turn."
        task = asyncio.ensure_future(self._caption(upload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return upload

    def forget(self, upload: Upload) -> None:
        """Delete a recording and its report; if it is being captioned, that ends."""
        upload.wanted = False
        upload.finished.set()
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

    def _check_room(self, kind: Kind) -> None:
        self._forget_old()
        most = self.limits.max_kept
        if kind == "request":
            # Nothing of it is kept once it is answered: what is done, and waits to be fetched, is not in its way.
            if sum(each.state in ("waiting", "running") for each in self.kept) >= most:
                raise Refusal(503, "busy", f"{most} recordings wait to be captioned already; try again in a moment.")
        elif len(self._uploads) >= most:
            raise Refusal(503, "busy", f"This server keeps {most} recordings at most; remove one first.")

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
                async for piece in steady(pieces):
                    await file.write(piece)
        except OSError as error:
            log.warning("a recording cannot be kept: %s", error)
            raise Refusal(507, "no room", "The server cannot keep the recording: is its disk full?") from error

    # Captioning.

    async def _caption(self, upload: Upload) -> None:
        async with self._turn, self._sessions.place():
            if not upload.wanted:
                return
            upload.state, upload.message = "running", ""
            begun = time.monotonic()
            try:
                found = await on_thread(lambda: self._run(upload))
                upload.state, upload.progress, upload.message = "done", 1.0, sentence(found) if found else ""
            except PipelineError as error:
                self._fail(upload, sentence(str(error)))
            except Exception:
                log.exception("captioning a recording failed")
                upload.ours = True
                self._fail(upload, "Captioning it failed, which is a mistake of Lipstream's.")
            finally:
                upload.finished.set()
                result = upload.state if upload.wanted else "given up"
                self._journal.recording(upload.order.kind, result, upload.duration, time.monotonic() - begun)
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

        order = upload.order
        # Beside the report, wherever a proxy has that.
        report = Report(upload.report, "media") if order.report else None
        return caption(order.config, upload.path, upload.name, upload.outputs, watch, report, order.tell)


def sentence(line: str) -> str:
    """A line as the terminal shows it as a sentence of a page."""
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", "!", "?")) else ".")


def _delete(upload: Upload) -> None:
    for path in (upload.path, upload.report, *upload.outputs.values()):
        for each in (path, path.with_name(f"{path.name}.part")):
            with contextlib.suppress(OSError):
                each.unlink(missing_ok=True)
