"""`doctor`: whether everything Lipstream needs is here and works, and how to mend what does not."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lipstream.commands.failures import FAILED, OK
from lipstream.commands.options import add_verb
from lipstream.stages.printable import printable

if TYPE_CHECKING:
    from lipstream.commands.checks.installation import Finding

EXAMPLE = """\
lipstream doctor
lipstream doctor --measure
lipstream doctor --report > report.txt"""

_MARKS = {"ok": "ok      ", "warning": "warning ", "problem": "PROBLEM "}


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "doctor", "check packages, models, codecs, plug-ins, microphone and camera", EXAMPLE, run)
    parser.add_argument(
        "--measure",
        action="store_true",
        help="measure again how fast this machine is, which `--quality auto` goes by, as when it was busy before",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="print a text for a bug report instead, without names, paths, addresses or words that were said",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens")


def run(args: argparse.Namespace) -> int:
    """Print every finding, or a report of them; exit code 1 if there is one that Lipstream does not work with."""
    found = []
    for finding in _findings(args.measure):
        found.append(finding)
        if not args.report:
            _print(finding)
    problems = sum(finding.state == "problem" for finding in found)
    if args.report:
        from lipstream.commands.checks.private import of_this_machine
        from lipstream.commands.checks.report import text

        print(text(found, of_this_machine()), end="")
    else:
        print(f"\n{problems} to mend, see above" if problems else "\nready: everything that is needed works")
    return FAILED if problems else OK


def _findings(measure: bool) -> Iterator[Finding]:
    """What all checks find, one after the other."""
    from lipstream.commands.checks import installation as checks
    from lipstream.commands.checks.devices import check_camera, check_microphone
    from lipstream.commands.checks.plugins import check_plugins
    from lipstream.commands.checks.speed import check_speed, check_speed_again

    for check in (
        checks.check_python,
        checks.check_packages,
        checks.check_models,
        checks.check_codecs,
        check_speed_again if measure else check_speed,  # before the recognisers are tried that a run takes by it
        checks.check_speech,
        checks.check_face,
        check_plugins,
        check_microphone,
        check_camera,
    ):
        yield from checks.findings(check)


def _print(finding: Finding) -> None:
    # Devices name themselves.
    print(printable(f"{_MARKS[finding.state]}{finding.what}"))
    if finding.mend:
        print(printable(f"{'':<8}-> {finding.mend}"), flush=True)
