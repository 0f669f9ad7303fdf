"""How the learning rate goes."""

from __future__ import annotations

import pytest
import torch

from lipstream.models.training.schedule import Place, linear_fall, one_cycle, rise_and_fall


def places(epochs, steps):
    return [Place(epoch, step, steps, epochs) for epoch in range(epochs) for step in range(steps)]


@pytest.mark.parametrize(("epochs", "steps"), [(1, 1), (1, 2), (3, 2), (7, 5), (24, 29), (40, 100)])
def test_one_cycle_is_to_the_bit_that_of_torch(epochs, steps):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.AdamW([parameter], 2e-3)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=epochs * steps, pct_start=0.15)
    for place in places(epochs, steps):
        group = optimiser.param_groups[0]
        assert one_cycle(place, 2e-3) == {"lr": group["lr"], "betas": group["betas"]}
        optimiser.step()
        theirs.step()


def test_the_rate_rises_in_the_first_part_and_falls_to_nothing():
    rates = [rise_and_fall(place, 2.0)["lr"] for place in places(10, 10)]
    top = rates.index(max(rates))
    assert rates[0] == pytest.approx(0.1) and rates[top] == pytest.approx(2.0) and top == 15
    assert rates[:16] == sorted(rates[:16]) and rates[15:] == sorted(rates[15:], reverse=True)
    assert rates[-1] < 0.002


def test_a_linear_fall_is_even():
    assert [linear_fall(place, 1.0)["lr"] for place in places(2, 2)] == [1.0, 0.75, 0.5, 0.25]
