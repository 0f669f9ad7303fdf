"""What was seen and heard of late, and whose voice it is."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from lipstream.models.emotion.fusion import FACE_MEMORY, VOICE_MEMORY, TimedEvidence
from lipstream.pipeline import micros, seconds
from lipstream.stages.emotion.payloads import Expressions, VoiceWindow

HISTORY = micros(6.0)
"""How long expressions are kept (us): the memory of the voice, and a whole window before it."""
_PICTURES = 1.5
"""How long an expression counts at least, in times of the time from picture to picture."""
TALKING_SHARE = 0.2
"""A face whose lips talk in this share of the looks during a window has said it."""


@dataclass(slots=True)
class _Heard:
    window: VoiceWindow
    owner: int | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class _Seen:
    time: int
    until: int
    expressions: Expressions


class Witnesses:
    """The evidence that may still count, by face.

    The voice belongs to the face that talks while it is heard; where none does, to the only face in view; else to
    nobody in the picture.

    Attributes:
        unseen: number of the speaker who was last found to be nobody in the picture, where that is known beforehand.
    """

    def __init__(self) -> None:
        self.unseen: int | None = None
        self._seen: deque[_Seen] = deque()
        self._heard: deque[_Heard] = deque()

    def see(self, time: int, expressions: Expressions, interval: int = 0) -> None:
        """Take in what the faces of a frame express; times only grow (us).

        Args:
            time: of the frame.
            expressions: what is seen in it.
            interval: how far apart frames are (us): it counts until the next one, however late that is.
        """
        self._seen.append(_Seen(time, time + max(micros(FACE_MEMORY), round(_PICTURES * interval)), expressions))

    def hear(self, window: VoiceWindow) -> None:
        """Take in a window of speech. It replaces those that it holds whole: the more is heard, the surer it is."""
        self._heard = deque(each for each in self._heard if not _holds(window, each.window))
        self._heard.append(_Heard(window))

    def faces(self, now: int) -> Mapping[int, list[TimedEvidence]]:
        """What each face expressed up to `now` (us), oldest first; only what still counts.

        What is older than `FACE_MEMORY`, because pictures are far apart, is as old as that.
        """
        found: dict[int, list[TimedEvidence]] = {}
        for seen in self._seen:
            if seen.time <= now <= seen.until:
                time = seconds(max(seen.time, now - micros(FACE_MEMORY) + 1))
                for face, evidence in seen.expressions.faces.items():
                    found.setdefault(face, []).append(TimedEvidence(time, evidence))
        return dict(sorted(found.items()))

    def voices(self, now: int, whose: Mapping[int, int] | None = None) -> Mapping[int | None, list[TimedEvidence]]:
        """The windows that were heard at `now` (us), oldest first, by the face that spoke.

        They are those around it; where nobody speaks at the moment, or no window has come that goes so far, as live,
        those that ended within `VOICE_MEMORY` before it.

        Args:
            now: the moment (us).
            whose: numbers of speakers by face, as far as they are known: no voice is that of another speaker's face.
        """
        found: dict[int | None, list[TimedEvidence]] = {}
        around = [each for each in self._heard if each.window.start < now <= each.window.end]
        lately = [each for each in self._heard if now - micros(VOICE_MEMORY) <= each.window.end <= now]
        for heard in around or lately:
            if not heard.settled:
                heard.owner, heard.settled = self._owner(heard.window, whose or {}), True
            if heard.owner is None:
                self.unseen = heard.window.speaker
            evidence = TimedEvidence(seconds(min(heard.window.end, now)), heard.window.evidence)
            found.setdefault(heard.owner, []).append(evidence)
        return found

    def forget(self, now: int) -> None:
        """Drop what cannot count at `now` (us) or later."""
        while self._seen and self._seen[0].time < now - HISTORY and self._seen[0].until < now:
            self._seen.popleft()
        while self._heard and self._heard[0].window.end < now - micros(VOICE_MEMORY):
            self._heard.popleft()

    def _owner(self, window: VoiceWindow, whose: Mapping[int, int]) -> int | None:
        face = self._face_of(window)
        if face is None or window.speaker is None or whose.get(face, window.speaker) == window.speaker:
            return face
        return None

    def _face_of(self, window: VoiceWindow) -> int | None:
        during = [seen.expressions for seen in self._seen if window.start <= seen.time <= window.end]
        talkers = Counter(each.talker for each in during if each.talker is not None)
        if talkers:
            talker, looks = min(talkers.items(), key=lambda item: (-item[1], item[0]))
            if looks >= TALKING_SHARE * len(during):
                return talker
        present = {face for expressions in during for face in expressions.faces}
        return present.pop() if len(present) == 1 else None


def _holds(window: VoiceWindow, other: VoiceWindow) -> bool:
    same = window.speaker == other.speaker
    return same and window.start <= other.start and other.end <= window.end
