"""The JSON of a run: its schema, and what can be made of it again."""

from __future__ import annotations

import json
import math
from pathlib import Path

import jsonschema
import pytest

from lipstream.config import Config, SubtitlesConfig, load_config
from lipstream.events import EmotionUpdate, FaceFound, FaceLost, LipActivity, TranscriptFinal, Word
from lipstream.models.used import note_used, used
from lipstream.pipeline import End, Event, Stats, UserError
from lipstream.stages.sinks import FORMATS, JsonlWriter, JsonWriter, available
from lipstream.stages.sinks.subtitles.cutter import cut
from lipstream.stages.sinks.text import json_text
from lipstream.stages.sinks.transcript.reading import events_of, read_transcript
from lipstream.stages.sinks.transcript.schema import VERSION, json_schema

SCHEMA = Path(__file__).parents[3] / "docs" / "transcript.schema.json"
SAID = [
    ("We will begin in a moment.", 0.5, 1, False),
    ("Is everybody here?", 2.6, 2, False),
    ("Yes.", 4.4, None, True),
    ("Then let us go through what has happened since we met in New York.", 9.0, 1, False),
]


def finals() -> list[TranscriptFinal]:
    made = []
    for number, (text, start, face, off_camera) in enumerate(SAID, start=1):
        words = tuple(
            Word(word=word, start=start + 0.25 * at, end=start + 0.25 * at + 0.2, confidence=0.9, lip_gate=0.1)
            for at, word in enumerate(text.split())
        )
        end = words[-1].end
        made.append(
            TranscriptFinal(
                segment=number,
                start=start,
                end=end,
                text=text,
                words=words,
                face=face,
                off_camera=off_camera,
                language="en",
                emitted=end,
            )
        )
    return made


def felt(end: float, label: str) -> EmotionUpdate:
    return EmotionUpdate(
        face=1,
        start=end - 0.5,
        end=end,
        label=label,
        probabilities={"neutral": 0.2, "happy": 0.8},
        valence=0.5,
        arousal=0.1,
        weights={"face": 0.5, "voice": 0.5},
        emitted=end,
    )


def events(reason: str = "finished") -> list[Event]:
    moods = [felt(number / 2, "happy" if number < 12 else "sad") for number in range(1, 26)]
    timed = sorted([*finals(), *moods], key=lambda event: event.emitted)
    return [
        FaceFound(face=1, time=0.0, box=(0.1, 0.1, 0.4, 0.4)),
        LipActivity(face=1, time=0.04, aperture=0.1, motion=0.0, emitted=0.04),
        *timed,
        FaceLost(face=1, start=0.0, time=12.0, emitted=13.0),
        Stats(wall=2.5, stages={"vad": {"packets_in": 10.0}}, channels={}, counters={}),
        End(reason=reason, duration=13.5),
    ]


def written(folder: Path, name: str, those: list[Event], config: Config | None = None) -> Path:
    kind = FORMATS[name] if config is None else FORMATS[name].configured(config)
    writer = kind(folder / f"talk.{name}", "talk.mp4")
    for event in those:
        writer.handle(event)
    return writer.path


@pytest.mark.parametrize("reason", ["finished", "stopped", "failed"])
@pytest.mark.parametrize("config", [None, load_config("file"), load_config("audio_only")])
def test_what_is_written_is_as_the_schema_says(tmp_path: Path, reason: str, config: Config | None):
    data = json.loads(written(tmp_path, "json", events(reason), config).read_text())
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(data, json_schema())
    assert data["complete"] is (reason == "finished")


@pytest.mark.parametrize("change", [{"segments": None}, {"duration": "long"}, {"models": [1]}, {"complete": 3}])
def test_the_schema_refuses_what_is_otherwise(tmp_path: Path, change: dict[str, object]):
    data = json.loads(written(tmp_path, "json", events()).read_text()) | change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, json_schema())


def test_every_key_that_is_written_is_in_the_schema_and_the_other_way_round(tmp_path: Path):
    data = json.loads(written(tmp_path, "json", events()).read_text())
    schema = json_schema()
    assert set(data) == set(schema["properties"]) == set(schema["required"])
    for name, record in (("SegmentRecord", data["segments"][0]), ("WordRecord", data["segments"][0]["words"][0])):
        assert set(record) == set(schema["$defs"][name]["properties"])
    for name, key in (("FaceRecord", "faces"), ("LipRecord", "lips"), ("EmotionRecord", "emotions")):
        assert set(data[key][0]) == set(schema["$defs"][name]["properties"])


def test_the_published_schema_is_that_of_the_code():
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()


def test_settings_rates_and_networks_are_told(tmp_path: Path):
    note_used("test/network.safetensors", "0" * 64)
    config = load_config("file", {"subtitles.max_chars": 37})
    data = json.loads(written(tmp_path, "json", events(), config).read_text())
    assert data["settings"] == config.model_dump(mode="json")
    assert data["rates"] == {"faces": 25.0, "lips": 25.0, "expressions": 3.0, "emotions": 2.0}
    assert data["models"] == used() and data["models"]["test/network.safetensors"] == "0" * 64
    silent = json.loads(written(tmp_path, "json", events(), load_config("file", {"video.enabled": False})).read_text())
    assert silent["rates"] == {"faces": None, "lips": None, "expressions": None, "emotions": 2.0}


