"""How changes of a label are counted."""

from __future__ import annotations

import pytest

from bench.emotion_labels import counted
from lipstream.events import EmotionUpdate


def updates(face: int | None, labels: list[str]) -> list[EmotionUpdate]:
    empty = {"probabilities": {}, "valence": 0, "arousal": 0, "weights": {}}
    return [
        EmotionUpdate(face=face, start=index / 2, end=index / 2 + 0.5, label=label, **empty)
        for index, label in enumerate(labels)
    ]


def test_changes_of_the_face_judged_most_are_counted_but_not_those_from_and_to_unknown():
    seen = ["unknown", "happy", "unclear", "neutral", *["neutral"] * 15, "unclear", "unknown", "neutral"]
    found = counted([*updates(2, ["sad"] * 4), *updates(1, seen)])
    assert found.seconds == pytest.approx((8.0, 2.0))
    assert found.changes == (2, 1)
    assert found.shown == {"others": 1, "unclear": 2, "neutral": 17}
    assert "changes a minute 18.0 (first 8 s 15.0, after 30.0)" in str(found)


def test_a_clip_without_evidence_counts_for_nothing():
    assert counted(updates(None, ["unknown"] * 3)).seconds == (0.0, 0.0)
