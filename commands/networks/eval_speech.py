"""`eval speech`: word errors of the backbone, of fusion without lips and of fusion with lips, among other sounds."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipstream.commands.failures import OK, note
from lipstream.commands.networks.steps import Steps
from lipstream.commands.options import add_verb

if TYPE_CHECKING:
    from lipstream.models.av_speech.evaluation.conditions import Condition, Figures, Trial
    from lipstream.models.av_speech.training.corpora import Utterance
    from lipstream.models.training.progress import ProgressReport

EXAMPLE = """\
lipstream eval speech --data datasets/grid --snr clean,0 --noise babble4
lipstream eval speech --data datasets/grid --profile ann --clips held_out.txt --seeds 3"""


def add(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser of `eval`."""
    parser = add_verb(
        what, "speech", "word errors and word times with and without lips, clean and among other sounds", EXAMPLE, run
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, required=True, help="GRID (words.tsv), clips with transcripts, or LRS3"
    )
    parser.add_argument(
        "--snr", metavar="LIST", default="clean,10,5,0,-5", help="'clean' and decibels; write --snr=-5,0 if - is first"
    )
    parser.add_argument("--noise", metavar="LIST", default="babble1,babble4,white", help="babbleN, white, pink")
    parser.add_argument(
        "--voices", metavar="DIR", type=Path, help="recordings that make the babble; without, the data's other speakers"
    )
    parser.add_argument(
        "--faces",
        metavar="DIR",
        type=Path,
        help="recordings of other people, who lend someone else's lips; without, the data's other speakers",
    )
    parser.add_argument(
        "--profile", metavar="NAME|FILE", help="an enrolled user; without, what `file` does for anybody"
    )
    parser.add_argument(
        "--engine", choices=("moonshine", "whisper"), default="moonshine", help="who reads the words (moonshine)"
    )
    parser.add_argument("--language", metavar="CODE", help="language spoken, for whisper; without, it is found out")
    parser.add_argument("--clips", metavar="FILE", type=Path, help="names of the clips to use, one a line")
    parser.add_argument("--seeds", metavar="N", type=int, default=1, help="times, each with other noise")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path("evaluation"),
        help="folder for speech.json, speech.png and what is read from the clips",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens")


def run(args: argparse.Namespace) -> int:
    """Evaluate, print a table, and write figures and a picture of word errors against noise."""
    from lipstream.commands.networks.speech_networks import systems_of, systems_read_by
    from lipstream.commands.train import prepare
    from lipstream.models.av_speech.evaluation.conditions import check_voices, evaluate, parse_conditions
    from lipstream.models.av_speech.evaluation.trials import chosen_clips
    from lipstream.models.av_speech.evaluation.word_errors import normaliser
    from lipstream.models.av_speech.evaluation.word_time_errors import WORD_TIMES, word_time_errors
    from lipstream.models.av_speech.training.corpora import find_utterances
    from lipstream.pipeline import UserError

    conditions = parse_conditions(args.snr, args.noise)
    if args.seeds < 1:
        raise UserError(f"--seeds {args.seeds}: expected 1 or more")
    if args.profile is not None and args.engine != "moonshine":
        raise UserError(f"--profile and --engine {args.engine}: a profile is read by moonshine; leave one of them out")
    normaliser()  # what is missing is said before the long work
    utterances = chosen_clips(find_utterances(args.data), args.data, args.clips)
    whisper = args.engine == "whisper"
    systems = systems_read_by(args.engine, args.language) if whisper else systems_of(args.profile)
    prepare(args.out)
    result = Result(args.out / "speech.json", _facts(args, conditions, utterances))
    try:
        with Steps() as steps:
            trials = _trials(args, utterances, steps.report)
            check_voices(trials, conditions)
            result.save(
                figures=evaluate(trials, conditions, systems, args.seeds, steps.report, result.saver("figures"))
            )
            times = word_time_errors(trials, systems, steps.report)
        result.save(**{WORD_TIMES: times, "complete": True})
    except KeyboardInterrupt:
        note(f"interrupted; what was finished is in {result.path}" if result.saved else "interrupted")
        raise
    _print(result.content["figures"], times)
    note(f"figures in {result.path}{_draw(result.content['figures'], args.out / 'speech.png')}")
    return OK


