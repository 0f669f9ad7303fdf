"""Lists of recordings: JSONL, CSV, or a text with a path a line."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import os
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lipstream.commands.batch.places import is_address, local_path
from lipstream.commands.batch.recording import Recording
from lipstream.pipeline import UserError

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".txt")
"""Endings of files that are lists of recordings."""
_PATHS = ("audio_filepath", "path")
_EXPECTED = "expected audio_filepath or path, and if need be id, language, profile and duration (seconds)"


def is_list(name: str) -> bool:
    """Whether a file of this name is a list."""
    return name.lower().endswith(ENDINGS)


def read_list(name: str, content: bytes) -> list[Recording]:
    """The recordings of a list, whose outputs are named by id, or by the path as far as the list's paths differ.

    Args:
        name: path or address of the list; what it names by a relative path lies beside it.
        content: of the file.

    Raises:
        UserError: it is not UTF-8, or a line is wrong; the message says which.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is no list of recordings: it is not UTF-8; {_EXPECTED}, a line each") from error
    recordings = [_recording(name, line, record) for line, record in _records(name, text)]
    if not recordings:
        raise UserError(f"{name} lists no recordings; {_EXPECTED}, a line each")
    return _named(recordings)


def _records(name: str, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Numbers of lines, and what stands in them."""
    ending = posixpath.splitext(name.lower())[1]
    # Not `splitlines`: transcripts that stand in a list have signs that Unicode takes for ends of lines.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if ending == ".csv":
        yield from _rows(name, text)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if ending == ".txt":
            yield number, {"path": line.strip()}
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{name} line {number} is no JSON ({error}); expected an object a line") from error
        if not isinstance(value, dict):
            raise UserError(f"{name} line {number} is no object; {_EXPECTED}")
        yield number, value


def _rows(name: str, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    table = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    try:
        if not set(_PATHS) & set(table.fieldnames or ()):
            raise UserError(f"{name}: its first line names no column of paths; {_EXPECTED}")
        for record in table:
            yield table.line_num, {key: value for key, value in record.items() if key and value}
    except csv.Error as error:
        raise UserError(f"{name} line {table.line_num} is no line of a table ({error}); {_EXPECTED}") from error


def _recording(name: str, line: int, record: Mapping[str, object]) -> Recording:
    def text(key: str) -> str | None:
        value = record.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            raise UserError(f"{name} line {line}: {key} is {value!r}, expected a text")
        return str(value)

    given = text(_PATHS[0]) or text(_PATHS[1])
    if given is None:
        raise UserError(f"{name} line {line} names no recording; {_EXPECTED}")
    if not _can_be_path(given):
        raise UserError(f"{name} line {line}: {given!r} is no path; {_EXPECTED}")
    source = _beside(name, given)
    ident = text("id")
    duration = _seconds(name, line, record.get("duration"))
    return Recording(
        key=ident or source,
        source=source,
        name=ident or "",
        duration=duration,
        language=text("language"),
        profile=text("profile"),
    )


def _can_be_path(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _seconds(name: str, line: int, value: object) -> float | None:
    if value is None or value == "":
        return None
    try:
        seconds = float(value) if isinstance(value, (str, int, float)) else math.nan
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise UserError(f"{name} line {line}: duration is {value!r}, expected seconds")
    return seconds


def _beside(name: str, given: str) -> str:
    if is_address(given):
        return given
    path = local_path(given)
    if path.is_absolute():
        return str(path)
    if is_address(name):
        return f"{name.rpartition('/')[0]}/{given}"
    return os.path.abspath(local_path(name).parent / path)


def _named(recordings: list[Recording]) -> list[Recording]:
    """The same, those without an id named by what their paths do not have in common."""
    plain = [each for each in recordings if not each.name]
    folders = [each.source.replace("\\", "/").split("/")[:-1] for each in plain]
    levels = itertools.takewhile(lambda names: len(set(names)) == 1, zip(*folders, strict=False))
    skip = sum(len(names[0]) + 1 for names in levels)
    named = []
    for each in recordings:
        rest = each.source.replace("\\", "/")[skip:] if not each.name else ""
        named.append(each if each.name else replace(each, name=without_ending(rest)))
    return named


def without_ending(path: str) -> str:
    """A path with slashes, without the ending of its file."""
    folder, slash, file = path.rpartition("/")
    return f"{folder}{slash}{Path(file).stem}"
