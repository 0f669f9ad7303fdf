"""Recordings that do not lie on disk: standard input, pipes and addresses are brought there first.

A recording is opened more than once, for its sound and for its picture, and many formats are read by going about in
them. What comes only once is therefore kept until the run is over.
"""

from __future__ import annotations

import base64
import os
import re
import stat
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path, PurePosixPath
from typing import IO, Final, Protocol, cast
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from lipstream.config import LimitsConfig
from lipstream.models.assets.store import offline
from lipstream.pipeline import UserError

ANSWER_SECONDS: Final = 20.0
"""How long an address may take to answer, from the look-up of its name on."""
STALL_SECONDS: Final = 30.0
"""How long it may bring less than `_LEAST_BYTES`."""
_LEAST_BYTES: Final = 8192
_PIECE: Final = 1 << 18
_STANDARD_INPUT: Final = {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}
_ADDRESS: Final = re.compile(r"https?://", re.IGNORECASE)
_UNFIT: Final = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_LONGEST_NAME: Final = 200


class Reading(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; none at the end."""

    def close(self) -> None:
        """Let it go."""


class Arriving(ABC):
    """A recording that is to be brought to disk.

    Attributes:
        given: what messages and outputs call it.
        name: what it is called as a file, from which its outputs have their name.
    """

    given: str
    name: Path

    @abstractmethod
    def open(self) -> Reading:
        """Begin to read it.

        Raises:
            UserError: it cannot be had.
        """

    @contextmanager
    def on_disk(self, limits: LimitsConfig) -> Iterator[Path]:
        """The recording as a file, which is gone afterwards.

        Args:
            limits: how much may come.

        Raises:
            UserError: it cannot be had, nothing comes, too much does, or there is no room for it.
        """
        with tempfile.TemporaryDirectory(prefix="lipstream-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / _short(self.name.name)
            source = self.open()
            try:
                self._keep(source, path, limits.max_bytes)
            finally:
                source.close()
            yield path

    def _keep(self, source: Reading, path: Path, most: int) -> None:
        kept = 0
        try:
            with path.open("xb") as file:
                while piece := self._piece(source):
                    kept += len(piece)
                    if kept > most:
                        raise UserError(
                            f"'{self.given}' brings more than the limit of {most} bytes: if it is to be trusted, "
                            "allow it with --set limits.max_bytes=..."
                        )
                    file.write(piece)
        except OSError as error:
            where = path.parent.parent
            raise UserError(
                f"'{self.given}' cannot be kept in {where} while it is read: {error.strerror}; "
                "TMPDIR names another folder"
            ) from error
        if not kept:
            raise UserError(f"'{self.given}' brings nothing (0 bytes); expected a recording")

    def _piece(self, source: Reading) -> bytes:
        try:
            return source.read(_PIECE)
        except (OSError, HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise UserError(f"'{self.given}' broke off while it was read: {reason}; try again") from error


class Pipe(Arriving):
    """Standard input, a named pipe, or what a shell puts in place of `<(...)`.

    Args:
        given: what the user named it.
    """

    def __init__(self, given: str) -> None:
        self.given = given
        self.standard = given in _STANDARD_INPUT
        stem = "stdin" if self.standard else PurePosixPath(given).name
        self.name = Path(f"pipe-{stem}" if stem.isdecimal() else stem)

    def open(self) -> Reading:
        """Begin to read it; a named pipe waits for somebody who writes.

        Raises:
            UserError: standard input is closed or a terminal, or the pipe may not be read.
        """
        try:
            if not self.standard:
                return cast(Reading, open(self.given, "rb", buffering=0))
            if sys.stdin is None:
                raise UserError(f"'{self.given}' is closed; expected a recording on standard input: pipe one in")
            if sys.stdin.isatty():
                raise UserError(f"'{self.given}' is a terminal; expected a recording on standard input: pipe one in")
            return cast(Reading, os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UserError(f"'{self.given}' cannot be read: {reason}") from error


class Address(Arriving):
    """A recording at an address with `http://` or `https://`.

    Args:
        address: the address.
        now: seconds on any clock, for how fast it comes.
    """

    def __init__(self, address: str, now: Callable[[], float] = time.monotonic) -> None:
        self._parts = urlsplit(address)
        self._now = now
        # What is secret in an address is in these parts.
        self.given = urlunsplit((self._parts.scheme, _host(self._parts), self._parts.path, "", ""))
        last = unquote(PurePosixPath(self._parts.path).name)
        self.name = Path(_UNFIT.sub("_", last).strip(". ") or self._parts.hostname or "address")

    def open(self) -> Reading:
        """Ask for it.

        Raises:
            UserError: the network is forbidden, there is no answer, or it is no recording.
        """
        if offline():
            raise UserError(
                f"'{self.given}' is an address, and LIPSTREAM_OFFLINE forbids the network: download it yourself and "
                "give the file, or unset LIPSTREAM_OFFLINE"
            )
        try:
            answer = _answered(self._request())
        except HTTPError as error:
            error.close()
            raise UserError(f"'{self.given}' cannot be had: the server says {error.code} {error.reason}") from error
        except (URLError, OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            raise UserError(f"'{self.given}' cannot be reached: {reason}") from error
        if answer.headers.get_content_type() == "text/html":
            answer.close()
            raise UserError(f"'{self.given}' is a web page; expected the address of a recording itself")
        length = answer.headers.get("Content-Length", "")
        return _Steady(answer, int(length) if length.isdecimal() else None, self._now)

    def _request(self) -> Request:
        parts = self._parts
        request = Request(urlunsplit((parts.scheme, _host(parts), parts.path or "/", parts.query, "")))
        request.add_header("User-Agent", "lipstream")
        if parts.username is not None:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(secret).decode()}")
        return request


def arriving(text: str) -> Path | Arriving:
    """What a user names as a recording: a path, or something that has to be brought to disk."""
    if text in _STANDARD_INPUT:
        return Pipe(text)
    if _ADDRESS.match(text):
        return Address(text)
    path = Path(text)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return path
    return Pipe(text) if stat.S_ISFIFO(mode) else path


class _Steady:
    """The body of an answer, given up when it stalls, trickles or ends too soon."""

    def __init__(self, body: HTTPResponse, length: int | None, now: Callable[[], float]) -> None:
        self._body = body
        self._length = length
        self._now = now
        self._came = 0
        self._mark = (now(), 0)

    def read(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            OSError: it has stalled, or ended before its end.
        """
        # Not `read`, which waits until all of it has come.
        piece = self._body.read1(size)
        self._came += len(piece)
        if not piece and self._length is not None and self._came < self._length:
            raise OSError(f"{self._came} of {self._length} bytes came")
        since, before = self._mark
        if self._now() - since >= STALL_SECONDS:
            if piece and self._came - before < _LEAST_BYTES:
                raise OSError(f"{self._came - before} bytes in {STALL_SECONDS:.0f} s")
            self._mark = (self._now(), self._came)
        return piece

    def close(self) -> None:
        """Let it go."""
        self._body.close()


class _OnlyWeb(HTTPRedirectHandler):
    """Follows an answer to other addresses of the web only."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """The request to send instead.

        Raises:
            URLError: it leads elsewhere.
        """
        if not _ADDRESS.match(newurl):
            raise URLError(f"it leads to {newurl.partition(':')[0]}://, where no recording is fetched from")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _answered(request: Request) -> HTTPResponse:
    """The answer. A time-out of sockets does not hold for the look-up of a name, so another thread waits for it."""
    asked: Future[HTTPResponse] = Future()

    def ask() -> None:
        try:
            asked.set_result(build_opener(_OnlyWeb).open(request, timeout=STALL_SECONDS))
        except Exception as error:  # noqa: BLE001 - raised where the answer is waited for
            asked.set_exception(error)

    threading.Thread(target=ask, name="address", daemon=True).start()
    try:
        return asked.result(ANSWER_SECONDS)
    except FutureTimeout as error:
        asked.add_done_callback(_close_late)
        raise URLError(f"no answer within {ANSWER_SECONDS:.0f} s") from error


def _close_late(asked: Future[HTTPResponse]) -> None:
    if asked.exception() is None:
        asked.result().close()


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _short(name: str) -> str:
    path = PurePosixPath(name)
    suffix = path.suffix[:16]
    stem = path.name.removesuffix(path.suffix)
    while len(os.fsencode(stem)) > _LONGEST_NAME:
        stem = stem[:-1]
    return f"{stem}{suffix}"
