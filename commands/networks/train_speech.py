"""`train speech`: train what serves people whom nobody enrolled, from folders of talking faces."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from lipstream.commands.failures import OK, note
from lipstream.commands.networks.steps import Steps
from lipstream.commands.options import add_device_argument, add_verb

EXAMPLE = """\
lipstream train speech --data datasets/talking_faces --voices datasets/more_voices
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
    parser.add_argument("--voices", metavar="DIR", type=Path, help="recordings of further people, who are heard only")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="everything random follows from it")
    parser.add_argument("--epochs", metavar="N", type=int, help="of whose voice is heard, 25 steps each")
    parser.add_argument("--mask-epochs", metavar="N", type=int, help="of the mask of other voices, 50 steps each")
    parser.add_argument("--mixtures", metavar="N", type=int, help="for the mask, of 5 s each")
    add_device_argument(parser, "the networks")
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
    from lipstream.commands.networks.speech_networks import engine, reader
    from lipstream.commands.train import prepare
    from lipstream.models.av_speech.training.active_speaker import ActiveSpeakerRecipe
    from lipstream.models.av_speech.training.general_networks import train_general
    from lipstream.models.av_speech.training.other_voices import read_voices
    from lipstream.models.av_speech.training.target_mask import TargetMaskRecipe
    from lipstream.models.training.device import training_device
    from lipstream.models.whole_file import whole_file

    recipes = (
        ActiveSpeakerRecipe(args.seed, **_given(args, epochs="epochs")),
        TargetMaskRecipe(args.seed, **_given(args, epochs="mask_epochs", mixtures="mixtures")),
    )
    device = training_device(args.device)
    prepare(args.out)
    with Steps() as steps:
        voices = [] if args.voices is None else read_voices(args.voices)
        report = train_general(args.data, voices, args.out, recipes, reader(), engine().encode, steps.report, device)
    path = args.out / "speech_report.json"
    with whole_file(path) as partial:
        partial.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for name, each in report["left out"].items():
        print(f"{name}: {each['clips']} clips of {each['speakers']} speakers left out, AUC {each['auc']:.3f}")
    mask = report["mask, left out"]
    print(f"mask: own voice to others {mask['ratio before']:.1f} dB before, {mask['ratio after']:.1f} dB after")
    note(f"trained; weights and figures in {args.out}")
    return OK


def _given(args: argparse.Namespace, **names: str) -> dict[str, int]:
    """The numbers that were given, by the recipe's name for them.

    Raises:
        ModelError: one is no number of times.
    """
    from lipstream.models.errors import ModelError

    given = {field: getattr(args, name) for field, name in names.items() if getattr(args, name) is not None}
    for field, value in given.items():
        if value < 1:
            raise ModelError(f"--{names[field].replace('_', '-')} {value}: expected 1 or more")
    return given
