"""`devices`: the microphones and cameras of this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lipstream.commands.failures import OK
from lipstream.commands.options import add_set_argument, add_verb
from lipstream.stages.printable import printable

if TYPE_CHECKING:
    from lipstream.commands.checks.devices import Choice

EXAMPLE = """\
lipstream devices
lipstream devices --set audio.microphone=USB"""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "devices", "list microphones and cameras; * marks what `live` would use", EXAMPLE, run)
    parser.add_argument(
        "--config", metavar="NAME|PATH", default="live", help="configuration, by name or as a YAML file"
    )
    add_set_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Print the devices."""
    from lipstream.config import load_config, parse_assignment

    config = load_config(args.config, dict(parse_assignment(text) for text in args.settings))
    from lipstream.commands.checks.devices import cameras, microphones, system_sound

    _print("microphones", microphones(config))
    _print("system sound (live --system-sound)", system_sound(config))
    _print("cameras", cameras(config))
    return OK


def _print(kind: str, choice: Choice) -> None:
    print(f"{kind}:")
    for number, line in enumerate(choice.lines):
        # Devices name themselves.
        print(printable(f"  {'*' if number == choice.chosen else ' '} {line}"))
    if choice.why_not:
        print(printable(f"    {choice.why_not}"))
