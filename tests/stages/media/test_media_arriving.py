"""Recordings from standard input, pipes and addresses: brought to disk, bounded, and named in plain words."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lipstream.config import LimitsConfig
from lipstream.pipeline import UserError
from lipstream.stages.media import arriving as module
from lipstream.stages.media.arriving import Address, Pipe, arriving
from tests.full_disk import FullDisk

LIMITS = LimitsConfig()
DATA = bytes(range(256)) * 4000


class Site:
    """Answers requests as it is told, and notes what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[tuple[str, str | None]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, self.headers.get("Authorization")))
                site.answers[self.path.partition("?")[0]](self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def gives(self, path: str, body: bytes = DATA, status: int = 200, **headers: str) -> None:
        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            for name, value in {"Content_Length": str(len(body)), **headers}.items():
                request.send_header(name.replace("_", "-"), value)
            request.end_headers()
            request.wfile.write(body)

        self.answers[path] = answer

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.delenv("LIPSTREAM_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    made = Site()
    yield made
    made.close()


def fetched(address: str, limits: LimitsConfig = LIMITS) -> bytes:
    with Address(address).on_disk(limits) as path:
        return path.read_bytes()


def test_an_address_is_brought_to_disk_under_its_name_and_is_gone_afterwards(site: Site):
    site.gives("/a/My%20talk.mp4")
    item = arriving(f"http://{site.host}/a/My%20talk.mp4?key=secret#t=3")
    assert isinstance(item, Address) and item.name == Path("My talk.mp4")
    with item.on_disk(LIMITS) as path:
        assert path.name == "My talk.mp4" and path.read_bytes() == DATA
    assert not path.exists() and not path.parent.exists()
    assert site.asked == [("/a/My%20talk.mp4?key=secret", None)]


def test_what_is_secret_in_an_address_is_sent_and_not_shown(site: Site):
    site.gives("/a.mp4")
    item = Address(f"http://me:pass%20word@{site.host}/a.mp4?token=1")
    assert item.given == f"http://{site.host}/a.mp4"
    with item.on_disk(LIMITS):
        pass
    assert site.asked == [("/a.mp4?token=1", "Basic bWU6cGFzcyB3b3Jk")]


def test_a_query_with_slashes_arrives_as_it_was_given(site: Site):
    site.gives("/get")
    assert fetched(f"http://{site.host}/get?of=//other//file") == DATA
    assert site.asked[0][0] == "/get?of=//other//file"


def test_offline_means_no(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_OFFLINE", "1")
    with pytest.raises(UserError, match="LIPSTREAM_OFFLINE forbids the network"):
        fetched(f"http://{site.host}/a.mp4")
    assert site.asked == []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"status": 404}, "the server says 404"),
        ({"Content_Type": "text/html; charset=utf-8"}, "is a web page; expected"),
        ({"body": b""}, "brings nothing"),
        ({"Content_Length": str(len(DATA) + 5)}, "broke off while it was read: .* bytes came; try again"),
        ({"status": 302, "Location": "file:///etc/passwd"}, "not allowed"),
        ({"status": 302, "Location": "ftp://127.0.0.1/a"}, "leads to ftp://"),
    ],
)
def test_what_is_no_recording_is_told_with_its_cause(site: Site, how, said):
    site.gives("/a.mp4", **how)
    with pytest.raises(UserError, match=said):
        fetched(f"http://{site.host}/a.mp4")


def test_a_redirect_is_followed(site: Site):
    site.gives("/a.mp4", b"", 302, Location="/b.mp4")
    site.gives("/b.mp4")
    assert fetched(f"http://{site.host}/a.mp4") == DATA


def test_nobody_there_is_told(site: Site):
    site.close()
    with pytest.raises(UserError, match="cannot be reached: "):
        fetched(f"http://{site.host}/a.mp4")


def test_an_address_that_does_not_answer_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch):
    over = threading.Event()
    site.answers["/a.mp4"] = lambda request: over.wait(60) and None
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.3)
    with pytest.raises(UserError, match="no answer within"):
        fetched(f"http://{site.host}/a.mp4")
    over.set()


def test_an_address_that_trickles_is_given_up(site: Site):
    site.gives("/a.mp4")
    seconds = iter(range(0, 10_000, 40))
    item = Address(f"http://{site.host}/a.mp4", lambda: float(next(seconds)))
    reading = item.open()
    with pytest.raises(OSError, match="bytes in 30 s"):
        for _ in range(5):
            reading.read(100)
    reading.close()


def test_no_more_comes_than_is_allowed(site: Site):
    site.gives("/a.mp4")
    with pytest.raises(UserError, match=r"more than the limit of 1000 bytes.*limits\.max_bytes"):
        fetched(f"http://{site.host}/a.mp4", LimitsConfig(max_bytes=1000))


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch):
    item = Pipe("-")
    monkeypatch.setattr(item, "open", lambda: io.BytesIO(DATA))
    monkeypatch.setattr(Path, "open", lambda self, mode: closing(FullDisk(io.BytesIO(), 1000)))
    with pytest.raises(UserError, match=r"cannot be kept in .*No space left"), item.on_disk(LIMITS):
        pass


def test_standard_input_goes_by_several_names():
    for text in ("-", "/dev/stdin", "/dev/fd/0"):
        item = arriving(text)
        assert isinstance(item, Pipe) and item.standard and item.name == Path("stdin")


def test_a_named_pipe_is_read_to_its_end(tmp_path: Path):
    pipe = tmp_path / "talk.mkv"
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_bytes(DATA), daemon=True).start()
    item = arriving(str(pipe))
    assert isinstance(item, Pipe) and item.name == Path("talk.mkv")
    with item.on_disk(LIMITS) as path:
        assert path.read_bytes() == DATA and path.name == "talk.mkv"


def test_what_a_shell_puts_in_place_of_a_program_has_a_name_of_its_own():
    reading, writing = os.pipe()
    os.write(writing, b"abc")
    os.close(writing)
    item = arriving(f"/dev/fd/{reading}")
    assert isinstance(item, Pipe) and item.name == Path(f"pipe-{reading}")
    with item.on_disk(LIMITS) as path:
        assert path.read_bytes() == b"abc"
    os.close(reading)


@pytest.mark.parametrize("text", ["talk.mp4", "rtsp://camera/1", "file:///a.mp4", "a\0b", "C:/talk.mp4", "httpx://a/b"])
def test_everything_else_is_a_path(text):
    assert arriving(text) == Path(text)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://example.org/", "example.org"),
        ("https://example.org/a%2F..%2Fb.mp4", "a_.._b.mp4"),
        ("https://example.org/..", "example.org"),
        ("https://example.org/x?file=a.mp4", "x"),
    ],
)
def test_names_of_addresses_are_names_of_files(address, name):
    assert Address(address).name == Path(name)


def test_standard_input_that_is_closed_or_a_terminal_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UserError, match="'-' is closed; expected a recording"):
        Pipe("-").open()

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    with pytest.raises(UserError, match="'-' is a terminal; expected a recording"):
        Pipe("-").open()
