"""The recogniser on a small random network: what it is made of, what it is told, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipstream.models.errors import ModelError
from lipstream.models.speech.interruption import Interrupted, Interruption
from lipstream.models.speech.recogniser import Front, Hints, Transcript, Utterance
from lipstream.models.speech.whisper import recogniser as module
from lipstream.models.speech.whisper.network import Sound
from lipstream.models.speech.whisper.recogniser import LONGEST, WhisperRecogniser
from lipstream.models.speech.whisper.search import Read, beam_search
from lipstream.models.speech.whisper.tokens import WhisperTokens
from tests.models.speech.whisper.small_whisper import ALIASES, ct2_bytes, weights, write_folder, write_tokenizer

pytestmark = pytest.mark.usefixtures("nothing_loaded")


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory) -> WhisperRecogniser:
    # With this seed it reads words into noise, if there is enough of it.
    # In float32 tokens together are what they are one by one.
    made = WhisperRecogniser(str(write_folder(tmp_path_factory.mktemp("small"), seed=1)), precision="float32")
    made.load()
    return made


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.1, size=round(seconds * 16_000)).astype(np.float32)


def utterance(seconds: float, *, whole: bool = True, seed: int = 0) -> Utterance:
    return Utterance(noise(seconds, seed), seconds, whole=whole)


def fulfils(found: Transcript, seconds: float) -> None:
    edges = [edge for word in found.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert all(0.0 <= edge <= seconds + 1e-3 for edge in edges)
    assert all(0.0 <= word.confidence <= 1.0 and word.text for word in found.words)
    assert not (found.speechless and found.words)


def test_it_takes_thirty_seconds_of_sound_and_needs_no_listener(recogniser):
    assert (recogniser.longest, recogniser.reads_frames) == (30.0, False)
    assert 0.0 < recogniser.best_length <= recogniser.longest


def test_its_languages_are_those_of_the_vocabulary(recogniser):
    assert WhisperRecogniser("anything").languages == frozenset()
    assert recogniser.languages == {"en", "de", "ja"}


@settings(max_examples=25)
@given(
    seconds=st.floats(0.0, 14.0), whole=st.booleans(), seed=st.integers(0, 1000), before=st.sampled_from(["", "the"])
)
def test_any_sound_gives_words_in_order_and_inside(recogniser, seconds, whole, seed, before):
    spoken = utterance(seconds, whole=whole, seed=seed)
    found = recogniser.recognise(spoken, Hints(before=before))
    fulfils(found, len(spoken.sound) / 16_000)


def test_the_result_is_that_of_the_arguments_alone(recogniser):
    first = recogniser.recognise(utterance(12.0), Hints(language="en"))
    assert len(first.words) > 3
    fulfils(first, 12.0)
    other = recogniser.recognise(utterance(12.0), Hints(language="de"))
    assert other != first
    assert recogniser.recognise(utterance(12.0), Hints(language="en")) == first


def test_it_gives_way_in_the_middle_of_the_encoder_and_of_the_search(recogniser, monkeypatch):
    """A final would wait until what nobody waits for has been read."""
    assert recogniser.gives_way
    unasked = recogniser.recognise(utterance(12.0), Hints(language="en", interruption=Interruption()))
    assert unasked == recogniser.recognise(utterance(12.0), Hints(language="en"))
    parts = recogniser._parts()
    searched = []
    monkeypatch.setattr(module, "beam_search", lambda *given: searched.append(given[-1]) or beam_search(*given))
    for of, name in ((parts.encoder, "_session"), (parts.decoder, "_step")):
        interruption, session = Interruption(), getattr(of, name)
        asking = SimpleNamespace(run=lambda *given, s=session, i=interruption: i.ask() or s.run(*given))
        with monkeypatch.context() as patch:
            patch.setattr(of, name, asking)
            with pytest.raises(Interrupted):
                recogniser.recognise(utterance(12.0), Hints(language="en", interruption=interruption))
    assert searched == [interruption], "an encoder that was ended is not read from"


def test_a_partial_with_a_draft_equals_one_without(recogniser):
    right = recogniser.recognise(utterance(12.0, whole=False), Hints(language="en"))
    assert len(right.tokens) > 3
    for draft in (right.tokens, right.tokens[:1], right.tokens[::-1], (*right.tokens, 3, 4), tuple(range(20))):
        assert recogniser.recognise(utterance(12.0, whole=False), Hints(language="en", draft=draft)) == right


def test_a_final_does_not_depend_on_a_draft(recogniser):
    right = recogniser.recognise(utterance(12.0), Hints(language="en"))
    assert recogniser.recognise(utterance(12.0), Hints(language="en", draft=(3, 4))) == right


def test_the_language_asked_for_is_that_of_the_text(recogniser):
    for code in ("en", "de", "ja"):
        assert recogniser.recognise(utterance(1.0), Hints(language=code)).language == code
    found = recogniser.recognise(utterance(1.0), Hints())
    assert found.language in recogniser.languages
    assert 0.0 < found.language_probability <= 1.0


def test_an_unknown_language_is_one_clear_line(recogniser):
    with pytest.raises(ModelError, match=r"^Whisper does not know the language 'xx'; it knows de, en, ja$"):
        recogniser.recognise(utterance(1.0), Hints(language="xx"))


def test_language_task_and_what_came_before_reach_the_decoder(recogniser, monkeypatch):
    asked = []
    prompt = WhisperTokens.prompt
    monkeypatch.setattr(WhisperTokens, "prompt", lambda *of: asked.append(of[1:]) or prompt(*of))
    recogniser.recognise(utterance(1.0, whole=False), Hints(language="de", task="translate", before="the best"))
    assert asked == [("de", "translate", "the best")]


def test_a_translation_has_the_words_of_english_whatever_is_spoken(recogniser, monkeypatch):
    asked = set()
    words = WhisperTokens.words
    monkeypatch.setattr(WhisperTokens, "words", lambda *of: asked.add(of[2]) or words(*of))
    found = recogniser.recognise(utterance(1.0), Hints(language="ja", task="translate"))
    assert found.language == "ja" and asked == {"en"}


def test_speech_in_front_is_heard_and_its_text_goes_before(recogniser, monkeypatch):
    fed: list[tuple[int, list[int]]] = []
    beam_search = module.beam_search

    def watched(decoder, sound, prompt, *rest):
        fed.append((sound.frames, list(prompt)))
        return beam_search(decoder, sound, prompt, *rest)

    monkeypatch.setattr(module, "beam_search", watched)
    hints = Hints(language="en")
    recogniser.recognise(utterance(1.0), hints)
    alone, signs = fed[0]
    fed.clear()
    found = recogniser.recognise(replace(utterance(1.0), front=Front(noise(2.0, 5), "the best", "en")), hints)
    fulfils(found, 1.0)
    joined, prompt = fed[0]
    assert joined - alone == 100
    assert prompt == [*signs, *recogniser._parts().tokens.encode(" the best")]


@pytest.mark.parametrize(
    "front",
    [Front(noise(2.0), "the best", "de"), Front(noise(29.5), "the best", "en"), Front(noise(0.01), "the", "en")],
    ids=["another language", "too long", "next to nothing"],
)
def test_speech_in_front_that_is_of_no_use_changes_nothing(recogniser, front):
    """Forced on, the text of one language would have been gone on with in it while another is spoken."""
    hints = Hints(language="en")
    alone = recogniser.recognise(utterance(1.0), hints)
    assert recogniser.recognise(replace(utterance(1.0), front=front), hints) == alone
    assert alone.joint is None


def test_a_sign_between_the_text_in_front_and_this_one_is_no_word(recogniser):
    read, heard = read_of(recogniser, ". the best.", [0.9] * 4)
    found, _ = recogniser._transcript(read, replace(heard, said=(1,)), utterance(0.2), noise(0.2))
    assert (found.text, found.joint, found.closing) == ("the best.", ".", pytest.approx(0.9))
    found, _ = recogniser._transcript(read.behind(1), replace(heard, said=(1,)), utterance(0.2), noise(0.2))
    assert (found.text, found.joint) == ("the best.", "")


def test_what_was_read_in_the_speech_in_front_is_no_text_of_what_follows(recogniser):
    """A text goes on by itself over a noise, and looks at the words before it."""
    read, heard = read_of(recogniser, " the best", [0.9, 0.9])
    behind = replace(heard, own=slice(5, 10), said=(1,))
    assert recogniser._kept(read, utterance(0.1), behind) == 0


def scores_for(tokens: WhisperTokens, **chances: float) -> np.ndarray:
    scores = np.full(tokens.size, -30.0, np.float32)
    for code, chance in chances.items():
        scores[tokens.languages[code]] = float(np.log(chance))
    return scores


@pytest.mark.parametrize(
    ("usual", "seconds", "german", "expected"),
    [
        (None, 5.0, 0.6, "de"),
        (None, 5.0, 0.4, "en"),
        ("en", 5.0, 0.8, "en"),
        ("en", 5.0, 0.9, "de"),
        ("en", 1.0, 0.9, "en"),
        ("en", 1.0, 0.999, "de"),
        ("en", 0.1, 0.999, "en"),
        ("de", 5.0, 0.2, "de"),
        ("de", 5.0, 0.1, "en"),
        ("xx", 5.0, 0.6, "de"),
    ],
)
def test_another_language_must_outweigh_the_one_so_far_the_more_the_shorter_the_sound(
    small_folder, usual, seconds, german, expected
):
    tokens = WhisperTokens(small_folder / "tokenizer.json")
    scores = scores_for(tokens, de=german, en=1.0 - german)
    language, certainty, _ = module._language(scores, tokens, Hints(usual=usual), seconds)
    assert language == expected
    assert certainty == pytest.approx(german if expected == "de" else 1.0 - german, rel=1e-3)


def test_more_than_thirty_seconds_are_cut_without_error(recogniser):
    long = recogniser.recognise(utterance(LONGEST + 3.0, whole=False), Hints(language="en"))
    fulfils(long, LONGEST)
    cut = Utterance(noise(LONGEST + 3.0)[: round(LONGEST * 16_000)], LONGEST, whole=False)
    assert long.tokens == recogniser.recognise(cut, Hints(language="en")).tokens


@pytest.mark.parametrize("samples", [0, 1, 159, 320, 641])
@pytest.mark.parametrize("whole", [True, False])
def test_hardly_any_sound_is_no_error(recogniser, samples, whole):
    fulfils(
        recogniser.recognise(Utterance(noise(1.0)[:samples], samples / 16_000, whole=whole), Hints()), samples / 16_000
    )


def test_use_before_load_is_a_clear_error():
    with pytest.raises(ModelError, match=r"call load\(\) first"):
        WhisperRecogniser("anything").recognise(utterance(1.0), Hints())


def test_loading_twice_reads_the_files_once_and_two_recognisers_share_them(small_folder, monkeypatch):
    opened = []
    read = module.read_ct2
    monkeypatch.setattr(module, "read_ct2", lambda path: opened.append(path) or read(path))
    first, second = WhisperRecogniser(str(small_folder)), WhisperRecogniser(str(small_folder))
    for each in (first, first, second):
        each.load()
    assert opened == [small_folder / "model.bin"]


def test_a_vocabulary_that_was_replaced_is_read_again(small_folder):
    WhisperRecogniser(str(small_folder)).load()
    (small_folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"expected the tokenizer\.json"):
        WhisperRecogniser(str(small_folder)).load()


def refusal(folder, *, cheap: bool = False) -> str:
    recogniser = WhisperRecogniser(str(folder))
    with pytest.raises(ModelError) as caught:
        recogniser.check() if cheap else recogniser.load()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_languages_and_damaged_files_are_known_before_any_network_is_loaded(small_folder, monkeypatch):
    monkeypatch.setattr(module, "WhisperEncoder", lambda *_: pytest.fail("loaded"))
    recogniser = WhisperRecogniser(str(small_folder))
    recogniser.check()
    assert recogniser.languages == {"de", "en", "ja"}
    model = small_folder / "model.bin"
    model.write_bytes(model.read_bytes()[:-1000])
    assert str(model) in refusal(small_folder, cheap=True)
    (small_folder / "tokenizer.json").unlink()
    assert "has no tokenizer.json" in refusal(small_folder, cheap=True)


def test_files_that_are_damaged_or_of_another_model_are_one_clear_line(small_folder):
    size = WhisperTokens(small_folder / "tokenizer.json").size
    model, config = small_folder / "model.bin", small_folder / "config.json"
    good, told = weights(size), config.read_text()

    model.write_bytes(ct2_bytes(good, ALIASES, kind="TransformerSpec"))
    assert "holds a TransformerSpec, expected a Whisper model" in refusal(small_folder)
    model.write_bytes(ct2_bytes({name: each for name, each in good.items() if "conv2/bias" not in name}, ALIASES))
    assert "lacks 'encoder/conv2/bias'" in refusal(small_folder)
    model.write_bytes(ct2_bytes(weights(size // 2), ALIASES))
    assert f"of different models, or damaged ones (a vocabulary of {size}, weights for {size // 2})" in refusal(
        small_folder
    )
    model.write_bytes(ct2_bytes(good, ALIASES))
    for content in ("{", "[]", json.dumps({"alignment_heads": [[7, 0]]}), json.dumps({"suppress_ids": [10**6]})):
        config.write_text(content)
        assert str(small_folder) in refusal(small_folder)
    config.write_text(told)
    write_tokenizer(small_folder / "tokenizer.json", multilingual=False)
    assert "of different models" in refusal(small_folder)


def test_without_config_the_heads_of_the_upper_layers_align(small_folder):
    (small_folder / "config.json").write_text("{}")
    made = WhisperRecogniser(str(small_folder))
    made.load()
    fulfils(made.recognise(utterance(1.0), Hints()), 1.0)


def read_of(recogniser: WhisperRecogniser, text: str, on_sound: list[float]) -> tuple[Read, module._Heard]:
    """A text of which each token has such a share of its look on the sound (10 frames), the rest behind it."""
    tokens = recogniser._parts().tokens.encode(text)
    looks = np.zeros((2, len(tokens), 20), np.float32)
    looks[:, :, 3], looks[:, :, 15] = on_sound, 1.0 - np.array(on_sound)
    heard = module._Heard(Sound([]), own=slice(0, 10), said=(), no_speech=0.0, language="en", certainty=1.0)
    return Read(tuple(tokens), (0.9,) * len(tokens), 0.9, looks), heard


@pytest.mark.parametrize(
    ("text", "on_sound", "kept"),
    [
        (" the best of times.", [0.9, 0.9, 0.8, 0.5, 0.1], 5),
        (" the best of times", [0.9, 0.9, 0.2, 0.1], 2),
        (" the best. of times.", [0.9, 0.9, 0.1, 0.2, 0.1, 0.1], 3),
        (" the best of times", [0.9, 0.1, 0.1, 0.9], 4),
        (" the best", [0.1, 0.1], 0),
        ("...", [0.1], 1),
    ],
)
def test_what_is_read_behind_the_sound_is_left_out_with_its_full_stop(recogniser, text, on_sound, kept):
    read, heard = read_of(recogniser, text, on_sound)
    assert recogniser._kept(read, utterance(1.0), heard) == kept


def test_a_rehearsal_is_the_same_work_whatever_the_sound(recogniser, monkeypatch):
    decoder = recogniser._parts().decoder
    step = decoder.step
    fed: list[tuple[int, ...]] = []

    def counted(text, tokens, looks=None):
        fed.append(np.shape(tokens))
        return step(text, tokens, looks)

    monkeypatch.setattr(decoder, "step", counted)
    works = []
    for sound in (np.zeros(96_000, np.float32), noise(6.0, seed=1), noise(6.0, seed=2)):
        recogniser.rehearse(sound, 25)
        works.append(tuple(fed))
        fed.clear()
    assert len(set(works)) == 1
    language, prompt, *steps, checked = works[0]
    # The prompt tells the first tokens, and behind the last it is seen whether the text ends.
    assert steps == [(5, 1)] * 25
    assert language == (1, 1)
    assert checked == (1, prompt[1] + 25)


def test_a_loop_is_cut(recogniser):
    read, heard = read_of(recogniser, " the best" * 6, [0.9] * 12)
    assert recogniser._kept(read, utterance(6.0), heard) == 2


def test_words_without_any_sound_in_what_seems_no_speech_are_left_out(recogniser):
    read, heard = read_of(recogniser, " the", [0.9])
    doubtful = replace(heard, no_speech=0.9)
    quiet = Utterance(np.zeros(3200, np.float32), 0.2)
    assert recogniser._transcript(read, doubtful, quiet, quiet.sound)[0].speechless
    assert recogniser._transcript(read, heard, quiet, quiet.sound)[0].text == "the"
    loud = np.concatenate([np.zeros(1600, np.float32), noise(0.1)])
    assert recogniser._transcript(read, doubtful, Utterance(loud, 0.2), loud)[0].text == "the"


def test_what_somebody_is_seen_to_say_is_never_taken_for_no_speech(recogniser):
    read, heard = read_of(recogniser, " the best", [0.9, 0.9])
    unsure = replace(read, probabilities=(0.2, 0.2))
    doubtful = replace(heard, no_speech=0.9)
    told = utterance(1.0)
    assert recogniser._transcript(unsure, doubtful, told, told.sound)[0].speechless
    assert recogniser._transcript(unsure, doubtful, replace(told, seen=True), told.sound)[0].text == "the best"


def test_a_language_of_little_training_must_be_told_more_clearly():
    """English was told as Welsh."""
    codes = {"en": 0, "cy": 1, "de": 2}
    tokens = SimpleNamespace(languages=codes)

    def told(*chances: float, usual: str | None = None) -> str | None:
        scores = np.log(np.array(chances, np.float32))
        return module._language(scores, tokens, Hints(usual=usual), 3.0)[0]

    assert told(0.4, 0.6, 0.0001) == "en"
    assert module._language(np.log([0.5, 0.0001, 0.2]), tokens, Hints(), 3.0)[2] == "de"
    assert module._language(np.log([0.5, 0.0001, 0.1]), tokens, Hints(), 3.0)[2] is None
    assert told(0.1, 0.9, 0.0001) == "cy"
    assert told(0.4, 0.0001, 0.6) == "de"
    assert told(0.1, 0.0001, 0.5, usual="en") == "en"
    assert told(0.05, 0.0001, 0.5, usual="en") == "de"
