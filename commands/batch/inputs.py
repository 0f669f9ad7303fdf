"""Which recordings the arguments of `batch` name: folders, files, lists and addresses."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from lipstream.commands.batch.lists import is_list, read_list, without_ending
from lipstream.commands.batch.places import Found, Store, is_address, local_path
from lipstream.commands.batch.recording import Recording
from lipstream.pipeline import UserError

MEDIA = (
    *("3gp", "aac", "ac3", "aif", "aiff", "amr", "asf", "au", "avi", "caf", "flac", "flv", "m2ts", "m4a", "m4b", "m4v"),
    *("mka", "mkv", "mov", "mp2", "mp3", "mp4", "mpeg", "mpg", "mts", "oga", "ogg", "ogv", "opus", "ts", "wav", "webm"),
    *("w64", "wma", "wmv"),
)
"""Endings of what is taken for a recording in a folder, where no pattern says otherwise."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """Which files of a folder count: shell patterns, for the name, or with a slash for the path below the folder.

    Attributes:
        include: one of them has to match; empty for the endings of media.
        exclude: none of them may.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def takes(self, path: str) -> bool:
        """Whether a path below a folder, with slashes, counts."""
        if any(_matches(path, pattern) for pattern in self.exclude):
            return False
        if self.include:
            return any(_matches(path, pattern) for pattern in self.include)
        return path.lower().rpartition(".")[2] in MEDIA


def find(inputs: Sequence[str], patterns: Patterns, output: str) -> list[Recording]:
    """All recordings, each once, in the order of the arguments, and in a folder by path.

    Args:
        inputs: paths and addresses of folders, recordings and lists.
        patterns: which files of folders count.
        output: the output folder, in which nothing is looked for.

    Raises:
        UserError: something is not there, is no list, or an id stands for two recordings.
    """
    recordings: dict[str, Recording] = {}
    for given in inputs:
        for each in _remote(given, patterns) if is_address(given) else _local(given, patterns, output):
            before = recordings.setdefault(each.key, each)
            if before.source != each.source:
                raise UserError(
                    f"the id {each.key} stands for {before.source} and for {each.source}; give each its own"
                )
    if not recordings:
        raise UserError(f"no recordings in {', '.join(inputs)}; --include PATTERN says which files count")
    return list(recordings.values())


def _local(given: str, patterns: Patterns, output: str) -> Iterator[Recording]:
    path = local_path(given)
    try:
        if path.is_dir():
            yield from _folder(path, patterns, None if is_address(output) else local_path(output))
        elif is_list(path.name):
            yield from map(_sized, read_list(str(path), path.read_bytes()))
        elif not path.exists():
            raise UserError(f"'{path}' does not exist; expected a folder, a recording or a list: check the spelling")
        else:
            source = os.path.abspath(path)
            yield _sized(Recording(source, source, path.stem))
    except OSError as error:
        raise UserError(f"'{given}' cannot be read: {error.strerror or error}; check who may read it") from error


def _folder(folder: Path, patterns: Patterns, output: Path | None) -> Iterator[Recording]:
    root = os.path.abspath(folder)
    # An output folder that is the input folder is fine: no output has the ending of a recording.
    left_out = None if output is None or os.path.abspath(output) == root else os.path.abspath(output)
    for place, folders, files in os.walk(root):
        inside = (name for name in folders if os.path.join(place, name) != left_out)
        folders[:] = sorted(name for name in inside if not name.startswith("."))
        for name in sorted(files):
            source = os.path.join(place, name)
            below = os.path.relpath(source, root).replace(os.sep, "/")
            if not name.startswith(".") and patterns.takes(below):
                yield _sized(Recording(source, source, without_ending(below)))


def _remote(address: str, patterns: Patterns) -> Iterator[Recording]:
    store = Store(address)
    try:
        if is_list(address):
            yield from map(_sized, read_list(address, store.read()))
        elif any(letter in store.path for letter in "*?["):
            yield from (_at(found, without_ending(found.address.rpartition("/")[2])) for found in store.matching())
        elif store.is_folder:
            for below, found in store.files().items():
                hidden = any(part.startswith(".") for part in below.split("/"))
                if not hidden and patterns.takes(below):
                    yield _at(found, without_ending(below))
        else:
            yield _at(store.stat(), without_ending(address.partition("?")[0].rpartition("/")[2]))
    except FileNotFoundError as error:
        raise UserError(f"{address} is not there; expected a folder, a recording or a list") from error
    except OSError as error:
        raise UserError(f"{address} cannot be read: {error}") from error


def _at(found: Found, name: str) -> Recording:
    return Recording(found.address, found.address, name, found.size, found.version)


def _sized(recording: Recording) -> Recording:
    """With size and version, where they can be had at once; what a list names by address tells when its turn comes."""
    if is_address(recording.source):
        return recording
    try:
        facts = os.stat(recording.source)
    except OSError:
        return recording
    return replace(recording, size=facts.st_size, version=str(facts.st_mtime_ns))


def _matches(path: str, pattern: str) -> bool:
    return fnmatchcase(path if "/" in pattern else path.rpartition("/")[2], pattern)
