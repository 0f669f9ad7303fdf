"""The fetcher of addresses, against a web server on this machine that does as it is told."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lipstream.models.assets import download
from lipstream.models.assets.download import Unreachable, fetch_url
from lipstream.models.assets.download_bars import silent
from lipstream.models.errors import AssetError

FACE = b"".join(b"landmarks %04d " % index for index in range(500))
HALF = len(FACE) // 2


class Web(ThreadingHTTPServer):
    """Serves one file under every name.

    Attributes:
        ranges: what it does when asked for a range: answers with it, gives the whole, another range, or refuses.
        cuts: after how many bytes it cuts each next answer; those after the last are whole.
        asked: the range of each request, empty for the whole.
        silence: when set to an event, nothing is answered before that.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = FACE
        self.ranges = "answered"
        self.cuts: list[int] = []
        self.asked: list[str] = []
        self.silence: threading.Event | None = None
        self.url = f"http://127.0.0.1:{self.server_port}/models/face.task"


class Handler(BaseHTTPRequestHandler):
    server: Web

    def log_message(self, *args):
        pass

    def do_GET(self):
        web = self.server
        if web.silence:
            assert web.silence.wait(60)
        web.asked.append(self.headers.get("Range", ""))
        if self.path == "/missing":
            self.send_error(404)
            return
        start, how = 0, web.ranges if web.asked[-1] else "ignored"
        if how == "refused":
            self.send_error(416)
            return
        if how == "ignored":
            self.send_response(200)
        else:
            start = int(web.asked[-1].removeprefix("bytes=").removesuffix("-")) if how == "answered" else 1
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(web.data) - 1}/{len(web.data)}")
        data = web.data[start:]
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: web.cuts.pop(0) if web.cuts else None])


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        if server.silence:
            server.silence.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "face.task"


@pytest.fixture
def part(tmp_path):
    """What is kept of a download that was cut."""
    return tmp_path / "face.task.part"


@pytest.fixture
def fetch_face(target):
    sha256 = hashlib.sha256(FACE).hexdigest()
    return partial(fetch_url, target=target, size=len(FACE), sha256=sha256, progress=silent)


def test_url_is_fetched_with_progress(web, target, fetch_face):
    seen = []
    fetch_face(web.url, progress=lambda *step: seen.append(step))
    assert target.read_bytes() == FACE
    assert seen[0] == ("face.task", 0, len(FACE))
    assert seen[-1] == ("face.task", len(FACE), len(FACE))


def test_an_address_without_the_file_leaves_nothing(web, tmp_path, fetch_face):
    with pytest.raises(AssetError, match="404"):
        fetch_face(web.url.replace("models/face.task", "missing"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (FACE[:-1] + b"?", "sha256 is"),
        (FACE + b"!", "the file there has 7501 bytes, expected 7500"),
        (b"<html>sign in to the network</html>", "the file there has 35 bytes, expected 7500"),
    ],
)
def test_another_file_is_refused_and_leaves_nothing(web, tmp_path, fetch_face, data, message):
    web.data = data
    with pytest.raises(AssetError, match=message):
        fetch_face(web.url)
    assert list(tmp_path.iterdir()) == []
    assert web.asked == [""]


# Going on


def test_a_download_that_is_cut_goes_on_at_once(web, target, part, fetch_face):
    web.cuts = [HALF, 100]
    fetch_face(web.url)
    assert target.read_bytes() == FACE
    assert web.asked == ["", f"bytes={HALF}-", f"bytes={HALF + 100}-"]
    assert not part.exists()


def test_a_download_that_keeps_being_cut_fails_and_what_came_is_kept_for_the_next_time(web, target, part, fetch_face):
    web.cuts = [HALF, 0]
    with pytest.raises(AssetError, match=f"{HALF} bytes came, expected 7500"):
        fetch_face(web.url)
    assert not target.exists()
    assert part.read_bytes() == FACE[:HALF]
    seen = []
    fetch_face(web.url, progress=lambda *step: seen.append(step))
    assert target.read_bytes() == FACE
    assert web.asked[2:] == [f"bytes={HALF}-"]
    assert seen[0] == ("face.task", HALF, len(FACE))
    assert not part.exists()


def test_no_more_than_four_tries_are_made(web, part, fetch_face):
    web.cuts = [10] * 9
    with pytest.raises(AssetError, match="40 bytes came"):
        fetch_face(web.url)
    assert len(web.asked) == 4
    assert part.read_bytes() == FACE[:40]


@pytest.mark.parametrize("ranges", ["ignored", "another", "refused"])
def test_a_server_that_does_not_give_the_range_is_asked_for_the_whole(web, target, part, fetch_face, ranges):
    part.write_bytes(FACE[:HALF])
    web.ranges = ranges
    fetch_face(web.url)
    assert target.read_bytes() == FACE
    assert web.asked == [f"bytes={HALF}-", ""]
    assert not part.exists()


@pytest.mark.parametrize("kept", [b"?" * HALF, FACE[:-1] + b"?", FACE + b"!"], ids=["begun", "whole", "too long"])
def test_what_was_kept_but_is_not_of_the_file_is_fetched_anew(web, target, part, fetch_face, kept):
    part.write_bytes(kept)
    fetch_face(web.url)
    assert target.read_bytes() == FACE
    assert web.asked[-1] == ""
    assert not part.exists()


def test_what_was_whole_already_but_not_checked_is_not_fetched(web, target, part, fetch_face):
    part.write_bytes(FACE)
    fetch_face(web.url)
    assert target.read_bytes() == FACE
    assert web.asked == []


def test_what_was_kept_outlives_a_page_that_is_not_the_file(web, part, fetch_face):
    part.write_bytes(FACE[:HALF])
    web.ranges, web.data = "ignored", b"<html>sign in to the network</html>"
    with pytest.raises(AssetError, match="35 bytes"):
        fetch_face(web.url)
    assert part.read_bytes() == FACE[:HALF]


def test_an_interrupted_download_keeps_what_came(web, target, part, fetch_face, monkeypatch):
    def interrupted(label, done, total):
        if done:
            raise KeyboardInterrupt

    monkeypatch.setattr("lipstream.models.assets.files.CHUNK", 1000)
    with pytest.raises(KeyboardInterrupt):
        fetch_face(web.url, progress=interrupted)
    assert part.read_bytes() == FACE[:1000]
    assert not target.exists()


def test_a_connection_that_is_reset_is_gone_on_with(web, target, fetch_face, monkeypatch):
    read, pieces = HTTPResponse.read, []

    def reset_once(response, size=None):
        pieces.append(read(response, size))
        if len(pieces) == 2:
            raise ConnectionResetError("reset by peer")
        return pieces[-1]

    monkeypatch.setattr(HTTPResponse, "read", reset_once)
    monkeypatch.setattr("lipstream.models.assets.files.CHUNK", 1000)
    fetch_face(web.url)
    assert target.read_bytes() == FACE
    assert web.asked == ["", "bytes=1000-"]


# No answer


def test_refused_connection_is_unreachable(fetch_face):
    with Web() as gone:
        url = gone.url
    with pytest.raises(Unreachable, match="refused"):
        fetch_face(url)


def test_a_host_that_does_not_answer_is_given_up_soon(web, tmp_path, fetch_face, monkeypatch):
    web.silence = threading.Event()
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.05)
    with pytest.raises(Unreachable, match=r"no answer within 0\.05 s"):
        fetch_face(web.url)
    assert list(tmp_path.iterdir()) == []


def test_an_address_whose_host_has_no_name_is_unreachable(fetch_face, monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match="Name or service not known"):
        fetch_face("http://models.invalid/face.task")
