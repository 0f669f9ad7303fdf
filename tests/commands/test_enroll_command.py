"""`enroll` and `eval speech`: what goes wrong is one line and exit code 2."""

from __future__ import annotations

import argparse
import os
from types import SimpleNamespace

import pytest

from lipstream.commands import enroll as enroll_command
from lipstream.commands import eval as eval_command
from lipstream.commands.failures import guarded
from lipstream.commands.networks import speech_networks
from lipstream.commands.options import HelpFormatter
from lipstream.models import profile_files
from lipstream.models.av_speech.enrolment import enrolment
from lipstream.models.av_speech.general_fusion import GeneralFusion
from lipstream.models.av_speech.profile import LipNetworks, save_networks
from lipstream.models.errors import ModelError
from lipstream.models.speech import recognisers


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(formatter_class=HelpFormatter)
    verbs = parser.add_subparsers(required=True)
    for command in (enroll_command, eval_command):
        command.add(verbs)
    args = parser.parse_args(arguments)
    return guarded(args.run, args)


@pytest.fixture
def profiles(tmp_path, monkeypatch):
    folder = tmp_path / "profiles"
    monkeypatch.setattr(profile_files, "profiles_folder", lambda: folder)
    return folder


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ([], "expected the name of a profile"),
        (["ann", "missing"], "no such file or folder"),
        (["ann", "empty"], "no recordings found"),
        (["../ann", "empty"], "expected a name"),
        (["ann", "empty", "--epochs", "0"], "expected 1 or more"),
        (["ann", "empty", "--device", "cuda"], "leave --device out"),
        (["ann", "empty", "--minutes", "1"], "a profile needs 3 min"),
        (["--delete", "bob"], "no profile called 'bob'"),
    ],
)
def test_what_cannot_be_enrolled_is_one_line_and_exit_code_2(arguments, wrong, profiles, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIPSTREAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    (tmp_path / "empty").mkdir()
    assert run("enroll", *arguments) == 2
    error = capsys.readouterr().err
    assert wrong in error
    assert error.count("\n") == 1


def test_profiles_are_listed_and_deleted(profiles, capsys):
    assert run("enroll", "--list") == 0
    assert capsys.readouterr().out == "no profiles\n"
    save_networks(LipNetworks.untrained(), profiles / "ann.safetensors")
    assert run("enroll", "--list") == 0
    assert capsys.readouterr().out == "ann\n"
    assert run("enroll", "--delete", "ann") == 0
    assert not (profiles / "ann.safetensors").exists()


@pytest.mark.media
def test_recordings_that_are_too_short_are_refused(profiles, obama_speech, tmp_path, capsys):
    assert run("enroll", "ann", str(obama_speech), "--work", str(tmp_path / "work")) == 2
    assert "a profile needs 3 min" in capsys.readouterr().err
    assert not profiles.exists()


@pytest.fixture
def verdicts(monkeypatch):
    """What the enrolments to come find of their recordings: whether the profile is any good, or an error."""
    coming = []

    class Enrolment:
        def __init__(self, teacher, recipe, work, report, device) -> None:
            (work / "lips_checkpoint.json").write_text("state")
            (work / "voice").write_text("sound")

        def run(self, material, networks):
            found = coming.pop(0)
            if isinstance(found, Exception):
                raise found
            return found, {}

    monkeypatch.setattr(speech_networks, "teacher", lambda: enrolment.Teacher(None, None, None, None))
    monkeypatch.setattr(enrolment, "Enrolment", Enrolment)
    material = SimpleNamespace(recordings=[None], texts=["what is said"])
    monkeypatch.setattr(enroll_command, "_material", lambda args, work, report: material)
    return coming


class Whisper:
    """A recogniser that loads, or does not."""

    def __init__(self, missing):
        self.missing = missing

    def load(self):
        if self.missing:
            raise ModelError("there is no whisper-base here")

    check = load


@pytest.mark.parametrize(
    ("quality", "missing", "code", "said"),
    [
        ("auto", False, 0, "no transcripts: what is learnt is the text of Whisper base"),
        ("fast", False, 0, "no transcripts: what is learnt is the text of Moonshine tiny.en"),
        ("auto", True, 0, "there is no whisper-base here; Moonshine reads instead"),
        ("balanced", True, 2, "there is no whisper-base here"),
    ],
)
def test_without_transcripts_the_recogniser_of_the_quality_reads_and_is_named(
    quality, missing, code, said, profiles, cache, verdicts, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(recognisers, "create", lambda *_: Whisper(missing))
    verdicts.append(True)
    monkeypatch.setattr(
        enroll_command, "_material", lambda args, work, report: SimpleNamespace(recordings=[None], texts=[None])
    )
    assert run("enroll", "ann", str(tmp_path), "--quality", quality) == code
    assert said in capsys.readouterr().err


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LIPSTREAM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("verdict", [False, ModelError("the recordings are noisy")])
def test_what_stays_of_a_refused_profile_is_told_private_and_deleted_by_name(
    verdict, profiles, cache, verdicts, tmp_path, capsys
):
    verdicts.append(verdict)
    assert run("enroll", "ann", str(tmp_path)) != 0
    folder = cache / "enroll" / "lipstream-enroll-ann"
    lines = capsys.readouterr().err
    assert f"voice and mouth stays in {folder}" in lines
    assert "to remove it: `lipstream enroll --delete ann`\n" in lines
    if os.name == "posix":
        assert folder.stat().st_mode & 0o777 == 0o700
    assert run("enroll", "--delete", "ann") == 0
    assert not folder.exists()
    assert run("enroll", "--delete", "ann") == 2


def test_an_earlier_profile_stays_until_the_new_one_is_accepted(profiles, cache, verdicts, tmp_path, capsys):
    path = profiles / "ann.safetensors"
    save_networks(LipNetworks.untrained(), path)
    before = path.read_bytes()
    verdicts += [False, True]
    assert run("enroll", "ann", str(tmp_path)) == 1
    lines = capsys.readouterr().err
    assert "there is a profile ann already" in lines
    assert "delete that folder" in lines and "--delete" not in lines
    assert path.read_bytes() == before
    # What was read stays; the training does not, so that more recordings may be given.
    assert [each.name for each in (cache / "enroll" / "lipstream-enroll-ann").iterdir()] == ["voice"]
    assert run("enroll", "ann", str(tmp_path), "--seed", "1") == 0
    assert "profile ann replaced" in capsys.readouterr().err
    assert path.read_bytes() != before


def test_a_profile_by_its_file_is_used_as_one_by_its_name(profiles):
    engine = SimpleNamespace(load=lambda: None)
    save_networks(LipNetworks.untrained(), profiles / "ann.safetensors")
    by_name = speech_networks.fusion_of("ann", engine)
    by_file = speech_networks.fusion_of(str(profiles / "ann.safetensors"), engine)
    assert type(by_file) is type(by_name) is GeneralFusion


def test_what_else_lies_in_the_work_folder_is_not_removed_with_it(profiles, verdicts, tmp_path):
    verdicts.append(True)
    (tmp_path / "mine.mp4").write_text("precious")
    assert run("enroll", "ann", str(tmp_path), "--work", str(tmp_path)) == 0
    assert (profiles / "ann.safetensors").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"mine.mp4", "profiles"}


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["--snr", "loud"], "--snr 'loud'"),
        (["--noise", "brown"], "expected babble1"),
        (["--seeds", "0"], "expected 1 or more"),
        ([], "no clips of speech found"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line_and_exit_code_2(arguments, wrong, tmp_path, capsys):
    assert run("eval", "speech", "--data", str(tmp_path), "--out", str(tmp_path / "out"), *arguments) == 2
    error = capsys.readouterr().err
    assert wrong in error
    assert error.count("\n") == 1


def test_transcripts_of_other_recordings_are_refused(profiles, tmp_path, capsys):
    (tmp_path / "talk.mp4").touch()
    (tmp_path / "said.tsv").write_text("clip\ttranscript\nother\thello\n")
    table = str(tmp_path / "said.tsv")
    assert run("enroll", "ann", str(tmp_path), "--transcripts", table, "--work", str(tmp_path / "work")) == 2
    assert "has none of the recordings" in capsys.readouterr().err
