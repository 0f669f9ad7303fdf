"""The branches of emotion and their fusion, from folders of data to weights and a report: all of `train emotion`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lipstream.models.emotion.evaluation.metrics import recall_average, softmax, summary
from lipstream.models.emotion.face_net import ExpressionNet
from lipstream.models.emotion.face_shape import GEOMETRY
from lipstream.models.emotion.looks import APPEARANCE_WEIGHTS, SHAPE_WEIGHTS, STILL, Look
from lipstream.models.emotion.training.corpora import FaceSet, find_faces, require_clips, require_faces
from lipstream.models.emotion.training.export import export_face, export_voice
from lipstream.models.emotion.training.face import HELD_OUT, SPLIT, FaceRecipe, FaceTraining, hold_out
from lipstream.models.emotion.training.face_networks import FaceNetworks, load_face_networks
from lipstream.models.emotion.training.face_votes import learn_votes
from lipstream.models.emotion.training.fusion import EmotionFusionRecipe, Split, train_fusion
from lipstream.models.emotion.training.geometry import (
    GeometryRecipe,
    fit_blend,
    shape_log_probabilities,
    train_geometry,
)
from lipstream.models.emotion.training.pairs import Bank, face_bank, voice_bank
from lipstream.models.emotion.training.still_faces import StillFaces, cached_shapes
from lipstream.models.emotion.training.voice import LabelledVoices, VoiceRecipe, fold_weights, train_folds
from lipstream.models.emotion.training.voice_data import EncodeSound, build_features, folds_of
from lipstream.models.emotion.training.votes import majority
from lipstream.models.emotion.voice_net import VoiceNet
from lipstream.models.errors import ModelError
from lipstream.models.training.progress import ProgressReport
from lipstream.models.weights import load_weights, save_weights

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]

JUDGING_FACES = 800
"""As many of the validation images judge fusion; each is seen in five states."""

LABELS_WEIGHTS = "face_labels.safetensors"
"""The expression encoder as its labels alone have taught it, where it has learnt from votes since."""

FEATURES = "features"
"""Folder in the output folder for encoder frames, kept for the next run."""

_FEATURE_SEED = 0
"""The random changes of the clips stay the same for every seed: encoding is the slow part."""


def train_face(
    data: Path, out: Path, recipe: FaceRecipe, device: torch.device, report: ProgressReport
) -> dict[str, Any]:
    """Train the face branch; figures on the part of the training set held out and on `valid` and `test`."""
    faces = require_faces(data)
    weights = out / APPEARANCE_WEIGHTS
    appearance = FaceTraining(recipe, faces.images, faces.labels, weights, device).run(report).cpu()
    load_weights(appearance, weights)  # what will run, in half precision
    train, held = hold_out(faces.labels, HELD_OUT, SPLIT)
    shapes = _shapes(out, "train", faces.images, report)
    shape = train_geometry(shapes, faces.labels, train, GeometryRecipe(recipe.seed), out, report)
    networks = FaceNetworks(appearance.to(memory_format=torch.channels_last), shape)
    images, labels = faces.images[held], faces.labels[held]
    by_appearance = networks.judge_still(images, np.full_like(shapes[held], np.nan))
    fit_blend(shape, by_appearance, shape_log_probabilities(shape, shapes[held]), labels)
    save_weights(shape, out / SHAPE_WEIGHTS, {"recipe": str(asdict(GeometryRecipe(recipe.seed)))})
    export_face(out)
    figures = {"held out": _face_figures(networks, images, shapes[held], labels)}
    for each in find_faces(data, "valid", "test"):
        name = Path(each.name).stem
        figures[name] = _face_figures(networks, each.images, _shapes(out, name, each.images, report), each.labels)
    return {"recipe": asdict(recipe), "blend": [round(float(w), 3) for w in shape.blend], "sets": figures}


def train_votes(data: Path, out: Path, share: float, report: ProgressReport) -> dict[str, Any]:
    """Have the face branch in `out` count the votes beside the labels; figures as those of `train_face`.

    What it was before stays in `out` as `LABELS_WEIGHTS`, and is what a second run begins from.

    Raises:
        ModelError: there are no votes, or there is no face branch.
    """
    faces = require_faces(data)
    if faces.votes is None:
        raise ModelError(
            f"{faces.name}: no votes beside it; expected ferplus_{Path(faces.name).name} in the same folder"
        )
    weights, before = out / APPEARANCE_WEIGHTS, out / LABELS_WEIGHTS
    appearance = ExpressionNet().to(memory_format=torch.channels_last)
    load_weights(appearance, before if before.exists() else weights)
    save_weights(appearance, before, {})
    others = find_faces(data, "valid", "test")
    report("learn the votes", 0, 1, "")
    chosen = learn_votes(appearance, faces, np.concatenate([faces.images[:0], *(o.images for o in others)]), share)
    report("learn the votes", 1, 1, "")
    save_weights(appearance, weights, {"votes": str(share)})
    export_face(out)
    networks = load_face_networks(out)
    _, held = hold_out(faces.labels, HELD_OUT, SPLIT)
    figures = {}
    for each in (FaceSet("held out", faces.images[held], faces.labels[held], faces.votes[held]), *others):
        alone = np.full((len(each.labels), GEOMETRY), np.nan, np.float32)
        probabilities, name = np.exp(networks.judge_still(each.images, alone)), Path(each.name).stem
        figures[f"{name}, by appearance"] = summary(probabilities, each.labels)
        if each.votes is not None and (agreed := majority(each.votes) >= 0).any():
            figures[f"{name}, by appearance, by votes"] = summary(probabilities[agreed], majority(each.votes)[agreed])
    return {"votes": share, "images": len(chosen), "sets": figures}


def _face_figures(networks: FaceNetworks, images: UInt8, shapes: Float32, labels: Int64) -> dict[str, Any]:
    """All looks together, each kind by itself, and how many faces have a shape at all."""

    def accuracy(logs: Float32, of: Int64) -> float:
        return round(float(np.mean(logs.argmax(axis=1) == of)), 4) if len(of) else 0.0

    alone = np.full_like(shapes, np.nan)
    seen = ~np.isnan(shapes[:, 0])
    return summary(np.exp(networks.judge_still(images, shapes)), labels) | {
        "accuracy of one look": accuracy(networks.judge(images, shapes, STILL)[0], labels),
        "accuracy without the mouth": accuracy(networks.judge(images, shapes, Look(mouth=False))[0], labels),
        "accuracy without mouth and shape": accuracy(networks.judge(images, alone, Look(mouth=False))[0], labels),
        "accuracy by appearance": accuracy(networks.judge_still(images, alone), labels),
        "accuracy by shape": accuracy(shape_log_probabilities(networks.shape, shapes[seen]), labels[seen]),
        "with a shape": round(float(seen.mean()), 4),
    }


def _shapes(out: Path, name: str, images: UInt8, report: ProgressReport) -> Float32:
    return cached_shapes(images, StillFaces, out / FEATURES / f"shapes_{name}_{len(images)}.safetensors", report, name)


def train_voice(
    data: Path, out: Path, recipe: VoiceRecipe, encode: EncodeSound, report: ProgressReport
) -> dict[str, Any]:
    """Train the voice branch with every fold of actors left out once; figures on the actors left out."""
    clips = require_clips(data)
    folds = folds_of(clips)
    features = build_features(clips, encode, out / FEATURES, _FEATURE_SEED, report)
    labels = np.array([clip.label for clip in clips], dtype=np.int64)
    _, unseen = train_folds(LabelledVoices(features, labels, folds), recipe, out, report)
    export_voice(out)
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


def train_fusion_on(
    data: Path, out: Path, recipe: EmotionFusionRecipe, encode: EncodeSound, report: ProgressReport
) -> dict[str, Any]:
    """Train fusion on top of the branches in `out`: pairs of actors left out and faces held out."""
    clips = require_clips(data)
    folds = folds_of(clips)
    labels = np.array([clip.label for clip in clips], dtype=np.int64)
    features = build_features(clips, encode, out / FEATURES, _FEATURE_SEED, report)
    voices = voice_bank(_voices(out, recipe.seed, int(folds.max()) + 1), folds, features, labels)
    split = _split(data, load_face_networks(out), voices, folds, recipe.seed, _shapes_into(out, report))
    return {"recipe": asdict(recipe), **train_fusion(split, recipe, out, report)}


def _voices(out: Path, seed: int, count: int) -> list[VoiceNet]:
    networks = []
    for fold in range(count):
        path = fold_weights(out, seed, fold)
        if not path.exists():
            raise ModelError(f"{path}: missing; fusion needs both branches: run `train emotion --branch voice` first")
        network = VoiceNet()
        load_weights(network, path)
        networks.append(network)
    return networks


def _shapes_into(out: Path, report: ProgressReport) -> Callable[[UInt8, str], Float32]:
    def shapes(images: UInt8, name: str) -> Float32:
        return _shapes(out, name, images, report)

    return shapes


def _split(
    data: Path,
    networks: FaceNetworks,
    voices: Bank,
    folds: Int64,
    seed: int,
    shapes: Callable[[UInt8, str], Float32],
) -> Split:
    """The last fold of actors judges, the one before calibrates; likewise for faces."""

    def bank(name: str, images: UInt8, labels: Int64) -> Bank:
        return face_bank(networks, images, labels, lambda crops, state: shapes(crops, f"{name}_{state}_{seed}"), seed)

    faces = require_faces(data)
    _, held = hold_out(faces.labels, HELD_OUT, SPLIT)
    images, labels = faces.images[held], faces.labels[held]
    rest, fifth = hold_out(labels, 0.3, seed)
    others = find_faces(data, "valid", "test")
    if others:
        some = np.random.default_rng(seed).permutation(len(others[0].labels))[:JUDGING_FACES]
        judging = bank("judging", others[0].images[some], others[0].labels[some])
    else:
        fifth, last = np.array_split(np.random.default_rng(seed).permutation(fifth), 2)
        judging = bank("judging", images[last], labels[last])
    last_fold = int(folds.max())
    return Split(
        (bank("training", images[rest], labels[rest]), voices.part(np.flatnonzero(folds < last_fold - 1))),
        (bank("calibrating", images[fifth], labels[fifth]), voices.part(np.flatnonzero(folds == last_fold - 1))),
        (judging, voices.part(np.flatnonzero(folds == last_fold))),
    )