def test_a_number_that_is_none_becomes_null_and_does_not_end_the_run(tmp_path: Path):
    odd = Word(word="odd", start=0.5, end=1.0, confidence=math.nan, lip_gate=math.inf)
    said = TranscriptFinal(segment=1, start=0.5, end=1.0, text="odd", words=(odd,))
    end = End(reason="finished", duration=2.0)
    path = written(tmp_path, "json", [said, end])
    data = json.loads(path.read_text(), parse_constant=pytest.fail)
    word = data["segments"][0]["words"][0]
    assert (word["confidence"], word["lip_gate"]) == (None, None)
    jsonschema.validate(data, json_schema())
    assert read_transcript(path).segments[0].words[0].confidence is None
    writer = JsonlWriter(tmp_path / "a.jsonl")
    for event in (said, end):
        writer.handle(event)
    assert "NaN" not in writer.path.read_text() and "Infinity" not in writer.path.read_text()
    assert json_text({"a": [1.5, math.nan, (math.inf,)], "b": {"c": -math.inf}}) == (
        '{"a": [1.5, null, [null]], "b": {"c": null}}'
    )


# Read again.


@pytest.mark.parametrize("name", [name for name in available() if not FORMATS[name].needs_run])
def test_a_format_made_of_the_json_is_that_of_the_run(tmp_path: Path, name: str):
    (tmp_path / "run").mkdir()
    (tmp_path / "again").mkdir()
    transcript = read_transcript(written(tmp_path, "json", events()))
    again = written(tmp_path / "again", name, events_of(transcript))
    assert again.read_bytes() == written(tmp_path / "run", name, events()).read_bytes()


def test_times_between_two_milliseconds_are_rounded_the_same_way_again(tmp_path: Path):
    words = tuple(Word(word=f"w{at}", start=at + at / 2000, end=at + 0.4995, confidence=0.5) for at in range(40))
    said = TranscriptFinal(segment=1, start=0.0, end=40.0, text=" ".join(word.word for word in words), words=words)
    those = [said, End(reason="finished", duration=41.0)]
    (tmp_path / "again").mkdir()
    again = written(tmp_path / "again", "srt", events_of(read_transcript(written(tmp_path, "json", those))))
    assert again.read_bytes() == written(tmp_path, "srt", those).read_bytes()


def test_emotions_and_whether_it_is_whole_are_there_again(tmp_path: Path):
    told = events_of(read_transcript(written(tmp_path, "json", events("stopped"))))
    assert [event.label for event in told if isinstance(event, EmotionUpdate)] == ["happy", "sad"]
    assert [event for event in told if isinstance(event, End)] == [End(reason="stopped", duration=13.5)]


def test_what_an_older_version_or_another_program_wrote_is_read(tmp_path: Path):
    path = tmp_path / "other.json"
    segment = {
        "id": 0,
        "start": 0.0,
        "end": 1.0,
        "text": " Hello.",
        "words": [{"word": " Hello.", "start": 0, "end": 1}],
    }
    path.write_text(json.dumps({"text": " Hello.", "segments": [segment], "language": "en"}))
    (final, _) = events_of(read_transcript(path))
    assert isinstance(final, TranscriptFinal) and final.words[0].word == " Hello."
    assert final.language == "en"


def test_a_transcript_without_spaces_of_another_program_is_cut_between_characters(tmp_path: Path):
    path = tmp_path / "other.json"
    segments = [
        {"start": 0.0, "end": 6.0, "text": "今天我们来讨论一下中国的历史"},
        {"start": 6.1, "end": 7.0, "text": "你好"},
    ]
    path.write_text(json.dumps({"segments": segments, "language": "zh"}))
    finals = [event for event in events_of(read_transcript(path)) if isinstance(event, TranscriptFinal)]
    (cue,) = cut(finals, SubtitlesConfig())
    assert "".join(cue.lines) == "今天我们来讨论一下中国的历史你好"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no whole JSON"),
        ('{"segments": [', "it is no whole JSON"),
        ("[1, 2]", "it is no object"),
        ("{}", "'segments': field required"),
        ('{"segments": [{"start": 1, "end": 2}]}', "'segments.0.text': field required"),
        ('{"segments": [{"start": -1, "end": 2, "text": "a"}]}', "'segments.0.start': input should be greater than"),
        ('{"segments": [{"start": NaN, "end": 2, "text": "a"}]}', "NaN is no number of JSON"),
        (
            f'{{"schema_version": {VERSION + 1}, "segments": []}}',
            "it is of a newer Lipstream (schema 2,",
        ),
    ],
)
def test_what_is_no_transcript_is_one_line_that_says_why(tmp_path: Path, text: str, why: str):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_transcript(path)
    message = str(caught.value)
    assert why in message and "expected what `lipstream file -f json` writes" in message and "\n" not in message


def test_a_writer_knows_nothing_of_a_configuration_that_others_have():
    assert JsonWriter.configured(Config()) is not JsonWriter
    assert JsonWriter.config is None
