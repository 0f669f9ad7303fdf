"""People who are kept by name: in the user's folder, readable by the user alone, whole or not there."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from lipstream.models.errors import ModelError
from lipstream.models.voice import known
from lipstream.models.voice.known import KnownVoice, checked_name, delete, find, keep, known_people, rename, together


def somebody(name: str = "Ann", seed: int = 0, seconds: float = 12.0) -> KnownVoice:
    voice = np.random.default_rng(seed).standard_normal(256).astype(np.float32)
    return KnownVoice(name, voice / np.linalg.norm(voice), seconds)


def test_nobody_is_known_where_nothing_was_kept(tmp_path: Path):
    assert known_people(tmp_path / "none") == []


def test_who_is_kept_is_found_by_name_whatever_its_capitals(tmp_path: Path):
    keep(somebody("Ann Lée"), tmp_path)
    keep(somebody("bob", 1), tmp_path)
    assert [each.name for each in known_people(tmp_path)] == ["Ann Lée", "bob"]
    found = find("ANN LÉE", tmp_path)
    np.testing.assert_allclose(found.voice, somebody().voice, atol=1e-5)
    assert found.seconds == 12.0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_user_can_read_it(tmp_path: Path):
    folder = tmp_path / "people"
    keep(somebody(), folder)
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_names_that_look_alike_in_a_file_name_are_two_people(tmp_path: Path):
    for number, name in enumerate(("a b", "a-b", "a_b", "А Б", "../a")):
        keep(somebody(name, number), tmp_path)
    assert len(known_people(tmp_path)) == 5
    assert len(list(tmp_path.iterdir())) == 5
    assert not (tmp_path.parent / "a.person.json").exists()


def test_a_write_that_fails_leaves_what_there_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    keep(somebody(), tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(known.json, "dump", full)
    with pytest.raises(ModelError, match="No space left"):
        keep(somebody(seed=3), tmp_path)
    np.testing.assert_allclose(find("ann", tmp_path).voice, somebody().voice, atol=1e-5)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_new_name_takes_the_place_of_the_old_one(tmp_path: Path):
    keep(somebody(), tmp_path)
    rename("ann", "Ann Lee", tmp_path)
    assert [each.name for each in known_people(tmp_path)] == ["Ann Lee"]
    rename("ann lee", "ANN LEE", tmp_path)
    assert [each.name for each in known_people(tmp_path)] == ["ANN LEE"]


def test_a_name_that_is_taken_is_not_given_again(tmp_path: Path):
    keep(somebody(), tmp_path)
    keep(somebody("Bob", 1), tmp_path)
    with pytest.raises(ModelError, match="already somebody called 'bob'"):
        rename("ann", "bob", tmp_path)


def test_who_is_deleted_is_gone(tmp_path: Path):
    keep(somebody(), tmp_path)
    delete("ann", tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ModelError, match="there is nobody called 'ann', nobody has been added"):
        delete("ann", tmp_path)


@pytest.mark.parametrize("name", ["", "  ", "...", "a\x1b[31m", "x" * 65, "\u202eann"])
def test_what_is_no_name_is_refused(name: str):
    with pytest.raises(ModelError, match="is no name"):
        checked_name(name)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 99, "name": "a", "seconds": 1, "voice": [1]}',
        '{"format": 1, "name": "a"}',
        '{"format": 1, "name": "a", "seconds": 1, "voice": [0, 0]}',
    ],
)
def test_a_file_that_is_no_person_is_named(tmp_path: Path, content: str):
    (tmp_path / "a.person.json").write_text(content)
    with pytest.raises(ModelError, match=r"a\.person\.json is no person of this version"):
        known_people(tmp_path)


def test_more_speech_moves_the_mean_by_its_share():
    one, other = np.eye(256, dtype=np.float32)[:2]
    person = together(KnownVoice("a", one, 30.0), other[None], [10.0])
    assert person.seconds == 40.0
    assert person.voice[0] / person.voice[1] == pytest.approx(3.0)
    assert json.dumps(person.seconds)
