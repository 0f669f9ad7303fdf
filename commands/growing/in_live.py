"""`live --grow NAME`: what is said before, and what is begun after a run."""

from __future__ import annotations

import argparse
import subprocess
import sys

from lipstream.commands.failures import note


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Add --grow."""
    parser.add_argument(
        "--grow",
        metavar="NAME",
        help="have a profile grow from what you say clearly, alone before the camera: it keeps features of voice and "
        "mouth on this machine, no sound and no pictures (docs/enrolling.md)",
    )


def settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings that --grow stands for: what has been learnt is used, too.

    Raises:
        ModelError: the name cannot be a file's.
    """
    if args.grow is None:
        return {}
    from lipstream.models.av_speech.profile import profile_path

    used = {"fusion.profile": args.grow} if args.profile is None and profile_path(args.grow).exists() else {}
    return {"fusion.grow": args.grow, **used}


def before(name: str) -> None:
    """Say what is kept."""
    note(
        f"profile {name} grows: features of your voice and mouth are kept on this machine while you speak alone and "
        f"clearly, no sound and no pictures; `lipstream profile delete {name}` removes them"
    )


def after(name: str, quiet: bool) -> None:
    """Say how far the profile is, and begin to learn in the background if there is enough that is new."""
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder

    folder = kept_folder(name)
    state = folder.state
    line = f"profile {name} has {folder.minutes:.1f} min of clear speech"
    if state.paused:
        line += " and is paused"
    elif folder.due:
        log = folder.path / "learning.log"
        with log.open("wb") as out:
            command = [sys.executable, "-m", "lipstream", "profile", "learn", "--background", name]
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        line += f"; it is being made in the background, {log} tells how far it is"
    if not quiet:
        note(line)
