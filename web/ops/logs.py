"""The log as JSON, one object a line."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from lipstream.web.ops.journal import FIELDS


class JsonLines(logging.Formatter):
    """A line for each record: time, level, who tells it, what, and the fields of what happened."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = getattr(record, FIELDS, None)
        if isinstance(fields, dict):
            told |= fields
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=True, default=str)


def log_as_json() -> None:
    """Let all that Lipstream logs, from "info" on, be such lines, wherever the log goes."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonLines())
    logging.getLogger("lipstream").setLevel(logging.INFO)
