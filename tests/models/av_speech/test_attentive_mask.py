"""The mask by attention: where it begins, what it may look at, the skew it tells."""

from __future__ import annotations

import pytest
import torch

from lipstream.models.av_speech.active_speaker_net import EVIDENCE, SEEN
from lipstream.models.av_speech.attentive_mask_net import REACH, SKEWS, AttentiveMaskNet, CrossAttention
from lipstream.models.av_speech.sound_frames import SOUND
from lipstream.models.av_speech.target_mask_net import FLOOR, TargetMaskNet
from lipstream.models.av_speech.voice_bands import BANDS, RATE


def inputs(frames=125, lips=75):
    torch.manual_seed(0)
    evidence = torch.randn(2, lips, EVIDENCE)
    evidence[..., SEEN] = 1
    return torch.randn(2, frames, BANDS), torch.randn(2, lips, SOUND), evidence


def trained():
    """A network in which all that begins without effect has some."""
    torch.manual_seed(1)
    network = AttentiveMaskNet(width=24).eval()
    for each in network.modules():
        if isinstance(each, CrossAttention):
            torch.nn.init.normal_(each.join.weight)
    return network


def test_it_begins_as_the_network_without_attention():
    torch.manual_seed(0)
    plain, network = TargetMaskNet(width=24).eval(), AttentiveMaskNet(width=24).eval()
    assert not network.load_state_dict(plain.state_dict(), strict=False).unexpected_keys
    given = inputs()
    for one, other in zip(plain(*given), network(*given), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_attention_counts():
    network, given = trained(), inputs()
    before = network(*given).gains
    torch.nn.init.zeros_(network.look.join.weight)
    assert not torch.allclose(before, network(*given).gains, atol=1e-3)


def test_each_head_has_its_say_and_gains_stay_within_bounds():
    bands, sound, evidence = inputs()
    found = trained().attend(9 * bands, sound, evidence)
    assert found.gains.shape == bands.shape
    assert found.gains.min() >= FLOOR
    assert found.gains.max() <= 1
    assert found.other.shape == bands.shape[:2]
    assert found.own.shape == sound.shape[:2]
    assert found.skew.shape == (2, SKEWS)


def test_unseen_lips_and_lips_out_of_reach_get_no_attention():
    bands, sound, evidence = inputs()
    evidence[:, 20:40] = 0
    looks = trained().attend(bands, sound, evidence).looks
    assert (looks[:, :, 20:40] == 0).all()
    apart = torch.arange(125)[:, None] / RATE - torch.arange(75) / 25
    # The skew moves what is within reach by up to three lip frames.
    assert (looks[:, apart.abs() > REACH + 0.13] == 0).all()
    assert (looks.sum(dim=-1) <= 1 + 1e-5).all()
    near = looks[0, :20].sum(dim=-1)
    assert (near > 0).all()
    # Far from all lips that are seen nothing is looked at.
    evidence[:] = 0
    found = trained().attend(bands, sound, evidence)
    assert (found.looks == 0).all()
    assert torch.isfinite(found.gains).all()


def test_attention_follows_the_skew():
    network, (bands, sound, evidence) = trained(), inputs()
    means = []
    for late in (0, SKEWS - 1):
        network.usual.data.fill_(-50.0)[late] = 50.0
        looks = network.attend(bands, sound, evidence).looks[0, 40:85].detach()
        times = torch.arange(75) / 25
        means.append(float((looks @ times / looks.sum(dim=-1)).mean()))
    # A sound that is late belongs to lips of a moment before.
    assert means[0] - means[1] == pytest.approx(0.24, abs=0.08)


def test_the_skew_is_told_by_what_goes_together():
    torch.manual_seed(0)
    network = AttentiveMaskNet(width=24).eval()
    with torch.no_grad():
        network.compare_lips.weight.copy_(network.compare_sound.weight)
        network.compare_lips.bias.copy_(network.compare_sound.bias)
        network.usual.zero_()
    heard = torch.randn(1, 90, 24)
    for late in range(-(SKEWS // 2), SKEWS // 2 + 1):
        mouth = heard.roll(-late, dims=1)
        assert int(network._skew(heard, mouth, torch.ones(1, 90))[0].argmax()) - SKEWS // 2 == late
