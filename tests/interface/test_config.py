"""Configurations: shipped files, overrides, and one clear line for every mistake."""

from __future__ import annotations

import pytest

from lipstream.config import Config, Pace, Partials, load_config, names, parse_assignment, to_yaml
from lipstream.pipeline import ConfigError


@pytest.fixture
def written(tmp_path):
    def write(text: str | bytes) -> str:
        path = tmp_path / "mine.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def message(name, overrides=None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(name, overrides)
    text = str(caught.value)
    assert "\n" not in text
    return text


# What ships.


def test_the_promised_configurations_ship():
    assert {"live", "file", "audio_only", "low_latency"} <= set(names())


@pytest.mark.parametrize("name", names())
def test_every_shipped_configuration_loads_and_survives_being_shown(name, written):
    config = load_config(name)
    assert load_config(written(to_yaml(config))) == config


def test_showing_keeps_overrides(written):
    config = load_config("file", {"input": "talk.mp4", "speech.partials": "on", "video.camera": "/dev/video2"})
    assert load_config(written(to_yaml(config))) == config


def test_what_the_modes_mean():
    live, file = load_config("live"), load_config("file")
    assert (live.lossless, live.partials) == (False, True)
    assert (file.lossless, file.partials) == (True, False)
    assert load_config("file", {"pace": "realtime"}).partials
    assert load_config("file", {"speech.partials": "on"}).partials
    assert not load_config("live", {"speech.partials": "off"}).partials
    assert not load_config("audio_only").video.enabled
    assert (live.corrections, file.corrections) == (True, False)
    assert load_config("file", {"pace": "realtime"}).corrections
    assert load_config("file", {"speech.partials": "on", "speech.corrections": True}).corrections
    assert not load_config("live", {"speech.corrections": False}).corrections


# Overrides.


def test_overrides_are_dotted_or_nested_and_leave_the_rest():
    config = load_config("file", {"vad.threshold": 0.6, "vad": {"pre_roll": 0.1}, "events": {"hook_limit": 5}})
    assert (config.vad.threshold, config.vad.pre_roll, config.vad.hang_over) == (0.6, 0.1, 0.5)
    assert config.events.hook_limit == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vad.threshold=0.6", ("vad.threshold", 0.6)),
        ("video.enabled=false", ("video.enabled", False)),
        ("audio.microphone=null", ("audio.microphone", None)),
        ("a.b=[1, 2]", ("a.b", [1, 2])),
        ("speech.model=a=b", ("speech.model", "a=b")),
        ("video.camera=rtsp://host/1?a=b", ("video.camera", "rtsp://host/1?a=b")),
        ("input=@odd: name", ("input", "@odd: name")),
        (" input = talk.mp4", ("input", "talk.mp4")),
    ],
)
def test_an_assignment_is_a_key_and_a_yaml_value(text, expected):
    assert parse_assignment(text) == expected


def test_a_full_stop_in_a_phrase_that_is_replaced_makes_no_section_of_it():
    key, value = parse_assignment('speech.replace={"U.S.": US, St. Louis: Saint Louis, e.g: ""}')
    expected = {"U.S.": "US", "St. Louis": "Saint Louis", "e.g": ""}
    assert load_config("live", {key: value}).speech.replace == expected
    assert load_config("live", {"speech": {"replace": value}}).speech.replace == expected


def test_a_phrase_that_yaml_takes_for_something_else_is_refused_on_the_command_line_as_in_a_file():
    key, value = parse_assignment("speech.replace={no: nope}")
    assert message("live", {key: value}) == "'speech.replace': False is not allowed, expected a text"


@pytest.mark.parametrize("text", ["vad.threshold", "=3", "", "  =3"])
def test_what_is_no_assignment_says_what_one_looks_like(text):
    with pytest.raises(ConfigError, match=r"expected KEY=VALUE such as vad\.threshold=0\.6"):
        parse_assignment(text)


@pytest.mark.parametrize(("value", "expected"), [("on", Partials.ON), ("off", Partials.OFF), ("auto", Partials.AUTO)])
def test_on_and_off_mean_what_they_say_although_yaml_reads_them_as_true_and_false(value, expected, written):
    key, parsed = parse_assignment(f"speech.partials={value}")
    assert load_config("live", {key: parsed}).speech.partials is expected
    assert load_config(written(f"speech:\n  partials: {value}\n")).speech.partials is expected


# Files.


