"""`eval speech`: word errors of the backbone, of fusion without lips and of fusion with lips, among other sounds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.failures import OK, note
from commands.options import add_verb
from commands.steps import Steps

if TYPE_CHECKING:
    from models.av_speech.evaluation import Systems, Trial
    from models.emotion.progress import Report

EXAMPLE = """\
lipstream eval speech --data datasets/grid --snr clean,0 --noise babble4
lipstream eval speech --data datasets/grid --profile ann --seeds 3"""


def add(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser of `eval`."""
    parser = add_verb(what, "speech", "word errors with and without lips, clean and among other sounds", EXAMPLE, run)
    parser.add_argument(
        "--data", metavar="DIR", type=Path, required=True, help="GRID (words.tsv), clips with transcripts, or LRS3"
    )
    parser.add_argument("--snr", metavar="LIST", default="clean,10,5,0,-5", help="'clean' and decibels")
    parser.add_argument("--noise", metavar="LIST", default="babble1,babble4,white", help="babbleN, white, pink")
    parser.add_argument("--voices", metavar="DIR", type=Path, help="recordings that make the babble")
    parser.add_argument("--profile", metavar="NAME|FILE", help="an enrolled user; without, the backbone alone")
    parser.add_argument("--clips", metavar="FILE", type=Path, help="names of the clips to use, one a line")
    parser.add_argument("--seeds", metavar="N", type=int, default=1, help="times, each with other noise")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("evaluation"), help="folder for speech.json and speech.png"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens")


def run(args: argparse.Namespace) -> int:
    """Evaluate, print a table, and write figures and a picture of word errors against noise."""
    from commands.train import prepare
    from models.av_speech.evaluation import evaluate, parse_conditions
    from pipeline import UserError

    conditions = parse_conditions(args.snr, args.noise)
    if args.seeds < 1:
        raise UserError(f"--seeds {args.seeds}: expected 1 or more")
    prepare(args.out)
    with Steps() as steps:
        trials = _trials(args, steps.report)
        figures = evaluate(trials, conditions, _systems(args), args.seeds, steps.report)
    path = args.out / "speech.json"
    path.write_text(json.dumps({"clips": len(trials), "figures": figures}, indent=1) + "\n", encoding="utf-8")
    _print(figures)
    note(f"figures in {path}{_draw(figures, args.out / 'speech.png')}")
    return OK


def _trials(args: argparse.Namespace, report: Report) -> list[Trial]:
    from commands.speech_networks import other_voices, reader
    from models.av_speech.corpora import find_utterances
    from models.av_speech.evaluation import Trial
    from models.av_speech.features import cached_recordings
    from pipeline import UserError

    utterances = [each for each in find_utterances(args.data) if each.text]
    if args.clips is not None:
        wanted = set(args.clips.read_text(encoding="utf-8").split())
        utterances = [each for each in utterances if each.name in wanted]
    if not utterances:
        raise UserError(f"{args.data}: no clips with a transcript among those asked for")
    recordings = cached_recordings(utterances, reader(), args.out / "recordings", report)
    speakers = {each.speaker for each in utterances}
    pairs = list(zip(utterances, recordings, strict=True))
    if args.voices is not None or len(speakers) < 2:
        voices = other_voices(args.voices, [each.sound for each in recordings])
        return [Trial(recording, utterance.text or "", voices) for utterance, recording in pairs]
    others = {one: [r.sound for u, r in pairs if u.speaker != one] for one in speakers}
    return [Trial(recording, utterance.text or "", others[utterance.speaker]) for utterance, recording in pairs]


def _systems(args: argparse.Namespace) -> Systems:
    from commands.speech_networks import engine
    from models.av_speech.evaluation import Systems
    from models.av_speech.lip_fusion import LipFusion
    from models.av_speech.profile import load_networks, load_profile

    if args.profile is None:
        return Systems(engine(), None, None)
    file = Path(args.profile)
    fusion = LipFusion(lambda: load_networks(file) if file.suffix == ".safetensors" else load_profile(args.profile))
    fusion.load()
    return Systems(engine(), fusion.without_lips, fusion)


def _print(figures: dict[str, dict[str, dict[str, Any]]]) -> None:
    print(f"{'':16}{'':20}{'WER':>7}{'ins':>7}{'del':>7}{'sub':>7}  by seed")
    for condition, rows in figures.items():
        for name, row in rows.items():
            words = max(1, row["words"])
            parts = "".join(f"{row[key] / words:7.3f}" for key in ("insertions", "deletions", "substitutions"))
            seeds = " ".join(f"{each:.3f}" for each in row["wer by seed"])
            print(f"{condition:16}{name:20}{row['wer']:7.3f}{parts}  {seeds}")


def _draw(figures: dict[str, Any], path: Path) -> str:
    try:
        from models.av_speech.error_picture import draw_errors
    except ImportError:
        return "; no picture: matplotlib is missing (pip install 'lipstream[train]')"
    draw_errors(figures, path)
    return f", picture in {path}"
