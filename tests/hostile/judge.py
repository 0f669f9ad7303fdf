"""Whether a run ended as it may, whatever the file was."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Literal

from tests.hostile.fork_server import Outcome

Verdict = Literal["ok", "partial", "refused"]

_MOST_OUTPUT = 16 << 20
_NOTES = ("lipstream: sound:", "lipstream: picture:")
_NO_DAMAGE = ("going on with the", "back again")


class Misbehaved(AssertionError):
    """The run did what it must never do."""


def judge(outcome: Outcome, folder: Path) -> Verdict:
    """Say how a run of `file` ended; `folder` has its outputs.

    Raises:
        Misbehaved: it hung, crashed, raised, wrote without end, or its message is not one clear line.
    """
    if outcome.timed_out:
        raise Misbehaved("it hung")
    if outcome.code < 0:
        raise Misbehaved(f"signal {-outcome.code}")
    if "Traceback" in outcome.err:
        raise Misbehaved(f"traceback: {outcome.err.strip().splitlines()[-1]}")
    if outcome.code not in (0, 2):
        raise Misbehaved(f"exit code {outcome.code}: {outcome.err.strip()[-300:]}")
    _check_text("standard output", outcome.out)
    _check_text("standard error", outcome.err)
    written = {path.name: path.stat().st_size for path in folder.iterdir()}
    if sum(written.values()) > _MOST_OUTPUT:
        raise Misbehaved(f"endless output: {written}")
    if left := [name for name in written if name.endswith(".part")]:
        raise Misbehaved(f"left behind: {left}")
    errors = [line for line in outcome.err.splitlines() if line.startswith("lipstream: error: ")]
    if outcome.code == 2:
        if len(errors) != 1 or outcome.err.splitlines()[-1] != errors[0] or len(errors[0]) > 500:
            raise Misbehaved(f"not one clear line: {outcome.err!r}")
        return "refused"
    if errors or not written:
        raise Misbehaved(f"exit code 0, but {errors or 'nothing was written'}")
    notes = [line for line in outcome.err.splitlines() if line.startswith(_NOTES)]
    return "partial" if any(not any(word in note for word in _NO_DAMAGE) for note in notes) else "ok"


def _check_text(where: str, text: str) -> None:
    for char in text:
        if char != "\n" and unicodedata.category(char) in ("Cc", "Cs"):
            raise Misbehaved(f"{where} has the control character {char!r}")
    if len(text) > _MOST_OUTPUT:
        raise Misbehaved(f"endless text on {where}")
