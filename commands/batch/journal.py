"""`manifest.out.jsonl`: a row a recording, kept as they come, and what was begun and not finished."""

from __future__ import annotations

import contextlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from lipstream.commands.batch.places import Store, is_address, local_path
from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.rows import Row, read_rows, to_text
from lipstream.commands.batch.targets import BEGUN, ROW, STATE, LocalTarget, RemoteTarget, Target, empty
from lipstream.pipeline import UserError
from lipstream.pipeline.exclusive import open_exclusively

NAME = "manifest.out"
_FOLD = 500
"""Rows that lie by themselves at an address before they are put into one file."""


@dataclass(frozen=True, slots=True)
class State:
    """How far earlier runs came.

    Attributes:
        rows: the newest of each recording, by its key, of all shards.
        begun: tokens of recordings that were begun and have no row yet: outputs of theirs may be there.
        exists: whether a file is there, by its path below the output folder.
    """

    rows: Mapping[str, Row]
    begun: frozenset[str]
    exists: Callable[[str], bool]


class Journal(ABC):
    """The rows of one run, as a context: one run at a time writes them."""

    @abstractmethod
    def state(self) -> State:
        """How far earlier runs came; may be asked without entering."""

    @property
    @abstractmethod
    def target(self) -> Target:
        """Where workers put outputs."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Path or address of the rows, for messages."""

    @abstractmethod
    def append(self, recording: Recording, row: Row) -> None:
        """Keep a row; its outputs are there by now.

        Raises:
            UserError: it cannot be kept.
        """

    @abstractmethod
    def __enter__(self) -> Self:
        """Begin.

        Raises:
            UserError: another run writes these rows, or nothing can be written there.
        """

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave one row a recording."""


def journal_at(output: str, shard: tuple[int, int] | None) -> Journal:
    """The journal of an output folder.

    Args:
        output: path or address.
        shard: which of how many, each of which has rows of its own; None for all.
    """
    stem = NAME if shard is None else f"{NAME}.{shard[0]}of{shard[1]}"
    return RemoteJournal(output, stem) if is_address(output) else LocalJournal(local_path(output), stem)


class LocalJournal(Journal):
    """Rows in a folder.

    Args:
        folder: the output folder.
        stem: name of the rows, without ending.
    """

    def __init__(self, folder: Path, stem: str = NAME) -> None:
        self._folder = Path(os.path.abspath(folder))
        self._path = self._folder / f"{stem}.jsonl"
        self._state = self._folder / STATE / stem
        self._lock: IO[bytes] | None = None
        self._file: IO[bytes] | None = None

    @property
    def target(self) -> Target:
        """See `Journal`."""
        return LocalTarget(self._folder, self._state)

    @property
    def place(self) -> str:
        """See `Journal`."""
        return str(self._path)

    def state(self) -> State:
        """See `Journal`."""
        paths = sorted(self._folder.glob(f"{NAME}*.jsonl"))
        begun = {path.name for path in (self._folder / STATE).glob("*/*") if path.is_dir()}
        rows = read_rows(line for path in paths for line in _lines(path.read_bytes()))
        return State(rows, frozenset(begun), lambda name: (self._folder / name).exists())

    def __enter__(self) -> Self:
        """See `Journal`."""
        with _explained(self._path):
            self._state.mkdir(parents=True, exist_ok=True)
            try:
                self._lock = open_exclusively(self._state / "lock")
            except BlockingIOError as error:
                raise UserError(f"another batch writes {self._path}; wait for it, or choose another folder") from error
            for left in self._state.iterdir():
                if left.is_dir():
                    empty(left)
            self._fold()
            self._file = self._path.open("ab")
        return self

    def append(self, recording: Recording, row: Row) -> None:
        """See `Journal`."""
        assert self._file is not None
        with _explained(self._path):
            self._file.write(to_text([row]).encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        # What a lost worker had begun is in it; one that was only thought lost may still write there.
        shutil.rmtree(self._state / recording.token, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `Journal`."""
        if self._file is not None:
            self._file.close()
        try:
            with _explained(self._path):
                self._fold()
        finally:
            (self._state / "lock").unlink(missing_ok=True)
            if self._lock is not None:
                self._lock.close()
            for place in (self._state, self._state.parent):
                with contextlib.suppress(OSError):  # What was begun and not finished is still noted there.
                    place.rmdir()

    def _fold(self) -> None:
        """Put one row a recording in place of all, in one step."""
        if self._path.exists():
            rows = read_rows(_lines(self._path.read_bytes()))
            part = self._path.with_name(f"{self._path.name}.part")
            with part.open("wb") as file:
                file.write(to_text(rows.values()).encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self._path)


class RemoteJournal(Journal):
    """Rows at an address, where nothing can be appended: each is a file of its own until there are many.

    Args:
        address: the output folder.
        stem: name of the rows, without ending.
    """

    def __init__(self, address: str, stem: str = NAME) -> None:
        self._store = Store(address)
        self._name = f"{stem}.jsonl"
        self._state = f"{STATE}/{stem}"
        self._alone: list[str] = []

    @property
    def target(self) -> Target:
        """See `Journal`."""
        return RemoteTarget(self._store.address, self._state)

    @property
    def place(self) -> str:
        """See `Journal`."""
        return f"{self._store.address}/{self._name}"

    def state(self) -> State:
        """See `Journal`."""
        names = frozenset(self._names())
        manifests = [name for name in names if name.startswith(NAME) and name.endswith(".jsonl") and "/" not in name]
        alone = [name for name in names if name.startswith(f"{STATE}/") and name.endswith(ROW)]
        lines = [line for name in sorted([*manifests, *alone]) for line in _lines(self._store.read(name))]
        begun = {_token(name) for name in names if name.startswith(f"{STATE}/") and name.endswith(BEGUN)}
        return State(read_rows(lines), frozenset(begun - {_token(name) for name in alone}), names.__contains__)

    def __enter__(self) -> Self:
        """See `Journal`."""
        with _explained(self.place):
            mine = [name for name in self._names() if name.startswith(f"{self._state}/") and name.endswith(ROW)]
            self._alone = sorted(mine)
            self._fold()
        return self

    def append(self, recording: Recording, row: Row) -> None:
        """See `Journal`."""
        name = f"{self._state}/{recording.token}"
        with _explained(self.place):
            self._store.write(f"{name}{ROW}", to_text([row]).encode())
            self._store.remove(f"{name}{BEGUN}")
            self._alone.append(f"{name}{ROW}")
            if len(self._alone) >= _FOLD:
                self._fold()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `Journal`."""
        with _explained(self.place):
            self._fold()

    def _fold(self) -> None:
        """Put the rows that lie by themselves into the one file, and only then remove them."""
        if self._alone:
            try:
                lines = _lines(self._store.read(self._name))
            except FileNotFoundError:
                lines = []
            lines += [line for name in self._alone for line in _lines(self._store.read(name))]
            self._store.write(self._name, to_text(read_rows(lines).values()).encode())
            for name in self._alone:
                self._store.remove(name)
                self._store.remove(name.removesuffix(ROW) + BEGUN)
        self._alone = []

    def _names(self) -> list[str]:
        try:
            return list(self._store.files())
        except FileNotFoundError:
            return []


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()


def _token(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[0]


@contextmanager
def _explained(place: Path | str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"cannot write {place}: {reason}; what is done is kept, and the same command goes on"
        ) from error
