"""The words: errors, inventions, delays and cost of Lipstream beside faster-whisper and moonshine-voice, in one run.

    python bench/words.py [--clips FILE.tsv] [--silent FOLDER|FILE.tsv] [--with "name: key=value ..."]... [--live N]

Without --clips: the five LibriVox clips of the pocketsphinx source package, and two_cities.wav and beckett.wav of the
Moonshine package against the books they read from. A line of FILE.tsv is path, transcript and, if it is not English,
the code of the language, with tabs between; a relative path begins at the folder of FILE.tsv, and a line without
transcript is a sound in which nobody speaks. Every system has a process of its own.

- WER: with the Whisper English normaliser, the basic one for other languages; characters where words are not spaced.
- Text in silence: sounds without speech that gave any text.
- Repeats: immediate repeats of one to four words in the output that the reference does not have, and in how many clips.
- Sentence ends: of the boundaries between segments of a clip where the reference (if it has punctuation) has no
  sentence end, those at which the output has one; of those where it has one, likewise; and without regard to segments,
  sentence ends of the output that the reference does not have, and those of the reference that were found.
- Language: segments of more than 3 s whose language was told right; not to tell it counts as wrong.
- Partial lag: from the end of a word in the sound (by the times of the final) to its first showing. First text: after
  the start of speech. Final: after the end of speech as voice activity sees it, of segments that a pause or their
  length ended, and apart those that the end of the clip cut. WER - file: against the same clips read by `file`.
- Erasure: tokens taken back between consecutive texts of a segment, its final among them, by tokens of the finals
  (Arivazhagan et al., "Re-translation versus Streaming for Simultaneous Translation", IWSLT 2020): of all that was
  shown, as shown and without punctuation and capitals; and of the stable text alone. All behind a changed word counts.
  Words gone: those shown that the next text has nowhere, without punctuation and capitals. By corrections: what a
  second reading of finished segments (speech.corrections) takes back of them, which is not in the other figures.
- A row "at the end" has the texts as outputs have them at the end: with the signs that later finals told (joint) and
  with corrections. The row above it has them as they were first told. Delays are those of the first texts.
- Failed: clips on which a run ended by an error; they count as empty, and the exit status is 1. Troubles: what a run
  that went on told of itself (a picture that could not be used, a segment that could not be read).
- RTF: processor seconds for a second of sound, all threads, networks loaded. Lipstream looks at the pictures of clips
  that have them unless it is told not to (--with "sound only: video.enabled=false").
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from clips import RATE, librivox, read_audio
from machine import describe
from results import about
from words_report import Measures, errors, measure, measure_live, print_live, print_words
from words_systems import Row, Run, System, lipstream_config, run_apart, whisper_base
from words_texts import plain_words

from lipstream import ConfigError
from lipstream.config import load_config, parse_assignment
from lipstream.models.assets import resolve

PEERS = ("faster-whisper", "moonshine-voice")
LIVE = ", live"
"""What the name of a live run ends in."""
AT_END = ", at the end"
"""What the name of a run ends in whose texts are those at its end."""
TWO_CITIES = """It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of
foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season
of Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing before
us, we were all going direct to Heaven, we were all going direct the other way - in short, the period was so far like
the present period, that some of its noisiest authorities insisted on its being received, for good or for evil, in the
superlative degree of comparison only."""
"""Charles Dickens, A Tale of Two Cities, 1859; public domain."""
BECKETT = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."
"""The sentence read in beckett.wav."""


class Wrong(ValueError):
    """Something in the arguments cannot be used; the message says what."""


def read_rows(table: Path) -> list[Row]:
    """The clips of a table: path, transcript, language."""
    rows = []
    for number, line in enumerate(_text(table).splitlines(), 1):
        if not line.strip():
            continue
        path, text, language, *_ = [*line.split("\t"), "", ""]
        row = Row(table.parent / path, text.strip(), language.strip() or "en")
        if not row.path.is_file():
            raise Wrong(f"{table}, line {number}: there is no file {row.path}; expected PATH<TAB>TEXT[<TAB>LANGUAGE]")
        rows.append(row)
    return rows


def read_silent(place: Path | None) -> list[Row]:
    """The sounds of a folder or a table, without their texts."""
    if place is None:
        return []
    if place.is_dir():
        return [Row(path) for path in sorted(place.iterdir()) if path.is_file()]
    return [replace(row, text="") for row in read_rows(place)]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(f"{path} cannot be read: {error}") from error


def own_rows() -> list[Row]:
    """What the project comes with."""
    own = [(resolve("media/two_cities.wav"), TWO_CITIES), (resolve("media/beckett.wav"), BECKETT)]
    return [Row(path, text) for path, text in [*librivox(), *own]]


def variant(text: str, told: bool) -> System:
    """A system from "name: key=value ..."."""
    name, colon, settings = text.partition(":")
    if not colon or not name.strip():
        raise Wrong(f"'{text}' is no variant, expected 'name: key=value key=value'")
    return System(name.strip(), "file", dict(map(parse_assignment, settings.split())), told=told)


def spread(rows: list[Row], count: int) -> list[Row]:
    """So many rows, evenly over the whole list."""
    count = min(count, len(rows))
    return [rows[index * len(rows) // count] for index in range(count)]


def run_all(systems: list[System], rows: list[Row], silent: list[Row], repeat: int) -> dict[str, Run]:
    """Run each system so many times, in turns; texts are those of the first, cost is the median."""
    runs: dict[str, list[Run]] = {}
    able = list(systems)
    for turn in range(repeat):
        for system in list(able):
            print(f"{system.name}, run {turn + 1} of {repeat} ...", file=sys.stderr, flush=True)
            run = run_apart(system, rows, silent if turn == 0 else [])
            if isinstance(run, str):
                print(f"{system.name} is left out: {run}")
                able.remove(system)
            else:
                runs.setdefault(system.name, []).append(run)
    for same in runs.values():
        same[0].cpu = statistics.median(run.cpu for run in same)
        same[0].wall = statistics.median(run.wall for run in same)
    return {name: same[0] for name, same in runs.items()}


def measured(run: Run, rows: list[Row], seconds: dict[Row, float]) -> Measures:
    """All that a run says, and what it heard in each clip."""
    length = sum(seconds[row] for row in rows)
    readings = [{"clip": row.path.name, **asdict(each)} for row, each in zip(rows, run.readings, strict=True)]
    cost = {"cpu": run.cpu, "wall": run.wall, "rtf": run.cpu / length, "seconds": length}
    return {
        **measure(run, rows),
        **cost,
        "readings": readings,
        "silent_readings": [asdict(each) for each in run.silent],
    }


def all_measured(runs: dict[str, Run], rows: list[Row], seconds: dict[Row, float]) -> dict[str, Measures]:
    """The measures of all runs, and behind each those of its texts at the end, where they are others."""
    found = {}
    for name, run in runs.items():
        found[name] = measured(run, rows, seconds)
        if (at_end := run.at_end()) is not None:
            found[name + AT_END] = measured(at_end, rows, seconds)
    return found


def versions() -> dict[str, str]:
    """What else decides the numbers."""
    found = {}
    for name in ("lipstream", "faster-whisper", "ctranslate2", "moonshine-voice", "jiwer", "whisper-normalizer"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, metavar="FILE.tsv", help="clips with human transcripts")
    parser.add_argument("--silent", type=Path, metavar="PLACE", help="folder or FILE.tsv of sounds without speech")
    parser.add_argument(
        "--with",
        dest="variants",
        action="append",
        metavar="'NAME: KEY=VALUE ...'",
        help="Lipstream with settings; may be given again (default: one, with those of `file`)",
    )
    parser.add_argument(
        "--live", type=int, default=20, metavar="N", help="clips for the live runs, spread (default: 20)"
    )
    parser.add_argument("--live-config", default="file", help="configuration of the live runs (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each system; cost is the median")
    parser.add_argument("--peers", default=",".join(PEERS), help="which others (default: %(default)s; '' for none)")
    parser.add_argument("--whisper", metavar="MODEL", help="size or folder of faster-whisper's model (default: base)")
    parser.add_argument("--tell-language", action="store_true", help="tell systems the language (speech.language)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measures and transcripts there")
    arguments = parser.parse_args()
    arguments.peers = [name for name in arguments.peers.split(",") if name]
    try:
        if unknown := set(arguments.peers) - set(PEERS):
            raise Wrong(f"there is no peer {', '.join(sorted(unknown))}, only {', '.join(PEERS)}")
        if arguments.repeat < 1 or arguments.live < 0:
            raise Wrong("--repeat must be at least 1, and --live at least 0")
        arguments.files = [variant(text, arguments.tell_language) for text in arguments.variants or ["Lipstream:"]]
        names = [*(system.name for system in arguments.files), *arguments.peers]
        if len(set(names)) < len(names):
            raise Wrong(f"every variant needs a name of its own, not {', '.join(names)}")
        for system in [*arguments.files, *live_systems(arguments)]:
            # Before anything is fetched or run.
            load_config(system.config, lipstream_config(system, Row(Path("any.wav"))))
        rows = read_rows(arguments.clips) if arguments.clips else own_rows()
        arguments.rows = [row for row in rows if row.text]
        arguments.silent = [row for row in rows if not row.text] + read_silent(arguments.silent)
        if not arguments.rows:
            raise Wrong(f"{arguments.clips} has no clip with a transcript")
    except (Wrong, ConfigError) as error:
        parser.error(str(error))
    return arguments


def live_systems(arguments: argparse.Namespace) -> list[System]:
    if not arguments.live:
        return []
    return [
        replace(system, name=system.name + LIVE, kind="live", config=arguments.live_config)
        for system in arguments.files
    ]


def main() -> None:
    arguments = parse()
    rows: list[Row] = arguments.rows
    print(describe())
    print(", ".join(f"{name} {number}" for name, number in versions().items()))
    seconds = {row: len(read_audio(row.path)) / RATE for row in rows}
    words = sum(len(plain_words(row.text, row.language)) for row in rows)
    print(f"{len(rows)} clips, {sum(seconds.values()):.0f} s, {words} words; {len(arguments.silent)} without speech")
    told = arguments.tell_language
    peers = [System(name, name, model=arguments.whisper or whisper_base(), told=told) for name in arguments.peers]
    runs = run_all([*arguments.files, *peers], rows, arguments.silent, arguments.repeat)
    results = all_measured(runs, rows, seconds)
    some = spread(rows, arguments.live)
    able = [system for system in live_systems(arguments) if system.name.removesuffix(LIVE) in runs]
    live_runs = run_all(able, some, [], 1)
    live = {name: {**measured(run, some, seconds), **measure_live(run, some)} for name, run in live_runs.items()}
    for name in list(live):
        readings = dict(zip(rows, runs[name.removesuffix(LIVE)].readings, strict=True))
        live[name]["file_wer"] = errors([(row, readings[row]) for row in some])["wer"]
        live[name]["wer_at_end"] = errors(
            [(row, each.at_end()) for row, each in zip(some, live_runs[name].readings, strict=True)]
        )["wer"]
    print_words({**results, **all_measured(live_runs, some, seconds)})
    if live:
        print_live(live)
    if arguments.json:
        data = f"{len(rows)} clips, {words} words, {len(arguments.silent)} sounds without speech"
        machine = {**about(data), "versions": versions()}
        text = json.dumps({**machine, "systems": {**results, **live}}, ensure_ascii=False, indent=1)
        arguments.json.write_text(text, encoding="utf-8")
    if any(each["failed"] for each in [*results.values(), *live.values()]):
        sys.exit(1)


if __name__ == "__main__":
    main()
