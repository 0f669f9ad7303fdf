"""`train emotion` without its command line: from folders of data to weights and a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from models.emotion.checkpoint import load_weights
from models.emotion.corpora import find_faces, require_clips, require_faces
from models.emotion.face_net import ExpressionNet
from models.emotion.metrics import recall_average, softmax, summary
from models.emotion.pairs import Bank, face_bank, voice_bank
from models.emotion.train_face import HELD_OUT, FaceRecipe, FaceTraining, face_logits, hold_out
from models.emotion.train_face import WEIGHTS as FACE_WEIGHTS
from models.emotion.train_fusion import FusionRecipe, Split, train_fusion
from models.emotion.train_voice import VoiceRecipe, train_folds
from models.emotion.voice_data import Encode, build_features, folds_of
from models.emotion.voice_net import VoiceNet
from models.errors import ModelError

Int64 = npt.NDArray[np.int64]
Report = Callable[[str, int, int, str], None]

JUDGING_FACES = 800
"""As many of the validation images judge fusion; each is seen in five states."""

FEATURES = "features"
"""Folder in the output folder for encoder frames, kept for the next run."""

_FEATURE_SEED = 0
"""The random changes of the clips stay the same for every seed: encoding is the slow part."""


def train_face(data: Path, out: Path, recipe: FaceRecipe, device: torch.device, report: Report) -> dict[str, Any]:
    """Train the expression encoder; figures on the part of the training set held out and on `valid` and `test`."""
    faces = require_faces(data)
    network = FaceTraining(recipe, out, device).run(faces.images, faces.labels, report).cpu()
    _, held = hold_out(faces.labels, HELD_OUT, recipe.seed)
    figures = {"held out": summary(softmax(face_logits(network, faces.images[held])), faces.labels[held])}
    for each in find_faces(data, "valid", "test"):
        figures[Path(each.name).name] = summary(softmax(face_logits(network, each.images)), each.labels)
    return {"recipe": asdict(recipe), "sets": figures}


def train_voice(data: Path, out: Path, recipe: VoiceRecipe, encode: Encode, report: Report) -> dict[str, Any]:
    """Train the voice branch with every fold of actors left out once; figures on the actors left out."""
    clips = require_clips(data)
    folds = folds_of(clips)
    features = build_features(clips, encode, out / FEATURES, _FEATURE_SEED, report)
    labels = np.array([clip.label for clip in clips], dtype=np.int64)
    _, unseen = train_folds(features, labels, folds, recipe, out, report)
    by_fold = [
        round(recall_average(unseen["clean"][folds == fold].argmax(axis=1), labels[folds == fold]), 4)
        for fold in np.unique(folds)
    ]
    figures = {variant: summary(softmax(logs), labels) for variant, logs in unseen.items()}
    return {
        "recipe": asdict(recipe),
        "actors": sorted({clip.actor for clip in clips}),
        "uar by fold": by_fold,
        "uar mean over folds": round(float(np.mean(by_fold)), 4),
        "sets": figures,
    }


def train_fusion_on(data: Path, out: Path, recipe: FusionRecipe, encode: Encode, report: Report) -> dict[str, Any]:
    """Train fusion on top of the branches in `out`: pairs of actors left out and faces held out."""
    clips = require_clips(data)
    folds = folds_of(clips)
    labels = np.array([clip.label for clip in clips], dtype=np.int64)
    features = build_features(clips, encode, out / FEATURES, _FEATURE_SEED, report)
    voices = voice_bank(_voices(out, recipe.seed, int(folds.max()) + 1), folds, features, labels)
    network = ExpressionNet()
    load_weights(network, out / FACE_WEIGHTS)
    split = _split(data, network, voices, folds, recipe.seed)
    return {"recipe": asdict(recipe), **train_fusion(split, recipe, out, report)}


def _voices(out: Path, seed: int, count: int) -> list[VoiceNet]:
    networks = []
    for fold in range(count):
        path = out / f"voice_seed{seed}_fold{fold}.safetensors"
        if not path.exists():
            raise ModelError(f"{path}: missing; fusion needs both branches: run `train emotion --branch voice` first")
        network = VoiceNet()
        load_weights(network, path)
        networks.append(network)
    return networks


def _split(data: Path, network: ExpressionNet, voices: Bank, folds: Int64, seed: int) -> Split:
    """The last fold of actors judges, the one before calibrates; likewise for faces."""
    faces = require_faces(data)
    _, held = hold_out(faces.labels, HELD_OUT, seed)
    images, labels = faces.images[held], faces.labels[held]
    rest, fifth = hold_out(labels, 0.3, seed)
    others = find_faces(data, "valid", "test")
    if others:
        some = np.random.default_rng(seed).permutation(len(others[0].labels))[:JUDGING_FACES]
        judging = face_bank(network, others[0].images[some], others[0].labels[some], seed)
    else:
        fifth, last = np.array_split(np.random.default_rng(seed).permutation(fifth), 2)
        judging = face_bank(network, images[last], labels[last], seed)
    last_fold = int(folds.max())
    return Split(
        (face_bank(network, images[rest], labels[rest], seed), voices.part(np.flatnonzero(folds < last_fold - 1))),
        (face_bank(network, images[fifth], labels[fifth], seed), voices.part(np.flatnonzero(folds == last_fold - 1))),
        (judging, voices.part(np.flatnonzero(folds == last_fold))),
    )
