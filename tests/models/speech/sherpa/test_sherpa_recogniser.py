"""The recogniser: with a scripted sherpa-onnx everywhere, with the real one and tiny models where it is installed."""

from __future__ import annotations

import base64
import importlib.util
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lipstream.models import assets
from lipstream.models.errors import AssetError, ModelError
from lipstream.models.shared import release_networks
from lipstream.models.speech.engine import SAMPLE_RATE
from lipstream.models.speech.moonshine import MoonshineEngine
from lipstream.models.speech.recogniser import Hints, Transcript, Utterance
from lipstream.models.speech.sherpa import SherpaRecogniser
from lipstream.models.speech.sherpa.recogniser import LONGEST_WHISPER, SHORTEST_SOUND
from lipstream.models.speech.tokenizer import Tokenizer
from tests.models.speech.sherpa import tiny_models

pytestmark = pytest.mark.usefixtures("nothing_loaded")

real = pytest.mark.skipif(importlib.util.find_spec("sherpa_onnx") is None, reason="sherpa-onnx is not installed")

HELLO = SimpleNamespace(text=" hello", tokens=[" hel", "lo"], timestamps=[0.2, 0.4], ys_log_probs=[-0.1, -0.1], lang="")
NOISE = np.random.default_rng(0).normal(0, 0.1, 2 * SAMPLE_RATE).astype(np.float32)


def utterance(sound: np.ndarray, heard: float | None = None) -> Utterance:
    return Utterance(sound, len(sound) / SAMPLE_RATE if heard is None else heard)


class FakeLibrary:
    """Stands for the module: every constructor makes a recogniser that gives `result`, and notes what it was told."""

    def __init__(self):
        self.result = HELLO
        self.made: list[tuple[str, dict]] = []
        self.sounds: list[np.ndarray] = []
        self.told: list[tuple[str, str]] = []
        self.fails: Exception | None = None
        self.OfflineRecognizer = self

    def __getattr__(self, name: str):
        if not name.startswith("from_"):
            raise AttributeError(name)

        def make(**options):
            if self.fails:
                raise self.fails
            self.made.append((name, options))
            whisper = SimpleNamespace(language="", task="transcribe")
            return SimpleNamespace(
                config=SimpleNamespace(model_config=SimpleNamespace(whisper=whisper)),
                recognizer=SimpleNamespace(set_config=lambda _: self.told.append((whisper.language, whisper.task))),
                create_stream=lambda: SimpleNamespace(accept_waveform=lambda _, sound: self.sounds.append(sound)),
                decode_stream=self.decode,
            )

        return make

    def decode(self, stream) -> None:
        if self.fails:
            raise self.fails
        stream.result = self.result


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    fake = FakeLibrary()
    monkeypatch.setitem(sys.modules, "sherpa_onnx", fake)
    return fake


def loaded(folder: Path, **options) -> SherpaRecogniser:
    recogniser = SherpaRecogniser(folder, **options)
    recogniser.load()
    return recogniser


def read(folder: Path, sound: np.ndarray, hints: Hints | None = None) -> Transcript:
    return loaded(folder).recognise(utterance(sound), hints or Hints())


# What is asked of the library.


def test_without_the_library_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sherpa_onnx", None)
    recogniser = SherpaRecogniser(tiny_models.zipformer_ctc(tmp_path))
    with pytest.raises(ModelError, match=r"^the sherpa engine needs sherpa-onnx: pip install 'lipstream\[sherpa\]'$"):
        recogniser.load()


def test_the_constructor_never_fails_and_loads_nothing(library: FakeLibrary, tmp_path: Path):
    recogniser = SherpaRecogniser(tmp_path / "nothing")
    assert not library.made
    with pytest.raises(ModelError, match="not loaded"):
        recogniser.recognise(utterance(NOISE), Hints())
    for refused in (recogniser.check, recogniser.load):
        with pytest.raises(ModelError, match="there is no folder"):
            refused()
    known = SherpaRecogniser(tiny_models.sense_voice(tmp_path))
    known.check()
    assert "ja" in known.languages and not library.made