def test_a_file_of_ones_own_says_only_what_differs_from_what_ships_for_its_mode(written):
    """Regression: with one key of one's own a recording was cut and looked at as live."""
    told = {"speech.language": "en", "mode": "file"}
    assert load_config(written("speech: {language: en}\nvad:\n"), {"mode": "file"}) == load_config("file", told)
    assert load_config(written("mode: file\nspeech: {language: en}")) == load_config("file", told)
    assert load_config(written("mode: file\nvad: {hang_over: 1.5}")).vad.hang_over == 1.5


def test_an_empty_file_or_section_means_the_defaults(written):
    assert load_config(written("")) == Config()
    assert load_config(written("vad:\n  # threshold: 0.6\npace: realtime\n")) == Config(pace=Pace.REALTIME)
    assert load_config(written("vad:\n"), {"vad.threshold": 0.6}).vad.threshold == 0.6
    assert load_config(written("speech:\n  options:\nstages:\n")) == Config()


def test_a_path_that_is_not_there_lists_the_names_there_are(tmp_path):
    text = message(tmp_path / "nope.yaml")
    assert "nope.yaml' is neither one of audio_only, file, live, low_latency, low_power nor a readable file" in text
    assert "No such file" in text
    assert "Is a directory" in message(tmp_path) or "Permission denied" in message(tmp_path)
    assert "null byte" in message("a\0b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: b: c", "line 1 is not valid YAML"),
        ("mode: live\nvad: {", "is not valid YAML"),
        ("\x01", "is not valid YAML"),
        ("- 1\n- 2", "must be a mapping of keys to values"),
        ("just text", "must be a mapping of keys to values"),
        (b"mode: \xff\xfe", "nor a readable file"),
    ],
)
def test_what_is_not_a_mapping_in_yaml_is_named(text, expected, written):
    assert expected in message(written(text))


# Mistakes: the key, the value, what is allowed.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vad: {threshold: 2}", "'vad.threshold': 2 is not allowed, expected a number greater than 0 and less than 1"),
        (
            "vad: {hang_over: 9}",
            "'vad.hang_over': 9 is not allowed, expected a number not less than 0.05 and not greater than 5",
        ),
        ("vad: {threshold: .nan}", "'vad.threshold': nan is not allowed"),
        ("audio: {reopen_after: .inf}", "'audio.reopen_after': inf is not allowed, expected a number greater than 0"),
        ("vad: {threshold: high}", "'vad.threshold': 'high' is not allowed, expected a number"),
        ("vad: {threshold: null}", "'vad.threshold': None is not allowed, expected a number"),
        ("vad: {threshold: [1]}", "'vad.threshold': [1] is not allowed, expected a number"),
        ("speech: {engine: foo}", "'speech.engine': 'foo' is not allowed, expected 'auto' or 'moonshine' or 'whisper'"),
        ("speech: {threads: 2.5}", "'speech.threads': 2.5 is not allowed, expected a whole number"),
        ("speech: {partials: maybe}", "'speech.partials': 'maybe' is not allowed, expected 'auto', 'on' or 'off'"),
        ("pace: fast", "'pace': 'fast' is not allowed, expected 'max' or 'realtime'"),
        ("input: 3", "'input': 3 is not allowed, expected a path"),
        ("vad: 3", "'vad': 3 is not allowed, expected a section with some of the keys threshold, pre_roll"),
        ("vad: [threshold]", "'vad': ['threshold'] is not allowed, expected a section"),
        ("speech: {engine: 3}", "'speech.engine': 3 is not allowed, expected a text"),
        ("speech: {options: 3}", "'speech.options': 3 is not allowed, expected pairs such as {key: value}"),
        ("speech: {options: {1: 2}}", "'speech.options': 1 is not allowed, expected a text"),
        ("speech: {numerals: digit}", "'speech.numerals': 'digit' is not allowed, expected 'as_heard', 'digits' or"),
        ("speech: {fillers: none}", "'speech.fillers': 'none' is not allowed, expected 'keep' or 'drop'"),
        ("speech: {replace: [damn]}", "'speech.replace': ['damn'] is not allowed, expected pairs such as {key: value}"),
        ("speech: {replace: {no: x}}", "'speech.replace': False is not allowed, expected a text"),
        ("speech: {replace: {a: null}}", "'speech.replace.a': None is not allowed, expected a text"),
        ("speech: {replace: {'...': x}}", "'speech.replace': '...' has no word to be replaced"),
        (
            "speech: {replace: {A b: x, a  B: y}}",
            "'speech.replace': 'a  B' and 'A b' are the same words, expected one of them",
        ),
        ("stages: [meter]", "'stages': ['meter'] is not allowed, expected pairs such as {key: value}"),
        (
            "stages: {meter: 3}",
            "'stages.meter': 3 is not allowed, expected a section with some of the keys stage, enab",
        ),
        (
            "stages: {meter: {}}",
            "'stages.meter': there is no stage 'meter' (there are: none, for no plug-in brings one)",
        ),
        ("stages: {a: {stage: b}}", "'stages.a': there is no stage 'b' (there are: none"),
        ("stages: {a: {taps: {x: 3}}}", "'stages.a.taps.x': 3 is not allowed, expected a text"),
    ],
)
def test_a_bad_value_names_the_key_the_value_and_what_is_allowed(text, expected, written):
    assert message(written(text)).startswith(expected)


