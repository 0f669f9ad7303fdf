"""The Whisper engine against a scripted faster-whisper everywhere, and against a real model where there is one."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from lipstream.models import assets
from lipstream.models.errors import AssetError, ModelError
from lipstream.models.speech.engine import SAMPLE_RATE, Hypothesis
from lipstream.models.speech.guards import is_hallucination
from lipstream.models.speech.whisper import WhisperEngine
from tests.models.speech.engine_contract import check_engine

pytestmark = pytest.mark.usefixtures("nothing_loaded")

PIECES = ["<sot>", "<notimestamps>", "<eot>", " Hello", ",", " wor", "ld", ".", " again"]
SOT, NO_TIMESTAMPS, EOT, HELLO, COMMA, WOR, LD, STOP, AGAIN = range(len(PIECES))
SCRIPT = (HELLO, COMMA, WOR, LD, STOP)
"""What the scripted network hears in any audio."""


class FakeTokenizer:
    sot_sequence = (SOT,)
    no_timestamps = NO_TIMESTAMPS
    eot = EOT

    def __init__(self, _pieces, _multilingual, _task, language):
        if language == "xx":
            raise ValueError("'xx' is not a valid language code")
        self.language_code = language

    def decode(self, tokens):
        return "".join(PIECES[token] for token in tokens if token > EOT)

    def split_to_word_tokens(self, tokens):
        return [PIECES[token] for token in tokens], [[token] for token in tokens]


class FakeNetwork:
    """Says SCRIPT, from the place a prefix has reached; records what it was asked."""

    is_multilingual = True

    def __init__(self, script=SCRIPT):
        self.script = script
        self.asked = []

    def encode(self, mel, to_cpu):
        return np.repeat(mel.mean(axis=1)[:, ::2, None], 4, axis=2)

    def generate(self, features, prompts, **options):
        self.asked.append((features, prompts, options))
        (prompt,) = prompts
        assert prompt[:2] == [SOT, NO_TIMESTAMPS]
        prefix = prompt[2:]
        tokens = [*prefix, *self.script[len(prefix) :]][: options["max_length"] // 2]
        scores = np.zeros((len(tokens) + 1, len(PIECES)), np.float32)
        for row, token in enumerate([*self.script[: len(tokens)], EOT]):
            scores[row, token] = 3.0
        return [SimpleNamespace(sequences_ids=[tokens], logits=[list(scores)])]

    def align(self, features, start, texts, mel_frames):
        assert tuple(start) == (SOT,)
        (text,) = texts
        # Each token and the end token takes an equal share, after a pause of 40 frames.
        edges = np.linspace(40, mel_frames // 2, len(text) + 2).astype(int)
        shares = ((token, range(*edges[token : token + 2])) for token in range(len(text) + 1))
        path = [(0, 0), *((token, frame) for token, frames in shares for frame in frames)]
        return [SimpleNamespace(alignments=path)]


@pytest.fixture
def network():
    return FakeNetwork()


@pytest.fixture
def faster_whisper(monkeypatch, network):
    """Put a scripted faster-whisper in place of the real one; the value lists the models it was asked to open."""
    opened = []

    def whisper_model(model, **options):
        opened.append((model, options))
        if model == "broken":
            raise RuntimeError("Unable to open file 'model.bin'\nmore about it")
        mel = lambda audio: np.ones((80, len(audio) // 160 + 1), np.float32)  # noqa: E731
        return SimpleNamespace(model=network, feature_extractor=mel, hf_tokenizer=None)

    package, tokenizer, ctranslate2 = (
        ModuleType(name) for name in ("faster_whisper", "faster_whisper.tokenizer", "ctranslate2")
    )
    package.WhisperModel = whisper_model
    tokenizer.Tokenizer = FakeTokenizer
    ctranslate2.StorageView = SimpleNamespace(from_array=lambda array: array)
    for module in (package, tokenizer, ctranslate2):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return opened


@pytest.fixture
def engine(faster_whisper):
    whisper = WhisperEngine("tiny.en", threads=3)
    whisper.load()
    return whisper


@pytest.fixture
def audio():
    return np.random.default_rng(0).normal(scale=0.1, size=2 * SAMPLE_RATE).astype(np.float32)


def test_fulfils_the_engine_contract(engine, audio):
    check_engine(engine, audio)


def test_opens_the_model_asked_for_on_the_cpu(engine, faster_whisper):
    ((model, options),) = faster_whisper
    assert model == "tiny.en"
    assert (options["device"], options["cpu_threads"], options["compute_type"]) == ("cpu", 3, "int8")


def test_loading_twice_loads_once(engine, faster_whisper):
    engine.load()
    assert len(faster_whisper) == 1


def test_offline_means_no_download(faster_whisper, monkeypatch):
    monkeypatch.setenv("LIPSTREAM_OFFLINE", "1")
    WhisperEngine("small").load()
    assert faster_whisper[0][1]["local_files_only"]


def test_text_and_probabilities(engine, audio):
    hypothesis = engine.decode(engine.encode(audio))
    assert (hypothesis.tokens, hypothesis.text) == (SCRIPT, "Hello, world.")
    chosen = np.exp(3.0) / (np.exp(3.0) + len(PIECES) - 1)
    assert hypothesis.probabilities == pytest.approx([chosen] * len(SCRIPT), rel=1e-5)


def test_a_prefix_is_forced_and_has_the_probability_the_network_gives_it(engine, network, audio):
    hypothesis = engine.decode(engine.encode(audio), prefix=(AGAIN, COMMA))
    assert network.asked[-1][1] == [[SOT, NO_TIMESTAMPS, AGAIN, COMMA]]
    assert hypothesis.tokens == (AGAIN, COMMA, WOR, LD, STOP)
    assert hypothesis.probabilities[0] < hypothesis.probabilities[1]


def test_a_prefix_longer_than_the_audio_allows_is_never_cut(engine, audio):
    prefix = (AGAIN,) * 40
    assert engine.decode(engine.encode(audio[:1600]), prefix=prefix).tokens[:40] == prefix


def test_the_whole_window_is_decoded_whatever_the_length_of_the_audio(engine, network, audio):
    encoding = engine.encode(audio)
    engine.decode(encoding)
    assert encoding.features.shape[0] == 1500
    assert encoding.duration == 2.0
    assert np.array_equal(network.asked[-1][0][0], encoding.features)


def test_a_loop_is_cut(engine, network, audio):
    network.script = (HELLO, *(AGAIN, COMMA, WOR, LD) * 4)
    assert engine.decode(engine.encode(np.tile(audio, 5))).text == "Hello again, world"


def test_a_pause_before_the_first_word_and_in_punctuation_is_not_part_of_a_word(engine, audio):
    encoding = engine.encode(audio)
    hello, world = engine.align(encoding, engine.decode(encoding))
    assert (hello.text, world.text) == ("Hello,", "world.")
    assert hello.start > 0.5
    assert hello.end < world.start
    assert world.end < 2.0


def test_nothing_said_has_no_words(engine, audio):
    assert engine.align(engine.encode(audio), Hypothesis((), (), "")) == []


def test_words_of_a_language_without_spaces_are_its_characters(faster_whisper):
    whisper = WhisperEngine("small", language="ja")
    whisper.load()
    assert [span.text for span in whisper.words(SCRIPT)] == ["Hello,", "wor", "ld."]


def test_more_than_one_window_is_a_clear_error(engine):
    with pytest.raises(ModelError, match="at most 30 s"):
        engine.encode(np.zeros(31 * SAMPLE_RATE, np.float32))


def test_a_missing_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(ModelError, match=r"pip install 'lipstream\[whisper\]'"):
        WhisperEngine("tiny.en").load()


def test_an_unusable_model_is_one_clear_line(faster_whisper):
    with pytest.raises(ModelError, match=r"'broken' .*model\.bin") as raised:
        WhisperEngine("broken").load()
    assert "\n" not in str(raised.value)


def test_an_unknown_language_is_a_clear_error(faster_whisper):
    with pytest.raises(ModelError, match="valid language code"):
        WhisperEngine("small", language="xx").load()


def test_use_before_load_is_a_clear_error(audio):
    with pytest.raises(ModelError, match="call load"):
        WhisperEngine("tiny.en").encode(audio)


WHISPER_FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")


@pytest.fixture(scope="module")
def real_engine():
    pytest.importorskip("faster_whisper")
    try:
        parts = [assets.resolve(f"test-whisper-tiny.en/{name}") for name in WHISPER_FILES]
    except AssetError as error:
        pytest.skip(str(error))
    whisper = WhisperEngine(str(parts[0].parent))
    whisper.load()
    return whisper


@pytest.mark.media
def test_real_model_fulfils_the_engine_contract(real_engine, two_cities_audio):
    speech = two_cities_audio[: 5 * SAMPLE_RATE]
    check_engine(real_engine, speech)
    text = real_engine.decode(real_engine.encode(speech)).text.lower()
    assert "best of times" in text
    assert "worst of times" in text


@pytest.mark.media
def test_real_model_says_nothing_about_silence(real_engine):
    assert is_hallucination(real_engine.decode(real_engine.encode(np.zeros(SAMPLE_RATE, np.float32))))
