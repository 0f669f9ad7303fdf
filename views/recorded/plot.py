"""`file --plot`: the tracks of a run as a figure for papers.

Seven inches wide, the width of a page of text; colours that can be told apart by everybody (`views.drawing.palette`);
fonts are those that matplotlib brings along, so that the same record gives the same file on every machine with that
matplotlib.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MultipleLocator

from lipstream.events import Word
from lipstream.models.emotion.classes import EMOTIONS
from lipstream.stages.sinks.media_progress import clock
from lipstream.stages.sinks.text import clean
from lipstream.views.drawing.palette import EMOTION_COLOURS, FACE, LIPS, SOUND, VOICE, WARNING
from lipstream.views.media.part_file import PartFile
from lipstream.views.recorded.record import Floats
from lipstream.views.recorded.timeline import Curve, EmotionTrack, Timeline, evident

_WIDTH = 7.2
_DPI = 300
_QUIETEST = -60.0
_CLOCK_FROM = 120.0
"""Seconds from which on the axis counts minutes."""
_STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, float("inf"))
_MOST_POINTS = 600
"""Points of a curve; a longer one is drawn as the means of as many stretches, or it would be a blot."""
_WORD_GAP = 0.105
"""Inches that a word needs beside the next, written upwards."""
_WORD_SHIFT = 0.35
"""Most inches that a word is written beside its place; if that is not enough, none is written."""
_AXIS = 6.0
"""About how many inches of the width are time."""
_LANE = "#b9c3cf"
_TALKING = "#0b6b64"
_DARK = "#15202b"
_WORD = "#56b4e9"
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.borderaxespad": 0.2,
    "legend.columnspacing": 1.2,
    "legend.handlelength": 1.2,
    # Words are not formulas.
    "text.parse_math": False,
    # Text stays text: TrueType in PDF, which journals ask for, and letters in SVG.
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "lipstream",
}
_NO_DATES: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "svg": {"Date": None, "Creator": None},
}

Track = tuple[float, Callable[[Axes], None]]
"""Height in inches, and what draws it."""


def draw(shown: Timeline) -> Figure:
    """Draw the tracks there are, over one axis of time."""
    with matplotlib.style.context(["default", _STYLE]):
        tracks = list(_tracks(shown))
        heights = [height for height, _ in tracks]
        figure = Figure(figsize=(_WIDTH, sum(heights) + 0.35 * len(heights) + 0.3), dpi=_DPI, layout="constrained")
        axes = figure.subplots(len(tracks), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for axis, (_, paint) in zip(axes, tracks, strict=True):
            paint(axis)
        last: Axes = axes[-1]
        last.set_xlim(0, shown.duration)
        if shown.duration >= _CLOCK_FROM:
            last.xaxis.set_major_locator(MultipleLocator(next(step for step in _STEPS if shown.duration / step <= 10)))
            last.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds)))
            last.set_xlabel("time (min:s)")
        else:
            last.set_xlabel("time (s)")
        figure.align_ylabels(axes)
    return figure


def save(figure: Figure, file: PartFile, kind: str) -> None:
    """Write a figure into an open file.

    Args:
        figure: of `draw`.
        file: the file, which is left to be committed.
        kind: "png", "pdf" or "svg".

    Raises:
        UserError: it cannot be written.
    """
    data = io.BytesIO()
    with matplotlib.style.context(["default", _STYLE]), warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(data, format=kind, metadata=_NO_DATES[kind])
    with file.explained():
        file.write(data.getvalue())


def _tracks(shown: Timeline) -> Iterator[Track]:
    words = [word for final in shown.finals for word in final.words]
    if words:
        places = _word_places(words, shown.duration)
        yield (1.15 if places else 0.5), lambda axis: _words(axis, words, places)
    if shown.emotions:
        yield 1.5, lambda axis: _emotions(axis, shown.emotions[0])
        yield 0.3, lambda axis: _shares(axis, shown.emotions[0])
    if len(shown.sound.times) or len(shown.aperture.times):
        yield 1.0, lambda axis: _sound_and_lips(axis, shown.sound, shown.aperture)
    lanes = 1 + len(shown.faces)
    yield 0.12 + 0.16 * lanes, lambda axis: _lanes(axis, shown)
    if any(trouble.span for trouble in shown.troubles):
        yield 0.16, lambda axis: _troubles(axis, shown)


# Words.


def _word_places(words: Sequence[Word], duration: float) -> list[float]:
    """Where words can be written next to each other, seconds; empty if there is no room for all."""
    gap, shift = (inches / _AXIS * duration for inches in (_WORD_GAP, _WORD_SHIFT))
    places = [(word.start + word.end) / 2 for word in words]
    for at in range(1, len(places)):
        places[at] = max(places[at], places[at - 1] + gap)
    places[-1] = min(places[-1], duration)
    for at in range(len(places) - 2, -1, -1):
        places[at] = min(places[at], places[at + 1] - gap)
    fits = all(abs(place - (word.start + word.end) / 2) <= shift for place, word in zip(places, words, strict=True))
    return places if fits else []


def _words(axis: Axes, words: Sequence[Word], places: Sequence[float]) -> None:
    # One artist for all: an hour has thousands of words.
    corners = [
        [(word.start, 0), (word.start, word.confidence), (word.end, word.confidence), (word.end, 0)] for word in words
    ]
    edge = 0.4 if places else 0.0
    axis.add_collection(PolyCollection(corners, facecolors=_WORD, edgecolors="white", linewidths=edge))
    axis.set_ylabel("confidence")
    axis.set_ylim(0, 1 if not places else 3.4)
    axis.set_yticks([0, 1])
    axis.spines["left"].set_bounds(0, 1)
    axis.spines["right"].set_visible(False)
    if not places:
        return
    axis.yaxis.set_label_coords(-0.08, 0.17)
    for word, place in zip(words, places, strict=True):
        middle = (word.start + word.end) / 2
        axis.plot([middle, place], [1.06, 1.32], color="#8795a8", linewidth=0.5)
        axis.text(place, 1.38, clean(word.word), rotation=90, ha="center", va="bottom", fontsize=7)


# Emotion.


def _emotions(axis: Axes, track: EmotionTrack) -> None:
    colours = [EMOTION_COLOURS[name] for name in EMOTIONS]
    for times, rows in _runs(track, track.probabilities):
        axis.stackplot(times, rows.T, colors=colours, edgecolor="white", linewidth=0.3)
    axis.set_ylim(0, 1)
    axis.set_ylabel("probability")
    axis.spines["right"].set_visible(False)
    handles = [Patch(color=colour, label=name) for name, colour in zip(EMOTIONS, colours, strict=True)]
    _legend(axis, handles)


def _shares(axis: Axes, track: EmotionTrack) -> None:
    for times, rows in _runs(track, track.weights):
        axis.stackplot(times, rows.T, colors=[FACE, VOICE], linewidth=0)
    axis.set_ylim(0, 1)
    axis.set_yticks([0, 1])
    axis.set_ylabel("weight")
    axis.spines["right"].set_visible(False)
    _legend(axis, [Patch(color=FACE, label="of the face"), Patch(color=VOICE, label="of the voice")])


def _runs(track: EmotionTrack, rows: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Stretches with evidence without a gap: times at the middle of each row, and at both ends of the stretch."""
    counts = evident(track)
    joined = np.abs(track.starts[1:] - track.ends[:-1]) < 1e-3
    breaks = np.flatnonzero(~(counts[1:] & counts[:-1] & joined)) + 1
    for first, last in pairwise([0, *breaks.tolist(), len(rows)]):
        if not counts[first]:
            continue
        middles = (track.starts[first:last] + track.ends[first:last]) / 2
        times = np.concatenate([[track.starts[first]], middles, [track.ends[last - 1]]])
        yield times, np.concatenate([rows[first : first + 1], rows[first:last], rows[last - 1 : last]])


