"""Writes docs/tables.schema.json, and with --rows the rows of the tables in docs/data.md, from the columns in the code.

python scripts/table_schema.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lipstream.stages.sinks.data.columns import EMOTION, SEGMENTS, WORDS, document
from lipstream.stages.sinks.data.features_columns import features_table

TABLES = (WORDS, SEGMENTS, EMOTION, features_table("features.csv", landmarks=False))


def main() -> None:
    """Write the schema, or print the rows."""
    if "--rows" in sys.argv:
        for table in TABLES:
            sys.stdout.write(f"### `{table.name}`: {table.text}\n\n")
            for column in table.columns:
                bounds = column.bounds if column.kind in ("number", "integer") else column.kind
                cells = (f"`{column.name}`", column.unit, bounds, column.source, column.text)
                sys.stdout.write(f"| {' | '.join(cells)} |\n")
        return
    path = Path(__file__).resolve().parents[1] / "docs" / "tables.schema.json"
    path.write_text(json.dumps(document(TABLES), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
