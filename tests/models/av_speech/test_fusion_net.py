"""The fusion network: where it begins, what it may look at."""

from __future__ import annotations

import torch

from lipstream.models.av_speech.fusion_net import REACH, FusionNet


def inputs(frames=60, lips=36):
    torch.manual_seed(0)
    return {
        "features": torch.randn(2, frames, 288),
        "times": torch.arange(frames) / 41.67,
        "lips": torch.randn(2, lips, 16),
        "lip_times": torch.arange(lips) / 25,
        "lip_mask": torch.ones(2, lips, dtype=torch.bool),
    }


def trained():
    """A network whose gate lets something through."""
    network = FusionNet(16, width=32, layers=2).eval()
    torch.nn.init.normal_(network.out.weight)
    return network


def test_an_untrained_network_leaves_the_frames_as_they_are():
    given = inputs()
    assert torch.equal(FusionNet(16, width=32).eval()(**given).features, given["features"])


def test_hidden_lips_do_not_matter():
    network, given = trained(), inputs()
    given["lip_mask"][:, 10:20] = False
    before = network(**given).features
    given["lips"][:, 10:20] += 5
    assert torch.equal(before, network(**given).features)


def test_lips_move_the_frames_around_them_only():
    network, given = trained(), inputs(frames=300, lips=180)
    before = network(**given).features
    given["lips"][:, 0] += 5
    moved = (before - network(**given).features).abs().amax(dim=(0, 2)) > 0
    assert moved[0]
    assert not moved[int(len(network.layers) * REACH * 41.67) + 2 :].any()


def test_only_differences_of_time_count():
    network, given = trained(), inputs()
    before = network(**given).features
    given["times"], given["lip_times"] = given["times"] + 3, given["lip_times"] + 3
    assert torch.allclose(before, network(**given).features, atol=1e-3)


def test_what_it_looked_at_are_the_weights_of_its_attention():
    network, given = trained(), inputs()
    given["lip_mask"][:, 10:20] = False
    looks = network.looks(**given)
    assert looks.shape == (2, 60, 36)
    assert (looks.sum(dim=-1) > 0).all()
    assert (looks.sum(dim=-1) < 1).all()
    assert (looks[:, :, 10:20] == 0).all()
    far = (given["times"][:, None] - given["lip_times"]).abs() > REACH
    assert far.any()
    assert (looks[:, far] == 0).all()
    layer = network.layers[0]
    hidden, rotation, mask = network._together(*given.values(), None)
    value = layer.queries_keys_values(layer.attention_norm(hidden)).chunk(3, dim=-1)[2]
    value = value.unflatten(-1, (layer.heads, -1)).transpose(1, 2)
    seen = (layer.weights(hidden, rotation, mask) @ value).transpose(1, 2).flatten(2)
    with_seen = hidden + layer.join(seen)
    expected = with_seen + layer.mlp(layer.mlp_norm(with_seen))
    assert torch.allclose(layer(hidden, rotation, mask), expected, atol=1e-5)


def test_padding_behind_a_sound_does_not_matter():
    network, given = trained(), inputs()
    alone = network(**given)
    padded = dict(given, features=torch.cat((given["features"], torch.ones(2, 9, 288)), dim=1))
    padded["times"] = torch.arange(69) / 41.67
    among = network(**padded, sound_mask=torch.arange(69).expand(2, -1) < 60)
    assert torch.allclose(alone.features, among.features[:, :60], atol=1e-4)
