"""What is said about a profile that grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lipstream.models.av_speech.training.growing.kept_folder import KeptFolder


def status_lines(name: str, folder: KeptFolder, made: bool) -> list[str]:
    """How far a profile is, a line for each fact.

    Args:
        name: of the profile.
        folder: what was kept for it.
        made: whether there is a profile.
    """
    from lipstream.models.av_speech.training.growing.kept_folder import LEAST_MINUTES, MOST_MINUTES

    state, minutes = folder.state, folder.minutes
    lines = [
        f"profile {name}: {_use(name) if made else 'not made yet'}",
        f"kept: {minutes:.1f} min of clear speech in {len(folder.files())} stretches, "
        f"{_megabytes(folder):.0f} MB; {LEAST_MINUTES:g} min make a profile, the oldest go beyond {MOST_MINUTES:g}",
        f"growing: {'paused' if state.paused else _how(name)}",
    ]
    if state.accepted is not None:
        verdict = "taken" if state.accepted else "not taken, no better than what there was"
        lines.append(f"made last of {state.learned_minutes:.1f} min: {verdict}")
        for condition, rows in (state.figures or {}).items():
            figures = ", ".join(f"{system} {row['wer']:.3f}" for system, row in rows.items())
            lines.append(f"  WER {condition}: {figures}")
    lines.append(f"features only, no sound and no picture: {folder.path}")
    return lines


def _how(name: str) -> str:
    from lipstream.stages.enrol.consent import GrowthConsent, is_own

    if not is_own(name):
        return f"with lipstream live --grow {name}"
    return "yes, as you agreed" if GrowthConsent().given else "no, until you agree in the page or the window"


def _use(name: str) -> str:
    from lipstream.stages.enrol.consent import is_own

    return "made, and in use while you agree" if is_own(name) else f"in use with --profile {name}"


def _megabytes(folder: KeptFolder) -> float:
    return sum(path.stat().st_size for path in folder.files()) / 1e6
