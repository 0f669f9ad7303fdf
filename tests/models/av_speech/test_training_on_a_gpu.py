"""Trainings on a GPU: no operation mixes devices, what comes out is on the processor, and the same as trained there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipstream.models.av_speech.active_speaker_net import EVIDENCE
from lipstream.models.av_speech.correspondence_net import CorrespondenceNet
from lipstream.models.av_speech.fusion_net import FusionNet
from lipstream.models.av_speech.lip_net import LipNet
from lipstream.models.av_speech.sound_frames import SOUND
from lipstream.models.av_speech.training import active_speaker, target_mask
from lipstream.models.av_speech.training.batches import half_precision
from lipstream.models.av_speech.training.correspondence import CorrespondenceRecipe, train_correspondence
from lipstream.models.av_speech.training.fusion import FusionTraining, LipFusionRecipe
from lipstream.models.av_speech.training.lips import LipRecipe, pretrain_lips
from lipstream.models.av_speech.training.target_mask_data import LIP_FRAMES, Mixture
from lipstream.models.av_speech.voice_bands import BANDS
from lipstream.models.errors import ModelError
from lipstream.models.speech.cross_attention import DecoderShape
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.loop import Task, TrainingRun, one_adamw_cycle
from lipstream.models.training.torch_decoder import MoonshineDecoder
from tests.models.av_speech.test_active_speaker import sample
from tests.models.av_speech.test_av_training import (
    Stopped,
    examples,
    lip_net,
    readings,
    same,
    silent,
    stop_after,
    weights,
)
from tests.models.pretended_gpu import CPU, GPU, MixedDevices, pretended_gpu


@pytest.fixture(autouse=True)
def single_precision(monkeypatch):
    """Half precision would be the processor's or the GPU's, which round differently."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)


def pretrained_lips(device, out, report=silent):
    recipe = LipRecipe(epochs=2, batch=2)
    return [pretrain_lips(lip_net(), readings(), recipe, out, report, device)]


def fused(device, out):
    torch.manual_seed(0)
    decoder = MoonshineDecoder(DecoderShape(layers=1, mlp_width=16, vocabulary=12)).requires_grad_(False)
    training = FusionTraining(
        LipNet(width=16), FusionNet(16, width=16, layers=1), decoder, LipFusionRecipe(epochs=1, batch=4), device
    )
    training.run(examples(), out, silent)
    return [training.lips, training.fusion, decoder]


def agreeing(device, out):
    torch.manual_seed(0)
    frozen = (LipNet(width=16), FusionNet(16, width=16, layers=1))
    network = CorrespondenceNet(16, 16)
    train_correspondence(network, frozen, examples(), CorrespondenceRecipe(steps=1, batch=4), out, silent, device)
    return [network, *frozen]


def active_speakers(device, out):
    recipe = active_speaker.ActiveSpeakerRecipe(epochs=1, batch=3)
    return [active_speaker.train_active_speaker([sample(seed) for seed in range(3)], recipe, out, silent, device)]


def target_masks(device, out):
    rng = np.random.default_rng(0)

    def some(*shape):
        return torch.from_numpy(rng.random(shape)).half()

    def mixture():
        heard = some(209, BANDS), some(209, BANDS), some(209).round()
        return Mixture(*heard, some(LIP_FRAMES, SOUND), some(LIP_FRAMES, EVIDENCE))

    recipe = target_mask.TargetMaskRecipe(epochs=1)
    return [target_mask.train_target_mask([mixture()], recipe, out, silent, "data", device)]


@pytest.mark.parametrize("train", [pretrained_lips, fused, agreeing, active_speakers, target_masks])
def test_a_training_on_a_gpu_is_the_training_on_the_processor(train, tmp_path, monkeypatch):
    monkeypatch.setattr(active_speaker, "_STEPS", 1)
    monkeypatch.setattr(target_mask, "_STEPS", 1)
    here = train(CPU, tmp_path / "here")
    with pretended_gpu():
        there = train(GPU, tmp_path / "there")
    for one, other in zip(here, there, strict=True):
        for name, tensor in other.state_dict().items():
            assert type(tensor) is torch.Tensor
            assert torch.allclose(tensor, one.state_dict()[name], atol=2e-4), name


def test_a_training_that_began_on_a_gpu_goes_on_on_the_processor_and_the_other_way_round(tmp_path):
    (whole,) = pretrained_lips(CPU, tmp_path / "whole")
    with pretended_gpu(), pytest.raises(Stopped):
        pretrained_lips(GPU, tmp_path / "there", stop_after(3))
    assert same(weights(whole), weights(*pretrained_lips(CPU, tmp_path / "there")))
    with pytest.raises(Stopped):
        pretrained_lips(CPU, tmp_path / "here", stop_after(3))
    with pretended_gpu():
        resumed = weights(*pretrained_lips(GPU, tmp_path / "here"))
    assert same(weights(whole), resumed)


def test_a_gpu_with_too_little_memory_is_one_line_that_tells_the_way_out(tmp_path):
    def too_much(_batch, _random):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate ...")

    network = torch.nn.Linear(2, 2)
    method = one_adamw_cycle([{"params": [network.weight], "lr": 0.1}], 0)
    run = TrainingRun(Checkpoint(tmp_path, "any"), {"network": network}, method, {})
    with pytest.raises(ModelError, match="--device cpu goes on"):
        run.train(Task("any", lambda _: [0], too_much), 1, silent)


def test_half_precision_is_that_of_the_device(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    with half_precision(GPU):  # not here
        assert not torch.is_autocast_enabled("cpu")
    with half_precision(CPU):
        assert torch.is_autocast_enabled("cpu")


def test_the_pretended_gpu_refuses_what_a_real_one_does():
    with pretended_gpu():
        there, here = torch.arange(3.0, device=GPU), torch.arange(3.0)
        assert (there.device, here.device, there.cpu().device) == (GPU, CPU, CPU)
        for mix in (lambda: there + here, lambda: torch.cat((here, there)), lambda: here[there > 1], there.numpy):
            with pytest.raises(MixedDevices):
                mix()
        assert float((there * torch.tensor(2.0)).sum()) == 6
