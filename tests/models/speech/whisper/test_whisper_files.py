"""Where a Whisper model is found, and what is said when it is not."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from lipstream.models import assets
from lipstream.models.errors import ModelError
from lipstream.models.speech.whisper.files import FILES, find_folder


@pytest.fixture
def complete(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text("{}")
    return folder


@pytest.fixture
def fetched(monkeypatch, complete):
    """A faster-whisper that knows "small"; the value lists what it was asked for."""
    asked = []

    def download_model(model, **options):
        asked.append((model, options))
        if model != "small":
            raise ValueError(f"Invalid model size '{model}'\nexpected one of: tiny, small")
        return str(complete)

    package = ModuleType("faster_whisper")
    package.download_model = download_model
    monkeypatch.setitem(sys.modules, "faster_whisper", package)
    return asked


def refusal(model: object) -> str:
    with pytest.raises(ModelError) as caught:
        find_folder(str(model))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_is_taken_as_it_is(complete, fetched):
    assert find_folder(str(complete)) == complete
    assert fetched == []


def test_a_folder_in_the_home_folder_may_be_named_by_its_tilde(complete, monkeypatch):
    monkeypatch.setenv("HOME", str(complete.parent))
    monkeypatch.setenv("USERPROFILE", str(complete.parent))
    assert find_folder("~/model") == complete


@pytest.mark.parametrize("missing", [FILES[:1], FILES[1:], FILES])
def test_a_folder_that_lacks_files_is_told_which(complete, missing):
    for name in missing:
        (complete / name).unlink()
    assert f"'{complete}' has no {' and no '.join(missing)}; expected a folder with" in refusal(complete)


def test_base_comes_with_lipstream(monkeypatch, tmp_path, fetched):
    asked = []
    monkeypatch.setattr(assets, "resolve_folder", lambda name, use: asked.append(name) or tmp_path, raising=False)
    assert find_folder("base") == tmp_path
    assert (asked, fetched) == (["whisper-base/"], [])


@pytest.mark.parametrize(("setting", "local"), [("1", True), ("", False)])
def test_another_size_is_fetched_but_not_offline(complete, fetched, monkeypatch, setting, local):
    monkeypatch.setenv("LIPSTREAM_OFFLINE", setting)
    assert find_folder("small") == complete
    assert fetched == [("small", {"local_files_only": local})]


def test_what_was_fetched_must_be_complete(complete, fetched):
    (complete / "config.json").unlink()
    assert "has no config.json" in refusal("small")


def test_an_unknown_size_is_one_clear_line(fetched):
    message = refusal("huge")
    assert message.startswith("cannot load Whisper model 'huge' (Invalid model size 'huge'); give 'base', a size")


def test_without_faster_whisper_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    message = refusal("small")
    assert message.startswith("there is no folder 'small'")
    assert "pip install 'lipstream[whisper]'" in message
