"""The numbers behind a report, as JSON for the scripts of the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from lipstream.events import TranscriptFinal
from lipstream.models.emotion.classes import EMOTIONS
from lipstream.stages.sinks.emotion_spans import EmotionIntervals
from lipstream.stages.sinks.text import clean, json_text
from lipstream.views.drawing.palette import EMOTION_COLOURS
from lipstream.views.recorded.record import Recorder
from lipstream.views.recorded.timeline import Curve, EmotionTrack, FaceLane, Span, Timeline, evident
from lipstream.views.report.speakers import SpeakerShare, shares_of

_MOST_INTERVALS = 2000


def page_data(shown: Timeline, record: Recorder) -> dict[str, Any]:
    """What the scripts draw, JSON-ready. Times are in seconds, in curves and emotions in milliseconds.

    Args:
        shown: the tracks.
        record: what they were made from.
    """
    return {
        "duration": _time(shown.duration),
        "complete": record.end is not None and record.end.reason == "finished",
        "segments": [_segment(final) for final in shown.finals],
        "speech": _spans(shown.speech),
        "speakers": [_speaker(share) for share in shares_of(shown.finals, record.speakers)],
        "sound": _curve(shown.sound, 1),
        "aperture": _curve(shown.aperture, 3),
        "faces": [_lane(lane) for lane in shown.faces],
        "moreFaces": shown.more_faces,
        "emotions": [{"name": name, "colour": EMOTION_COLOURS[name]} for name in EMOTIONS],
        "emotionTracks": [_emotion_track(track) for track in shown.emotions],
        "intervals": _intervals(record) if shown.emotions else [],
        "troubles": [
            {"text": trouble.text, "span": None if trouble.span is None else _span(trouble.span)}
            for trouble in shown.troubles
        ],
    }


def script_json(value: object) -> str:
    """JSON that can stand inside a `<script>` of a page: nothing in it can end the element or begin a comment."""
    text = json_text(value)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _segment(final: TranscriptFinal) -> dict[str, Any]:
    words = [
        [clean(word.word), _time(word.start), _time(word.end), round(_finite(word.confidence), 2)]
        for word in final.words
    ]
    lips = round(_finite(final.lip_gate), 3)
    return {"start": _time(final.start), "end": _time(final.end), "lips": lips, "words": words}


def _speaker(share: SpeakerShare) -> dict[str, Any]:
    return {
        "name": clean(share.name),
        "turns": _spans(share.turns),
        "words": share.words,
        "seconds": _time(share.seconds),
        "overlap": _time(share.overlap),
        "interruptions": share.interruptions,
    }


def _curve(curve: Curve, digits: int) -> dict[str, Any]:
    return {
        "t": [round(time * 1000) for time in curve.times.tolist()],
        "v": [round(_finite(value), digits) for value in curve.values.tolist()],
        "gap": round(curve.gap * 1000),
    }


def _lane(lane: FaceLane) -> dict[str, Any]:
    return {
        "face": lane.face,
        "seen": _spans(lane.seen),
        "talking": _spans(lane.talking),
        "speaker": _spans(lane.speaker),
    }


def _emotion_track(track: EmotionTrack) -> dict[str, Any]:
    """Rows of start, end, the seven probabilities and the two weights in parts of 1000, and 1 where they count."""
    rows = [
        [round(start * 1000), round(end * 1000), *(round(share * 1000) for share in (*shares, *weights)), int(counts)]
        for start, end, shares, weights, counts in zip(
            track.starts.tolist(),
            track.ends.tolist(),
            track.probabilities.tolist(),
            track.weights.tolist(),
            evident(track).tolist(),
            strict=True,
        )
    ]
    return {"whose": track.whose, "labels": list(track.labels), "rows": rows}


def _intervals(record: Recorder) -> list[dict[str, Any]]:
    merger = EmotionIntervals()
    found = [interval for update in record.emotions for interval in merger.add(update)]
    found.extend(merger.finish())
    told = [interval for interval in found if any(interval["weights"].values())]
    longest = sorted(told, key=lambda interval: interval["start"] - interval["end"])[:_MOST_INTERVALS]
    return sorted(longest, key=lambda interval: (interval["start"], interval["face"] or 0))


def _spans(spans: Iterable[Span]) -> list[Sequence[float]]:
    return [_span(span) for span in spans]


def _span(span: Span) -> Sequence[float]:
    return [_time(span[0]), _time(span[1])]


def _time(seconds: float) -> float:
    return round(_finite(seconds), 3)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0