@pytest.mark.parametrize("value", ["[1]", "1.5", "true", "{a: 1}"])
@pytest.mark.parametrize("key", ["video.camera", "audio.microphone"])
def test_a_device_is_a_number_or_a_text_and_the_message_names_the_key_only(key, value, written):
    section, name = key.split(".")
    text = message(written(f"{section}: {{{name}: {value}}}"))
    assert text.startswith(f"'{key}': ")
    assert text.endswith("expected a whole number or a text")


@pytest.mark.parametrize("value", [0, 3, "USB", "rtsp://camera"])
def test_devices_by_number_and_by_text(value):
    assert load_config("live", {"video.camera": value}).video.camera == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vda: {}", "unknown key 'vda', did you mean 'vad'? (allowed: mode, input, "),
        ("vad: {treshold: 0.2}", "unknown key 'vad.treshold', did you mean 'threshold'? (allowed: threshold, "),
        ("zzz: 1", "unknown key 'zzz' (allowed: mode, "),
        ("1: 2", "unknown key '1' (allowed: mode, "),
        ("on: 2", "unknown key 'True' (allowed: mode, "),
        ("vad: {1: 2}", "unknown key 'vad.1' (allowed: threshold, "),
        (
            "stages: {meter: {tap: {}}}",
            "unknown key 'stages.meter.tap', did you mean 'taps'? (allowed: stage, enabled, ",
        ),
    ],
)
def test_an_unknown_key_is_named_with_those_there_are(text, expected, written):
    assert message(written(text)).startswith(expected)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"nope.x": 1}, "unknown key 'nope' (allowed: mode"),
        ({"vad.": 1}, "unknown key 'vad.' (allowed: threshold"),
        ({"": 1}, "unknown key '' (allowed: mode"),
        ({"pace.x": 1}, "'pace.x': 'pace' is a value, not a section"),
        ({"vad": 3}, "'vad': 3 is not allowed, expected a section"),
    ],
)
def test_a_bad_override_is_named_like_a_bad_key(overrides, expected):
    assert message("file", overrides).startswith(expected)


def test_rules_across_fields_name_the_section_and_the_values():
    assert message("live", {"vad.soft_segment": 13}) == (
        "'vad': soft_segment (13.0) must not exceed max_segment - cut_lookback (14.0 - 2.0)"
    )
    assert message("live", {"audio.enabled": False, "video.enabled": False}) == (
        "audio.enabled and video.enabled are both false: nothing is left to caption; leave out --no-audio or "
        "--no-video, or name a camera or a microphone"
    )


def test_a_configuration_whose_name_is_mistyped_is_suggested():
    assert message("liv").endswith(", did you mean 'live'?")
    assert "did you mean" not in message("nowhere.yaml")


def test_a_configuration_cannot_be_changed_by_accident():
    config = load_config("live")
    with pytest.raises(ValueError, match="frozen"):
        config.mode = "file"


@pytest.mark.parametrize("value", ["1", "true", "anything"])
def test_the_environment_switches_emotion_off_whatever_is_configured(monkeypatch, value):
    monkeypatch.setenv("LIPSTREAM_NO_EMOTION", value)
    assert not Config().emotion.enabled
    assert not load_config("live", {"emotion.enabled": True}).emotion.enabled
    assert not load_config("file", {"emotion": {"enabled": True, "face_rate": 5}}).emotion.enabled


@pytest.mark.parametrize("value", ["", "0", "no", "False"])
def test_a_plain_no_in_the_environment_leaves_emotion_as_it_is_configured(monkeypatch, value):
    monkeypatch.setenv("LIPSTREAM_NO_EMOTION", value)
    assert load_config("live").emotion.enabled
    assert not load_config("live", {"emotion.enabled": False}).emotion.enabled
