import numpy as np
import pytest
import torch

from lipstream.models.emotion.branches import Evidence
from lipstream.models.emotion.evaluation.metrics import softmax
from lipstream.models.emotion.fusion import FACE_MEMORY, VOICE_MEMORY, EmotionFusion, TimedEvidence
from lipstream.models.emotion.fusion_net import WAYS, shares
from lipstream.models.emotion.quality import TOKEN
from lipstream.models.emotion.training import fusion as training
from lipstream.models.emotion.training.export import export_fusion
from lipstream.models.emotion.training.fusion import EmotionFusionRecipe, Split, choose, train_fusion
from lipstream.models.emotion.training.pairs import FACE_STATES, Bank, draw_pairs
from lipstream.models.emotion.training.voice_data import VARIANTS
from lipstream.models.errors import ModelError
from lipstream.models.weights import save_weights


def evidence(label, length, height=3.0):
    logits = np.zeros(7, np.float32)
    logits[label] = height
    return Evidence(np.log(softmax(logits)), np.ones(length, np.float32), np.full(3, 0.5, np.float32))


def face(label, time=0.0):
    return TimedEvidence(time, evidence(label, 192))


def voice(label, time=0.0):
    return TimedEvidence(time, evidence(label, 128))


@pytest.fixture(params=list(WAYS))
def fusion(request, tmp_path):
    torch.manual_seed(0)
    save_weights(WAYS[request.param](), tmp_path / "fusion.safetensors", {})
    export_fusion(tmp_path, request.param)
    loaded = EmotionFusion(tmp_path)
    loaded.load()
    return loaded


def test_both_sides_are_weighed(fusion):
    result = fusion.predict([face(1)], [voice(1)], 0)
    assert result.probabilities.argmax() == 1
    assert result.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert result.weight_face + result.weight_voice == pytest.approx(1, abs=1e-5)
    assert result.embedding.shape == (320,)
    assert result.valence > 0


def test_one_side_alone_is_that_side(fusion):
    seen, heard = fusion.predict([face(1)], [], 0), fusion.predict([], [voice(2)], 0)
    assert (seen.weight_face, seen.weight_voice) == (1, 0)
    assert (heard.weight_face, heard.weight_voice) == (0, 1)
    assert np.allclose(seen.probabilities, np.exp(face(1).evidence.log_probabilities), atol=1e-3)
    assert np.allclose(heard.probabilities, np.exp(voice(2).evidence.log_probabilities), atol=1e-3)


def test_without_evidence_the_emotion_is_unknown(fusion):
    assert fusion.predict([], [], 0) is None
    assert fusion.predict([face(1)], [voice(1)], 1 + max(FACE_MEMORY, VOICE_MEMORY)) is None


def test_nothing_later_than_the_moment_is_looked_at(fusion):
    now = fusion.predict([face(1, 0)], [voice(1, 0)], 0)
    later = fusion.predict([face(1, 0), face(3, 0.2)], [voice(1, 0), voice(3, 0.5)], 0)
    assert np.array_equal(now.probabilities, later.probabilities)


def test_missing_weights_are_one_clear_error(tmp_path):
    with pytest.raises(ModelError, match=r"fusion\.onnx: no such network"):
        EmotionFusion(tmp_path).load()
    with pytest.raises(ModelError, match="not loaded"):
        EmotionFusion(tmp_path).predict([face(1)], [], 0)


def test_masked_tokens_change_nothing():
    torch.manual_seed(0)
    for way in WAYS.values():
        network = way().eval()
        tokens, mask = torch.randn(2, 3, TOKEN), torch.tensor([[True, True, False]] * 2)
        changed = tokens.clone()
        changed[:, 2] = 99
        times = (torch.zeros(2, 3), torch.zeros(2, 3))
        before = network(tokens, tokens, mask, mask, times)
        after = network(changed, changed, mask, mask, times)
        assert torch.allclose(before[0], after[0], atol=1e-6)
        assert torch.allclose(before[1], after[1], atol=1e-6)


