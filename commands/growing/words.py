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
        f"profile {name}: {'in use with --profile ' + name if made else 'not made yet'}",
        f"kept: {minutes:.1f} min of clear speech in {len(folder.files())} stretches, "
        f"{_megabytes(folder):.0f} MB; {LEAST_MINUTES:g} min make a profile, the oldest go beyond {MOST_MINUTES:g}",
        f"growing: {'paused' if state.paused else 'with lipstream live --grow ' + name}",
    ]
    if state.accepted is not None:
        verdict = "taken" if state.accepted else "not taken, no better than what there was"
        lines.append(f"made last of {state.learned_minutes:.1f} min: {verdict}")
        for condition, rows in (state.figures or {}).items():
            figures = ", ".join(f"{system} {row['wer']:.3f}" for system, row in rows.items())
            lines.append(f"  WER {condition}: {figures}")
    lines.append(f"features only, no sound and no picture: {folder.path}")
    return lines


def _megabytes(folder: KeptFolder) -> float:
    return sum(path.stat().st_size for path in folder.files()) / 1e6