@pytest.mark.parametrize(
    ("make", "method", "told"),
    [
        (tiny_models.transducer, "from_transducer", {}),
        (tiny_models.nemo_transducer, "from_transducer", {"model_type": "nemo_transducer"}),
        (tiny_models.zipformer_ctc, "from_zipformer_ctc", {}),
        (tiny_models.nemo_ctc, "from_nemo_ctc", {}),
        (tiny_models.sense_voice, "from_sense_voice", {"use_itn": True}),
        (tiny_models.whisper, "from_whisper", {"language": ""}),
    ],
)
def test_each_kind_is_made_by_its_own_constructor(library: FakeLibrary, tmp_path: Path, make, method, told):
    loaded(make(tmp_path), threads=2)
    ((made, options),) = library.made
    files = {
        name: value for name, value in options.items() if isinstance(value, str) and value.startswith(str(tmp_path))
    }
    assert made == method
    assert {Path(path).name for path in files.values()} == {path.name for path in tmp_path.iterdir()}
    assert {**told, "num_threads": 2} == {name: value for name, value in options.items() if name not in files}


def test_an_error_of_the_library_is_one_line(library: FakeLibrary, tmp_path: Path):
    tiny_models.zipformer_ctc(tmp_path)
    library.fails = RuntimeError("no such node\nand a long trace")
    with pytest.raises(ModelError, match=r"cannot load the Zipformer CTC model in .* \(no such node\)$"):
        SherpaRecogniser(tmp_path).load()


def test_an_error_while_it_reads_is_one_line_and_not_the_end(library: FakeLibrary, tmp_path: Path):
    recogniser = loaded(tiny_models.zipformer_ctc(tmp_path))
    library.fails = RuntimeError("shape\nmismatch")
    with pytest.raises(ModelError, match=r"failed on 2\.0 s of sound \(shape\)$"):
        recogniser.recognise(utterance(NOISE), Hints())
    library.fails = None
    assert recogniser.recognise(utterance(NOISE), Hints()).text == "hello"


def test_short_sound_is_padded_and_its_words_lie_inside_it(library: FakeLibrary, tmp_path: Path):
    transcript = read(tiny_models.zipformer_ctc(tmp_path), NOISE[:4800])
    assert len(library.sounds[0]) == SHORTEST_SOUND
    assert 0 <= transcript.words[0].start <= transcript.words[0].end <= 0.3


def test_silence_is_not_read_at_all(library: FakeLibrary, tmp_path: Path):
    recogniser = loaded(tiny_models.whisper(tmp_path))
    for sound in (NOISE[:0], np.zeros(SAMPLE_RATE, np.float32), NOISE * 1e-4):
        assert recogniser.recognise(utterance(sound), Hints()) == Transcript(speechless=True)
    assert not library.sounds


def test_an_empty_text_gives_no_words(library: FakeLibrary, tmp_path: Path):
    library.result = SimpleNamespace(text=" ", tokens=[], timestamps=[])
    assert read(tiny_models.zipformer_ctc(tmp_path), NOISE) == Transcript()


def test_words_end_with_what_was_heard(library: FakeLibrary, tmp_path: Path):
    """The end of a sound may be made up; no word is said in it."""
    library.result = SimpleNamespace(text=" hello there", tokens=[], timestamps=[])
    recogniser = loaded(tiny_models.whisper(tmp_path))
    assert recogniser.recognise(utterance(NOISE, heard=1.5), Hints()).words[-1].end <= 1.5


