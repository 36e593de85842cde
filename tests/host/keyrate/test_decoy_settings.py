"""The search for decoy states' settings finds what a global search finds."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import differential_evolution

from hexkey.keyrate import decoy_one, decoy_two
from hexkey.keyrate.decoy import Receiver
from hexkey.keyrate.decoy_finite import Bound, Intensities
from hexkey.keyrate.decoy_settings import WEAKEST, best_blocks

RECEIVER = Receiver(0.42, 0.01, 8e-7)
PULSES = 8e7


def best_of_a_global_search(loss_db: float, decoys: int, bound: Bound) -> float:
    """A search that shares nothing with the one under test: other coordinates, other method."""

    def cost(x: Any) -> float:
        signal, ratio, bias, *shares = x
        first, rest = shares[0], 1 - shares[0]
        two = (signal, signal * ratio)
        if decoys == 1:
            made = Intensities(two, (first, rest))
            found = decoy_one.planned_length(RECEIVER, made, loss_db, PULSES, bias, bound=bound)
        else:
            share = (first, rest * shares[1], rest * (1 - shares[1]))
            made = Intensities((*two, WEAKEST), share)
            found = decoy_two.planned_length(RECEIVER, made, loss_db, PULSES, bias, bound=bound)
        return -float(found.signed)

    ranges = [(0.1, 1.2), (0.05, 0.8), (0.3, 0.98), *[(0.05, 0.95)] * decoys]
    return -float(differential_evolution(cost, ranges, seed=1, maxiter=45, tol=1e-7).fun)


@pytest.mark.parametrize(
    ("decoys", "bound", "loss_db"),
    [(2, "chernoff", 2.0), (2, "hoeffding", 20.0), (1, "hoeffding", 12.0)],
)
def test_it_finds_what_a_global_search_finds(decoys: int, bound: Bound, loss_db: float) -> None:
    found = best_blocks(RECEIVER, np.array([loss_db]), PULSES, decoys, bound)
    best = best_of_a_global_search(loss_db, decoys, bound)
    assert found.length.value[0] == pytest.approx(best, rel=1e-5)
    assert found.length.reason[0] == ""
    assert len(found.intensities.mean_photons) == decoys + 1


def test_a_loss_is_worth_the_same_alone_and_among_others() -> None:
    losses = np.array([0.0, 10.0, 24.0, 60.0])
    together = best_blocks(RECEIVER, losses, PULSES, 2, "chernoff").length
    alone = [best_blocks(RECEIVER, losses[i : i + 1], PULSES, 2, "chernoff") for i in range(4)]
    assert together.value.tolist() == pytest.approx([float(each.length.value[0]) for each in alone])
    assert together.value[-1] == 0
    assert together.reason[-1] != ""
