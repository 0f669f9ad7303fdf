"""A profile that grows: what is kept of clean speech, what is not, and that what was held back decides."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from lipstream.models.av_speech.enrolment.asked import HELD_BACK
from lipstream.models.av_speech.enrolment.enrolment import Recipe, Teacher
from lipstream.models.av_speech.evaluation.conditions import lip_samples
from lipstream.models.av_speech.lip_fusion import LipFusion
from lipstream.models.av_speech.lip_input import lip_frames, moved, waves
from lipstream.models.av_speech.profile import LipNetworks
from lipstream.models.av_speech.recording import LipTrack, Recording
from lipstream.models.av_speech.training.correspondence import CorrespondenceRecipe
from lipstream.models.av_speech.training.encodings import EncodedStretch, Encodings, Mixing
from lipstream.models.av_speech.training.fusion import LipFusionRecipe
from lipstream.models.av_speech.training.growing import kept_folder as folders
from lipstream.models.av_speech.training.growing.growth import EARLIER, IN_BABBLE, Growth, encoding_of, lips_of
from lipstream.models.av_speech.training.growing.keeper import SpeechKeeper
from lipstream.models.av_speech.training.growing.kept_folder import KeptFolder
from lipstream.models.av_speech.training.growing.kept_speech import KeptSpeech, load_kept
from lipstream.models.av_speech.training.lip_augment import LipSequence, lip_sequence
from lipstream.models.av_speech.training.lips import LipRecipe
from lipstream.models.errors import ModelError
from lipstream.models.speech.cross_attention import DecoderShape
from lipstream.models.speech.engine import Encoding, Hypothesis, SpeechEngine, TimedWord
from lipstream.models.speech.recogniser import Recogniser, Transcript
from lipstream.models.training.torch_decoder import MoonshineDecoder

RATE = 16_000


def recording(seconds=3.0, seed=0, hiss=0.0005):
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE)
    voice = np.sin(np.arange(count) * 0.1) * (np.arange(count) % RATE > RATE // 2) * 0.3
    pcm = ((voice + hiss * rng.standard_normal(count)) * 32767).astype(np.int16)
    frames = int(seconds * 25)
    blurred = np.cumsum(np.cumsum(rng.normal(size=(frames, 96, 96)), axis=1), axis=2)
    blurred -= blurred.min(axis=(1, 2), keepdims=True)
    crops = (blurred / blurred.max(axis=(1, 2), keepdims=True) * 255).astype(np.uint8)
    track = LipTrack(
        rng.normal(size=(frames, 40, 2)).astype(np.float16),
        rng.random((frames, 27)).astype(np.float16),
        crops,
        np.ones(frames, np.bool_),
    )
    return Recording(pcm, track)


class Listener(SpeechEngine):
    """Reads "go on" of everything, as surely as it is told to; frames of 24 ms tell how loud it is."""

    def __init__(self, sureness=0.9, after=None):
        self.sureness, self.after = sureness, after

    def load(self):
        pass

    def words(self, tokens):
        return []

    def encode(self, sound):
        frames = np.zeros((max(1, len(sound) // 384), 288), np.float32)
        frames[:, 0] = float(np.sqrt(np.mean(np.square(sound))))
        return Encoding(frames, RATE / 384, len(sound))

    def decode(self, encoding, prefix=(), draft=()):
        loud = float(encoding.features[:, 0].mean()) > 0.2
        text = "go off" if loud and not encoding.refined else "go on"
        if encoding.refined and self.after is not None:
            text = self.after
        return Hypothesis((5, 6), (self.sureness,) * 2, text)

    def align(self, encoding, hypothesis):
        sure = self.sureness
        return [TimedWord(word, 0.5 + at, 0.9 + at, sure) for at, word in enumerate(hypothesis.text.split())]


class Spelling:
    def encode(self, text):
        return [5 + at for at, _ in enumerate(text.split())]


def keeper(**kind):
    voices = [recording(seed=100 + seed).sound for seed in range(4)]
    return SpeechKeeper(Listener(**kind), voices, Mixing(variants=1))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (recording(0.5), "less than 1"),
        (recording(hiss=0.2), "noisy"),
        (dataclasses.replace(recording(), lips=LipTrack.unseen(75)), "visible for 0%"),
    ],
)
def test_what_is_not_clear_is_not_learnt_from(given, reason):
    kept = keeper().keep(given, 1)
    assert isinstance(kept, str)
    assert reason in kept


def test_words_that_are_not_sure_are_not_learnt_from():
    assert keeper(sureness=0.4).keep(recording(), 1) == "the recogniser is not sure of the words"
    assert isinstance(keeper(sureness=0.9).keep(recording(), 1), KeptSpeech)


class Reader(Recogniser):
    """Reads the same words, as surely as it is told to, whatever it hears."""

    def __init__(self, sureness):
        self.sureness = sureness

    def load(self):
        pass

    def recognise(self, utterance, hints):
        said = [TimedWord(text, 0.6 + at, 1.2 + at, self.sureness) for at, text in enumerate(("and", "so"))]
        return Transcript(tuple(said))


def test_the_text_of_the_recogniser_that_reads_best_is_learnt_if_it_is_sure():
    made = [SpeechKeeper(Listener(), [], Mixing(variants=1, noise=1.0), Reader(sure)) for sure in (0.6, 0.4)]
    kept, left = (each.keep(recording(), 1) for each in made)
    assert (kept.text, kept.words) == ("and so", (("and", 1.2), ("so", 2.2)))
    assert left == "the recogniser is not sure of the words"


def test_every_tenth_stretch_is_held_back_among_voices_to_judge_by():
    learnt, held = (keeper().keep(recording(), number) for number in (1, HELD_BACK))
    assert learnt.babble is None
    assert len(learnt.sound.noisy) == 1
    assert held.sound.noisy == ()
    one, other = held.babble
    assert one.shape == other.shape == held.sound.clean.frames.shape
    assert not np.array_equal(one, other)


def test_neither_sound_nor_picture_is_in_the_file(tmp_path):
    given = recording()
    kept = keeper().keep(given, 1)
    kept.save(tmp_path / "speech.safetensors")
    written = (tmp_path / "speech.safetensors").read_bytes()
    assert given.pcm.tobytes()[4000:4400] not in written
    assert given.lips.crops[3].tobytes()[:400] not in written
    assert max(each.nbytes for each in (kept.shape, kept.look)) < given.lips.crops.nbytes / 30


def test_what_is_kept_comes_back_the_same(tmp_path):
    for number in (1, HELD_BACK):
        kept = keeper().keep(recording(), number)
        kept.save(tmp_path / "speech.safetensors")
        found = load_kept(tmp_path / "speech.safetensors")
        assert (found.text, found.words, found.seconds) == (kept.text, kept.words, kept.seconds)
        np.testing.assert_array_equal(found.look, kept.look)
        np.testing.assert_array_equal(found.sound.clean.frames, kept.sound.clean.frames)
        assert [each.start for each in found.sound.noisy] == pytest.approx([each.start for each in kept.sound.noisy])
        assert (found.babble is None) == (kept.babble is None)


def test_a_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "speech.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"speech\.safetensors"):
        load_kept(path)


def test_lips_kept_as_waves_are_the_input_that_the_lips_would_be():
    track = recording().lips
    whole = lip_sequence(track)
    kept = keeper().keep(recording(), 1)
    again = LipSequence(
        torch.from_numpy(kept.shape.astype(np.float32)), torch.from_numpy(kept.look).float(), whole.mask
    )
    np.testing.assert_allclose(again.plain().numpy(), whole.plain().numpy(), atol=2e-2)


def test_waves_of_a_moved_picture_are_near_those_that_its_waves_tell():
    pictures = recording().lips.crops[:, ::3, ::3].astype(np.float32) / 255
    shift = (0.5, -0.4)
    told = moved(waves(pictures).reshape(-1, 12, 12), shift)
    still = np.abs(waves(pictures) - waves(pictures, shift)).mean()
    assert np.abs(told - waves(pictures, shift)).mean() < 0.2 * still


def made(seconds=60.0, text="go on", held=False):
    """Kept speech of any length."""
    clean = EncodedStretch(np.zeros((4, 288), np.float16), 0.0, seconds)
    babble = (np.ones((4, 288), np.float16),) * 2 if held else None
    shape, look = np.zeros((4, 107), np.float16), np.zeros((4, 12, 12), np.float16)
    return KeptSpeech(
        Encodings(clean, clean, ()), shape, look, np.ones(4, np.bool_), text, (("go", 1.0),), seconds, babble
    )


def test_a_profile_is_due_with_three_minutes_and_then_with_half_as_much_again(tmp_path):
    folder = KeptFolder(tmp_path / "ann.growing")
    assert not folder.due
    for number in range(1, 4):
        assert not folder.due
        folder.add(made(), number)
    assert folder.due
    folder.change(learned_minutes=3.0)
    folder.add(made(), 4)
    assert not folder.due
    folder.add(made(), 5)
    assert folder.due


def test_the_oldest_goes_where_there_is_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MOST_MINUTES", 3.0)
    folder = KeptFolder(tmp_path / "ann.growing")
    for number in range(1, 6):
        folder.add(made(text=f"text {number}"), number)
    assert [number for number, _ in folder.load()] == [3, 4, 5]
    assert folder.state.added == 5


def test_a_damaged_stretch_is_left_out_and_a_damaged_state_named(tmp_path):
    folder = KeptFolder(tmp_path / "ann.growing")
    folder.add(made(), 1)
    folder.add(made(), 2)
    folder.files()[0].write_bytes(b"nothing")
    assert [number for number, _ in folder.load()] == [2]
    assert folder.minutes == pytest.approx(1.0)
    (folder.path / "growth.json").write_text("no json")
    with pytest.raises(ModelError, match=r"growth\.json"):
        folder.state  # noqa: B018 - it is read


def test_only_the_user_can_open_the_folder(tmp_path):
    folder = KeptFolder(tmp_path / "ann.growing")
    folder.add(made(), 1)
    assert folder.path.stat().st_mode & 0o077 == 0


def quick():
    """Training in a few steps."""
    return Recipe(LipRecipe(epochs=1), LipFusionRecipe(epochs=1), Mixing(variants=1), CorrespondenceRecipe(steps=1))


def small_decoder():
    return MoonshineDecoder(DecoderShape(layers=1, mlp_width=16, vocabulary=12)).requires_grad_(False).eval()


@pytest.mark.parametrize(("after", "accepted"), [("go on", True), ("go off", False)])
def test_a_profile_is_taken_only_if_more_is_heard_in_babble(tmp_path, after, accepted):
    engine = Listener(after=after)
    keep = SpeechKeeper(engine, [recording(seed=100 + seed).sound for seed in range(4)], Mixing(variants=1))
    kept = [(number, keep.keep(recording(seed=number), number)) for number in (1, 2, 3, HELD_BACK)]
    teacher = Teacher(engine, lambda sound: engine.encode(sound).features, Spelling(), small_decoder())
    earlier = LipNetworks.untrained(1)
    found, figures = Growth(teacher, tmp_path, lambda *_: None, quick()).run(kept, LipNetworks.untrained(0))
    assert found is accepted
    assert figures[IN_BABBLE]["backbone"]["wer"] == 0.5
    if accepted:
        # What is no better than the profile there was does not take its place.
        again = Growth(teacher, tmp_path / "again", lambda *_: None, quick())
        found, figures = again.run(kept, LipNetworks.untrained(0), earlier)
        assert not found
        assert EARLIER in figures[IN_BABBLE]


def test_kept_lips_are_refined_by_as_live_ones_are():
    networks = LipNetworks.untrained(3)
    for each in networks.parts().values():
        each.eval()
    fusion = LipFusion(lambda: networks)
    fusion.load()
    kept = keeper().keep(recording(), 1)
    samples = lip_samples(recording().lips)
    encoding = encoding_of(kept.sound.clean.frames, kept.seconds)
    live = fusion.fuse(encoding, recording().sound, samples)
    np.testing.assert_allclose(lip_frames(samples)[0], lips_of(kept).frames.numpy(), atol=2e-2)
    np.testing.assert_allclose(
        fusion.refine(encoding, lips_of(kept)).encoding.features, live.encoding.features, atol=0.05
    )


def test_too_few_stretches_are_one_line(tmp_path):
    teacher = Teacher(Listener(), lambda sound: sound, Spelling(), small_decoder())
    with pytest.raises(ModelError, match="1 stretches"):
        Growth(teacher, tmp_path, lambda *_: None).run([(1, made())], LipNetworks.untrained(0))