def test_whisper_is_not_given_more_than_it_takes(library: FakeLibrary, tmp_path: Path):
    """The library would cut the end off without an error."""
    recogniser = loaded(tiny_models.whisper(tmp_path))
    assert recogniser.longest == LONGEST_WHISPER
    with pytest.raises(ModelError, match=r"at most 29\.4 s at once, not 30\.0 s"):
        recogniser.recognise(utterance(np.tile(NOISE, 15)), Hints())


def test_two_runs_share_a_network_and_a_file_that_was_replaced_is_another(library: FakeLibrary, tmp_path: Path):
    tiny_models.zipformer_ctc(tmp_path)
    loaded(tmp_path)
    loaded(tmp_path)
    assert len(library.made) == 1
    tiny_models.zipformer_ctc(tmp_path, comment="another")
    loaded(tmp_path)
    assert len(library.made) == 2
    release_networks()
    loaded(tmp_path)
    assert len(library.made) == 3


# Languages.


def test_whisper_is_told_only_what_changes(library: FakeLibrary, tmp_path: Path):
    recogniser = loaded(tiny_models.whisper(tmp_path))
    assert recogniser.languages == {"en", "de"}
    for hints in (
        Hints(),
        Hints(language="de"),
        Hints(language="de"),
        Hints("de", task="translate"),
        Hints(language="de"),
    ):
        recogniser.recognise(utterance(NOISE), hints)
    assert library.told == [("de", "transcribe"), ("de", "translate"), ("de", "transcribe")]


def test_runs_that_share_whisper_do_not_read_in_each_others_language(library: FakeLibrary, tmp_path: Path):
    tiny_models.whisper(tmp_path)
    inside, go_on = threading.Event(), threading.Event()
    decode, read_in = library.decode, []

    def slow(stream) -> None:
        read_in.append(library.told[-1][0])
        inside.set()
        assert go_on.wait(30)
        read_in.append(library.told[-1][0])
        decode(stream)

    library.decode = slow
    first, second = loaded(tmp_path), loaded(tmp_path)
    threads = [
        threading.Thread(target=each.recognise, args=(utterance(NOISE), Hints(language=code)))
        for each, code in ((first, "de"), (second, "en"))
    ]
    threads[0].start()
    assert inside.wait(30)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert read_in == ["de", "de", "en", "en"]


def test_whisper_that_cannot_be_told_a_language_is_one_line(library: FakeLibrary, tmp_path: Path):
    recogniser = loaded(tiny_models.whisper(tmp_path))
    library.told = None
    with pytest.raises(ModelError, match="cannot be told the language"):
        recogniser.recognise(utterance(NOISE), Hints(language="de"))


def test_a_language_that_whisper_does_not_know_is_left_out(library: FakeLibrary, tmp_path: Path):
    """The library ends the process where it is told of one."""
    read(tiny_models.whisper(tmp_path), NOISE, Hints(language="xx"))
    assert library.told == []


def test_whisper_for_english_alone_is_told_of_no_language(library: FakeLibrary, tmp_path: Path):
    recogniser = loaded(tiny_models.whisper(tmp_path, "tiny.en", multilingual=False))
    assert recogniser.languages == {"en"}
    assert recogniser.recognise(utterance(NOISE), Hints(language="de")).language == "en"
    assert library.told == []


def test_sense_voice_is_loaded_once_a_language(library: FakeLibrary, tmp_path: Path):
    recogniser = loaded(tiny_models.sense_voice(tmp_path), language="ja")
    for language in (None, "ja", "ko", "ko", "de"):
        recogniser.recognise(utterance(NOISE), Hints(language=language))
    assert [options.get("language") for _, options in library.made] == ["ja", "ko", None]


@pytest.mark.parametrize(
    ("lang", "language", "speechless"),
    [("<|yue|>", "yue", False), ("en", "en", False), ("<|nospeech|>", None, True), ("", None, False)],
)
def test_the_language_that_sense_voice_tells(library: FakeLibrary, tmp_path: Path, lang, language, speechless):
    library.result = SimpleNamespace(**{**vars(HELLO), "lang": lang})
    transcript = read(tiny_models.sense_voice(tmp_path), NOISE)
    assert (transcript.language, transcript.speechless, not transcript.words) == (language, speechless, speechless)


