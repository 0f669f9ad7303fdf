"""Text that comes from elsewhere (a recogniser, a file, a device) is shown, and never obeyed."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from pathlib import Path

import pytest

from lipstream.commands.checks import devices as device_checks
from lipstream.commands.checks import installation as checks
from lipstream.commands.checks import speed as speed_checks
from lipstream.commands.main import main
from lipstream.events import SpeechEnded, TranscriptFinal, TranscriptPartial, Word
from lipstream.pipeline import Degraded, End, Error
from lipstream.stages.capture.devices import CameraInfo, MicrophoneInfo
from lipstream.stages.printable import printable
from lipstream.stages.sinks import FORMATS, ConsoleSink, available
from lipstream.stages.sinks.text import cell, json_text, without_markup
from tests.hostile.fake_networks import TEXT

ESCAPES = "\x1b]0;owned\x07\x1b[31mred\x9b2J\u202egnp\u2066\r\n\x00"


def acts(text: str) -> bool:
    return any(
        (unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t") or char in "\u202e\u2066" for char in text
    )


def final(text: str) -> TranscriptFinal:
    words = text.split(" ")
    timed = tuple(Word(word=word, start=0.3 * at, end=0.3 * at + 0.2, confidence=0.5) for at, word in enumerate(words))
    return TranscriptFinal(segment=1, start=0.0, end=0.3 * len(words), text=text, words=timed)


def written(folder: Path, name: str, text: str) -> str:
    writer = FORMATS[name](folder / f"a.{name}", f"talk {ESCAPES}.mp4")
    for event in (final(text), final("Next.")):
        writer.handle(event)
    writer.handle(End(reason="finished", duration=9.0))
    writer.close()
    return writer.path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", available())
@pytest.mark.parametrize("text", [TEXT, ESCAPES + " word", f"a {ESCAPES} b"])
def test_no_output_holds_what_a_terminal_would_obey(tmp_path, name, text):
    assert not acts(written(tmp_path, name, text))


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_json_keeps_the_text_as_it_was(tmp_path, name):
    text = written(tmp_path, name, TEXT)
    read = json.loads(text)["segments"][0] if name == "json" else json.loads(text.splitlines()[0])
    assert read["text"] == TEXT


def test_vtt_shows_markup_and_does_not_obey_it(tmp_path):
    text = written(tmp_path, "vtt", "<script>x</script> & <c.red> --> STYLE")
    cues = [line for line in text.splitlines() if " --> " not in line or "&gt;" in line]
    assert not any("<" in line or "-->" in line for line in cues)
    assert "&lt;script&gt;" in text and "&amp;" in text


def test_srt_opens_no_tag_no_style_and_no_cue(tmp_path):
    text = written(tmp_path, "srt", r"<b>bold</b> {\an8}top {y:i} 00:00:01,000 --> 00:00:02,000 a < b {1}")
    assert "<b" not in text and "</b" not in text and "{\\" not in text and "{y" not in text
    assert text.count("-->") == len(text.strip().split("\n\n"))
    assert "a < b" in text.replace("\n", " ")


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", '"=1+1"', "' =1", " \t=1", "\x00=1", "\uff1d1", "\u201c=1\u201d", "\u202e=1"],
)
def test_a_cell_is_never_a_formula(tmp_path, text):
    assert cell(text).startswith("'")
    rows = list(csv.reader(io.StringIO(written(tmp_path, "tsv", text)), delimiter="\t"))
    assert [len(row) for row in rows] == [3, 3, 3]
    assert rows[1][2].startswith("'")


@pytest.mark.parametrize("text", ["Hello - there.", '"Well," she said.', "a=b", "3 + 4", "it's", "'tis"])
def test_ordinary_text_is_the_same_in_a_cell(text):
    assert cell(text) == text


def test_ordinary_text_is_the_same_everywhere():
    assert without_markup("Is a < b, {really}? 3 <4 -> no") == "Is a < b, {really}? 3 <4 -> no"
    assert printable("Grüße, 世界 🎬 'a' \\n") == "Grüße, 世界 🎬 'a' \\n"
    assert json_text({"a": "Grüße 世界 🎬"}) == '{"a": "Grüße 世界 🎬"}'


def test_what_acts_can_be_seen():
    assert printable("a\x1b[31m\n\u202eb\x9b\udce9") == "a\\x1b[31m\\n\\u202eb\\x9b\\udce9"


def test_the_terminal_shows_and_does_not_obey():
    out, err = io.StringIO(), io.StringIO()
    console = ConsoleSink(out, err)
    for event in (
        TranscriptPartial(segment=1, start=0.0, end=0.5, stable=ESCAPES, unstable=ESCAPES),
        final(f"Hello {ESCAPES}"),
        Degraded(modality="audio", stage="microphone", reason=f"{ESCAPES} is gone"),
        Error(stage=ESCAPES, message=ESCAPES, recoverable=True),
        SpeechEnded(segment=1, start=0.0, end=1.0, reason="silence"),
    ):
        console.handle(event)
    assert not acts(out.getvalue()) and len(out.getvalue().splitlines()) == 1
    assert not acts(err.getvalue()) and len(err.getvalue().splitlines()) == 2


def test_devices_that_name_themselves_cannot_act(monkeypatch, capsys):
    microphone = MicrophoneInfo(index=0, name=f"USB {ESCAPES}", channels=1, rate=48_000, default=True)
    monkeypatch.setattr(device_checks, "list_microphones", lambda: [microphone])
    monkeypatch.setattr(device_checks, "list_cameras", lambda: [CameraInfo(0, f"Cam {ESCAPES}")])
    assert main(["devices"]) == 0
    assert not acts(capsys.readouterr().out)
    for name in ("python", "packages", "models", "codecs", "speech", "face"):
        monkeypatch.setattr(checks, f"check_{name}", lambda: iter(()))
    monkeypatch.setattr(speed_checks, "check_speed", lambda: iter(()))
    main(["doctor"])
    out = capsys.readouterr().out
    assert "USB" in out and not acts(out)
