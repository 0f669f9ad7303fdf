"""`live --grow NAME`: what is said before, and what is begun after a run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lipstream.commands.failures import note

if TYPE_CHECKING:
    from lipstream import Pipeline
    from lipstream.config import Config
    from lipstream.stages.enrol.consent import GrowthConsent


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
        UserError: it is the name of the profile that grows for who agreed in the page or the window.
    """
    if args.grow is None:
        return {}
    from lipstream.stages.enrol.consent import is_own

    if is_own(args.grow):
        from lipstream.pipeline import UserError

        raise UserError(
            f"--grow {args.grow}: that profile grows for who said yes in the page or the window of `live --show`; "
            "choose another name"
        )
    from lipstream.models.profile_files import profile_path
    from lipstream.stages.failures import need_torch

    need_torch(f"--grow {args.grow}")
    used = {"fusion.profile": args.grow} if args.profile is None and profile_path(args.grow).exists() else {}
    return {"fusion.grow": args.grow, **used}


def before(name: str) -> None:
    """Say what is kept."""
    note(
        f"profile {name} grows: features of your voice and mouth are kept on this machine while you speak alone and "
        f"clearly, no sound and no pictures; `lipstream profile delete {name}` removes them"
    )


def after(name: str, quiet: bool) -> None:
    """Say how far the profile is, and begin to learn in the background if there is enough that is new.

    Captions are done by then, so what goes wrong here is said and ends nothing.
    """
    from lipstream.models.errors import ModelError

    try:
        line = _learn_on(name)
    except (ModelError, OSError) as error:
        line, quiet = f"profile {name} is not made: {error}", False
    if not quiet:
        note(line)


def _learn_on(name: str) -> str:
    from lipstream.models.av_speech.training.growing.kept_folder import kept_folder
    from lipstream.stages.enrol.own_profile import begin_learning

    folder = kept_folder(name)
    line = f"profile {name} has {folder.minutes:.1f} min of clear speech"
    if folder.state.paused:
        line += " and is paused"
    elif (log := begin_learning(name)) is not None:
        line += f"; it is being made in the background, {log} tells how far it is"
    return line


def consent_of(args: argparse.Namespace, config: Config) -> GrowthConsent | None:
    """The answer of this machine's user, where it counts.

    None where the run says itself what grows, where nothing could grow, and where there is no yes and no window to ask.
    """
    from lipstream.stages.enrol.consent import GrowthConsent, may_be_asked

    if args.grow is not None or not may_be_asked(config):
        return None
    consent = GrowthConsent()
    return consent if consent.given or args.show else None


def grows(args: argparse.Namespace, consent: GrowthConsent | None) -> str | None:
    """The profile that grows in a run, as things stand; None for none."""
    from lipstream.stages.enrol.consent import OWN_PROFILE

    agreed = consent is not None and consent.given
    return args.grow or (OWN_PROFILE if agreed else None)


def attach(pipeline: Pipeline, consent: GrowthConsent) -> None:
    """Have the user's own profile grow in a run while he agrees; to be called before the run starts."""
    from lipstream.stages.enrol.growth_of import add_growth_by_consent

    add_growth_by_consent(pipeline.graph, pipeline.config, lambda: consent.given)
