"""How often faces are looked at in a recording: as often as somebody needs to know.

Face networks take most of the work of a run with a picture. What they see is needed where a voice is heard, from a
little before it, since the sound of a segment begins there, to a little behind it, since the mouth tells whether the
speaker goes on. Elsewhere a few looks a second follow the faces and judge their expression. What is seen in between is
interpolated by the lip stream, which bridges gaps of `lips.max_gap`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lipstream.config import FaceConfig
from lipstream.events import FacesLooked
from lipstream.pipeline import micros, seconds

AHEAD = micros(0.5)
"""How long before a voice faces are looked at more often, microseconds; the sound of a segment begins 0.3 s early."""
BEHIND = micros(0.8)
"""How long after it: segments are held open so long while the mouth goes on moving."""
DOUBT = micros(1.0)
"""How long every picture is looked at after a voice has begun, or a face has come or gone, before a mouth is seen to
speak, microseconds; a voice that goes on beside still lips is nobody's in view, which a few looks tell as well."""
_TOLERANCE = 1_000
"""Microseconds by which time stamps may be rounded."""


@dataclass(frozen=True, slots=True)
class LookRates:
    """Looks at a picture, in times a second.

    Attributes:
        full: where a voice is heard and it is not clear which of the mouths in view it is, if any.
        speech: where a voice is heard and a face is in view.
        quiet: where no voice is heard, or no face is seen.
    """

    full: float
    speech: float
    quiet: float

    @classmethod
    def of(cls, face: FaceConfig) -> LookRates:
        """Those of a configuration: none is lower than what reports of faces ask for."""
        least = max(face.report_rate, face.features_rate)
        speech, quiet = (min(face.max_fps, max(rate, least)) for rate in (face.speech_rate, face.quiet_rate))
        return cls(face.max_fps, max(speech, quiet), quiet)


class Looking:
    """Chooses the pictures at which to look, by their times, by the voice and by what was seen last.

    Args:
        rates: how often.
    """

    def __init__(self, rates: LookRates) -> None:
        self._rates = rates
        self._voiced = False
        self._voice_until: int | None = None
        self._faces: frozenset[int] = frozenset()
        self._talking = 0
        self._doubtful_until = 0
        self._last: int | None = None
        self._rate = 0.0
        self._stretch: tuple[int, float, str] | None = None
        self._finished: list[FacesLooked] = []

    def hear(self, time: int, voiced: bool) -> None:
        """A voice begins, or ends, at a time (us) up to `AHEAD` later than that of the next picture."""
        if self._voiced and not voiced:
            self._voice_until = time
        elif voiced and not self._heard(time):
            self._doubtful_until = time + DOUBT
        self._voiced = voiced

    def wants(self, timestamp: int, interval: int) -> bool:
        """Whether to look at a picture.

        Args:
            timestamp: its time in microseconds; grows.
            interval: microseconds to the next one, as far as the source tells.
        """
        rate, reason = self._need(timestamp)
        if self._stretch is None or self._stretch[1:] != (rate, reason):
            self._end_stretch(timestamp)
            self._stretch = timestamp, rate, reason
        # The source has left out what is beyond the full rate.
        every = self._last is None or rate >= self._rates.full
        if not every and timestamp + interval <= (self._last or 0) + 1e6 / rate + _TOLERANCE:
            return False
        self._last = timestamp
        return True

    def saw(self, timestamp: int, faces: frozenset[int], talking: frozenset[int]) -> None:
        """What the picture showed.

        Args:
            timestamp: of the picture, microseconds.
            faces: ids of the faces in it.
            talking: ids of those whose lips move as they do in speech.
        """
        if faces != self._faces:
            self._doubtful_until = max(self._doubtful_until, timestamp + DOUBT)
        self._faces, self._talking = faces, len(faces & talking)

    def told(self) -> list[FacesLooked]:
        """The stretches that have ended since the last call."""
        finished, self._finished = self._finished, []
        return finished

    def finish(self, end: int) -> None:
        """The pictures end at a time (us)."""
        self._end_stretch(end)
        self._stretch = None

    def _need(self, timestamp: int) -> tuple[float, str]:
        if not self._faces:
            return self._rates.quiet, "nobody"
        if not self._heard(timestamp):
            return self._rates.quiet, "quiet"
        if self._talking > 1:
            return self._rates.full, "several"
        if self._talking == 0 and timestamp < self._doubtful_until:
            return self._rates.full, "doubt"
        return self._rates.speech, "speech"

    def _heard(self, time: int) -> bool:
        return self._voiced or (self._voice_until is not None and time - self._voice_until <= BEHIND)

    def _end_stretch(self, end: int) -> None:
        if self._stretch is not None and end > self._stretch[0]:
            start, rate, reason = self._stretch
            self._finished.append(FacesLooked(start=seconds(start), end=seconds(end), rate=rate, reason=reason))
