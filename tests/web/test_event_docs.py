"""The list of events is that of the classes."""

from __future__ import annotations

import dataclasses
import re

from lipstream.events import EmotionUpdate, TranscriptFinal
from lipstream.pipeline import Event
from lipstream.web.event_docs import describe, page


def test_every_event_and_every_field_is_described():
    described = {each["name"]: each for each in describe()}
    own = {kind.__name__ for kind in Event.__subclasses__() if kind.__module__ == Event.__module__}
    assert own and own <= set(described)
    assert all(each["doc"] for each in described.values())
    for each in described.values():
        assert all(field["doc"] and field["type"] for field in each["fields"]), each["name"]
    names = [field["name"] for field in described["EmotionUpdate"]["fields"]]
    assert names == [field.name for field in dataclasses.fields(EmotionUpdate)]
    assert described["EmotionUpdate"]["ephemeral"] and not described["TranscriptFinal"]["ephemeral"]


def test_types_are_told_as_in_the_source():
    types = {field["name"]: field["type"] for each in describe() for field in each["fields"] if each["name"] != "Hello"}
    assert types["words"] == "tuple[Word, ...]" and types["lip_gate"] == "float"
    assert types["probabilities"] == "dict[str, float]" and types["speech"] == "bool"


def test_what_steers_a_session_is_told():
    assert "/api/sessions/ID/terms" in page() and '{"terms": ["Ada Lovelace"]}' in page()


def test_the_page_lists_them_all_and_runs_no_script():
    html = page()
    assert all(f'<section id="{each["name"]}">' in html for each in describe())
    assert not re.search(r"<script|\son\w+=|style=", html)
    assert TranscriptFinal.__doc__ and "A finished segment." in html
