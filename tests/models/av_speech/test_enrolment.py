"""Enrolment: what is refused, how long recordings are cut, and that the recordings held back decide."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.av_speech.correspondence_net import CorrespondenceNet
from lipstream.models.av_speech.enrolment import enrolment
from lipstream.models.av_speech.enrolment.enrolment import Enrolment, Material, Recipe, Teacher, check_material
from lipstream.models.av_speech.evaluation.conditions import Trial, lip_samples
from lipstream.models.av_speech.profile import LipNetworks
from lipstream.models.av_speech.recording import LipTrack, Recording
from lipstream.models.av_speech.training.corpora import Utterance
from lipstream.models.av_speech.training.correspondence import CorrespondenceRecipe
from lipstream.models.av_speech.training.encodings import Mixing
from lipstream.models.av_speech.training.features import cached_recordings
from lipstream.models.av_speech.training.fusion import LipFusionRecipe
from lipstream.models.av_speech.training.lips import LipRecipe
from lipstream.models.av_speech.training.recording_files import load_recording
from lipstream.models.errors import ModelError
from lipstream.models.speech.cross_attention import DecoderShape
from lipstream.models.speech.engine import Encoding, Hypothesis, SpeechEngine, TimedWord
from lipstream.models.training.torch_decoder import MoonshineDecoder
from tests.models.pretended_gpu import CPU, GPU, pretended_gpu

RATE = 16_000


def recording(seconds=3.0, seed=0, seen=True, hiss=0.0005):
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE)
    voice = np.sin(np.arange(count) * 0.1) * (np.arange(count) % RATE > RATE // 2) * 0.3
    pcm = ((voice + hiss * rng.standard_normal(count)) * 32767).astype(np.int16)
    frames = int(seconds * 25)
    track = LipTrack(
        rng.normal(size=(frames, 40, 2)).astype(np.float16),
        rng.random((frames, 27)).astype(np.float16),
        rng.integers(0, 256, (frames, 96, 96), dtype=np.uint8),
        np.full(frames, seen),
    )
    return Recording(pcm, track)


def material(count=70, **kind):
    names = [f"clip{index}" for index in range(count)]
    return Material(names, [recording(seed=index, **kind) for index in range(count)], ["go on"] * count, [])


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (material(5), "0.2 min"),
        (material(seen=False), "visible in 0%"),
        (material(hiss=0.2), "noisy"),
    ],
)
def test_recordings_that_teach_nothing_are_refused_in_one_line(given, reason):
    with pytest.raises(ModelError, match=reason) as caught:
        check_material(given)
    assert "\n" not in str(caught.value)


def test_quiet_recordings_of_a_face_are_accepted():
    check_material(material())


def test_long_recordings_are_cut_in_pauses_and_nothing_is_lost():
    whole = recording(30)
    parts = whole.pieces(8)
    assert max(len(each.pcm) for each in parts) <= 8 * RATE
    np.testing.assert_array_equal(np.concatenate([each.pcm for each in parts]), whole.pcm)
    np.testing.assert_array_equal(np.concatenate([each.lips.points for each in parts]), whole.lips.points)
    for each in parts[:-1]:
        assert abs(int(each.pcm[-100:].max())) < 1000


def test_long_recordings_with_a_transcript_are_refused():
    with pytest.raises(ModelError, match="talk lasts 30 s"):
        Material.of(["talk"], [recording(30)], ["a long text"], [])


def test_a_recording_is_read_once_and_comes_back_the_same(tmp_path):
    reads = []

    def read(path):
        reads.append(path)
        return recording()

    utterances = [Utterance(tmp_path / "a.mp4", "a", "", None)]
    for _ in range(2):
        (found,) = cached_recordings(utterances, read, tmp_path / "cache", lambda *_: None)
    assert len(reads) == 1
    np.testing.assert_array_equal(found.pcm, recording().pcm)
    np.testing.assert_array_equal(found.lips.crops, recording().lips.crops)


def test_a_damaged_cache_is_one_line(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"no tensors")
    with pytest.raises(ModelError, match="delete it"):
        load_recording(path)


def test_lip_samples_keep_time_and_mask():
    track = recording(1.0).lips
    track.mask[3] = False
    samples = lip_samples(track)
    assert [each.time for each in samples[:3]] == pytest.approx([0.0, 0.04, 0.08])
    assert samples[3].points is None
    assert samples[4].points is not None


class Spelling:
    def encode(self, text):
        return [5, 6, 7]


class Echo(SpeechEngine):
    """A recogniser that says whatever the frames' mean tells it to."""

    def __init__(self, clean, after):
        self.clean, self.after = clean, after

    def load(self):
        pass

    def words(self, tokens):
        return []

    def encode(self, sound):
        return Encoding(np.zeros((len(sound) // 384, 288), np.float32), RATE / 384, len(sound))

    def decode(self, encoding, prefix=(), draft=()):
        text = self.after if encoding.features.any() else self.clean
        return Hypothesis((5, 6), (1.0, 1.0), text)

    def align(self, encoding, hypothesis):
        return [TimedWord(word, 1.0 + at, 1.5 + at, 1.0) for at, word in enumerate(hypothesis.text.split())]


class Doubtful:
    """A fusion that finds so much evidence in one recording after the other."""

    def __init__(self, found):
        self.evidence = lambda encoding, lips: found.pop(0)


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        ([6.0] * 9 + [-30.0], enrolment.LEAST_EVIDENCE),
        ([6.0] * 10, enrolment.MOST_EVIDENCE),
        ([6.0] * 9 + [-1.0], -1.0 + 0.18 * 7.0),
    ],
)
def test_one_odd_recording_among_few_does_not_turn_the_check_of_the_lips_off(found, asked, tmp_path):
    trials = [Trial(recording(1.0), "go on", [np.ones(RATE, np.float32)] * 4) for _ in found]
    correspondence = CorrespondenceNet(16, 16)
    teacher = Teacher(Echo("go on", ""), None, None, None)
    Enrolment(teacher, None, tmp_path, lambda *_: None)._calibrate(correspondence, Doubtful(found), trials)
    assert float(correspondence.offset) == pytest.approx(asked)


@pytest.mark.parametrize(
    ("text", "after", "accepted"),
    [
        ("go on", "go on", True),
        ("go on", "something else", False),
        (None, "something else", False),
    ],
)
def test_a_profile_that_spoils_clean_speech_is_not_accepted(text, after, accepted, tmp_path, monkeypatch):
    monkeypatch.setattr(enrolment, "LEAST_MINUTES", 0.1)
    found, figures = enrol(text, Echo("go on", after), tmp_path, lambda *_: None)
    assert found is accepted
    assert figures["clean"]["backbone"]["wer"] == 0


@pytest.mark.parametrize(
    ("alone", "profile", "sureness", "harmless"),
    [(0.4, 0.2, -0.3, True), (0.1, 0.1, -0.3, False), (0.1, 0.2, -0.05, True), (0.1, 0.2, -0.3, False)],
)
def test_a_profile_that_is_less_sure_must_read_more_as_it_was_read_together(alone, profile, sureness, harmless):
    clean = {"backbone": {"wer": alone}, "audio-visual": {"wer": profile}}
    assert enrolment.reads_clean(clean, sureness) is harmless


def test_recordings_that_nobody_can_read_are_refused_in_one_line(tmp_path):
    with pytest.raises(ModelError, match="surely in 0 of 70 recordings") as caught:
        enrol(None, Echo("", ""), tmp_path, lambda *_: None, 70)
    assert "\n" not in str(caught.value)


def enrol(text, engine, work, report, count=12, device=CPU):
    given = material(count)
    given = Material(given.names, given.recordings, [text] * count, [np.ones(RATE, np.float32)] * 4)
    decoder = MoonshineDecoder(DecoderShape(layers=1, mlp_width=16, vocabulary=12)).requires_grad_(False).eval()
    teacher = Teacher(engine, lambda sound: engine.encode(sound).features, Spelling(), decoder)
    recipe = Recipe(LipRecipe(epochs=1), LipFusionRecipe(epochs=1), Mixing(variants=1), CorrespondenceRecipe(steps=1))
    return Enrolment(teacher, recipe, work, report, device).run(given, LipNetworks.untrained())


def test_all_of_an_enrolment_is_trained_on_the_gpu_and_judged_on_the_processor(tmp_path, monkeypatch):
    monkeypatch.setattr(enrolment, "LEAST_MINUTES", 0.1)
    losses = []
    with pretended_gpu():
        enrol("go on", Echo("go on", "go on"), tmp_path, lambda *done: losses.append(done[3]), 4, GPU)
    told = [words.split(",")[0].split()[-1] for words in losses if words.startswith("loss")]
    assert len(told) >= 3
    assert set(told) == {"cuda"}
