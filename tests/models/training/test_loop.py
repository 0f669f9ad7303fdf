"""The loop of all trainings: it goes on where it was, to the same weights, and with the same training only."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lipstream.models.errors import ModelError
from lipstream.models.training.checkpoint import Checkpoint
from lipstream.models.training.loop import Method, Task, TrainingRun, one_adamw_cycle
from lipstream.models.training.randomness import OneStream, SeededEpochs
from lipstream.models.training.schedule import linear_fall, one_cycle
from tests.models.pretended_gpu import GPU, pretended_gpu

EXAMPLES = torch.linspace(-1, 1, 24).reshape(6, 4)


def silent(*_):
    pass


def stop_at(step):
    def report(_name, done, _total, _figures):
        if done == step:
            raise KeyboardInterrupt

    return report


class Lesson:
    """A small training in which everything is random: order, noise by numpy and by torch, and dropout."""

    def __init__(self, folder, randomness=SeededEpochs, facts=None, schedule=one_cycle, judge=dict):
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.random = randomness(0)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), 0.01)
        self.begun, self.stepped, self.rates = [], 0, []
        self.run = TrainingRun(
            Checkpoint(folder, "lesson"),
            {"network": self.network},
            Method(self.optimiser, schedule, self.random, 1.0),
            {"recipe": {"epochs": 4}, "data": "abc"} if facts is None else facts,
        )
        self.task = Task("learning", self._batches, self._loss, self.begun.append, self._step, judge)

    def _batches(self, random):
        return np.array_split(random.rng.permutation(len(EXAMPLES)), 3)

    def _loss(self, chosen, random):
        self.rates.append(self.optimiser.param_groups[0]["lr"])
        noise = torch.randn(len(chosen), 4, generator=random.generator) * float(random.rng.random())
        return (self.network(EXAMPLES[chosen] + noise) - 1).square().mean()

    def _step(self):
        self.stepped += 1

    def train(self, report=silent, epochs=4):
        self.run.train(self.task, epochs, report)
        return {name: tensor.clone() for name, tensor in self.network.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("randomness", [SeededEpochs, OneStream])
def test_a_training_stopped_anywhere_goes_on_to_the_same_weights(randomness, tmp_path):
    whole = Lesson(tmp_path / "whole", randomness).train()
    for step in range(1, 13):
        folder = tmp_path / str(step)
        with pytest.raises(KeyboardInterrupt):
            Lesson(folder, randomness).train(stop_at(step))
        torch.manual_seed(99)  # as another process would have it
        resumed = Lesson(folder, randomness)
        assert same(whole, resumed.train()), step
        assert resumed.stepped == 12 - (step - 1) // 3 * 3


def test_one_stream_is_not_begun_anew_every_epoch_and_seeded_epochs_are(tmp_path):
    drawn = {}
    for kind in (OneStream, SeededEpochs):
        random = kind(3)
        rows = drawn[kind] = []
        for epoch in range(2):
            random.begin_epoch(epoch)
            rows.append(random.rng.random(4).tolist())
    assert np.random.default_rng(3).random(8).tolist() == [*drawn[OneStream][0], *drawn[OneStream][1]]
    assert drawn[SeededEpochs] == [np.random.default_rng([3, epoch]).random(4).tolist() for epoch in range(2)]


def test_a_training_that_is_done_is_not_gone_through_again(tmp_path):
    whole = Lesson(tmp_path).train()
    again = Lesson(tmp_path)
    assert same(whole, again.train())
    assert (again.begun, again.stepped, len(again.run.history)) == ([], 0, 4)


def test_another_training_is_told_by_what_differs_and_nothing_of_it_is_loaded(tmp_path):
    Lesson(tmp_path).train()
    other = Lesson(tmp_path, facts={"recipe": {"epochs": 5}, "data": "def", "clips": 7})
    before = {name: tensor.clone() for name, tensor in other.network.state_dict().items()}
    with pytest.raises(ModelError, match=r"\(epochs 4 there, 5 here; other data; other clips\); delete it, or choose"):
        other.train()
    assert same(before, other.network.state_dict())


def test_facts_are_compared_as_they_are_kept(tmp_path):
    facts = {"recipe": {"shares": (0.5, 0.5)}}
    whole = Lesson(tmp_path, facts=facts).train()
    assert same(whole, Lesson(tmp_path, facts=facts).train())


def test_figures_of_epochs_are_kept_and_told_with_the_loss(tmp_path):
    told = []
    lesson = Lesson(tmp_path, judge=lambda: {"accuracy": 0.25})
    lesson.train(lambda *step: told.append(step))
    assert [step[:3] for step in told] == [("learning", done, 12) for done in range(1, 13)]
    assert "accuracy" not in told[2][3] and told[3][3].endswith("on cpu, epoch 2 of 4, accuracy 0.250")
    assert all(entry["accuracy"] == 0.25 and entry["loss"] > 0 for entry in lesson.run.history)
    assert lesson.begun == [0, 1, 2, 3]


def test_a_state_that_is_discarded_is_begun_anew(tmp_path):
    lesson = Lesson(tmp_path)
    lesson.train()
    lesson.run.discard()
    lesson.run.discard()
    assert not list(tmp_path.iterdir())
    again = Lesson(tmp_path)
    again.train()
    assert again.stepped == 12


def test_the_state_is_one_file_that_is_whole_or_not_there(tmp_path):
    """Two files, one renamed after the other, could be of different epochs."""
    Lesson(tmp_path).train()
    assert [path.name for path in tmp_path.iterdir()] == ["lesson_checkpoint.safetensors"]


@pytest.mark.parametrize("content", [b"", b"no tensors"])
def test_a_damaged_state_says_what_to_do(content, tmp_path):
    (tmp_path / "lesson_checkpoint.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"not a checkpoint of this training .*; delete it to start anew"):
        Lesson(tmp_path).train()


def test_a_state_of_an_earlier_version_says_what_to_do(tmp_path):
    save_file({"network/weight": torch.zeros(1)}, tmp_path / "lesson_checkpoint.safetensors")
    with pytest.raises(ModelError, match="made by another version of Lipstream; delete it to start anew"):
        Lesson(tmp_path).train()


def test_a_state_of_another_network_says_what_to_do(tmp_path):
    Lesson(tmp_path).train()
    lesson = Lesson(tmp_path)
    lesson.network[0] = nn.Linear(4, 9)
    with pytest.raises(ModelError, match=r"not a checkpoint of this training \([^\n]*; delete it to start anew"):
        lesson.train()


def test_one_stream_of_random_numbers_is_refused_on_a_gpu(tmp_path):
    with pretended_gpu():
        network = nn.Linear(2, 2).to(GPU)
        optimiser = torch.optim.AdamW(network.parameters(), 0.1)
        with pytest.raises(ValueError, match="OneStream is for trainings on the processor"):
            TrainingRun(Checkpoint(tmp_path, "any"), {"n": network}, Method(optimiser, linear_fall, OneStream(0)), {})


def test_gradients_are_clipped_and_each_group_keeps_its_own_peak(tmp_path):
    fast, slow = nn.Linear(1, 1), nn.Linear(1, 1)
    groups = [{"params": list(net.parameters()), "lr": lr} for net, lr in ((fast, 0.1), (slow, 0.01))]
    method = one_adamw_cycle(groups, 0)
    rates = []

    def loss(_batch, _random):
        rates.append([group["lr"] for group in method.optimiser.param_groups])
        return 1e6 * (fast(torch.ones(1)) + slow(torch.ones(1))).sum()

    run = TrainingRun(Checkpoint(tmp_path, "any"), {"fast": fast, "slow": slow}, method, {})
    run.train(Task("any", lambda _: range(5), loss), 2, silent)
    assert all(one == pytest.approx(10 * other) for one, other in rates)
    gradients = [p.grad for net in (fast, slow) for p in net.parameters()]
    assert float(torch.cat([each.flatten() for each in gradients]).norm()) == pytest.approx(1.0, abs=1e-4)
