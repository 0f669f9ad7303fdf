"""What is left out when there is more to do than the processor can, and which frames to look at."""

from __future__ import annotations

from lipstream.pipeline import Shed

CORRECTIONS = Shed(
    "corrections",
    "audio",
    "the processor cannot keep up, so finished sentences are not read once more with what follows",
    "finished sentences are again read once more with what follows",
)
FACE_RATE = Shed(
    "face rate",
    "video",
    "the processor cannot keep up, so faces are looked at less often",
    "faces are looked at as often as before",
)
EMOTION_RATE = Shed(
    "emotion rate",
    "video",
    "the processor cannot keep up, so emotions are updated less often",
    "emotions are updated as often as before",
)
SECOND_PASS = Shed(
    "second pass",
    "audio",
    "the processor cannot keep up, so finished sentences are read by the faster recogniser",
    "finished sentences are again read by the better recogniser",
)
PARTIALS = Shed(
    "partial updates",
    "audio",
    "the processor cannot keep up, so text is shown when a sentence is finished; no sound is lost",
    "text is again shown while it is spoken",
)

FACE_SHARE = 0.4
"""Share of the usual frame rate at which faces are looked at under load: 10 a second, which the lip stream bridges."""
EMOTION_SHARE = 0.25
"""Share of the usual rate of emotion updates under load."""


class FrameShedder:
    """Thins a stream of frames to a rate, by their timestamps alone: the same frames in every run.

    A frame is kept when it is due, give or take half an interval, so that frames which come at exactly the wanted rate,
    with rounded or jittering timestamps, are all kept; over time no more than `max_fps` a second are (the generic cell
    rate algorithm, ITU-T I.371). Thinning a thinned stream again keeps all of it.

    Args:
        max_fps: most frames a second, > 0.
    """

    def __init__(self, max_fps: float) -> None:
        self._interval = round(1e6 / max_fps)
        self._due: int | None = None

    def thin_to(self, max_fps: float) -> None:
        """Go on at another rate."""
        self._interval = round(1e6 / max_fps)

    def keeps(self, timestamp: int) -> bool:
        """Whether to keep the frame at `timestamp` (us, growing)."""
        if self._due is not None and timestamp < self._due - self._interval // 2:
            return False
        # A frame that came late does not put off those behind it, unless by so much that it began a new run.
        self._due = max(timestamp - self._interval // 2, self._due if self._due is not None else timestamp)
        self._due += self._interval
        return True
