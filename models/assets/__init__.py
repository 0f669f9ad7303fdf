"""The files Lipstream loads but does not carry: one name, one verified path.

`manifest.yaml` lists every file with its size, sha256, licence and the places it can be had from. `resolve` finds a
file in an installed package or in the cache, or fetches it. The cache is the platform's own cache folder, or
LIPSTREAM_CACHE; LIPSTREAM_OFFLINE=1 forbids the network.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import platformdirs

from lipstream.models.assets.download_bars import ProgressCallback, silent, terminal_progress
from lipstream.models.assets.files import file_sha256
from lipstream.models.assets.manifest import Manifest, load_manifest
from lipstream.models.assets.store import AssetStatus, AssetStore
from lipstream.models.errors import AssetError
from lipstream.models.used import note_used

__all__ = [
    "AssetError",
    "AssetStatus",
    "ProgressCallback",
    "cache_dir",
    "pull",
    "refetch",
    "resolve",
    "resolve_folder",
    "silent",
    "status",
    "terminal_progress",
    "verify",
]


_NO_NETWORKS = "media/"
_one_display = threading.Lock()
"""Two networks loading at once on two threads must not draw two progress bars over each other."""


def cache_dir() -> Path:
    """The folder fetched files are kept in."""
    chosen = os.environ.get("LIPSTREAM_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return platformdirs.user_cache_path("lipstream", appauthor=False)


def resolve(name: str, *, use: bool = True) -> Path:
    """The path of an asset, verified; fetched first, with progress on standard error, when it is missing.

    Args:
        name: of the asset.
        use: whether it is loaded now; else it is only seen that it can be.

    Raises:
        AssetError: unknown name, missing and offline, not to be had, or altered; one line that says what to do.
    """
    return _resolved([name], use)[name]


def resolve_folder(prefix: str, *, use: bool = True) -> Path:
    """The folder of all assets whose names begin with `prefix`, such as `whisper-base/`; see `resolve`.

    Each is verified and lies in the folder under the rest of its name. What is missing is fetched in one go, so that
    wheels that several of them need are downloaded once.

    Raises:
        AssetError: as `resolve`; no asset has such a name; or they lie in several folders.
    """
    prefix = prefix.rstrip("/") + "/"
    known = _store().manifest.assets
    names = [name for name in known if name.startswith(prefix)]
    if not names:
        raise AssetError(f"no assets {prefix}...; there are: {', '.join(known)}")
    paths = _resolved(names, use)
    folders = {paths[name].parents[name.removeprefix(prefix).count("/")] for name in names}
    if len(folders) > 1:
        raise AssetError(f"the files of {prefix} lie in several folders: {', '.join(map(str, sorted(folders)))}")
    return folders.pop()


def _resolved(names: Sequence[str], use: bool) -> dict[str, Path]:
    """The verified path of each; what is missing is fetched first, in one go."""
    store = _store()
    if any(store.find(name) is None for name in names):
        with _one_display, terminal_progress() as progress:
            store.fetch_missing(names, progress)
    paths = {name: path for name in names if (path := store.find(name))}
    assert len(paths) == len(names)
    for name in names:
        if use and not name.startswith(_NO_NETWORKS):
            note_used(name, store.manifest.assets[name].sha256)
    return paths


def status() -> list[AssetStatus]:
    """How every asset stands on this machine, in the manifest's order. Touches no network."""
    store = _store()
    return [store.status(name) for name in store.names()]


def verify(names: Sequence[str] | None = None) -> list[AssetStatus]:
    """As `status`, of some or all assets, with every byte read again.

    Raises:
        AssetError: unknown name.
    """
    store = _store()
    return [store.status(name, file_sha256) for name in store.names(names)]


def pull(names: Sequence[str] | None = None, progress: ProgressCallback = silent) -> None:
    """Fetch the assets, some or all, that are not on this machine.

    Raises:
        AssetError: see `resolve`.
    """
    store = _store()
    store.fetch_missing(store.names(names), progress)


def refetch(names: Sequence[str] | None = None, progress: ProgressCallback = silent) -> None:
    """Fetch assets into the cache, some or all, whatever is there: this mends an altered file.

    Raises:
        AssetError: see `resolve`.
    """
    store = _store()
    store.fetch(store.names(names), progress)


def _store() -> AssetStore:
    return AssetStore(_manifest(), cache_dir())


@cache
def _manifest() -> Manifest:
    return load_manifest()
