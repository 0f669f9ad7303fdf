"""Folders and addresses: what lies where, by `fsspec` for what is not on this machine's disks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lipstream.pipeline import UserError

# A scheme of one letter is a drive of Windows.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+(::[a-z][a-z0-9+.-]+)*://", re.IGNORECASE)
_HERE = {"memory", "local"}
"""Kinds of address that need no network."""
_TAGS = ("ETag", "etag", "md5Hash", "md5", "checksum", "content_hash", "crc32c", "generation")
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")


def is_address(text: str) -> bool:
    """Whether a text is an address such as `s3://bucket/talks`, and not a path. `file://` is a path."""
    return _ADDRESS.match(text) is not None and not text.lower().startswith("file://")


def local_path(text: str) -> Path:
    """The path that a text names, which may be written as `file:///...`."""
    return Path(unquote(urlsplit(text).path)) if text.lower().startswith("file://") else Path(text)


@dataclass(frozen=True, slots=True)
class Found:
    """A file at an address.

    Attributes:
        address: whole, with its scheme.
        size: bytes, None if the store does not tell.
        version: see `Recording.version`.
    """

    address: str
    size: int | None
    version: str


class Store:
    """What lies at and below an address.

    Args:
        address: of a folder or a file.

    Raises:
        UserError: its kind is not known, needs a package that is not installed, or the network where that is forbidden.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._files, self.path = _file_system(address)
        self.path = self.path.rstrip("/") or self.path

    @property
    def is_folder(self) -> bool:
        """Whether there is something below it. What HTTP serves counts as files."""
        protocols = self._files.protocol
        if {"http", "https"} & {protocols, *(protocols if isinstance(protocols, (tuple, list)) else ())}:
            return False
        return bool(self._files.isdir(self.path))

    def files(self) -> dict[str, Found]:
        """Every file below it, by its path from here."""
        found: dict[str, Mapping[str, Any]] = self._files.find(self.path, detail=True)
        below = {path: path.removeprefix(self.path).lstrip("/") for path in sorted(found)}
        return {name: self._found(path, found[path], f"{self.address}/{name}") for path, name in below.items()}

    def matching(self) -> list[Found]:
        """The files that the address matches, as a pattern."""
        found: dict[str, Mapping[str, Any]] = self._files.glob(self.path, detail=True)
        return [self._found(path, info) for path, info in sorted(found.items()) if info.get("type") != "directory"]

    def stat(self) -> Found:
        """The file at the address itself.

        Raises:
            OSError: it is not there.
        """
        return self._found(self.path, self._files.info(self.path), self.address)

    def read(self, name: str = "") -> bytes:
        """The content of a file.

        Raises:
            OSError: it is not there, or cannot be read.
        """
        content: bytes = self._files.cat_file(self._at(name))
        return content

    def write(self, name: str, content: bytes) -> None:
        """Put a file there, in one piece."""
        self._files.makedirs(self._at(name).rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(self._at(name), content)

    def upload(self, path: Path, name: str) -> None:
        """Put a complete file there."""
        self._files.makedirs(self._at(name).rpartition("/")[0], exist_ok=True)
        self._files.put_file(str(path), self._at(name))

    def download(self, path: Path) -> None:
        """Fetch the file at the address itself."""
        self._files.get_file(self.path, str(path))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        try:
            self._files.rm_file(self._at(name))
        except FileNotFoundError:
            return

    def _at(self, name: str) -> str:
        return f"{self.path}/{name}" if name else self.path

    def _found(self, path: str, info: Mapping[str, Any], address: str | None = None) -> Found:
        size = info.get("size")
        tags = [str(info[key]) for key in (*_TAGS, *_TIMES) if info.get(key) is not None]
        whole = address or str(self._files.unstrip_protocol(path))
        return Found(whole, size if isinstance(size, int) else None, tags[0] if tags else "")


def _file_system(address: str) -> tuple[Any, str]:
    scheme = address.partition("://")[0].lower()
    if find_spec("fsspec") is None:
        raise UserError(f"{address}: addresses need fsspec, which is not installed: pip install 'lipstream[batch]'")
    import fsspec

    from lipstream.models.assets.store import offline

    if offline() and scheme not in _HERE:
        raise UserError(f"{address} needs the network, and LIPSTREAM_OFFLINE forbids it; give files of this machine")
    try:
        files, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise UserError(f"{address}: {scheme}:// needs a package that is not installed ({error})") from error
    except ValueError as error:
        raise UserError(f"{address} is no address that can be used: {error}") from error
    return files, str(path)
