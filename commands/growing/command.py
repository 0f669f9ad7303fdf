"""`profile`: see, pause, make or delete the profile that grows while captions run."""

from __future__ import annotations

import argparse
import os
import shutil
from typing import TYPE_CHECKING

from lipstream.commands.failures import FAILED, OK, note
from lipstream.commands.options import add_verb

if TYPE_CHECKING:
    from pathlib import Path

    from lipstream.commands.growing.hold import Hold
    from lipstream.models.av_speech.profile import LipNetworks
    from lipstream.models.av_speech.training.growing.kept_folder import KeptFolder
    from lipstream.pipeline import UserError
    from lipstream.stages.enrol.consent import GrowthConsent

EXAMPLE = """\
lipstream live --grow ann
lipstream profile status ann
lipstream profile pause ann
lipstream profile learn ann
lipstream profile delete ann"""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its verbs to the parser."""
    parser = add_verb(verbs, "profile", "see, pause, make or delete the profile that grows with use", EXAMPLE, _status)
    what = parser.add_subparsers(metavar="WHAT", required=True, parser_class=type(parser))
    for name, summary, run in (
        ("status", "how far a profile has grown", _status),
        ("pause", "keep nothing for now", _pause),
        ("resume", "go on keeping", _resume),
        ("learn", "make the profile of what there is", _learn),
        ("delete", "delete the profile and all that was kept for it", _delete),
    ):
        verb = add_verb(what, name, summary, f"lipstream profile {name} ann", run)
        verb.add_argument("profile", metavar="NAME", help="of the profile")
        if name == "learn":
            verb.add_argument(
                "--background", action="store_true", help="at the lowest priority; do nothing if another run is at it"
            )


def _status(args: argparse.Namespace) -> int:
    """Print how far it is."""
    from lipstream.commands.growing.words import status_lines
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder
    from lipstream.models.profile_files import profile_path
    from lipstream.stages.enrol.own_profile import is_enrolled

    folder = kept_folder(args.profile)
    path = profile_path(args.profile)
    made = path.exists() and not (_is_own(args.profile) and is_enrolled(path))
    _check_there(folder, made, args.profile)
    print("\n".join(status_lines(args.profile, folder, made)))
    return OK


def _pause(args: argparse.Namespace) -> int:
    """Keep nothing more."""
    _folder_of(args.profile).change(paused=True)
    note(f"profile {args.profile} is paused: nothing is kept until `lipstream profile resume {args.profile}`")
    return OK


def _resume(args: argparse.Namespace) -> int:
    """Go on keeping."""
    _folder_of(args.profile).change(paused=False)
    where = "while you agree to it in the page or the window" if _is_own(args.profile) else _by_flag(args.profile)
    note(f"profile {args.profile} grows {where}")
    return OK


def _learn(args: argparse.Namespace) -> int:
    """Make the profile, and take it if it is better than what there is."""
    from lipstream.commands.growing.hold import LOCK, Hold
    from lipstream.pipeline.exclusive import open_exclusively

    folder = _folder_of(args.profile)
    try:
        lock = open_exclusively(folder.path / LOCK)
    except BlockingIOError:
        note(f"profile {args.profile} is being made already")
        return OK if args.background else FAILED
    except FileNotFoundError:
        raise _too_little(args.profile, 0.0) from None
    with lock:
        if args.background and hasattr(os, "nice"):
            os.nice(19)
        return _make(args.profile, folder, Hold(folder, lock, _consent_for(args)))


def _consent_for(args: argparse.Namespace) -> GrowthConsent | None:
    """The answer that a learning depends on: of the user's own profile, unless it is told to learn without a yes."""
    from lipstream.stages.enrol.consent import GrowthConsent

    consent = GrowthConsent()
    return consent if _is_own(args.profile) and (args.background or consent.given) else None


