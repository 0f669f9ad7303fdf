"""`eval`: measure the networks on folders of data."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipstream.commands.failures import OK, note
from lipstream.commands.networks import eval_speech
from lipstream.commands.networks.steps import Steps
from lipstream.commands.options import add_verb

if TYPE_CHECKING:
    from lipstream.models.face.backend import FaceBackend

EXAMPLE = """\
lipstream eval emotion --data datasets/RAVDESS
lipstream eval emotion --data datasets/fer2013 --out figures"""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "eval", "measure the networks on folders of data", EXAMPLE, run)
    what = parser.add_subparsers(metavar="NETWORK", required=True, parser_class=type(parser))
    emotion = add_verb(what, "emotion", "accuracy, recall and calibration of emotion", EXAMPLE, run)
    emotion.add_argument(
        "--data", metavar="DIR", type=Path, required=True, help="RAVDESS or CREMA-D clips, faces as FER2013, or both"
    )
    emotion.add_argument(
        "--weights", metavar="DIR", type=Path, help="weights of `train`, instead of those that come along"
    )
    emotion.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("evaluation"), help="folder for emotion.json and the pictures"
    )
    emotion.add_argument("-v", "--verbose", action="store_true", help="log what happens")
    eval_speech.add(what)


def run(args: argparse.Namespace) -> int:
    """Evaluate, print a line for every set, and write figures and confusion matrices."""
    from lipstream.commands.train import prepare, speech_encoder
    from lipstream.models.emotion.branches import WEIGHTS
    from lipstream.models.emotion.evaluation.data_sets import evaluate, load_networks

    prepare(args.out)
    with Steps() as steps:
        figures = evaluate(
            args.data, load_networks(args.weights or WEIGHTS), speech_encoder, _face_backend, steps.report
        )
    path = args.out / "emotion.json"
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for name, each in figures.items():
        print(f"{name}: {_line(each) if isinstance(each, dict) else each}")
    note(f"figures in {path}{_draw(figures, args.out)}")
    return OK


def _line(figures: dict[str, Any]) -> str:
    return (
        f"n {figures['count']}, accuracy {figures['accuracy']:.3f}, UAR {figures['uar']:.3f}, ECE {figures['ece']:.3f}"
    )


def _face_backend() -> FaceBackend:
    from lipstream.config import Config
    from lipstream.models.face.backend import create

    face = Config().face  # the networks that `file` runs
    backend = create(face.backend, face.max_faces, face.min_confidence, face.threads)
    backend.load()
    return backend


def _draw(figures: dict[str, Any], out: Path) -> str:
    try:
        from lipstream.models.emotion.evaluation.confusion_picture import draw_confusion
    except ImportError:
        return "; no confusion matrices: matplotlib is missing (pip install 'lipstream[train]')"
    names = [name for name, each in figures.items() if isinstance(each, dict)]
    for name in names:
        file = "".join(c if c.isalnum() else "_" for c in name)
        draw_confusion(figures[name]["confusion"], name, out / f"confusion_{file}.png")
    return f", {len(names)} confusion matrices beside it"
