"""Which recordings are to be done, and which earlier runs have done."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from lipstream.commands.batch.journal import State
from lipstream.commands.batch.places import Store, is_address
from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.rows import Row
from lipstream.commands.batch.settings import Settings
from lipstream.models.assets.files import file_sha256
from lipstream.pipeline import UserError

_ASKED_AT_ONCE = 16
"""Addresses whose files are asked about beside each other."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has before it.

    Attributes:
        todo: to be done, what takes longest first, so that no worker is left alone with it at the end.
        done: rows of what is done already.
        failed: rows of what failed before and is left.
    """

    todo: Sequence[Recording]
    done: Sequence[Row]
    failed: Sequence[Row]


def make_plan(recordings: Sequence[Recording], settings: Settings, state: State, retry_failed: bool) -> Plan:
    """Sort recordings by what is to become of them.

    Args:
        recordings: all, with names.
        settings: of the run.
        state: what earlier runs left.
        retry_failed: do what failed before once more.

    Raises:
        UserError: a list asks for a language or a profile that is not allowed.
    """
    todo, done, failed = [], [], []
    for each in _looked_at(recordings, state):
        row, made = state.rows.get(each.key), settings.made_of(each)
        if row is None or row.made != made or not _unchanged(each, row):
            todo.append(each)
        elif row.done:
            if all(map(state.exists, row.outputs)):
                done.append(row)
            else:
                todo.append(each)
        elif retry_failed:
            todo.append(each)
        else:
            failed.append(row)
    return Plan(todo, done, failed)


def limited(plan: Plan, most: int | None) -> Plan:
    """The first recordings that are to be done, those first that take longest."""
    chosen = plan.todo if most is None else plan.todo[:most]
    longest_first = sorted(chosen, key=lambda each: (-(each.duration or 0.0), -(each.size or 0)))
    return replace(plan, todo=longest_first)


def shard_of(recordings: Sequence[Recording], shard: tuple[int, int]) -> list[Recording]:
    """The recordings of one shard: those of a key always fall to the same one, whatever else is in the list.

    Args:
        recordings: all.
        shard: which, from 1, of how many.
    """
    index, count = shard
    return [each for each in recordings if zlib.crc32(each.key.encode("utf-8", "replace")) % count == index - 1]


def check_free(todo: Sequence[Recording], formats: Sequence[str], state: State) -> None:
    """See to it that no file is replaced that no batch has written.

    Raises:
        UserError: some are there.
    """
    ours = {row.name for row in state.rows.values()}
    foreign = [
        name
        for each in todo
        if each.name not in ours and each.token not in state.begun
        for name in (f"{each.name}.{ending}" for ending in formats)
        if state.exists(name)
    ]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise UserError(
            f"{foreign[0]}{more} in the output folder were not written by a batch; --overwrite replaces them, or "
            f"choose another folder with -o"
        )


def _looked_at(recordings: Sequence[Recording], state: State) -> list[Recording]:
    """The same, with size and version of those at addresses that were listed without and have a row to compare with."""

    def look(recording: Recording) -> Recording:
        if recording.size is not None or not is_address(recording.source) or recording.key not in state.rows:
            return recording
        try:
            found = Store(recording.source).stat()
        except OSError:
            return recording  # Its turn will tell.
        return replace(recording, size=found.size, version=found.version)

    with ThreadPoolExecutor(_ASKED_AT_ONCE) as asking:
        return list(asking.map(look, recordings))


def _unchanged(recording: Recording, row: Row) -> bool:
    if recording.size != row.size:
        return False
    if recording.version == row.version:
        return True
    if is_address(recording.source):
        return False
    # Touched, copied or mounted anew: the content counts.
    try:
        return bool(row.sha256) and file_sha256(Path(recording.source)) == row.sha256
    except OSError:
        return False
