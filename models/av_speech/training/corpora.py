"""Recordings of speech as they lie on disk: GRID, LRS3, and clips with a table of transcripts."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lipstream.models.errors import ModelError

LAYOUTS = (
    "expected GRID (words.tsv and clips/), clips with transcripts (clips.tsv with columns clip and transcript, and "
    "clips/), or LRS3 (SPEAKER/00001.mp4 with 00001.txt), here or one folder down"
)

_MEDIA = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".mpg", ".flv", ".wav", ".flac", ".ogg", ".opus", ".m4a", ".mp3")
_WORD = re.compile(r"^(.+)@(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$")
_LRS3_TEXT = "Text:"


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word and when it was spoken, in seconds from the start of its clip."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """A clip of one visible speaker.

    Attributes:
        path: the media file.
        name: of the clip, unique in its corpus.
        speaker: who speaks.
        text: what is said, None where it is not known.
        words: when each word was spoken, empty where it is not known.
        source: the collection within the corpus that it comes from, "" where there is one only.
    """

    path: Path
    name: str
    speaker: str
    text: str | None
    words: tuple[SpokenWord, ...] = ()
    source: str = ""


def find_utterances(data: Path) -> list[Utterance]:
    """All utterances in a folder and in the folders directly in it, in order of their tables.

    Raises:
        ModelError: there are none, or a table cannot be used.
    """
    if not data.is_dir():
        raise ModelError(f"{data}: {'not a folder' if data.exists() else 'no such folder'}; {LAYOUTS}")
    found = _read_folder(data)
    if not found:
        for folder in sorted(path for path in data.iterdir() if path.is_dir()):
            found += _read_folder(folder)
    if not found:
        raise ModelError(f"{data}: no clips of speech found; {LAYOUTS}")
    return found


def find_recordings(paths: Sequence[Path]) -> list[Utterance]:
    """Files, and all that is in folders (their `clips` folders too), as utterances without a text.

    Raises:
        ModelError: a path is missing, there is nothing, or two files have one name.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise ModelError(f"{path}: no such file or folder; expected videos of the user")
        inside = sorted(each for each in path.rglob("*") if each.suffix.lower() in _MEDIA) if path.is_dir() else [path]
        found += inside
    if not found:
        raise ModelError(f"{', '.join(map(str, paths))}: no recordings found; expected video files of the user")
    twice = [name for name, count in Counter(path.stem for path in found).items() if count > 1]
    if twice:
        raise ModelError(f"two recordings are called {twice[0]}; give each a name of its own")
    return [Utterance(path, path.stem, "", None) for path in found]


def read_transcripts(path: Path) -> dict[str, tuple[str, tuple[SpokenWord, ...]]]:
    """Text and words by clip, from GRID's words.tsv or from a table with columns clip and transcript.

    Raises:
        ModelError: the file is missing or of another form.
    """
    rows = _rows(path)
    columns = set(rows[0]) if rows else set()
    words = next((name for name in columns if name.startswith("words")), None)
    text = next((name for name in columns if name.endswith("transcript") or name == "text"), None)
    if "clip" not in columns or (words is None and text is None):
        raise ModelError(f"{path}: expected columns clip and transcript (or words), with tabs, got {sorted(columns)}")
    if words is not None:
        timed = {row["clip"]: _timed_words(row[words], path) for row in rows}
        return {clip: (" ".join(word.text for word in each), each) for clip, each in timed.items()}
    assert text is not None
    return {row["clip"]: (row[text], ()) for row in rows}


def _read_folder(folder: Path) -> list[Utterance]:
    for table in ("words.tsv", "clips.tsv"):
        if (folder / table).is_file():
            return _read_table(folder, folder / table)
    return _read_lrs3(folder)


def _read_table(folder: Path, table: Path) -> list[Utterance]:
    transcripts = read_transcripts(table)
    rows = {row["clip"]: row for row in _rows(table)}
    places = folder / "clips" if (folder / "clips").is_dir() else folder
    media = {path.stem: path for path in sorted(places.iterdir()) if path.suffix.lower() in _MEDIA}
    found = []
    for clip, (text, words) in transcripts.items():
        if clip not in media:
            raise ModelError(f"{table}: clip {clip} is not among the files of {places}")
        row = rows[clip]
        # The words of GRID's clips are the words of its grammar; their speaker is the name's first part.
        speaker = row.get("speaker") or (clip.partition("_")[0] if words else clip)
        foreign = row.get("language", "en") != "en"
        found.append(Utterance(media[clip], clip, speaker, None if foreign else text, words, row.get("source") or ""))
    return found


def _read_lrs3(folder: Path) -> list[Utterance]:
    found = []
    for path in sorted(folder.glob("*/*.txt")):
        clip = path.with_suffix(".mp4")
        first = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
        if clip.is_file() and first.startswith(_LRS3_TEXT):
            text = first.removeprefix(_LRS3_TEXT).strip().lower()
            found.append(Utterance(clip, f"{clip.parent.name}_{clip.stem}", clip.parent.name, text))
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            rows = [{(key or "").partition(" ")[0]: value or "" for key, value in row.items()} for row in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: expected a table of transcripts (TSV), but it cannot be read ({error})") from None
    if not rows:
        raise ModelError(f"{path}: expected a table of transcripts (TSV), but it has no rows")
    return rows


def _timed_words(text: str, path: Path) -> tuple[SpokenWord, ...]:
    words = []
    for item in text.split():
        match = _WORD.match(item)
        if match is None:
            raise ModelError(f"{path}: expected word@start-end in seconds, got {item!r}")
        words.append(SpokenWord(match[1], float(match[2]), float(match[3])))
    return tuple(words)
