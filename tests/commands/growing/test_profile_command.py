"""`profile` and `live --grow`: what is said, what is begun, and that all of it can be deleted."""

from __future__ import annotations

import argparse
import os
import subprocess

import numpy as np
import pytest
import torch

from lipstream.commands.growing import in_live
from lipstream.commands.growing.hold import LOCK, Hold, Lost
from lipstream.commands.main import main
from lipstream.config import load_config
from lipstream.models import profile_files
from lipstream.models.av_speech.profile import LipNetworks, save_networks
from lipstream.models.av_speech.training.encodings import EncodedStretch, Encodings
from lipstream.models.av_speech.training.growing.kept_folder import KeptFolder, kept_folder
from lipstream.models.av_speech.training.growing.kept_speech import KeptSpeech
from lipstream.models.profile_files import profile_facts, profile_path
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.pipeline.exclusive import open_exclusively
from lipstream.stages.enrol.own_profile import begin_learning, delete_grown, grown, usable, with_own_profile
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
    with open_exclusively(folder.path / LOCK):
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
    save_networks(LipNetworks.untrained().with_facts({"grown": 3.0}), profile_path("me"))
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


@pytest.fixture
def learning(monkeypatch):
    """Has a learning do something else, and then write the state of its training, as after an epoch."""

    def replace(meanwhile):
        def run(growth, *_):
            meanwhile()
            Checkpoint(growth._out, "lips").save({}, torch.optim.SGD([torch.zeros(1)]), {})
            return True, {}

        monkeypatch.setattr("lipstream.models.av_speech.training.growing.growth.Growth.run", run)
        monkeypatch.setattr("lipstream.commands.networks.speech_networks.teacher", lambda: None)

    return replace


@pytest.mark.parametrize("name", ["ann", "me"])
def test_what_was_deleted_while_it_was_learnt_from_makes_no_profile(name, learning, consent, profiles, capsys):
    """The state of a training that is written afterwards makes the folder anew; it goes as well."""
    consent.give()
    fill(name, 3)
    learning(lambda: main(["profile", "delete", name]))
    assert main(["profile", "learn", name]) == 0
    assert list(profiles.iterdir()) == []
    assert "it was deleted meanwhile" in capsys.readouterr().err


def test_a_learning_ends_at_the_next_step_once_it_was_deleted(consent):
    folder = fill("ann", 1)
    with open_exclusively(folder.path / LOCK) as lock:
        report = Hold(folder, lock, None).heeding(lambda *_: None)
        report("lips", 1, 2, "")
        folder.delete()
        fill("ann", 1)
        open_exclusively(folder.path / LOCK).close()
        with pytest.raises(Lost):
            report("lips", 2, 2, "")


def test_a_yes_that_is_taken_back_while_it_is_learnt_from_makes_no_profile_and_keeps_the_rest(learning, consent):
    consent.give()
    folder = fill("me", 3)
    learning(consent.refuse)
    assert main(["profile", "learn", "--background", "me"]) == 0
    assert not profile_path("me").exists() and not (folder.path / "training").exists()
    assert len(folder.files()) == 3 and folder.state.accepted is None


def test_what_is_learnt_is_kept_for_this_user_alone(learning, consent):
    fill("ann", 3)
    learning(lambda: None)
    assert main(["profile", "learn", "ann"]) == 0
    assert profile_facts(profile_path("ann"))["grown"] == 3.0
    assert os.name == "nt" or profile_path("ann").stat().st_mode & 0o777 == 0o600


def test_deleting_the_own_profile_takes_the_yes_back_also_before_there_is_anything(consent, capsys):
    consent.give()
    assert main(["profile", "pause", "me"]) == 0 and kept_folder("me").state.paused
    assert main(["profile", "delete", "me"]) == 0
    assert main(["profile", "delete", "me"]) == 0
    assert consent.answer is False and not kept_folder("me").path.exists()
    assert main(["profile", "learn", "me"]) == 2
    assert "the yes is taken back" in capsys.readouterr().err


def test_a_profile_that_was_enrolled_is_neither_deleted_nor_replaced_nor_taken_for_one_that_grew(consent, capsys):
    save_networks(LipNetworks.untrained(), profile_path("me"))
    consent.give()
    fill("me", 3)
    assert not grown().made and with_own_profile(load_config("live"), consent).fusion.profile is None
    assert main(["profile", "learn", "me"]) == 2
    assert "was enrolled, and is not replaced" in capsys.readouterr().err
    assert begin_learning("me") is None
    earlier = profile_path("me").read_bytes().replace(b'"format":"2"', b'"format":"1"')
    profile_path("me").write_bytes(earlier)
    assert main(["profile", "delete", "me"]) == 0
    delete_grown()
    assert profile_path("me").exists() and not kept_folder("me").path.exists()


@pytest.mark.parametrize("command", [["enroll", "me", "videos"], ["live", "--grow", "me"]])
def test_the_name_of_the_own_profile_is_not_for_others(command, captions, capsys):
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "choose another" in error and error.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"networks of old", bytes(100)])
def test_an_own_profile_that_is_damaged_is_warned_of_and_captions_go_on(content, speaking: Captions, consent, caplog):
    consent.give()
    profile_path("me").parent.mkdir()
    profile_path("me").write_bytes(content)
    assert main(["live"]) == 0
    assert speaking.configs[0].fusion.profile is None
    assert "captions go on without it" in caplog.text


def test_half_a_profile_and_one_of_an_earlier_version_are_told(consent):
    save_networks(LipNetworks.untrained().with_facts({"grown": 3.0}), profile_path("me"))
    assert usable()
    whole = profile_path("me").read_bytes()
    profile_path("me").write_bytes(whole[:-1])
    assert not usable()
    profile_path("me").write_bytes(whole.replace(b'"format":"2"', b'"format":"1"'))
    assert not usable()


def test_what_goes_wrong_after_the_captions_ends_nothing(speaking: Captions, begun, consent, capsys):
    consent.give()
    fill("me", 1)
    (kept_folder("me").path / "growth.json").write_text("{")
    assert main(["live"]) == 0
    assert grown().minutes == 1.0, "the page shows it, so that it can be deleted"
    assert "profile me is not made: " in capsys.readouterr().err


def test_a_name_that_is_no_files_is_refused(speaking: Captions, capsys):
    assert main(["live", "--grow", "../ann"]) == 2
    assert "expected a name" in capsys.readouterr().err
