"""Encoder, decoder and texts under way, on small random networks in float32."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipstream.models.errors import ModelError
from lipstream.models.speech.whisper.ct2_file import Ct2File
from lipstream.models.speech.whisper.int8_linear import Int8Linear
from lipstream.models.speech.whisper.network import MOST_FRAMES, WhisperDecoder, WhisperEncoder
from tests.models.speech.whisper.conftest import SIZE, exact, small_file
from tests.models.speech.whisper.small_whisper import BANDS, HEADS, LAYERS, MOST_TOKENS, WIDTH

TEXT = [3, 14, 15, 9, 2, 6, 5]
CLOSE = 1e-4


def column(*tokens: int) -> torch.Tensor:
    return torch.tensor([[token] for token in tokens])


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and float((one - other).abs().max()) < CLOSE


def test_tokens_fed_together_are_what_they_are_one_by_one(decoder, sound):
    together_looks: list[torch.Tensor] = []
    together = decoder.open(sound).feed(torch.tensor([TEXT]), together_looks)
    text, single_looks = decoder.open(sound), []
    single = torch.cat([text.feed(column(token), single_looks) for token in TEXT], 1)
    assert close(together, single)
    assert close(torch.cat(together_looks), torch.cat(single_looks, 1))
    assert text.length == len(TEXT)
    # The scores depend on what was fed, or the comparison says nothing.
    assert float((together[0, 1] - together[0, 2]).abs().max()) > 0.1


def test_tokens_fed_in_parts_are_what_they_are_together(decoder, sound):
    text = decoder.open(sound)
    parts = [text.feed(torch.tensor([TEXT[:3]])), text.feed(torch.tensor([TEXT[3:]]))]
    assert close(torch.cat(parts, 1), decoder.open(sound).feed(torch.tensor([TEXT])))


def test_the_score_of_a_token_depends_on_all_before_it_and_on_the_sound(decoder, encoder, sound):
    def last(tokens, of=sound):
        return decoder.open(of).feed(torch.tensor([tokens]))[0, -1]

    other = decoder.of_sound(encoder(torch.zeros(BANDS, 60)))
    assert not close(last(TEXT), last([4, *TEXT[1:]]))
    assert not close(last(TEXT), last(TEXT, other))


def test_what_was_cropped_is_forgotten(decoder, sound):
    text = decoder.open(sound)
    text.feed(torch.tensor([[*TEXT[:3], 20, 21, 22]]))
    text.crop(3)
    assert text.length == 3
    found = text.feed(torch.tensor([TEXT[3:]]))
    assert close(found, decoder.open(sound).feed(torch.tensor([TEXT]))[:, 3:])


def test_a_crop_behind_the_end_changes_nothing(decoder, sound):
    text = decoder.open(sound)
    text.feed(torch.tensor([TEXT[:4]]))
    text.crop(9)
    assert text.length == 4
    assert close(text.feed(torch.tensor([TEXT[4:]])), decoder.open(sound).feed(torch.tensor([TEXT]))[:, 4:])


def test_texts_side_by_side_are_each_what_they_are_alone(decoder, sound):
    text = decoder.open(sound)
    text.feed(torch.tensor([TEXT[:2]]))
    text.choose([0, 0, 0])
    text.feed(column(7, 8, 9))
    text.choose([2, 0, 2])
    found = text.feed(torch.tensor([[1, 2], [3, 4], [5, 6]]))
    for row, rest in enumerate([[9, 1, 2], [7, 3, 4], [9, 5, 6]]):
        alone = decoder.open(sound).feed(torch.tensor([[*TEXT[:2], *rest]]))
        assert close(found[row], alone[0, -2:])


def test_looks_are_shares_of_the_frames_of_the_heads_that_align(sound):
    def looks(heads):
        with exact():
            network = WhisperDecoder(small_file(), heads)
        found: list[torch.Tensor] = []
        network.open(sound).feed(torch.tensor([TEXT]), found)
        return torch.cat(found)

    upper = looks(())
    assert upper.shape == (HEADS, len(TEXT), 30)
    assert close(upper.sum(-1), torch.ones(HEADS, len(TEXT)))
    every = looks([(layer, head) for layer in range(LAYERS) for head in range(HEADS)])
    assert close(every[-HEADS:], upper)
    assert close(looks([(1, 1)])[0], upper[1])
    assert close(looks([(0, 1)])[0], every[1])


def test_sizes_are_those_of_the_weights(decoder, encoder):
    assert (decoder.size, decoder.most_tokens, encoder.bands) == (SIZE, MOST_TOKENS, BANDS)


@pytest.mark.parametrize(("columns", "frames"), [(1, 1), (2, 1), (59, 30), (60, 30), (2 * MOST_FRAMES, MOST_FRAMES)])
def test_a_spectrogram_gives_half_as_many_frames(encoder, columns, frames):
    found = encoder(torch.zeros(BANDS, columns))
    assert found.shape == (1, frames, WIDTH)
    assert bool(found.isfinite().all())


def test_silence_is_put_behind_a_sound_at_its_own_places(decoder, encoder, sound):
    silence = decoder.of_sound(encoder(torch.zeros(BANDS, 100)))
    padded = sound.before(silence, 12)
    for (keys, told), own, quiet in zip(padded.parts, sound.parts, silence.parts, strict=True):
        for value, mine, still in ((keys, own[0], quiet[0]), (told, own[1], quiet[1])):
            assert torch.equal(value[:, :, :30], mine)
            assert torch.equal(value[:, :, 30:], still[:, :, 30:42])
    assert sound.before(silence, 1000).parts[0][0].shape[2] == 50
    assert silence.before(silence, 12).parts[0][0].shape[2] == 50
    assert sound.parts[0][0].shape[2] == 30


def test_eight_bits_are_close_to_float32(decoder, encoder, sound):
    spectrogram = torch.from_numpy(np.random.default_rng(1).normal(size=(BANDS, 60))).float()
    rounded = WhisperEncoder(small_file())(spectrogram)
    assert np.corrcoef(rounded.flatten(), encoder(spectrogram).flatten())[0, 1] > 0.99
    scores = WhisperDecoder(small_file()).open(sound).feed(torch.tensor([TEXT]))
    expected = decoder.open(sound).feed(torch.tensor([TEXT]))
    assert np.corrcoef(scores.flatten(), expected.flatten())[0, 1] > 0.99


@pytest.mark.parametrize("bias", [None, np.linspace(-1, 1, 5, dtype=np.float32)])
def test_a_layer_in_eight_bits(bias):
    random = np.random.default_rng(0)
    weight, values = (random.normal(size=shape).astype(np.float32) for shape in ((5, 64), (2, 3, 64)))
    expected = values @ weight.T + (0.0 if bias is None else bias)
    assert Int8Linear(weight, bias)(torch.from_numpy(values)).numpy() == pytest.approx(expected, abs=0.5)
    with exact():
        plain = Int8Linear(weight, bias)
    assert plain(torch.from_numpy(values)).numpy() == pytest.approx(expected, abs=1e-4)


def test_a_layer_of_zeros_gives_its_bias():
    found = Int8Linear(np.zeros((2, 8), np.float32), np.array([1.0, -2.0], np.float32))(torch.ones(1, 8))
    assert found.numpy() == pytest.approx(np.array([[1.0, -2.0]]), abs=1e-3)


def test_weights_of_something_else_are_told():
    values = {"encoder/num_heads": np.int16(2), "decoder/num_heads": np.int16(2)}
    rest = {name: value for name, value in small_file().variables.items() if "/layer_" not in name}
    with pytest.raises(ModelError, match="there is no layer of the encoder"):
        WhisperEncoder(Ct2File("WhisperSpec", rest | values))
    with pytest.raises(ModelError, match="there is no layer of the decoder"):
        WhisperDecoder(Ct2File("WhisperSpec", rest | values))