def test_a_transducer_tells_no_language(library: FakeLibrary, tmp_path: Path):
    recogniser = loaded(tiny_models.transducer(tmp_path))
    assert recogniser.languages == frozenset()
    assert recogniser.recognise(utterance(NOISE), Hints(language="en")).language is None


# What networks that write freely make up.


@pytest.mark.parametrize("text", [" (music)", " [BLANK_AUDIO]", "*applause*", " ♪ la la ♪", "(door closes)."])
def test_descriptions_of_noises_are_no_speech(library: FakeLibrary, tmp_path: Path, text: str):
    library.result = SimpleNamespace(text=text, tokens=[], timestamps=[], lang="en")
    assert read(tiny_models.whisper(tmp_path), NOISE) == Transcript(speechless=True)


def test_brackets_in_a_text_stay(library: FakeLibrary, tmp_path: Path):
    library.result = SimpleNamespace(text=" (Laughs) That is [so] good.", tokens=[], timestamps=[], lang="en")
    assert read(tiny_models.whisper(tmp_path), NOISE).text == "(Laughs) That is [so] good."


def test_a_loop_is_cut_off(library: FakeLibrary, tmp_path: Path):
    library.result = SimpleNamespace(text=" We have some" + " and then we go" * 9, tokens=[], timestamps=[], lang="en")
    transcript = read(tiny_models.whisper(tmp_path), np.tile(NOISE, 5))
    assert transcript.text == "We have some and then we go"
    assert transcript.words[-1].end == pytest.approx(10.0, abs=0.2)


# The real library.

SPOKEN = tiny_models.sound((None, 0.3), (0, 0.2), (1, 0.2), (None, 0.4), (2, 0.2), (3, 0.3), (None, 0.5))
TIMED = {
    "zipformer_ctc": tiny_models.zipformer_ctc,
    "nemo_ctc": tiny_models.nemo_ctc,
    "transducer": tiny_models.transducer,
    "nemo_transducer": tiny_models.nemo_transducer,
    "sense_voice": tiny_models.sense_voice,
}


@real
@pytest.mark.parametrize("kind", TIMED)
def test_words_and_their_times(tmp_path: Path, kind: str):
    transcript = read(TIMED[kind](tmp_path), SPOKEN)
    assert transcript.text == "hello world"
    hello, world = transcript.words
    assert hello.start == pytest.approx(0.3, abs=0.07)
    assert hello.end == pytest.approx(0.7, abs=0.07)
    assert world.start == pytest.approx(1.1, abs=0.07)
    assert world.end == pytest.approx(1.6, abs=0.15)


@real
@pytest.mark.parametrize("kind", ["transducer", "nemo_transducer"])
def test_transducers_tell_how_sure_they_are(tmp_path: Path, kind: str):
    clear = read(TIMED[kind](tmp_path), SPOKEN).words[0].confidence
    assert 0.9 < clear < 1.0
    # The sign of a tone that stands out of noise by little.
    noise = np.random.default_rng(1).normal(0, 0.3, len(SPOKEN)).astype(np.float32)
    assert all(word.confidence < clear for word in read(tmp_path, SPOKEN + noise).words)


@real
@pytest.mark.parametrize("kind", TIMED)
def test_room_noise_gives_nothing(tmp_path: Path, kind: str):
    noise = np.random.default_rng(1).normal(0, 0.003, SAMPLE_RATE).astype(np.float32)
    assert read(TIMED[kind](tmp_path), noise).words == ()


