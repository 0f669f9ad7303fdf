"""Which recordings are found, and how their outputs are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lipstream.commands.batch.inputs import Patterns, find
from lipstream.commands.batch.naming import named
from lipstream.commands.batch.plan import shard_of
from lipstream.commands.batch.recording import Recording
from lipstream.pipeline import UserError
from tests.commands.batch.fakes import Make, recording

ANY = Patterns()


def names(recordings: list[Recording]) -> list[str]:
    return [each.name for each in recordings]


# Folders and files.


def test_a_folder_is_searched_to_its_depths_in_order_and_hidden_things_are_left(talks: Make):
    folder = talks("b.wav", "a.MP4", "notes.md", "day2/c.mkv", ".hidden/d.wav", ".e.wav", "day1/x/f.ogg")
    found = find([str(folder)], ANY, str(folder / "captions"))
    assert names(found) == ["a", "b", "day1/x/f", "day2/c"]
    assert found[1].source == found[1].key == str(folder / "b.wav")
    assert found[1].size == len("b says hello")
    assert found[1].version == str((folder / "b.wav").stat().st_mtime_ns)


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (["*.bin"], [], ["x"]),
        ([], ["*2*"], ["talk1", "day1/talk3"]),
        (["day1/*"], [], ["day1/talk3"]),
        (["*.wav", "*.bin"], ["talk*"], ["x"]),
    ],
)
def test_patterns_choose_by_name_and_with_a_slash_by_path(
    talks: Make, include: list[str], exclude: list[str], expected: list[str]
):
    folder = talks("talk1.wav", "talk2.wav", "x.bin", "day1/talk3.wav")
    assert names(find([str(folder)], Patterns(include, exclude), "out")) == expected


def test_the_output_folder_is_not_searched(talks: Make):
    folder = talks("a.wav", "captions/b.wav")
    assert names(find([str(folder)], ANY, str(folder / "captions"))) == ["a"]


def test_a_recording_that_is_named_twice_is_there_once(talks: Make):
    folder = talks("a.wav", "b.wav")
    assert names(find([str(folder / "b.wav"), str(folder), f"file://{folder / 'b.wav'}"], ANY, "out")) == ["b", "a"]


@pytest.mark.parametrize("given", ["nowhere.wav", "nowhere/"])
def test_what_is_not_there_is_said(given: str):
    with pytest.raises(UserError, match=r"nowhere.*does not exist.*check the spelling"):
        find([given], ANY, "out")


def test_a_folder_without_recordings_is_said(talks: Make):
    with pytest.raises(UserError, match=r"no recordings in .*--include"):
        find([str(talks("notes.md"))], ANY, "out")


# Lists.


def listed(tmp_path: Path, name: str, text: str) -> list[Recording]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return find([str(tmp_path / name)], ANY, "out")


def test_a_list_of_json_lines_says_id_language_profile_and_duration(tmp_path: Path):
    lines = [
        {"audio_filepath": "a/one.wav", "id": "first", "language": "de", "duration": 3.5, "text": "of the corpus"},
        {"path": "/else/two.wav", "profile": "ann"},
        {"path": "s3://bucket/three.wav", "id": 7},
    ]
    one, two, three = listed(tmp_path, "list.jsonl", "\n\n".join(map(json.dumps, lines)))
    assert (one.key, one.source, one.name) == ("first", str(tmp_path / "a/one.wav"), "first")
    assert (one.language, one.duration, one.profile) == ("de", 3.5, None)
    assert (two.key, two.name, two.profile) == ("/else/two.wav", "two", "ann")
    assert (three.key, three.source, three.size) == ("7", "s3://bucket/three.wav", None)


def test_a_table_is_read_by_the_names_in_its_first_line(tmp_path: Path):
    text = "\ufeffid,path,duration,who\nx,one.wav,2,me\n,two.wav,,\n"
    one, two = listed(tmp_path, "list.csv", text)
    assert (one.key, one.duration) == ("x", 2.0)
    assert (two.key, two.duration) == (str(tmp_path / "two.wav"), None)


def test_a_list_is_parted_at_ends_of_lines_alone_and_at_all_kinds_of_them(tmp_path: Path):
    transcript = '{"path": "one.wav", "text": "a\u2028b\x85c"}\r\n{"path": "two.wav"}'
    assert names(listed(tmp_path, "list.jsonl", transcript)) == ["one", "two"]
    assert names(listed(tmp_path, "list.csv", "path,id\rone.wav,\rtwo.wav,\r")) == ["one", "two"]
    assert names(listed(tmp_path, "list.txt", "a\u2028.wav\ntwo.wav")) == ["a\u2028", "two"]


def test_a_text_has_a_path_a_line_and_outputs_are_named_by_what_differs(tmp_path: Path):
    found = listed(tmp_path, "list.txt", "day1/talk.wav\n\n  day2/talk.wav\n/else/x.wav\n")
    assert len({each.name for each in found}) == 3
    found = listed(tmp_path, "list.txt", "all/day1/talk.wav\nall/day2/talk.wav\n")
    assert names(found) == ["day1/talk", "day2/talk"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("l.jsonl", '{"path": "a"}\n{', "line 2 is no JSON"),
        ("l.jsonl", '["a"]', "line 1 is no object"),
        ("l.jsonl", '{"file": "a"}', "line 1 names no recording; expected audio_filepath or path"),
        ("l.jsonl", '{"path": "a", "duration": "long"}', "duration is 'long', expected seconds"),
        ("l.jsonl", '{"path": "a", "duration": NaN}', "duration is nan, expected seconds"),
        ("l.jsonl", '{"path": "a", "language": ["de"]}', "language is"),
        ("l.jsonl", '{"path": "a", "id": "x"}\n{"path": "b", "id": "x"}', "the id x stands for"),
        ("l.jsonl", "[" * 100_000, "line 1 is no JSON"),
        ("l.jsonl", '{"path": "a\\u0000"}', "is no path"),
        ("l.jsonl", '{"path": "a\\ud800"}', "is no path"),
        ("l.csv", "file,id\na,b\n", "names no column of paths"),
        ("l.csv", f"path,text\na,{'b' * 200_000}\n", "is no line of a table"),
        ("l.txt", "\n\n", "lists no recordings"),
    ],
)
def test_a_wrong_list_is_one_line_that_says_where(tmp_path: Path, name: str, text: str, message: str):
    with pytest.raises(UserError, match=message) as raised:
        listed(tmp_path, name, text)
    assert "\n" not in str(raised.value)


def test_a_list_that_is_no_text_is_said(tmp_path: Path):
    (tmp_path / "l.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not UTF-8"):
        find([str(tmp_path / "l.txt")], ANY, "out")


# Addresses.


def test_an_address_is_a_folder_a_pattern_a_file_or_a_list(memory):
    for name in ("a.wav", "deep/b.mp3", "deep/c.txt", ".batch/x.wav"):
        memory.pipe_file(f"/talks/{name}", b"sound")
    memory.pipe_file("/lists/l.jsonl", b'{"path": "a.wav"}\n{"path": "memory://talks/deep/b.mp3"}')
    assert names(find(["memory://talks"], ANY, "out")) == ["a", "deep/b"]
    assert names(find(["memory://talks/*.wav"], ANY, "out")) == ["a"]
    (one,) = find(["memory://talks/deep/b.mp3"], ANY, "out")
    assert (one.source, one.size, one.name) == ("memory://talks/deep/b.mp3", 5, "b")
    assert one.version
    assert [each.source for each in find(["memory://lists/l.jsonl"], ANY, "out")] == [
        "memory://lists/a.wav",
        "memory://talks/deep/b.mp3",
    ]


@pytest.mark.parametrize(
    ("address", "offline", "message"),
    [
        ("memory://nowhere/a.wav", "", "is not there"),
        ("nothing://x/a.wav", "", "no address that can be used"),
        ("https://example.org/a.wav", "1", "LIPSTREAM_OFFLINE forbids it"),
    ],
)
def test_an_address_that_cannot_be_used_is_said(
    memory, monkeypatch: pytest.MonkeyPatch, address: str, offline: str, message: str
):
    monkeypatch.setenv("LIPSTREAM_OFFLINE", offline)
    with pytest.raises(UserError, match=message):
        find([address], ANY, "out")


# Names.


def test_names_that_collide_get_the_ending_and_then_a_number():
    wished = [("talk", "talk.wav"), ("Talk", "Talk.mp4"), ("talk", "other/talk.mp4"), ("talk", "talk")]
    recordings = [Recording(source, source, name) for name, source in wished]
    assert names(named(recordings, {})) == ["talk", "Talk.mp4", "talk.mp4-2", "talk-2"]


def test_a_name_stays_from_run_to_run_whatever_comes_before_it():
    old, new = Recording("b/talk.wav", "b/talk.wav", "talk"), Recording("a/talk.wav", "a/talk.wav", "talk")
    assert names(named([new, old], {"b/talk.wav": "talk"})) == ["talk.wav", "talk"]


@pytest.mark.parametrize(
    ("wished", "name"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/abs/x", "abs/x"),
        ("a/./b", "a/b"),
        ('a:b*c?"d', "a_b_c__d"),
        ("\x1b[2J", "_[2J"),
        ("..", "recording"),
        ("x" * 300, "x" * 200),
        ("manifest.out", "recording manifest.out"),
    ],
)
def test_a_name_leads_nowhere_but_below_the_folder(wished: str, name: str):
    assert names(named([Recording("k", "k.wav", wished)], {})) == [name]


def test_shards_are_parts_of_a_whole_that_do_not_depend_on_the_list():
    all_of_them = [recording(f"r{number}") for number in range(40)]
    parts = [shard_of(all_of_them, (index, 3)) for index in (1, 2, 3)]
    assert sorted(each.key for part in parts for each in part) == sorted(each.key for each in all_of_them)
    assert min(map(len, parts)) > 0
    assert shard_of(all_of_them[10:], (2, 3)) == [each for each in parts[1] if each in all_of_them[10:]]
