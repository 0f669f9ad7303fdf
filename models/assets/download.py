"""Getting a file from an address, going on where an earlier try was cut."""

from __future__ import annotations

import io
import os
import re
import threading
from concurrent.futures import Future
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from lipstream.models.assets.download_bars import ProgressCallback
from lipstream.models.assets.files import CutShort, WrongBytes, append_verified
from lipstream.models.errors import AssetError

ANSWER_SECONDS = 10.0
"""How long an address may take to answer, from the look-up of its name on: there is often another place to go to."""
STALL_SECONDS = 30.0
"""How long a download may bring nothing."""
TRIES = 4
"""How often a download that is cut, but got further, is gone on with."""


class Unreachable(AssetError):
    """A host cannot be reached or does not answer: it is no use to ask it for another file."""


def fetch_url(url: str, target: Path, *, size: int, sha256: str, progress: ProgressCallback) -> None:
    """Download one file and check it.

    Bytes that came before a cut are kept beside the target, in a file whose name ends in `.part`, and not asked for
    again (RFC 9110, section 14) if the server agrees; if it does not, or the whole is not what it should be, the
    download begins anew.

    Args:
        url: its address.
        target: file to write, in an existing folder. Nothing is left there when this fails.
        size: expected bytes.
        sha256: expected digest.
        progress: told of every piece, under the last part of the address.

    Raises:
        Unreachable: no answer.
        AssetError: refused, cut short, or not the expected bytes.
    """
    part = target.with_name(target.name + ".part")
    for tries_left in reversed(range(TRIES)):
        held = _size(part)
        try:
            _receive(url, part, size=size, sha256=sha256, progress=progress)
        except (CutShort, _NotItsBeginning) as error:
            further = isinstance(error, _NotItsBeginning) or _size(part) > held
            if not further or not tries_left:
                raise
        else:
            os.replace(part, target)
            return


class _NotItsBeginning(AssetError):
    """What an earlier try had kept and the rest are not the file together; it is gone."""


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _receive(url: str, part: Path, *, size: int, sha256: str, progress: ProgressCallback) -> None:
    """Bring the part to the whole and check it."""
    label = url.rpartition("/")[2]
    source: IO[bytes]
    source, start = (io.BytesIO(), size) if _size(part) >= size else _ask(url, _size(part), size)
    done = start

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(label, done, size)

    with source:
        if not start:
            part.unlink(missing_ok=True)
        progress(label, done, size)
        try:
            append_verified(source, part, size=size, sha256=sha256, advance=advance)
        except WrongBytes as error:
            if not start:
                raise
            raise _NotItsBeginning(str(error)) from error
        except (OSError, HTTPException) as error:
            raise CutShort(f"{done} of {size} bytes came: {error}") from error


def _ask(url: str, start: int, size: int) -> tuple[HTTPResponse, int]:
    """Ask for a file from the byte `start` on. Returns the answer and the byte it begins with: `start` or 0."""
    response = _rest(url, start, size) if start else None
    if response is not None:
        return response, start
    response = _answer(Request(url))
    if response.length not in (None, size):
        with response:
            raise AssetError(f"the file there has {response.length} bytes, expected {size}")
    return response, 0


def _rest(url: str, start: int, size: int) -> HTTPResponse | None:
    """The answer that begins with the byte `start`; None where the server would rather give the whole or another."""
    try:
        response = _answer(Request(url, headers={"Range": f"bytes={start}-"}))
    except _Refused as refusal:
        if refusal.code == 416:
            return None
        raise
    told = response.headers.get("Content-Range", "").strip()
    if response.status == 206 and re.fullmatch(rf"bytes {start}-\d+/({size}|\*)", told):
        return response
    response.close()
    return None


class _Refused(AssetError):
    def __init__(self, error: HTTPError) -> None:
        super().__init__(str(error))
        self.code = error.code


def _answer(request: Request) -> HTTPResponse:
    """Send a request and wait for the answer's first lines, no longer than `ANSWER_SECONDS` in all.

    A time-out of sockets holds for each of a host's addresses by itself and for the look-up of its name not at all, so
    another thread waits for them; if it does not come back in time it is left to itself.
    """
    request.add_header("User-Agent", "lipstream")
    asked: Future[HTTPResponse] = Future()

    def ask() -> None:
        try:
            asked.set_result(urlopen(request, timeout=STALL_SECONDS))
        except Exception as error:  # noqa: BLE001  (raised where the answer is waited for)
            asked.set_exception(error)

    threading.Thread(target=ask, name="request", daemon=True).start()
    try:
        return asked.result(ANSWER_SECONDS)
    except HTTPError as error:
        with error:
            raise _Refused(error) from error
    except URLError as error:
        raise Unreachable(str(error.reason)) from error
    except TimeoutError as error:
        asked.add_done_callback(_close_late)
        raise Unreachable(f"no answer within {ANSWER_SECONDS:g} s") from error
    except (OSError, HTTPException) as error:
        raise Unreachable(str(error) or type(error).__name__) from error


def _close_late(asked: Future[HTTPResponse]) -> None:
    if asked.exception() is None:
        asked.result().close()