@real
@pytest.mark.parametrize("kind", [*TIMED, "whisper"])
@pytest.mark.parametrize("samples", [1, 399, 4000, 29 * SAMPLE_RATE])
def test_any_length_is_read(tmp_path: Path, kind: str, samples: int):
    sound = np.resize(SPOKEN[5000:], samples)
    transcript = read(getattr(tiny_models, kind)(tmp_path), sound)
    assert all(0 <= word.start <= word.end <= samples / SAMPLE_RATE for word in transcript.words)


@real
def test_the_same_sound_gives_the_same_words(tmp_path: Path):
    recogniser = loaded(tiny_models.transducer(tmp_path))
    first = recogniser.recognise(utterance(SPOKEN), Hints())
    recogniser.recognise(utterance(SPOKEN[6000:]), Hints())
    assert recogniser.recognise(utterance(SPOKEN), Hints()) == first


@real
def test_sense_voice_hears_in_the_language_that_it_is_told(tmp_path: Path):
    recogniser = loaded(tiny_models.sense_voice(tmp_path))
    told = [recogniser.recognise(utterance(SPOKEN), Hints(language=code)).language for code in (None, "ja", "en")]
    assert told == ["en", "ja", "en"]
    assert recogniser.recognise(utterance(SPOKEN), Hints(language="ko")).speechless


@real
def test_whisper_hears_in_the_language_that_it_is_told(tmp_path: Path):
    recogniser = loaded(tiny_models.whisper(tmp_path))
    read_as = [
        recogniser.recognise(utterance(SPOKEN), hints)
        for hints in (Hints(), Hints(language="en"), Hints(language="de"), Hints(task="translate"), Hints())
    ]
    assert [(each.text, each.language) for each in read_as] == [
        ("Hallo there.", "de"),
        ("Hello there.", "en"),
        ("Hallo there.", "de"),
        ("there.", "en"),
        ("Hallo there.", "de"),
    ]
    # It gives no times: the words lie where there is voice.
    hello, there = read_as[0].words
    assert hello.start == pytest.approx(0.3, abs=0.05)
    assert there.end == pytest.approx(1.6, abs=0.05)


@real
def test_whisper_for_english_alone(tmp_path: Path):
    transcript = read(tiny_models.whisper(tmp_path, "tiny.en", multilingual=False), SPOKEN, Hints(language="de"))
    assert (transcript.text, transcript.language) == ("Hello there.", "en")


@real
@pytest.mark.media
def test_moonshine_reads_what_the_engine_of_its_own_reads(tmp_path: Path, beckett_audio: np.ndarray):
    """The published networks, in the layout of the library's newer releases."""
    try:
        for name in ("encoder_model.ort", "decoder_model_merged.ort"):
            (tmp_path / name).write_bytes(assets.resolve(f"moonshine-tiny-en/{name}").read_bytes())
        pieces = Tokenizer.from_file(assets.resolve("moonshine-tiny-en/tokenizer.bin"))._pieces
    except AssetError as error:
        pytest.skip(str(error))
    lines = (f"{base64.b64encode(piece).decode()} {at}\n" for at, piece in enumerate(pieces))
    (tmp_path / "tokens.txt").write_text("".join(lines))
    engine = MoonshineEngine()
    engine.load()
    encoding = engine.encode(beckett_audio)
    hypothesis = engine.decode(encoding)
    transcript = read(tmp_path, beckett_audio)
    assert transcript.text == hypothesis.text
    late = [
        abs(mine.start - its.start)
        for mine, its in zip(transcript.words, engine.align(encoding, hypothesis), strict=True)
    ]
    # Its times are made up from letters and loudness.
    assert np.median(late) < 0.5


@real
def test_a_network_that_cannot_be_run_is_refused_with_its_name(tmp_path: Path):
    """A whole file, but of no network: the library's own error."""
    path = tiny_models.zipformer_ctc(tmp_path) / "model.onnx"
    path.write_bytes(path.read_bytes().replace(b"AveragePool", b"AveragePoal"))
    with pytest.raises(ModelError, match="cannot load the Zipformer CTC model"):
        loaded(tmp_path)
