"""Keep captions, words and emotions in a database that can be asked questions.

python examples/to_sqlite.py captions.db [FILE]
sqlite3 captions.db "SELECT start, text FROM segments WHERE text LIKE '%budget%'"
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from contextlib import closing

from lipstream import Pipeline
from lipstream.events import EmotionUpdate, TranscriptCorrected, TranscriptFinal
from lipstream.pipeline import Event, UserError

TABLES = """
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, source TEXT, begun TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS segments (run INTEGER, segment INTEGER, face INTEGER, start REAL, "end" REAL, text TEXT);
CREATE TABLE IF NOT EXISTS words (run INTEGER, segment INTEGER, face INTEGER, word TEXT, start REAL, "end" REAL,
    confidence REAL);
CREATE TABLE IF NOT EXISTS emotions (run INTEGER, face INTEGER, start REAL, "end" REAL, label TEXT, valence REAL,
    arousal REAL);
"""


def keep(database: sqlite3.Connection, run: int | None, event: Event) -> None:
    """Write what an event tells. Values are bound to "?" and never become part of a statement."""
    with database:  # a segment and its words, or neither
        if isinstance(event, TranscriptFinal | TranscriptCorrected):
            place = (run, event.segment, event.face)  # a corrected text takes the place of the one before
            words = [(*place, each.word, each.start, each.end, each.confidence) for each in event.words]
            database.execute("DELETE FROM segments WHERE run = ? AND segment = ? AND face IS ?", place)
            database.execute("DELETE FROM words WHERE run = ? AND segment = ? AND face IS ?", place)
            segment = (*place, event.start, event.end, event.text)
            database.execute("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?)", segment)
            database.executemany("INSERT INTO words VALUES (?, ?, ?, ?, ?, ?, ?)", words)
        elif isinstance(event, EmotionUpdate):
            row = (run, event.face, event.start, event.end, event.label, event.valence, event.arousal)
            database.execute("INSERT INTO emotions VALUES (?, ?, ?, ?, ?, ?, ?)", row)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Keep captions in a database.")
    parser.add_argument("database")
    parser.add_argument("file", nargs="?", help="a recording (default: microphone and camera)")
    args = parser.parse_args()
    try:
        pipeline = Pipeline.from_config("file", input=args.file) if args.file else Pipeline.from_config("live")
        with closing(sqlite3.connect(args.database)) as connection, pipeline:
            connection.executescript(TABLES)
            number = connection.execute("INSERT INTO runs (source) VALUES (?)", (args.file or "live",)).lastrowid
            for told in pipeline.events():
                keep(connection, number, told)
    except (UserError, sqlite3.Error) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        pass
