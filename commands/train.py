"""`train`: train the networks that come with Lipstream, from folders of data."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipstream.commands.failures import OK, note
from lipstream.commands.networks import train_speech
from lipstream.commands.networks.steps import Steps
from lipstream.commands.options import add_device_argument, add_verb

if TYPE_CHECKING:
    import torch

    from lipstream.models.emotion.training.voice_data import EncodeSound, Float32
    from lipstream.models.training.progress import ProgressReport

EXAMPLE = """\
lipstream train emotion --data datasets
lipstream train emotion --data datasets --branch face --epochs 105 --out runs/face
lipstream train emotion --data datasets --branch votes --votes 0.3 --out runs/face"""

BRANCHES = ("face", "voice", "fusion")
VOTES = "votes"
"""Has a face branch that is there count the votes of FER+; only if it is asked for."""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "train", "train the networks from folders of data", EXAMPLE, run)
    what = parser.add_subparsers(metavar="NETWORK", required=True, parser_class=type(parser))
    emotion = add_verb(what, "emotion", "train emotion from voice and face", EXAMPLE, run)
    emotion.add_argument(
        "--data", metavar="DIR", type=Path, required=True, help="RAVDESS or CREMA-D, and FER2013, or a folder of both"
    )
    emotion.add_argument(
        "--branch",
        choices=[*BRANCHES, VOTES],
        help="train one part alone; the others must be in --out already. votes: have the face branch count the votes "
        "of FER+ beside its labels",
    )
    emotion.add_argument(
        "--votes", metavar="SHARE", type=float, default=0.3, help="with --branch votes: how much they count, 0 to 1"
    )
    emotion.add_argument("--seed", metavar="N", type=int, default=0, help="everything random follows from it")
    emotion.add_argument("--epochs", metavar="N", type=int, help="passes over the faces")
    add_device_argument(emotion, "the faces")
    emotion.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path("training"),
        help="weights, reports and what a resumed run needs",
    )
    emotion.add_argument("-v", "--verbose", action="store_true", help="log what happens")
    train_speech.add(what)


def run(args: argparse.Namespace) -> int:
    """Train the branches that were asked for, and write a report of each."""
    from lipstream.models.errors import ModelError
    from lipstream.models.training.device import training_device
    from lipstream.models.whole_file import whole_file

    if args.epochs is not None and args.epochs < 2:
        raise ModelError(f"--epochs {args.epochs}: expected 2 or more")
    if not 0 <= args.votes <= 1:
        raise ModelError(f"--votes {args.votes}: expected a share from 0 to 1")
    device = training_device(args.device)
    prepare(args.out)
    for branch in [args.branch] if args.branch else BRANCHES:
        with Steps() as steps:
            report = _train(branch, args, device, steps.report)
        path = args.out / f"{branch}_report.json"
        with whole_file(path) as partial:
            partial.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        note(f"{branch} trained; figures in {path}")
    return OK


def prepare(out: Path, option: str = "--out") -> None:
    """Keep torch to one thread, and make the folder for what comes out.

    Args:
        out: the folder.
        option: of the command line, which names another one.

    Raises:
        ModelError: the folder cannot be made.
    """
    import torch

    from lipstream.models.errors import ModelError

    torch.set_num_threads(1)  # the networks are small: a second thread costs more than it brings
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"{out}: cannot be made ({error.strerror}); choose another {option}") from None


def _train(branch: str, args: argparse.Namespace, device: torch.device, report: ProgressReport) -> dict[str, Any]:
    from lipstream.models.emotion.training import all_branches
    from lipstream.models.emotion.training.face import FaceRecipe
    from lipstream.models.emotion.training.fusion import EmotionFusionRecipe
    from lipstream.models.emotion.training.voice import VoiceRecipe

    if branch == "face":
        recipe = FaceRecipe(args.seed, **({} if args.epochs is None else {"epochs": args.epochs}))
        return all_branches.train_face(args.data, args.out, recipe, device, report)
    if branch == VOTES:
        return all_branches.train_votes(args.data, args.out, args.votes, report)
    if branch == "voice":
        return all_branches.train_voice(args.data, args.out, VoiceRecipe(args.seed), speech_encoder(), report)
    return all_branches.train_fusion_on(args.data, args.out, EmotionFusionRecipe(args.seed), speech_encoder(), report)


def speech_encoder() -> EncodeSound:
    """The inner layers of the speech encoder, through which the voice branch listens."""
    from lipstream.commands.networks.speech_networks import engine
    from lipstream.models.errors import ModelError

    loaded = engine()

    def encode(audio: Float32) -> Float32:
        inner = loaded.encode(audio).inner
        if inner is None:
            raise ModelError("the speech encoder gives no inner layers; run `lipstream models verify`")
        return inner

    return encode
