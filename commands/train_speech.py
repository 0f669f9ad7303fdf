"""`train speech`: train whose voice is heard, from folders of talking faces."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from commands.failures import OK, note
from commands.options import add_verb
from commands.steps import Steps

EXAMPLE = """\
lipstream train speech --data datasets/talking_faces
lipstream train speech --data datasets/lrs3/trainval --out runs/lrs3"""


def add(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser of `train`."""
    parser = add_verb(what, "speech", "train lips and speech on talking faces", EXAMPLE, run)
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        nargs="+",
        required=True,
        help="talking faces: LRS3, GRID (words.tsv), or clips with a table of transcripts",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="everything random follows from it")
    parser.add_argument("--epochs", metavar="N", type=int, help="of 25 steps")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path("training"),
        help="weights, report and what a resumed run needs",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens")


def run(args: argparse.Namespace) -> int:
    """Train, and write weights and a report."""
    from commands.speech_networks import engine, reader
    from commands.train import prepare
    from models.av_speech.train_own_voice import OwnVoiceRecipe
    from models.av_speech.training import train_own_voice_on
    from models.errors import ModelError

    if args.epochs is not None and args.epochs < 1:
        raise ModelError(f"--epochs {args.epochs}: expected 1 or more")
    prepare(args.out)
    recipe = OwnVoiceRecipe(args.seed, **({} if args.epochs is None else {"epochs": args.epochs}))
    with Steps() as steps:
        report = train_own_voice_on(args.data, args.out, recipe, reader(), engine().encode, steps.report)
    path = args.out / "own_voice_report.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for name, each in report["left out"].items():
        print(f"{name}: {each['clips']} clips of {each['speakers']} speakers left out, AUC {each['auc']:.3f}")
    note(f"own voice trained; figures in {path}")
    return OK
