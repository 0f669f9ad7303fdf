"""`enroll NAME --live`: its arguments, and what they come to."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from lipstream.commands.options import add_set_argument

if TYPE_CHECKING:
    from lipstream.config import Config

MINUTES: Final = 5.0
"""Gathered if nothing else is asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the guided session."""
    live = parser.add_argument_group("reading aloud before the camera, instead of recordings")
    live.add_argument(
        "--live", action="store_true", help=f"show sentences to read aloud, for --minutes N (default: {MINUTES:g})"
    )
    live.add_argument("--camera", metavar="INDEX|PATH|URL", help="camera (default: as `live`)")
    live.add_argument("--microphone", metavar="INDEX|NAME", help="microphone (default: as `live`)")
    live.add_argument("--config", metavar="NAME|PATH", help="configuration, by name or as a YAML file (default: live)")
    add_set_argument(live)


def check_arguments(args: argparse.Namespace) -> None:
    """See whether the arguments go together.

    Raises:
        UserError: they do not.
    """
    from lipstream.models.av_speech.enrolment.enrolment import LEAST_MINUTES
    from lipstream.pipeline import UserError

    if args.minutes is not None and not args.minutes >= LEAST_MINUTES:
        raise UserError(f"--minutes {args.minutes:g}: a profile needs {LEAST_MINUTES:g} min or more")
    if args.live and (args.recordings or args.transcripts is not None):
        raise UserError(
            "--live records what is read aloud: leave out recordings and --transcripts, or leave out --live"
        )
    if not args.live and (args.camera or args.microphone or args.config or args.settings):
        raise UserError("--camera, --microphone, --config and --set go with --live")


def configured(args: argparse.Namespace) -> Config:
    """The configuration of the reading session.

    Raises:
        UserError: it has no microphone or no camera, or a setting is wrong.
    """
    from lipstream.commands.live import device_settings
    from lipstream.commands.options import settings
    from lipstream.config import load_config
    from lipstream.pipeline import UserError
    from lipstream.stages.enrol.takes import SETTINGS

    overrides = {**SETTINGS, **settings(args.settings), "mode": "live", **device_settings(args)}
    config = load_config(args.config or "live", overrides)
    if not (config.audio.enabled and config.video.enabled):
        raise UserError("--live needs a microphone and a camera: lips and voice are learnt together")
    return config
