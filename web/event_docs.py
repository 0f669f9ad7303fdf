"""What events there are, told from the classes themselves."""

from __future__ import annotations

import dataclasses
import html
import inspect
import re
import typing
from functools import cache
from typing import Any

from lipstream import events
from lipstream.events import Event, Revision, Word

_FIELD = re.compile(r"^    (\w+): ", re.MULTILINE)
_EXTRA: list[dict[str, Any]] = [
    {
        "name": "Hello",
        "ephemeral": False,
        "doc": "The first message of every connection.",
        "fields": [
            {"name": "session", "type": "str | None", "doc": "id of the session whose events follow, if any."},
            {"name": "state", "type": "str", "doc": '"loading" or "running"; "ended" for one that is just over.'},
        ],
    },
    {
        "name": "Running",
        "ephemeral": False,
        "doc": "Everything is loaded, the session's time begins.",
        "fields": [{"name": "session", "type": "str", "doc": "id of the session."}],
    },
]
"""Messages of the WebSocket that are no events of a run."""


@cache
def describe() -> list[dict[str, Any]]:
    """Every message of the event stream: its name, whether later ones supersede it, what it is, its fields."""
    kinds = [kind for _, kind in inspect.getmembers(events, inspect.isclass) if issubclass(kind, Event)]
    described = [_describe(kind) for kind in (*kinds, Word, Revision) if kind is not Event]
    return [*_EXTRA, *sorted(described, key=lambda each: str(each["name"]))]


def _describe(kind: type[Event] | type[Word] | type[Revision]) -> dict[str, Any]:
    doc, fields = _parts(kind)
    fields = _parts(Event)[1] | fields
    types = typing.get_type_hints(kind)
    return {
        "name": kind.__name__,
        "ephemeral": getattr(kind, "ephemeral", False),
        "doc": doc,
        "fields": [
            {"name": field.name, "type": _type_name(types[field.name]), "doc": fields.get(field.name, "")}
            for field in dataclasses.fields(kind)
        ],
    }


def _parts(kind: type) -> tuple[str, dict[str, str]]:
    """A docstring in google style: its text, and that of each attribute."""
    text, _, attributes = inspect.cleandoc(kind.__doc__ or "").partition("\nAttributes:\n")
    pieces = _FIELD.split(attributes)[1:]
    return _flow(text), {name: _flow(doc) for name, doc in zip(pieces[::2], pieces[1::2], strict=True)}


def _flow(text: str) -> str:
    return " ".join(text.split())


def _type_name(kind: object) -> str:
    name = kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)
    return re.sub(r"\b[a-z_.]+\.(?=[A-Z])", "", name)


@cache
def page() -> str:
    """The same as a page."""
    sections = "\n".join(map(_section, describe()))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lipstream: events</title>
<link rel="stylesheet" href="/static/shared/base.css">
<link rel="stylesheet" href="/static/shared/themes.css">
<link rel="stylesheet" href="/static/docs/docs.css">
</head>
<body>
<main>
<h1>Events</h1>
<p>What the WebSocket <code>/events</code> sends, a JSON object a message, as in the files of <code>-f jsonl</code>:
the newest session's, or with <code>?session=ID</code> those of one. Times are seconds from session start. Ephemeral
events are superseded by later ones; a client that reads too slowly loses those first. The same list for programs:
<a href="/api/events.json">/api/events.json</a>.</p>
<p>A session is steered with <code>POST /api/sessions/ID/switches</code>, such as <code>{{"lips": false}}</code>, and
<code>POST /api/sessions/ID/terms</code>: <code>{{"terms": ["Ada Lovelace"]}}</code> are the names, words and phrases
to be expected from then on, in place of those before.</p>
{sections}
</main>
</body>
</html>
"""


def _section(event: dict[str, Any]) -> str:
    rows = "\n".join(
        f'<tr><th scope="row"><code>{html.escape(field["name"])}</code></th>'
        f"<td><code>{html.escape(field['type'])}</code></td><td>{html.escape(field['doc'])}</td></tr>"
        for field in event["fields"]
    )
    kind = " <small>ephemeral</small>" if event["ephemeral"] else ""
    return f"""<section id="{event["name"]}">
<h2>{event["name"]}{kind}</h2>
<p>{html.escape(event["doc"])}</p>
<table>
<thead><tr><th scope="col">field</th><th scope="col">type</th><th scope="col">meaning</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</section>"""
