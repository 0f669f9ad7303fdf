"""`enroll`: teach Lipstream the lips of one user, from recordings of that user."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lipstream.commands.failures import FAILED, OK, note
from lipstream.commands.guided import arguments as enroll_live
from lipstream.commands.networks.steps import Steps
from lipstream.commands.options import add_device_argument, add_verb

if TYPE_CHECKING:
    from lipstream.models.av_speech.enrolment.enrolment import Material, Recipe
    from lipstream.models.av_speech.recording import Recording
    from lipstream.models.av_speech.training.corpora import Utterance
    from lipstream.models.training.progress import ProgressReport

EXAMPLE = """\
lipstream enroll ann videos_of_ann
lipstream enroll ann videos_of_ann --transcripts words.tsv
lipstream enroll ann --live --minutes 10
lipstream live --profile ann
lipstream enroll --list
lipstream enroll --delete ann"""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "enroll", "learn the lips of one user, so that captions hold in noise", EXAMPLE, run)
    parser.add_argument("profile", metavar="NAME", nargs="?", help="of the profile to make")
    parser.add_argument(
        "recordings", metavar="PATH", type=Path, nargs="*", help="video files, or folders of them: the user, in quiet"
    )
    parser.add_argument(
        "--transcripts", metavar="FILE", type=Path, help="what is said: TSV of clip and transcript, or GRID's words.tsv"
    )
    parser.add_argument(
        "--quality",
        choices=("auto", "fast", "balanced", "best"),
        default="auto",
        help="without transcripts: whose text is learnt from, fast for that of Moonshine, balanced for Whisper base, "
        "best for Whisper small (default: auto, which is balanced where its weights are there)",
    )
    parser.add_argument("--voices", metavar="DIR", type=Path, help="recordings of other people, to train among")
    parser.add_argument(
        "--minutes", metavar="N", type=float, help="use about so many minutes of the recordings, drawn from all of them"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="everything random follows from it")
    parser.add_argument("--epochs", metavar="N", type=int, help="passes over the recordings")
    add_device_argument(parser, "the networks")
    parser.add_argument(
        "--work",
        metavar="DIR",
        type=Path,
        help="where to make the folder for what a resumed run needs, lipstream-enroll-NAME, which is removed when the "
        "profile is made",
    )
    enroll_live.add_arguments(parser)
    parser.add_argument("--list", action="store_true", help="list the profiles and exit")
    parser.add_argument("--delete", metavar="NAME", help="delete a profile, and what was read for it, and exit")
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens")


def run(args: argparse.Namespace) -> int:
    """Make, list or delete profiles."""
    from lipstream.models.profile_files import profile_names
    from lipstream.pipeline import UserError
    from lipstream.stages.enrol.consent import is_own

    if args.list:
        print("\n".join(profile_names()) or "no profiles")
        return OK
    if args.delete:
        return _delete(args.delete, args.work)
    if args.profile is None or not (args.recordings or args.live):
        raise UserError(
            "expected the name of a profile and recordings of its user, or --live: lipstream enroll NAME PATH..."
        )
    if is_own(args.profile):
        raise UserError(f"{args.profile}: this name is kept for the profile that grows from use; choose another one")
    if args.epochs is not None and args.epochs < 1:
        raise UserError(f"--epochs {args.epochs}: expected 1 or more")
    enroll_live.check_arguments(args)
    work = _work_folder(args.profile, args.work)
    try:
        return _enrol(args, work)
    except KeyboardInterrupt:
        note("interrupted; the same command goes on where it was")
        raise
    finally:
        _tell_what_stays(args, work)


def _work_folder(name: str, within: Path | None) -> Path:
    """What is read for a profile: a folder of its own also within --work, for it is removed with all that is in it.

    Raises:
        ModelError: the name cannot be a file's.
    """
    from lipstream.models.assets import cache_dir
    from lipstream.models.profile_files import profile_path

    return (within or cache_dir() / "enroll") / f"lipstream-enroll-{profile_path(name).stem}"


def _make_private(work: Path) -> None:
    """Make the folder, for this user alone: voice and mouth are in it."""
    from lipstream.commands.train import prepare

    prepare(work, "--work")
    with contextlib.suppress(OSError):  # a file system without rights, such as that of a memory stick
        work.chmod(0o700)


def _tell_what_stays(args: argparse.Namespace, work: Path) -> None:
    """Say where voice and mouth lie if no profile was made of them."""
    from lipstream.models.profile_files import profile_path

    with contextlib.suppress(OSError):
        work.rmdir()  # nothing was read
    if not work.exists():
        return
    if profile_path(args.profile).exists():
        removal = "delete that folder"  # --delete would take the earlier profile too
    else:
        where = "" if args.work is None else f" --work {shlex.quote(str(args.work))}"
        removal = f"`lipstream enroll --delete {args.profile}{where}`"
    note(f"what was read of voice and mouth stays in {work}, for the same command to go on; to remove it: {removal}")


def _delete(name: str, within: Path | None) -> int:
    from lipstream.models.profile_files import profile_names, profile_path
    from lipstream.pipeline import UserError

    path = profile_path(name)
    folders = [each for each in {_work_folder(name, None), _work_folder(name, within)} if each.exists()]
    if not (path.exists() or folders):
        raise UserError(f"no profile called {name!r} (there are: {', '.join(profile_names()) or 'none'})")
    try:
        for folder in folders:
            shutil.rmtree(folder)
            note(f"{folder} deleted")
        if path.exists():
            path.unlink()
            note(f"profile {name} deleted")
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be deleted ({error.strerror})") from None
    return OK


def _read_aloud(args: argparse.Namespace, work: Path) -> Material | None:
    """What the user reads aloud; None if it is too little."""
    from lipstream.commands.guided.session import gather
    from lipstream.commands.networks.speech_networks import other_voices
    from lipstream.models.av_speech.enrolment.enrolment import Material

    readings = gather(args, work)
    if readings is None:
        return None
    recordings = readings.recordings()
    voices = other_voices(args.voices, [each.sound for each in recordings])
    return Material.of(readings.names, recordings, readings.texts, voices)


def _found(args: argparse.Namespace) -> list[Utterance]:
    """The recordings that the user names."""
    from lipstream.models.av_speech.training.corpora import find_recordings, read_transcripts
    from lipstream.pipeline import UserError

    utterances = find_recordings(args.recordings)
    if args.transcripts is not None:
        told = read_transcripts(args.transcripts)
        if not any(each.name in told for each in utterances):
            raise UserError(f"{args.transcripts}: has none of the recordings; expected their names without extension")
    return utterances


def _enrol(args: argparse.Namespace, work: Path) -> int:
    from lipstream.commands.networks.quiet_reading import QuietReading
    from lipstream.commands.networks.speech_networks import teacher
    from lipstream.models.av_speech.enrolment.enrolment import Enrolment
    from lipstream.models.av_speech.evaluation.word_errors import normaliser
    from lipstream.models.av_speech.profile import LipNetworks, save_networks
    from lipstream.models.profile_files import profile_path
    from lipstream.models.training.device import training_device

    path = profile_path(args.profile)
    normaliser()  # what is missing is said before the long work
    device = training_device(args.device)
    reading = QuietReading(args.quality)
    if not args.live:
        reading.check()
    _make_private(work)
    again = path.exists()
    if again:
        note(f"there is a profile {args.profile} already: it stays until the new one is accepted, which replaces it")
    read = _read_aloud(args, work) if args.live else None
    if args.live and read is None:
        return FAILED
    with Steps() as steps:
        material = read or _material(args, work, steps.report)
        networks = LipNetworks.untrained(args.seed)
        teaching = teacher() if all(material.texts) else reading.of(teacher())
        enrolment = Enrolment(teaching, _recipe(args, len(material.recordings)), work, steps.report, device)
        accepted, figures = enrolment.run(material, networks)
    for condition, rows in figures.items():
        print(f"{condition}: " + ", ".join(f"{name} WER {row['wer']:.3f}" for name, row in rows.items()))
    if not accepted:
        for checkpoint in work.glob("*_checkpoint.*"):  # more recordings are another training
            checkpoint.unlink()
        note("the profile makes clean speech worse and is not kept; record more, in better light and in quiet")
        return FAILED
    save_networks(networks.with_facts({"held back": figures}), path)
    shutil.rmtree(work, ignore_errors=True)
    made = "replaced" if again else "made"
    note(f"profile {args.profile} {made}: use it with --profile {args.profile}; {path}")
    return OK


def _recipe(args: argparse.Namespace, recordings: int) -> Recipe:
    from lipstream.models.av_speech.enrolment.enrolment import Recipe

    recipe = Recipe.suited(recordings, args.seed)
    if args.epochs is None:
        return recipe
    lips, fusion = replace(recipe.lips, epochs=args.epochs), replace(recipe.fusion, epochs=args.epochs)
    return replace(recipe, lips=lips, fusion=fusion)


def _material(args: argparse.Namespace, work: Path, report: ProgressReport) -> Material:
    from lipstream.commands.networks.speech_networks import other_voices, reader
    from lipstream.models.av_speech.enrolment.enrolment import Material
    from lipstream.models.av_speech.training.corpora import read_transcripts
    from lipstream.models.av_speech.training.features import cached_recordings

    utterances = _found(args)
    told = {} if args.transcripts is None else read_transcripts(args.transcripts)
    if args.minutes is None:
        recordings = cached_recordings(utterances, reader(), work / "recordings", report)
    else:
        utterances, recordings = _sample(utterances, args, work, report)
    names = [each.name for each in utterances]
    texts = [told[name][0] if name in told else None for name in names]
    voices = other_voices(args.voices, [each.sound for each in recordings])
    return Material.of(names, recordings, texts, voices)


def _sample(
    utterances: list[Utterance], args: argparse.Namespace, work: Path, report: ProgressReport
) -> tuple[list[Utterance], list[Recording]]:
    """Recordings drawn until they last `--minutes`, in their order: the first ones may all say the same."""
    from random import Random

    from lipstream.commands.networks.speech_networks import reader
    from lipstream.models.av_speech.training.features import cached_recordings

    read, wanted, seconds = reader(), 60 * args.minutes, 0.0
    chosen: dict[int, Recording] = {}
    for index in Random(args.seed).sample(range(len(utterances)), len(utterances)):
        if seconds >= wanted:
            break
        (chosen[index],) = cached_recordings([utterances[index]], read, work / "recordings", lambda *_: None)
        seconds += len(chosen[index].pcm) / 16_000
        report("reading faces and voices", min(int(seconds), int(wanted)), int(wanted), utterances[index].name)
    return [utterances[index] for index in sorted(chosen)], [chosen[index] for index in sorted(chosen)]
