"""Moonshine on real speech, on no speech, and with the files it needs missing."""

from __future__ import annotations

import difflib
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest

from lipstream.models import assets
from lipstream.models.errors import ModelError
from lipstream.models.shared import release_networks
from lipstream.models.speech import moonshine
from lipstream.models.speech.engine import SAMPLE_RATE
from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.guards import is_hallucination
from lipstream.models.speech.moonshine import MoonshineEngine, MoonshineFiles
from tests.models.speech.engine_contract import check_engine

BECKETT = "ever tried ever failed no matter try again fail again fail better"
WORST_OF_TIMES = "it was the best of times it was the worst of times"


@pytest.fixture(scope="module")
def engine():
    moonshine = MoonshineEngine(threads=1)
    moonshine.load()
    return moonshine


@pytest.fixture(scope="module")
def speech(two_cities_audio):
    """5 s: the first sentence, with the pause before it."""
    return two_cities_audio[: 5 * SAMPLE_RATE]


def spoken(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+", text.lower()))


def agreement(first, second) -> float:
    return difflib.SequenceMatcher(None, first.tokens, second.tokens, autojunk=False).ratio()


pytestmark = pytest.mark.media


def test_recognises_read_speech(engine, speech, beckett_audio):
    assert spoken(engine.decode(engine.encode(speech)).text) == WORST_OF_TIMES
    beckett = spoken(engine.decode(engine.encode(beckett_audio)).text)
    assert difflib.SequenceMatcher(None, beckett.split(), BECKETT.split()).ratio() > 0.85


def test_inner_frames_are_those_of_a_network_that_was_loaded_and_not_of_memory_that_was_given_back(speech):
    """The bytes of a graph were freed under ONNX Runtime: inner layers were NaN from the second network on."""
    found = []
    for _ in range(2):
        release_networks()
        again = MoonshineEngine(threads=1)
        again.load()
        found.append(again.encode(speech).inner)
        assert np.isfinite(found[-1]).all()
    np.testing.assert_array_equal(*found)


def test_fulfils_the_engine_contract(engine, speech):
    check_engine(engine, speech)


def test_words_are_timed_where_they_are_said(engine, speech):
    encoding = engine.encode(speech)
    words = {word.text: word for word in engine.align(encoding, engine.decode(encoding))}
    loud = np.sqrt(np.convolve(speech**2, np.ones(800) / 800, mode="same"))
    for word in ("best", "worst"):
        inside = loud[int(words[word].start * SAMPLE_RATE) : int(words[word].end * SAMPLE_RATE)]
        assert inside.mean() > 4 * np.percentile(loud, 10)
    assert words["best"].end < 2.3 < 3.2 < words["worst"].start


def test_equals_the_graph_run_token_by_token(engine, speech):
    session = onnxruntime.InferenceSession(assets.resolve("moonshine-tiny-en/decoder_model_merged.ort"))
    encoding = engine.encode(speech)
    feeds = {each.name: np.zeros((1, 8, 0, 36), np.float32) for each in session.get_inputs() if "past" in each.name}
    feeds["encoder_hidden_states"] = encoding.features[None]
    feeds["encoder_attention_mask"] = np.ones((1, encoding.samples), np.int64)
    names = [each.name.replace("present", "past_key_values") for each in session.get_outputs()][1:]
    tokens = [1]
    while tokens[-1] != 2:
        feeds["input_ids"] = np.array([tokens[-1:]])
        feeds["use_cache_branch"] = np.array([len(tokens) > 1])
        logits, *presents = session.run(None, feeds)
        first = len(tokens) == 1
        feeds |= {name: past for name, past in zip(names, presents, strict=True) if first or "decoder" in name}
        tokens.append(int(logits[0, -1].argmax()))
    assert engine.decode(encoding).tokens == tuple(tokens[1:-1])


def test_results_do_not_depend_on_calls_before(engine, speech):
    encoding = engine.encode(speech)
    fresh = engine.decode(encoding)
    engine.decode(engine.encode(speech[: 2 * SAMPLE_RATE]), draft=(887, 366))
    again = engine.encode(speech)
    assert np.array_equal(again.features, encoding.features)
    assert engine.decode(again) == fresh


@pytest.mark.parametrize("seconds", [1.5, 2.7, 4.0, 6.5, 9.0])
def test_drafts_change_a_text_by_no_more_than_rounding(engine, two_cities_audio, beckett_audio, seconds):
    for audio in (two_cities_audio, beckett_audio):
        before = engine.decode(engine.encode(audio[: int((seconds - 0.4) * SAMPLE_RATE)]))
        encoding = engine.encode(audio[: int(seconds * SAMPLE_RATE)])
        plain = engine.decode(encoding)
        nonsense = tuple(np.random.default_rng(0).integers(300, 32_000, size=20).tolist())
        for draft in (before.tokens, plain.tokens, plain.tokens[1:], nonsense):
            drafted = engine.decode(encoding, draft=draft)
            assert agreement(drafted, plain) >= 0.85
            assert engine.decode(encoding, draft=draft) == drafted


def test_a_wrong_prefix_is_kept_and_continued(engine, speech):
    plain = engine.decode(engine.encode(speech))
    wrong = (887, 2355)
    forced = engine.decode(engine.encode(speech), prefix=wrong, draft=plain.tokens)
    assert forced.tokens[:2] == wrong
    assert forced.probabilities[0] < 0.5
    assert len(forced.tokens) > 2


def test_a_prefix_longer_than_the_audio_allows_is_never_cut(engine, speech):
    prefix = (887, 366) * 20
    assert engine.decode(engine.encode(speech[:4000]), prefix=prefix).tokens == prefix


@pytest.mark.parametrize("samples", [0, 1, 500, 894, 895, 1279, 1280])
def test_very_short_audio_is_padded(engine, speech, samples):
    encoding = engine.encode(speech[20_000 : 20_000 + samples])
    assert encoding.features.shape[1] == 288
    assert len(encoding.features) >= 1
    assert encoding.duration == samples / SAMPLE_RATE
    hypothesis = engine.decode(encoding)
    assert all(0.0 <= word.start <= word.end <= encoding.duration for word in engine.align(encoding, hypothesis))


def sounds_without_speech():
    seconds = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    noise = np.random.default_rng(1).normal(size=len(seconds))
    chord = sum(np.sin(2 * np.pi * pitch * seconds) for pitch in (261.6, 329.6, 392.0)) * np.exp(-4 * (seconds % 0.5))
    return {
        "silence": np.zeros_like(seconds),
        "noise": 0.05 * noise,
        "tone": 0.2 * np.sin(2 * np.pi * 440 * seconds),
        "chords": 0.1 * chord,
    }


@pytest.mark.parametrize("name", sounds_without_speech())
def test_what_is_said_about_no_speech_is_rejected(engine, name):
    sound = sounds_without_speech()[name].astype(np.float32)
    for samples in (8_000, 16_000):
        assert is_hallucination(engine.decode(engine.encode(sound[:samples])))


def test_speech_is_not_rejected(engine, two_cities_audio, beckett_audio):
    for audio in (two_cities_audio, beckett_audio):
        for seconds in (3, 6, 9):
            assert not is_hallucination(engine.decode(engine.encode(audio[: seconds * SAMPLE_RATE])))


def test_encode_and_decode_may_run_at_the_same_time(engine, speech):
    lengths = [40_000, 50_000, 60_000, 70_000]
    encodings = [engine.encode(speech[:length]) for length in lengths]
    hypotheses = [engine.decode(encoding) for encoding in encodings]
    with ThreadPoolExecutor(2) as pool:
        encoded = pool.submit(lambda: [engine.encode(speech[:length]) for length in lengths])
        decoded = pool.submit(lambda: [engine.decode(encoding) for encoding in encodings])
    assert decoded.result() == hypotheses
    for again, before in zip(encoded.result(), encodings, strict=True):
        assert np.array_equal(again.features, before.features)


def test_loading_twice_loads_once(engine, monkeypatch):
    def fail(name):
        raise AssertionError(f"resolved {name} again")

    monkeypatch.setattr(assets, "resolve", fail)
    engine.load()


def test_a_missing_file_is_a_clear_error(tmp_path):
    tokenizer = assets.resolve("moonshine-tiny-en/tokenizer.bin")
    decoder = assets.resolve("moonshine-tiny-en/decoder_model_merged.ort")
    files = MoonshineFiles(tmp_path / "encoder_model.ort", decoder, tokenizer)
    with pytest.raises(ModelError, match=r"encoder_model\.ort is missing"):
        MoonshineEngine(files=files).load()


def test_a_damaged_file_is_a_clear_error(tmp_path):
    damaged = tmp_path / "encoder_model.ort"
    damaged.write_bytes(b"no network")
    tokenizer = assets.resolve("moonshine-tiny-en/tokenizer.bin")
    decoder = assets.resolve("moonshine-tiny-en/decoder_model_merged.ort")
    with pytest.raises(ModelError, match=r"cannot load .*encoder_model\.ort"):
        MoonshineEngine(files=MoonshineFiles(damaged, decoder, tokenizer)).load()


def test_use_before_load_is_a_clear_error():
    with pytest.raises(ModelError, match="call load"):
        MoonshineEngine().encode(np.zeros(16_000, np.float32))


def test_a_term_is_written_as_it_is_listed(engine, speech):
    encoding = engine.encode(speech)
    listed = engine.decode(encoding, terms=Terms(("Wurst of Times",), bonus=12.0))
    assert "Wurst of Times" in listed.text
    assert engine.decode(encoding, draft=listed.tokens).text == engine.decode(encoding).text


def test_terms_that_nobody_says_change_nothing(engine, two_cities_audio):
    encoding = engine.encode(two_cities_audio[: 20 * SAMPLE_RATE])
    others = Terms(("Siobhan", "Kubernetes", "Reykjavik", "Ana Lindqvist", "tachycardia"))
    assert engine.decode(encoding, terms=others) == engine.decode(encoding)


@pytest.mark.usefixtures("nothing_loaded")
def test_who_only_listens_does_not_load_the_decoder(speech, monkeypatch):
    opened = []
    real = moonshine.DecoderGraph
    monkeypatch.setattr(moonshine, "DecoderGraph", lambda *given: opened.append(given) or real(*given))
    listener = MoonshineEngine(threads=1)
    listener.load()
    encoding = listener.encode(speech)
    assert not opened
    listener.load_decoder()
    assert len(opened) == 1
    assert spoken(listener.decode(encoding).text) == WORST_OF_TIMES
    reader = MoonshineEngine(threads=1)
    reader.load()
    assert reader.decode(encoding) == listener.decode(encoding) and len(opened) == 1
