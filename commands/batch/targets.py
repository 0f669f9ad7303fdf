"""Where a worker puts the outputs of a recording: whole, in one step, and noted before the first of them appears."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

from lipstream.commands.batch.places import Store
from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.scratch import scratch
from lipstream.pipeline import UserError

STATE = ".batch"
"""Folder below the output folder for what is begun and not finished."""
BEGUN = ".begun"
ROW = ".row"


class PlaceError(UserError):
    """Nothing can be put where all outputs belong; the message says why."""


class Target(ABC):
    """The output folder, as a worker sees it. It goes to the workers by pickle."""

    @abstractmethod
    @contextlib.contextmanager
    def begun(self, recording: Recording) -> Iterator[Path]:
        """Note that a recording is begun; an empty folder for its outputs, which is gone afterwards.

        Raises:
            PlaceError: that cannot be noted.
        """
        yield Path()

    @abstractmethod
    def deliver(self, recording: Recording, files: Sequence[Path]) -> tuple[str, ...]:
        """Put complete files where they belong.

        Returns:
            Their paths below the output folder, with slashes.

        Raises:
            PlaceError: one cannot be put there.
        """


class LocalTarget(Target):
    """A folder, which all machines have in common where there are several.

    Args:
        folder: the output folder.
        state: a folder below it, on the same disk, for what is begun.
    """

    def __init__(self, folder: Path, state: Path) -> None:
        self.folder = folder
        self.state = state

    @contextlib.contextmanager
    def begun(self, recording: Recording) -> Iterator[Path]:
        """See `Target`. The note is the folder itself, which the journal removes."""
        place = self.state / recording.token
        if not self.state.is_dir():
            raise PlaceError(
                f"the output folder {self.folder} is not there on {socket.gethostname()}; give a folder that all "
                f"machines have in common, or an address such as s3://bucket/captions"
            )
        try:
            empty(place)
        except OSError as error:
            raise PlaceError(f"cannot write {self.folder}: {error.strerror}; choose another folder with -o") from error
        try:
            yield place
        finally:
            with contextlib.suppress(OSError):  # The next run empties it.
                empty(place)

    def deliver(self, recording: Recording, files: Sequence[Path]) -> tuple[str, ...]:
        """See `Target`."""
        below = recording.name.rpartition("/")[0]
        try:
            (self.folder / below).mkdir(parents=True, exist_ok=True)
            for file in files:
                os.replace(file, self.folder / below / file.name)
        except OSError as error:
            raise PlaceError(f"cannot write {self.folder / below}: {error.strerror}; choose another with -o") from error
        return tuple(f"{below}/{file.name}".lstrip("/") for file in files)


class RemoteTarget(Target):
    """An address.

    Args:
        address: the output folder.
        state: name of a folder below it for what is begun.
    """

    def __init__(self, address: str, state: str) -> None:
        self.address = address
        self.state = state

    @contextlib.contextmanager
    def begun(self, recording: Recording) -> Iterator[Path]:
        """See `Target`. The note is a small file at the address, which the journal removes."""
        try:
            Store(self.address).write(f"{self.state}/{recording.token}{BEGUN}", recording.key.encode())
        except OSError as error:
            raise PlaceError(f"cannot write to {self.address}: {error}") from error
        with scratch("lipstream-outputs-") as folder:
            place = folder / "outputs"
            place.mkdir()
            yield place

    def deliver(self, recording: Recording, files: Sequence[Path]) -> tuple[str, ...]:
        """See `Target`."""
        below = recording.name.rpartition("/")[0]
        names = tuple(f"{below}/{file.name}".lstrip("/") for file in files)
        try:
            store = Store(self.address)
            for file, name in zip(files, names, strict=True):
                store.upload(file, name)
        except OSError as error:
            raise PlaceError(f"cannot write to {self.address}: {error}") from error
        return names


def empty(place: Path) -> None:
    """Make a folder that is there and has nothing in it."""
    if place.is_dir():
        for entry in place.iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    else:
        place.mkdir()
