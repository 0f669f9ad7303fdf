"""`profile` and `live --grow`: what is said, what is begun, and that all of it can be deleted."""

from __future__ import annotations

import argparse
import subprocess

import numpy as np
import pytest

from lipstream.commands.growing import in_live
from lipstream.commands.main import main
from lipstream.config import load_config
from lipstream.models import profile_files
from lipstream.models.av_speech.profile import LipNetworks, save_networks
from lipstream.models.av_speech.training.encodings import EncodedStretch, Encodings
from lipstream.models.av_speech.training.growing.kept_folder import KeptFolder, kept_folder
from lipstream.models.av_speech.training.growing.kept_speech import KeptSpeech
from lipstream.models.profile_files import profile_path
from lipstream.pipeline.exclusive import open_exclusively
from lipstream.stages.enrol.own_profile import with_own_profile
from tests.commands.fakes import Captions


@pytest.fixture(autouse=True)
def profiles(tmp_path, monkeypatch):
    folder = tmp_path / "profiles"
    monkeypatch.setattr(profile_files, "profiles_folder", lambda: folder)
    return folder


def fill(name: str, minutes: int) -> KeptFolder:
    folder = kept_folder(name)
    clean = EncodedStretch(np.zeros((4, 288), np.float16), 0.0, 60.0)
    shape, look = np.zeros((4, 107), np.float16), np.zeros((4, 12, 12), np.float16)
    mask = np.ones(4, np.bool_)
    for number in range(1, minutes + 1):
        kept = KeptSpeech(Encodings(clean, clean, ()), shape, look, mask, "go", (("go", 1.0),), 60.0, None)
        folder.add(kept, number)
    return folder


@pytest.mark.parametrize("verb", ["status", "pause", "resume", "learn", "delete"])
def test_a_profile_that_does_not_grow_is_one_line_and_exit_code_2(verb, capsys):
    assert main(["profile", verb, "ann"]) == 2
    error = capsys.readouterr().err
    assert "no profile called 'ann' grows here" in error
    assert error.count("\n") == 1


def test_status_tells_minutes_and_what_is_kept(capsys):
    fill("ann", 2)
    assert main(["profile", "status", "ann"]) == 0
    out = capsys.readouterr().out
    assert "not made yet" in out
    assert "2.0 min of clear speech in 2 stretches" in out
    assert "no sound and no picture" in out


def test_pausing_and_going_on(capsys):
    folder = fill("ann", 1)
    assert main(["profile", "pause", "ann"]) == 0
    assert folder.state.paused
    assert main(["profile", "status", "ann"]) == 0
    assert "growing: paused" in capsys.readouterr().out
    assert main(["profile", "resume", "ann"]) == 0
    assert not folder.state.paused


def test_too_little_is_not_learnt_from(capsys):
    fill("ann", 2)
    assert main(["profile", "learn", "ann"]) == 2
    assert "has 2.0 min of clear speech; it takes 3 min" in capsys.readouterr().err


def test_one_learns_at_a_time(capsys):
    folder = fill("ann", 3)
    with open_exclusively(folder.path / "learning.lock"):
        assert main(["profile", "learn", "ann"]) == 1
        assert main(["profile", "learn", "--background", "ann"]) == 0
    assert capsys.readouterr().err.count("is being made already") == 2


def test_deleting_leaves_nothing(profiles, capsys):
    fill("ann", 1)
    save_networks(LipNetworks.untrained(), profile_path("ann"))
    assert main(["profile", "delete", "ann"]) == 0
    assert list(profiles.iterdir()) == []
    assert "deleted" in capsys.readouterr().err


@pytest.fixture
def begun(monkeypatch):
    """The commands of the processes that were begun."""
    found = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: found.append(command))
    return found


def test_nothing_grows_unless_it_is_asked_for(speaking: Captions, begun):
    assert main(["live"]) == 0
    assert speaking.configs[0].fusion.grow is None
    assert begun == []


def test_what_is_kept_is_said_before_and_how_much_there_is_after(speaking: Captions, begun, capsys):
    fill("ann", 2)
    assert main(["live", "--grow", "ann"]) == 0
    error = capsys.readouterr().err
    assert "no sound and no pictures; `lipstream profile delete ann` removes them" in error
    assert "profile ann has 2.0 min of clear speech" in error
    assert (speaking.configs[0].fusion.grow, speaking.configs[0].fusion.profile) == ("ann", None)
    assert begun == []


def test_with_enough_that_is_new_the_profile_is_made_after_the_run_and_used_in_the_next(speaking: Captions, begun):
    folder = fill("ann", 3)
    assert main(["live", "--grow", "ann", "-q"]) == 0
    (command,) = begun
    assert command[1:] == ["-m", "lipstream", "profile", "learn", "--background", "ann"]
    save_networks(LipNetworks.untrained(), profile_path("ann"))
    arguments = argparse.Namespace(grow="ann", profile=None)
    assert in_live.settings(arguments) == {"fusion.grow": "ann", "fusion.profile": "ann"}
    folder.change(learned_minutes=3.0)
    in_live.after("ann", quiet=True)
    assert len(begun) == 1


def test_a_yes_of_the_page_or_the_window_holds_for_live_runs_and_is_said(speaking: Captions, begun, consent, capsys):
    consent.give()
    fill("me", 3)
    assert main(["live"]) == 0
    error = capsys.readouterr().err
    assert "profile me grows" in error and "`lipstream profile delete me` removes them" in error
    assert "profile me has 3.0 min of clear speech; it is being made in the background" in error
    assert begun[0][1:] == ["-m", "lipstream", "profile", "learn", "--background", "me"]


@pytest.mark.parametrize("answer", ["give", "refuse", None])
def test_the_profile_of_who_agreed_helps_and_of_nobody_else(consent, answer):
    save_networks(LipNetworks.untrained(), profile_path("me"))
    if answer is not None:
        getattr(consent, answer)()
    used = with_own_profile(load_config("live"), consent).fusion.profile
    assert used == ("me" if answer == "give" else None)


def test_a_no_a_recording_as_camera_and_another_profile_let_nothing_grow(consent):
    config, recorded = load_config("live"), load_config("live", {"video.camera": "talk.mp4"})
    plain, shown = argparse.Namespace(grow=None, show=False), argparse.Namespace(grow=None, show=True)
    assert in_live.consent_of(plain, config) is None
    assert in_live.grows(shown, in_live.consent_of(shown, config)) is None
    consent.give()
    assert in_live.grows(plain, in_live.consent_of(plain, config)) == "me"
    assert in_live.consent_of(shown, recorded) is None
    named = argparse.Namespace(grow="ann", show=True)
    assert in_live.consent_of(named, config) is None and in_live.grows(named, None) == "ann"


def test_what_was_deleted_while_it_was_learnt_from_makes_no_profile(monkeypatch, capsys):
    folder = fill("me", 3)

    def deleting(*_):
        assert main(["profile", "delete", "me"]) == 0
        return True, {}

    monkeypatch.setattr("lipstream.models.av_speech.training.growing.growth.Growth.run", deleting)
    monkeypatch.setattr("lipstream.commands.networks.speech_networks.teacher", lambda: None)
    assert main(["profile", "learn", "me"]) == 0
    assert not folder.path.exists() and not profile_path("me").exists()
    assert "was deleted meanwhile" in capsys.readouterr().err


def test_a_name_that_is_no_files_is_refused(speaking: Captions, capsys):
    assert main(["live", "--grow", "../ann"]) == 2
    assert "expected a name" in capsys.readouterr().err