class Result:
    """The file of figures: whole at any time, with what is known so far.

    Args:
        path: where.
        facts: what the figures are of.
    """

    def __init__(self, path: Path, facts: dict[str, Any]) -> None:
        self.path = path
        self.content: dict[str, Any] = facts
        self.saved = False

    def save(self, **parts: Any) -> None:  # noqa: ANN401
        """Add parts and write the file.

        Raises:
            UserError: the folder cannot be written.
        """
        from lipstream.pipeline import UserError

        self.content |= parts
        partial = self.path.with_suffix(".part")
        try:
            partial.write_text(json.dumps(self.content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            partial.replace(self.path)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror}); choose another --out") from None
        self.saved = True

    def saver(self, name: str) -> Callable[[Figures], None]:
        """Writes the file with a new value of one part."""
        return lambda value: self.save(**{name: value})


def _facts(args: argparse.Namespace, conditions: list[Condition], utterances: list[Utterance]) -> dict[str, Any]:
    from lipstream.version import version

    return {
        "lipstream": version(),
        "data": str(args.data),
        "profile": args.profile,
        "engine": args.engine,
        "voices": str(args.voices) if args.voices else None,
        "faces": str(args.faces) if args.faces else None,
        "conditions": [str(each) for each in conditions],
        "seeds": list(range(args.seeds)),
        "speakers": sorted({each.speaker for each in utterances}),
        "clips": [each.name for each in utterances],
        "complete": False,
    }


def _trials(args: argparse.Namespace, utterances: list[Utterance], report: ProgressReport) -> list[Trial]:
    from lipstream.commands.networks.speech_networks import other_voices, reader
    from lipstream.models.av_speech.evaluation.trials import find_faces, make_trials, seen_lips
    from lipstream.models.av_speech.training.features import cached_recordings

    # What is wrong with what is lent is said before the long reading of faces.
    voices = None if args.voices is None else other_voices(args.voices, ())
    lent = [] if args.faces is None else find_faces(args.faces)
    recordings = cached_recordings(utterances, reader(), args.out / "recordings", report)
    if voices is None and len({each.speaker for each in utterances}) == 1:
        voices = other_voices(None, [each.sound for each in recordings])
    if not lent:
        return make_trials(utterances, recordings, voices)
    faces = seen_lips(cached_recordings(lent, reader(), args.out / "faces", report))
    return make_trials(utterances, recordings, voices, faces)


def _print(figures: Figures, times: dict[str, dict[str, Any]]) -> None:
    print(f"{'':16}{'':22}{'WER':>7}{'ins':>7}{'del':>7}{'sub':>7}  by seed")
    for condition, rows in figures.items():
        for name, row in rows.items():
            words = max(1, row["words"])
            parts = "".join(f"{row[key] / words:7.3f}" for key in ("insertions", "deletions", "substitutions"))
            seeds = " ".join(f"{each:.3f}" for each in row["wer by seed"])
            print(f"{condition:16}{name:22}{row['wer']:7.3f}{parts}  {seeds}")
    for name, row in times.items():
        print(f"{'word times':16}{name:22}  {_word_times(row)}")


def _word_times(row: dict[str, Any]) -> str:
    if row["edges"] is None:
        return "no word is right"
    edges = ", ".join(f"{key} {row[key]['median']} ms (90 %: {row[key]['p90']} ms)" for key in ("start", "end"))
    return f"median error of {edges}; {row['right']} of {row['words']} words"


def _draw(figures: Figures, path: Path) -> str:
    try:
        from lipstream.models.av_speech.evaluation.error_picture import draw_errors
    except ImportError:
        return "; no picture: matplotlib is missing (pip install 'lipstream[train]')"
    draw_errors(figures, path)
    return f", picture in {path}"