# Sound, lips, lanes.


def _sound_and_lips(axis: Axes, sound: Curve, aperture: Curve) -> None:
    handles: list[Patch | Line2D] = []
    axis.spines["right"].set_visible(False)
    if len(sound.times):
        times, levels = _with_gaps(sound)
        axis.fill_between(times, _QUIETEST, np.maximum(levels, _QUIETEST), color=SOUND, alpha=0.6, linewidth=0)
        handles.append(Patch(facecolor=SOUND, alpha=0.6, linewidth=0, label="sound level"))
        axis.set_ylim(_QUIETEST, 0)
        axis.set_yticks([-60, -40, -20, 0])
        axis.set_ylabel("level (dB FS)")
    else:
        axis.set_yticks([])
    if len(aperture.times):
        lips = axis.twinx()
        times, values = _with_gaps(aperture)
        lips.plot(times, values, color=LIPS, linewidth=0.9)
        lips.set_ylim(0, max(0.1, float(np.max(aperture.values)) * 1.05))
        lips.set_ylabel("lip aperture\n(eye distances)")
        lips.spines["right"].set_visible(True)
        handles.append(Line2D([], [], color=LIPS, linewidth=0.9, label="lip aperture of the speaker"))
    _legend(axis, handles)


def _with_gaps(curve: Curve) -> tuple[Floats, Floats]:
    """A curve of not too many points, with a hole wherever two are not to be joined."""
    group = -(-len(curve.times) // _MOST_POINTS)
    firsts = np.arange(0, len(curve.times), group)
    counts = np.diff(np.append(firsts, len(curve.times)))
    times, values = (np.add.reduceat(each, firsts) / counts for each in (curve.times, curve.values))
    holes = np.flatnonzero(np.diff(times) > group * curve.gap) + 1
    return np.insert(times, holes, np.nan), np.insert(values, holes, np.nan)


def _lanes(axis: Axes, shown: Timeline) -> None:
    count = 1 + len(shown.faces)
    names = ["speech", *(f"face {lane.face}" for lane in shown.faces)]
    _bars(axis, shown.speech, 0.0, 0.5, _TALKING)
    for row, lane in enumerate(shown.faces, 1):
        _bars(axis, lane.seen, row, 0.2, _LANE)
        _bars(axis, lane.talking, row, 0.5, _TALKING)
        _bars(axis, lane.speaker, row + 0.38, 0.1, _DARK)
    axis.set_ylim(count - 0.4, -0.5)
    axis.set_yticks(range(count), names)
    axis.tick_params(axis="y", length=0)
    for side in ("left", "right"):
        axis.spines[side].set_visible(False)
    handles = [Patch(color=_TALKING, label="speech, talking" if shown.faces else "speech")]
    if shown.faces:
        handles += [Patch(color=_LANE, label="in view"), Patch(color=_DARK, label="taken for the speaker")]
    _legend(axis, handles)


def _troubles(axis: Axes, shown: Timeline) -> None:
    spans = [trouble.span for trouble in shown.troubles if trouble.span]
    # What lasted only a moment must be seen as well.
    least = shown.duration / 300
    _bars(axis, [(start, max(end, start + least)) for start, end in spans], 0.0, 0.7, WARNING)
    axis.set_ylim(-0.5, 0.5)
    axis.set_yticks([0], ["degraded"])
    axis.tick_params(axis="y", length=0)
    for side in ("left", "right"):
        axis.spines[side].set_visible(False)


def _bars(axis: Axes, spans: Sequence[tuple[float, float]], middle: float, height: float, colour: str) -> None:
    lengths = [(start, end - start) for start, end in spans]
    axis.broken_barh(lengths, (middle - height / 2, height), facecolors=colour, linewidth=0)


def _legend(axis: Axes, handles: Sequence[Patch | Line2D]) -> None:
    axis.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=max(1, len(handles)))
