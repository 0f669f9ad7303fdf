"""What there is to see of a live run, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lipstream.events import FaceLost, SoundLevel, SpeechStarted, TranscriptCorrected
from lipstream.pipeline import Degraded, Error, Recovered, Switches
from lipstream.stages.shedding import FACE_RATE, PARTIALS
from lipstream.stages.switches import EMOTION, LIPS, PICTURE, SOUND
from lipstream.views.drawing.scene import CaptionLine, FaceMark, Scene, SoundMark
from lipstream.views.live.live_scene import CAPTION_SECONDS, PARTIAL_SECONDS, TALKING_COUNTS, LiveScene, mirrored
from tests.views.events import LIPS_OUTLINE, emotion, face, final, partial


class Seen:
    """A live scene on a clock that stands until it is moved."""

    def __init__(self, sound: bool = True) -> None:
        self.now = 100.0
        self.switches = Switches((SOUND, PICTURE, LIPS, EMOTION))
        self.live = LiveScene(sound, self.switches, lambda: self.now)

    def tell(self, *events) -> Scene:
        for event in events:
            self.live.handle(event)
        return self.live.scene(self.now)

    def after(self, seconds: float) -> Scene:
        self.now += seconds
        return self.live.scene(self.now)


def test_captions_grow_become_stable_and_go_some_seconds_after_the_final():
    seen = Seen()
    assert seen.tell(partial("Good", " mor")).captions == (CaptionLine("Good", " mor"),)
    assert seen.tell(final("Good morning.")).captions == (CaptionLine("Good morning."),)
    assert seen.after(CAPTION_SECONDS).captions
    assert not seen.after(0.1).captions


def test_a_corrected_sentence_is_put_right_and_stays_no_longer_for_that():
    seen = Seen()
    seen.tell(final("Good mourning."), final("Good night", segment=2))
    seen.after(CAPTION_SECONDS - 1)
    told = TranscriptCorrected(segment=1, start=0.0, end=1.0, previous="", text="Good morning.", words=())
    assert seen.tell(told).captions == (CaptionLine("Good morning. Good night"),)
    assert not seen.after(1.1).captions
    assert not seen.tell(told).captions, "what has gone does not come back"


def test_captions_of_an_open_segment_do_not_stay_for_ever_if_recognition_falls_silent():
    seen = Seen()
    seen.tell(partial("Good", " mor"))
    assert seen.after(PARTIAL_SECONDS).captions
    assert not seen.after(0.1).captions


def test_a_guess_that_came_to_nothing_goes_when_the_next_segment_begins():
    seen = Seen()
    seen.tell(partial("", "Hm"))
    assert not seen.tell(SpeechStarted(segment=2, start=3.0)).captions


def test_an_empty_partial_takes_the_guess_away_and_nothing_else():
    seen = Seen()
    before = seen.tell(final("Good morning.")).captions
    assert seen.tell(partial("Not", " from here", segment=2)).captions != before
    scene = seen.tell(partial("", "", segment=2, emitted=9.0))
    assert scene.captions == before and scene.figures == (("latency", "0.4 s"),)
    assert not seen.tell(partial("", "", segment=3)).captions[1:]


def test_a_face_that_is_not_reported_any_more_vanishes():
    seen = Seen()
    assert seen.tell(face()).faces == (FaceMark(1, (0.1, 0.2, 0.4, 0.7), LIPS_OUTLINE, speaker=True),)
    assert seen.after(0.5).faces
    assert not seen.after(0.01).faces


def test_a_lost_face_vanishes_at_once_and_its_emotion_with_it():
    seen = Seen()
    seen.tell(face(), emotion(1, "happy"))
    scene = seen.tell(FaceLost(face=1, start=0.0, time=1.0))
    assert not scene.faces and scene.emotion is None


def test_the_emotion_shown_is_the_speakers():
    seen = Seen()
    seen.tell(face(1, speaker=False), face(2), emotion(2, "sad"), emotion(1, "happy"), emotion(None, "angry"))
    assert seen.live.scene(seen.now).emotion.label == "sad"


def test_without_a_speaker_in_view_the_emotion_is_that_of_the_voice_and_else_the_newest():
    seen = Seen()
    assert seen.tell(emotion(4, "happy")).emotion.label == "happy"
    scene = seen.tell(emotion(None, "angry"), emotion(4, "sad"))
    assert (scene.emotion.label, scene.emotion.face_weight, scene.emotion.voice_weight) == ("angry", 0.7, 0.3)
    assert seen.after(2.1).emotion is None


def test_a_warning_stays_until_that_stage_has_recovered():
    seen = Seen()
    frozen = Degraded(modality="video", stage="video", reason="camera 0 is frozen, trying again")
    deaf = Degraded(modality="audio", stage="audio", reason="microphone 'USB' is disconnected, waiting for it")
    assert seen.tell(frozen).warnings == ("camera 0 is frozen, trying again; going on with sound only",)
    assert len(seen.tell(deaf).warnings) == 2
    assert seen.after(3600.0).warnings
    assert seen.tell(Recovered(modality="video", stage="video")).warnings == (deaf.reason,)


def test_without_sound_nothing_goes_on_with_sound_only():
    frozen = Degraded(modality="video", stage="video", reason="camera 0 is frozen, trying again")
    assert Seen(sound=False).tell(frozen).warnings == (frozen.reason,)


def test_of_all_that_a_busy_processor_leaves_out_the_last_is_told():
    seen = Seen()
    first, last = (
        Degraded(modality=shed.modality, stage=f"load: {shed.name}", reason=shed.reason)
        for shed in (FACE_RATE, PARTIALS)
    )
    assert seen.tell(first).warnings == (FACE_RATE.reason,)
    assert seen.tell(last).warnings == (PARTIALS.reason,)
    assert seen.tell(Recovered(modality="audio", stage=last.stage)).warnings == (FACE_RATE.reason,)


def test_an_error_is_told_for_a_while():
    seen = Seen()
    assert seen.tell(Error(stage="hook", message="no such column", recoverable=True)).warnings == (
        "hook: no such column",
    )
    assert not seen.after(8.1).warnings


def test_the_meter_rises_at_once_falls_slowly_and_goes_without_sound():
    seen = Seen()
    seen.tell(SoundLevel(time=0.0, level=-10.0, speech=True))
    seen.now += 0.1
    assert seen.tell(SoundLevel(time=0.1, level=-80.0, speech=False)).sound == SoundMark(pytest.approx(-14.0), False)
    seen.now += 0.1
    assert seen.tell(SoundLevel(time=0.2, level=-5.0, speech=True)).sound == SoundMark(-5.0, True)
    assert seen.after(1.1).sound is None


def test_lips_count_as_the_final_says_and_before_that_a_little_while_they_talk():
    seen = Seen()
    assert seen.tell(face(talking=False)).lips_count == 0.0
    assert seen.tell(face(talking=True)).lips_count == TALKING_COUNTS
    assert seen.tell(face(2, speaker=False, talking=True), face(talking=False)).lips_count == 0.0
    assert seen.tell(final("Good morning.", lip_gate=0.9)).lips_count == 0.9
    seen.after(4.1)
    assert seen.tell(face(talking=True)).lips_count == TALKING_COUNTS
    assert seen.tell(final("Bye.", segment=2, lip_gate=0.0)).lips_count == TALKING_COUNTS


def test_the_latency_is_that_of_the_text_behind_its_sound():
    seen = Seen()
    assert seen.tell().figures == ()
    assert seen.tell(partial("a", end=1.0, emitted=1.5)).figures == (("latency", "0.5 s"),)
    for _ in range(30):
        scene = seen.tell(partial("a", end=1.0, emitted=1.2))
    assert scene.figures == (("latency", "0.2 s"),)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (SOUND, lambda scene: scene.sound),
        (PICTURE, lambda scene: scene.faces),
        (EMOTION, lambda scene: scene.emotion),
        (LIPS, lambda scene: scene.faces[0].lips),
    ],
)
def test_what_is_switched_off_goes_at_once(name: str, shown: Callable[[Scene], object]):
    seen = Seen()
    assert shown(seen.tell(face(), emotion(1, "happy"), SoundLevel(time=0.0, level=-9.0, speech=True)))
    seen.switches.turn(name, False)
    assert not shown(seen.after(0.0))


def test_a_mirrored_scene_has_left_and_right_of_faces_turned_round_and_nothing_else():
    scene = Scene(captions=(CaptionLine("left"),), faces=(FaceMark(1, (0.1, 0.2, 0.4, 0.7), LIPS_OUTLINE),))
    turned = mirrored(scene)
    assert turned.faces[0].box == pytest.approx((0.6, 0.2, 0.9, 0.7))
    assert turned.faces[0].lips[0] == (0.8, 0.5)
    assert replace(turned, faces=()) == replace(scene, faces=())
    again = mirrored(turned).faces[0]
    assert again.box == pytest.approx(scene.faces[0].box)
