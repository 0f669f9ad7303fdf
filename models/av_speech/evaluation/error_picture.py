"""Word error rate against signal-to-noise ratio as a picture. Needs matplotlib, of the extra `train`."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from lipstream.models.av_speech.evaluation.conditions import (
    AUDIO_ONLY,
    AUDIO_VISUAL,
    BACKBONE,
    CLEAN,
    ELSEWHEN,
    LIPS_ALONE,
    MISMATCHED,
    MUTED,
    Figures,
)

_TOP = 1.5
"""Word error rates above this are drawn at the upper edge."""
_STYLES = {
    BACKBONE: "o-C7",
    AUDIO_ONLY: "s-C0",
    AUDIO_VISUAL: "D-C3",
    MISMATCHED: "x--C1",
    ELSEWHEN: "+--C4",
}


def draw_errors(figures: Figures, path: Path) -> None:
    """Draw the figures of `evaluate`: a panel for each noise, a line for each system, to a PNG.

    What is read from the lips alone is a level line.
    """
    noises = sorted({condition.split()[0] for condition in figures if condition.endswith(" dB")}) or [CLEAN]
    figure = Figure(figsize=(4.2 * len(noises), 3.8), layout="constrained")
    for panel, noise in enumerate(noises):
        axes = figure.add_subplot(1, len(noises), panel + 1)
        for system, points in _lines(figures, noise).items():
            labels, rates = [label for label, _ in points], [min(rate, _TOP) for _, rate in points]
            axes.plot(labels, rates, _STYLES.get(system, "o-"), label=system)
        if MUTED in figures:
            axes.axhline(min(figures[MUTED][LIPS_ALONE]["wer"], _TOP), color="C2", ls=":", label=LIPS_ALONE)
        axes.set(title=noise, xlabel="signal-to-noise ratio, dB", ylabel="word error rate", ylim=(0, _TOP))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)


def _lines(figures: Figures, noise: str) -> dict[str, list[tuple[str, float]]]:
    """(label, rate) by system: clean first, then from much speech to little."""
    levels = {float(name.split()[1]): rows for name, rows in figures.items() if name.startswith(f"{noise} ")}
    ordered = [(CLEAN, figures[CLEAN])] if CLEAN in figures else []
    ordered += [(f"{level:g}", levels[level]) for level in sorted(levels, reverse=True)]
    lines: dict[str, list[tuple[str, float]]] = {}
    for label, rows in ordered:
        for system, row in rows.items():
            lines.setdefault(system, []).append((label, row["wer"]))
    return lines
