"""`train emotion` and `eval emotion`: what goes wrong is one line and exit code 2, what goes right leaves files."""

from __future__ import annotations

import argparse
import json
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from lipstream.commands import eval as eval_command
from lipstream.commands import train as train_command
from lipstream.commands.failures import guarded
from lipstream.commands.options import HelpFormatter
from lipstream.models.emotion.branches import WEIGHTS, FaceExpression
from lipstream.models.emotion.classes import EMOTIONS
from lipstream.models.emotion.looks import APPEARANCE_WEIGHTS, SHAPE_WEIGHTS
from lipstream.models.emotion.training.votes import COLUMNS, OURS
from lipstream.models.errors import ModelError


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(formatter_class=HelpFormatter)
    verbs = parser.add_subparsers(required=True)
    for command in (train_command, eval_command):
        command.add(verbs)
    args = parser.parse_args(arguments)
    return guarded(args.run, args)


def write_faces(folder, each=3):
    rng = np.random.default_rng(0)
    for name in EMOTIONS:
        (folder / name).mkdir(parents=True)
        for index in range(each):
            cv2.imwrite(str(folder / name / f"{index}.png"), rng.integers(0, 255, (48, 48)).astype(np.uint8))


@pytest.mark.parametrize("verb", ["train", "eval"])
def test_missing_or_empty_folder_is_one_line_and_exit_code_2(verb, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "missing"):
        assert run(verb, "emotion", "--data", folder) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "expected RAVDESS" in error


def test_class_without_images_is_one_line_and_exit_code_2(tmp_path, capsys):
    write_faces(tmp_path / "faces")
    for file in (tmp_path / "faces" / "sad").iterdir():
        file.unlink()
    out = str(tmp_path / "out")
    assert run("train", "emotion", "--branch", "face", "--data", str(tmp_path / "faces"), "--out", out) == 2
    assert "sad: no images of this class" in capsys.readouterr().err


def test_too_few_epochs_are_refused(tmp_path, capsys):
    assert run("train", "emotion", "--data", str(tmp_path), "--epochs", "1", "--out", str(tmp_path / "out")) == 2
    assert "expected 2 or more" in capsys.readouterr().err


@pytest.mark.parametrize("network", ["emotion", "speech"])
def test_a_gpu_that_is_not_there_is_one_line_and_exit_code_2(network, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    out = tmp_path / "out"
    assert run("train", network, "--data", str(tmp_path), "--out", str(out), "--device", "cuda") == 2
    error = capsys.readouterr().err
    assert "--device cuda: " in error
    assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(("asked", "there", "used"), [(None, True, "cuda"), (None, False, "cpu"), ("cpu", True, "cpu")])
def test_speech_is_trained_on_a_gpu_if_there_is_one(asked, there, used, tmp_path, monkeypatch):
    found = []

    def train_general(*arguments):
        found.append(arguments[-1].type)
        raise ModelError("nothing to learn from")

    monkeypatch.setattr("lipstream.models.training.device.gpu_works", lambda: there)
    monkeypatch.setattr("lipstream.models.av_speech.training.general_networks.train_general", train_general)
    monkeypatch.setattr("lipstream.commands.networks.speech_networks.reader", lambda: None)
    monkeypatch.setattr("lipstream.commands.networks.speech_networks.engine", lambda: SimpleNamespace(encode=None))
    device = () if asked is None else ("--device", asked)
    assert run("train", "speech", "--data", str(tmp_path), "--out", str(tmp_path / "out"), *device) == 2
    assert found == [used]


def test_face_training_leaves_weights_and_a_report(tmp_path, capsys):
    write_faces(tmp_path / "faces", each=20)
    out = tmp_path / "out"
    arguments = ["--branch", "face", "--data", str(tmp_path / "faces"), "--out", str(out), "--epochs", "2"]
    assert run("train", "emotion", *arguments) == 0
    assert (out / "face.safetensors").stat().st_size < 4_000_000
    report = json.loads((out / "face_report.json").read_text())
    assert report["recipe"]["epochs"] == 2
    assert report["sets"]["held out"]["count"] == 7
    assert "epoch 2" in capsys.readouterr().err


def write_voted(folder, count=140, **votes):
    """FER2013 and FER+: noise with a bright bar at the place of its class."""
    rng, labels = np.random.default_rng(0), np.arange(count) % 7
    images = np.kron(rng.integers(0, 200, (count, 12, 12)), np.ones((1, 4, 4), int)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 + 6 * label : 8 + 6 * label] = 255
    folder.mkdir(exist_ok=True)
    np.savez(folder / "train.npz", images=images, labels=labels, classes=np.array(EMOTIONS))
    cast = 10 * np.eye(10, dtype=np.int16)[np.array(OURS)[labels]]
    np.savez(folder / "ferplus_train.npz", **{"votes": cast, "columns": np.array(COLUMNS)} | votes)


def test_a_face_branch_that_is_there_learns_the_votes_again_and_again_from_where_it_was(tmp_path, capsys):
    write_voted(tmp_path / "data")
    out = tmp_path / "out"
    out.mkdir()
    for name in (APPEARANCE_WEIGHTS, SHAPE_WEIGHTS):
        shutil.copy(WEIGHTS / name, out / name)
    arguments = ["--branch", "votes", "--data", str(tmp_path / "data"), "--out", str(out)]
    assert run("train", "emotion", *arguments, "--votes", "1") == 0
    report = json.loads((out / "votes_report.json").read_text())
    assert report["votes"] == 1 and 100 < report["images"] < 140
    assert report["sets"]["held out, by appearance, by votes"]["accuracy"] > 0.5
    first = (out / "face.safetensors").read_bytes()
    assert run("train", "emotion", *arguments, "--votes", "1") == 0
    assert (out / "face.safetensors").read_bytes() == first
    assert FaceExpression(out).load() is None
    capsys.readouterr()


def test_votes_that_are_not_there_or_a_share_that_is_none_are_one_line_and_exit_code_2(tmp_path, capsys):
    write_voted(tmp_path / "data", columns=np.array(["a", "b"]))
    arguments = ["--branch", "votes", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    assert run("train", "emotion", *arguments, "--votes", "2") == 2
    assert "--votes 2.0: expected a share from 0 to 1" in capsys.readouterr().err
    assert run("train", "emotion", *arguments) == 2
    assert "ferplus_train.npz: expected votes (140, 10)" in capsys.readouterr().err
    (tmp_path / "data" / "ferplus_train.npz").unlink()
    assert run("train", "emotion", *arguments) == 2
    assert "no votes beside it" in capsys.readouterr().err


def test_evaluation_of_faces_leaves_figures_and_a_confusion_matrix(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    write_faces(tmp_path / "faces")
    out = tmp_path / "figures"
    assert run("eval", "emotion", "--data", str(tmp_path / "faces"), "--out", str(out)) == 0
    figures = json.loads((out / "emotion.json").read_text())
    assert figures["face: faces"]["count"] == 21
    assert np.sum(figures["face: faces"]["confusion"]) == 21
    assert len(list(out.glob("confusion_*.png"))) == 1
    assert "face: faces: n 21, accuracy" in capsys.readouterr().out


def test_weights_that_are_not_there_are_one_line_and_exit_code_2(tmp_path, capsys):
    write_faces(tmp_path / "faces")
    arguments = ["--data", str(tmp_path / "faces"), "--weights", str(tmp_path), "--out", str(tmp_path / "out")]
    assert run("eval", "emotion", *arguments) == 2
    assert "no such network" in capsys.readouterr().err
