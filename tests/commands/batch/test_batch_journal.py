"""The rows of a batch, in a folder and at an address."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lipstream.commands.batch.journal import Journal, LocalJournal, RemoteJournal
from lipstream.commands.batch.rows import DONE, Made, Row, lost, read_rows, to_text
from lipstream.commands.batch.targets import PlaceError
from lipstream.pipeline import UserError
from tests.commands.batch.fakes import recording

MADE = Made("c", "m", 1)


def row(name: str, **facts: object) -> Row:
    whole = Row(f"/in/{name}.wav", f"/in/{name}.wav", DONE, MADE, name=name, outputs=(f"{name}.txt",))
    return replace(whole, **facts)  # type: ignore[arg-type]


@pytest.fixture(params=["folder", "address"])
def place(request: pytest.FixtureRequest, tmp_path: Path, memory) -> str:
    return str(tmp_path / "out") if request.param == "folder" else "memory://out"


def journal_of(place: str, stem: str = "manifest.out") -> Journal:
    return RemoteJournal(place, stem) if "://" in place else LocalJournal(Path(place), stem)


def text_at(place: str, memory, name: str = "manifest.out.jsonl") -> str:
    return memory.cat_file(f"/out/{name}").decode() if "://" in place else (Path(place) / name).read_text()


def names_at(place: str, memory) -> list[str]:
    if "://" in place:
        return sorted(memory.find("/out"))
    return sorted(str(path) for path in Path(place).rglob("*"))


# Rows.


def test_a_row_is_a_flat_object_and_comes_back_as_it_was():
    one = row("a", wall=1.5, notes=("no picture",), versions={"lipstream": "1"}, error="späte \x1b[2J \udc80")
    record = json.loads(one.to_json())
    assert (record["config_hash"], record["models_hash"], record["outputs_version"]) == ("c", "m", 1)
    assert all(not isinstance(value, dict) for key, value in record.items() if key != "versions")
    assert one.to_json().isprintable()
    assert Row.from_json(one.to_json()) == one


def test_a_row_of_a_later_version_is_read():
    record = json.loads(row("a").to_json()) | {"colour": "blue"}
    assert Row.from_json(json.dumps(record)) == row("a")


def test_the_newest_row_counts_and_what_was_cut_off_is_not_there():
    old, new = row("a", finished="2026-01-01"), row("a", finished="2026-01-02", words=3)
    cut = row("b").to_json()[:40]
    assert read_rows([new.to_json(), old.to_json(), cut, "", "[]", "{}"]) == {"/in/a.wav": new}


# Journals.


def test_rows_are_there_at_once_and_one_a_recording_at_the_end(place: str, memory):
    with journal_of(place) as journal:
        for each in (row("a", words=1), row("b")):
            journal.append(recording(each.name), each)
        assert set(journal_of(place).state().rows) == {"/in/a.wav", "/in/b.wav"}
        journal.append(recording("a"), row("a", words=2))
    lines = text_at(place, memory).splitlines()
    assert {json.loads(line)["name"]: json.loads(line)["words"] for line in lines} == {"a": 2, "b": 0}
    assert len(lines) == 2
    assert len([name for name in names_at(place, memory) if not name.endswith("manifest.out.jsonl")]) == 0


def test_a_row_that_a_kill_has_cut_off_does_not_spoil_the_next(place: str, memory):
    with journal_of(place) as journal:
        journal.append(recording("a"), row("a"))
    whole = text_at(place, memory)
    if "://" in place:
        memory.pipe_file("/out/manifest.out.jsonl", (whole + whole[:30]).encode())
    else:
        (Path(place) / "manifest.out.jsonl").write_text(whole + whole[:30])
    with journal_of(place) as journal:
        journal.append(recording("b"), row("b"))
    assert text_at(place, memory) == to_text([row("a"), row("b")])


def test_what_was_begun_and_not_finished_is_known_until_it_is(place: str, memory):
    a, b = recording("a"), recording("deep/b")
    with journal_of(place) as journal:
        for each in (a, b):
            with journal.target.begun(each) as folder:
                assert list(folder.iterdir()) == []
                (folder / "half").write_text("half")
        assert journal.state().begun == {a.token, b.token}
        journal.append(a, row("a"))
        assert journal.state().begun == {b.token}
    # Killed here, and begun again.
    with journal_of(place) as journal:
        assert journal.state().begun == {b.token}
        assert not any("half" in name for name in names_at(place, memory))
        if "://" not in place:
            lost = Path(place) / ".batch" / "manifest.out" / b.token / "half"
            lost.write_text("of a worker that was lost")
        journal.append(b, row("b"))
        assert journal.state().begun == set()


def test_rows_of_a_killed_driver_at_an_address_are_put_together_by_the_next(memory):
    killed = journal_of("memory://out")
    killed.__enter__()
    killed.append(recording("a"), row("a"))
    assert not memory.exists("/out/manifest.out.jsonl")
    with journal_of("memory://out") as journal:
        assert set(journal.state().rows) == {"/in/a.wav"}
    assert text_at("memory://out", memory) == to_text([row("a")])


def test_shards_have_rows_of_their_own_and_know_those_of_the_others(place: str, memory):
    for index in (1, 2):
        with journal_of(place, f"manifest.out.{index}of2") as journal:
            journal.append(recording(f"r{index}"), row(f"r{index}"))
    assert text_at(place, memory, "manifest.out.1of2.jsonl") == to_text([row("r1")])
    assert set(journal_of(place).state().rows) == {"/in/r1.wav", "/in/r2.wav"}


def test_two_batches_do_not_write_the_same_rows(tmp_path: Path):
    with LocalJournal(tmp_path), pytest.raises(UserError, match="another batch writes"), LocalJournal(tmp_path):
        pass
    with LocalJournal(tmp_path):
        pass


def test_an_output_folder_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot write"), LocalJournal(tmp_path / "file"):
        pass


# Targets.


def test_outputs_appear_whole_where_they_belong(place: str, memory):
    one = recording("deep/er/talk")
    with journal_of(place) as journal:
        with journal.target.begun(one) as folder:
            (folder / "talk.txt").write_text("hello")
            made = journal.target.deliver(one, [folder / "talk.txt"])
        assert made == ("deep/er/talk.txt",)
        assert journal.state().exists(made[0])
        assert text_at(place, memory, made[0]) == "hello"


def test_a_machine_that_has_not_the_output_folder_says_so(tmp_path: Path):
    target = LocalJournal(tmp_path / "nowhere").target
    with (
        pytest.raises(PlaceError, match=r"is not there on .*all machines have in common"),
        target.begun(recording("a")),
    ):
        pass


def test_a_recording_that_no_worker_lived_to_tell_of_has_a_row():
    one = lost(recording("a", size=3), MADE, "lost")
    assert (one.status, one.error_class, one.size, one.name) == ("failed", "WorkerLost", 3, "a")