def bank(states, spoilt, seed, count=140):
    """Tokens that tell their label, but for one state, which is noise and whose quality says so."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 7
    tokens = {}
    for state in states:
        logits = rng.normal(0, 1, (count, 2, 7)) + (0 if state == spoilt else 3) * np.eye(7)[labels][:, None]
        quality = np.full((count, 2, 3), 0.0 if state == spoilt else 1.0)
        tokens[state] = list(np.concatenate([np.log(softmax(logits)), quality], axis=2).astype(np.float32))
    return Bank(tokens, labels)


def test_the_better_witness_is_trusted_and_the_simplest_way_that_does_so_is_kept(tmp_path, monkeypatch):
    banks = [(bank(FACE_STATES, "blurred", s), bank(VARIANTS, "babble", s + 10)) for s in range(3)]
    monkeypatch.setattr(training, "PAIRS", 1000)
    report = train_fusion(Split(*banks), EmotionFusionRecipe(steps=60, batch=48), tmp_path, lambda *_: None)
    rows = report["ways"]["gated"]
    assert rows["voice under 0 dB babble"]["weight face"] > 0.7 > 0.3 > rows["face blurred"]["weight face"]
    assert rows["face blurred"]["both"] >= rows["face blurred"]["voice"] - 0.03
    fusion = EmotionFusion(tmp_path)
    fusion.load()
    assert fusion.predict([face(4)], [voice(4)], 0).probabilities.argmax() == 4


def test_ways_that_were_trained_before_a_run_was_stopped_are_not_trained_again(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "PAIRS", 100)
    split = Split(*((bank(FACE_STATES, "blurred", s), bank(VARIANTS, "babble", s + 10)) for s in range(3)))
    recipe, trained = EmotionFusionRecipe(steps=12, batch=16), []

    def stop(name, done, total, _figures):
        if name.endswith("attention") and done == 5:
            raise KeyboardInterrupt

    whole = train_fusion(split, recipe, tmp_path / "whole", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        train_fusion(split, recipe, tmp_path / "broken", stop)
    assert train_fusion(split, recipe, tmp_path / "broken", lambda name, *_: trained.append(name)) == whole
    assert set(trained) == {"fusion: attention"} and len(trained) == 12
    assert {path.name for path in (tmp_path / "broken").iterdir()} == {
        "fusion.json",
        "fusion.onnx",
        "fusion.safetensors",
    }


def test_a_simpler_way_is_kept_where_the_others_do_not_win():
    rows = {"late": {"row": {"both": 0.797}}, "gated": {"row": {"both": 0.800}}, "attention": {"row": {"both": 0.801}}}
    assert choose(rows) == "late"
    rows["gated"]["row"]["both"] = 0.804
    assert choose(rows) == "gated"
    rows["attention"]["row"]["both"] = 0.83
    assert choose(rows) == "attention"


def test_pairs_agree_in_label():
    faces, voices = bank(FACE_STATES, None, 0), bank(VARIANTS, None, 1)
    pairs = draw_pairs(faces, voices, FACE_STATES, VARIANTS, 64, np.random.default_rng(0))
    for tokens, mask in ((pairs.face, pairs.face_mask), (pairs.voice, pairs.voice_mask)):
        assert mask.any(dim=1).all()
        guess = torch.where(mask[:, :, None], tokens[:, :, :7], 0).sum(dim=1).argmax(dim=1)
        assert (guess == pairs.labels).float().mean() > 0.9
    assert not pairs.without_face().face_mask.any()
    assert not pairs.without_voice().voice_mask.any()


def test_a_side_that_finds_all_classes_alike_counts_for_nothing_however_open_its_gate():
    sure, flat = torch.tensor([2.0, 0, 0, 0, 0, 0, 0]), torch.full((7,), -1.9)
    gates = torch.tensor([[0.1, 0.9], [0.5, 0.5], [0.3, 0.7]])
    terms = torch.stack([torch.stack(pair) for pair in ((sure, flat), (sure, -3 * sure), (flat, flat))])
    expected = np.array([[1, 0], [0.25, 0.75], [0.3, 0.7]])
    assert shares(terms, gates).numpy() == pytest.approx(expected, abs=1e-6)