def _make(name: str, folder: KeptFolder, hold: Hold) -> int:
    from lipstream.commands.growing.hold import Lost
    from lipstream.commands.networks.speech_networks import teacher
    from lipstream.commands.networks.steps import Steps
    from lipstream.models.av_speech.evaluation.word_errors import normaliser
    from lipstream.models.av_speech.profile import LipNetworks, save_networks
    from lipstream.models.av_speech.training.growing.growth import Growth
    from lipstream.models.av_speech.training.growing.kept_folder import LEAST_MINUTES
    from lipstream.models.errors import ModelError
    from lipstream.models.profile_files import GROWN, profile_path
    from lipstream.pipeline import UserError
    from lipstream.stages.enrol.own_profile import is_enrolled

    minutes, path = folder.minutes, profile_path(name)
    if minutes < LEAST_MINUTES:
        raise _too_little(name, minutes)
    if _is_own(name) and is_enrolled(path):
        raise UserError(f"profile {name} was enrolled, and is not replaced: {_removal(name)}")
    normaliser()  # what is missing is said before the long work
    networks, earlier = LipNetworks.untrained(0), _earlier(path)
    work = _work_of(folder)
    try:
        with Steps() as steps:
            growth = Growth(teacher(), work, hold.heeding(steps.report))
            accepted, figures = growth.run(folder.load(), networks, earlier)
        hold.check()
        if accepted:
            save_networks(networks.with_facts({"held back": figures, GROWN: round(minutes, 1)}), path)
        folder.change(learned_minutes=round(minutes, 2), accepted=accepted, figures=figures)
        if accepted and hold.lost:  # in the moment that it was written
            path.unlink(missing_ok=True)
        hold.check()
    except (Lost, ModelError) as error:
        if not hold.lost:
            raise
        # A state that could not be written since its folder has gone is no news.
        why = error if isinstance(error, Lost) else "it was deleted meanwhile"
        note(f"{why}, so nothing is made of what was kept for profile {name}")
        return OK
    finally:
        hold.tidy(work)
    shutil.rmtree(work, ignore_errors=True)
    for condition, rows in figures.items():
        print(f"{condition}: " + ", ".join(f"{system} WER {row['wer']:.3f}" for system, row in rows.items()))
    if accepted:
        use = (
            "it helps from now on"
            if _is_own(name)
            else f"use it with --profile {name}, or --grow {name}, which uses it too"
        )
        note(f"profile {name} made: {use}")
    else:
        note(f"what was learnt is no better than what there is, and is not used; profile {name} goes on growing")
    return OK


def _too_little(name: str, minutes: float) -> UserError:
    from lipstream.models.av_speech.training.growing.kept_folder import LEAST_MINUTES
    from lipstream.pipeline import UserError

    more = "go on talking with captions on" if _is_own(name) else f"go on {_by_flag(name)}"
    return UserError(
        f"profile {name} has {minutes:.1f} min of clear speech; it takes {LEAST_MINUTES:g} min or more: {more}"
    )


def _earlier(path: Path) -> LipNetworks | None:
    """The profile that there is; one that cannot be used, as after an update, is made anew."""
    from lipstream.models.av_speech.profile import load_networks
    from lipstream.models.errors import ModelError

    try:
        return load_networks(path) if path.exists() else None
    except ModelError as error:
        note(f"{error}; a new one is made")
        return None


def _delete(args: argparse.Namespace) -> int:
    """Delete features and profile."""
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder
    from lipstream.models.profile_files import profile_path
    from lipstream.pipeline import UserError
    from lipstream.stages.enrol.consent import GrowthConsent
    from lipstream.stages.enrol.own_profile import is_enrolled

    folder, path = kept_folder(args.profile), profile_path(args.profile)
    own = _is_own(args.profile)
    if own:
        # First of all nothing more is kept, also where there is nothing yet; then what there is goes.
        GrowthConsent().refuse()
        note("the yes is taken back: nothing more is kept, and page and window do not ask again by themselves")
    made = path.exists()
    _check_there(folder, made, args.profile)
    try:
        if folder.delete():
            note(f"what was kept for profile {args.profile} is deleted")
        if own and is_enrolled(path):
            note(f"profile {args.profile} was enrolled, and stays: {_removal(args.profile)}")
        elif made:
            path.unlink()
            note(f"profile {args.profile} deleted")
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be deleted ({error.strerror})") from None
    return OK


def _folder_of(name: str) -> KeptFolder:
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder

    folder = kept_folder(name)
    _check_there(folder, False, name)
    return folder


def _check_there(folder: KeptFolder, made: bool, name: str) -> None:
    from lipstream.pipeline import UserError

    if not made and not folder.path.exists() and not _is_own(name):
        raise UserError(f"no profile called {name!r} grows here; `lipstream live --grow {name}` begins one")


def _is_own(name: str) -> bool:
    """Whether it is the profile of who agreed in the page or the window; nobody has to begin it by its name."""
    from lipstream.stages.enrol.consent import is_own

    return is_own(name)


def _removal(name: str) -> str:
    return f"`lipstream enroll --delete {name}` removes it"


def _by_flag(name: str) -> str:
    return f"with `lipstream live --grow {name}`"


def _work_of(folder: KeptFolder) -> Path:
    """Where a training that is interrupted goes on; what it holds depends on what was kept, and that may have grown."""
    work = folder.path / "training"
    newest = str(folder.state.added)
    told = work / "of"
    if work.exists() and (not told.exists() or told.read_text(encoding="utf-8") != newest):
        shutil.rmtree(work)
    work.mkdir(exist_ok=True)
    told.write_text(newest, encoding="utf-8")
    return work
