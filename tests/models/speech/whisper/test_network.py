"""Encoder, decoder and texts under way, on small random networks in float32."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.errors import ModelError
from lipstream.models.speech.whisper.ct2_file import Ct2File
from lipstream.models.speech.whisper.network import MOST_FRAMES, WhisperDecoder, WhisperEncoder
from tests.models.speech.whisper.conftest import SIZE, small_file
from tests.models.speech.whisper.small_whisper import BANDS, HEADS, LAYERS, MOST_TOKENS, WIDTH

TEXT = [3, 14, 15, 9, 2, 6, 5]
CLOSE = 1e-4


def column(*tokens: int) -> list[list[int]]:
    return [[token] for token in tokens]


def close(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and float(np.abs(one - other).max()) < CLOSE


def test_tokens_fed_together_are_what_they_are_one_by_one(decoder, sound):
    together_looks: list[np.ndarray] = []
    together = decoder.open(sound).feed([TEXT], together_looks)
    text, single_looks = decoder.open(sound), []
    single = np.concatenate([text.feed(column(token), single_looks) for token in TEXT], 1)
    assert close(together, single)
    assert close(np.concatenate(together_looks), np.concatenate(single_looks, 1))
    assert text.length == len(TEXT)
    # The scores depend on what was fed, or the comparison says nothing.
    assert float(np.abs(together[0, 1] - together[0, 2]).max()) > 0.1


def test_tokens_fed_in_parts_are_what_they_are_together(decoder, sound):
    text = decoder.open(sound)
    parts = [text.feed([TEXT[:3]]), text.feed([TEXT[3:]])]
    assert close(np.concatenate(parts, 1), decoder.open(sound).feed([TEXT]))


def test_the_score_of_a_token_depends_on_all_before_it_and_on_the_sound(decoder, encoder, sound):
    def last(tokens, of=sound):
        return decoder.open(of).feed([tokens])[0, -1]

    other = decoder.of_sound(encoder(np.zeros((BANDS, 60), np.float32)))
    assert not close(last(TEXT), last([4, *TEXT[1:]]))
    assert not close(last(TEXT), last(TEXT, other))


def test_what_was_cropped_is_forgotten(decoder, sound):
    text = decoder.open(sound)
    text.feed([[*TEXT[:3], 20, 21, 22]])
    text.crop(3)
    assert text.length == 3
    found = text.feed([TEXT[3:]])
    assert close(found, decoder.open(sound).feed([TEXT])[:, 3:])


def test_a_crop_behind_the_end_changes_nothing(decoder, sound):
    text = decoder.open(sound)
    text.feed([TEXT[:4]])
    text.crop(9)
    assert text.length == 4
    assert close(text.feed([TEXT[4:]]), decoder.open(sound).feed([TEXT])[:, 4:])


def test_texts_side_by_side_are_each_what_they_are_alone(decoder, sound):
    text = decoder.open(sound)
    text.feed([TEXT[:2]])
    text.choose([0, 0, 0])
    text.feed(column(7, 8, 9))
    text.choose([2, 0, 2])
    found = text.feed([[1, 2], [3, 4], [5, 6]])
    for row, rest in enumerate([[9, 1, 2], [7, 3, 4], [9, 5, 6]]):
        alone = decoder.open(sound).feed([[*TEXT[:2], *rest]])
        assert close(found[row], alone[0, -2:])


def test_looks_are_shares_of_the_frames_of_the_heads_that_align(sound):
    def looks(heads):
        network = WhisperDecoder(small_file(), heads, precision="float32")
        found: list[np.ndarray] = []
        network.open(sound).feed([TEXT], found)
        return np.concatenate(found)

    upper = looks(())
    assert upper.shape == (HEADS, len(TEXT), 30)
    assert close(upper.sum(-1), np.ones((HEADS, len(TEXT))))
    every = looks([(layer, head) for layer in range(LAYERS) for head in range(HEADS)])
    assert close(every[-HEADS:], upper)
    assert close(looks([(1, 1)])[0], upper[1])
    assert close(looks([(0, 1)])[0], every[1])


def test_sizes_are_those_of_the_weights(decoder, encoder):
    assert (decoder.size, decoder.most_tokens, encoder.bands) == (SIZE, MOST_TOKENS, BANDS)


@pytest.mark.parametrize(("columns", "frames"), [(1, 1), (2, 1), (59, 30), (60, 30), (2 * MOST_FRAMES, MOST_FRAMES)])
def test_a_spectrogram_gives_half_as_many_frames(encoder, columns, frames):
    found = encoder(np.zeros((BANDS, columns), np.float32))
    assert found.shape == (1, frames, WIDTH)
    assert bool(np.isfinite(found).all())


def test_silence_is_put_behind_a_sound_at_its_own_places(decoder, encoder, sound):
    silence = decoder.of_sound(encoder(np.zeros((BANDS, 100), np.float32)))
    padded = sound.before(silence, 12)
    for (keys, told), own, quiet in zip(padded.parts, sound.parts, silence.parts, strict=True):
        # Keys have their frames last.
        for value, mine, still in (
            (keys.swapaxes(2, 3), own[0].swapaxes(2, 3), quiet[0].swapaxes(2, 3)),
            (told, own[1], quiet[1]),
        ):
            assert np.array_equal(value[:, :, :30], mine)
            assert np.array_equal(value[:, :, 30:], still[:, :, 30:42])
    assert sound.before(silence, 1000).frames == 50
    assert silence.before(silence, 12).frames == 50
    assert sound.frames == 30


def test_eight_bits_are_close_to_float32(decoder, encoder, sound):
    spectrogram = np.random.default_rng(1).normal(size=(BANDS, 60)).astype(np.float32)
    rounded = WhisperEncoder(small_file())(spectrogram)
    assert np.corrcoef(rounded.flatten(), encoder(spectrogram).flatten())[0, 1] > 0.99
    scores = WhisperDecoder(small_file()).open(sound).feed([TEXT])
    expected = decoder.open(sound).feed([TEXT])
    assert np.corrcoef(scores.flatten(), expected.flatten())[0, 1] > 0.99


def test_weights_of_something_else_are_told():
    values = {"encoder/num_heads": np.int16(2), "decoder/num_heads": np.int16(2)}
    rest = {name: value for name, value in small_file().variables.items() if "/layer_" not in name}
    with pytest.raises(ModelError, match="there is no layer of the encoder"):
        WhisperEncoder(Ct2File("WhisperSpec", rest | values))
    with pytest.raises(ModelError, match="there is no layer of the decoder"):
        WhisperDecoder(Ct2File("WhisperSpec", rest | values))
