"""The bench of a day, for a few minutes of it."""

from __future__ import annotations

import all_day


def test_a_short_day_is_whole_in_every_format(capsys):
    assert all_day.run_day(0.03)
    assert "txt 18, srt 18, vtt 18, json 18, jsonl 18, tsv 18" in capsys.readouterr().out


def test_a_sentence_grows_to_what_is_final():
    told = all_day.sentence(7)
    partials = [event.text for event in told if type(event).__name__ == "TranscriptPartial"]
    assert len(partials) == all_day.PARTIALS
    assert partials[-1] == told[-1].text
    assert all(told[-1].text.startswith(text) for text in partials)
