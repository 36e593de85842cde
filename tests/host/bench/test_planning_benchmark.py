"""The benchmark of planning runs, and its baseline finds what the grids find."""

import numpy as np
import pytest

from hexkey.bench import planning
from hexkey.figures import fig4
from hexkey.keyrate import bb84_single_finite
from hexkey.planning.source import parse_source


def test_scipy_finds_the_same_lengths() -> None:
    link = parse_source("tapsin:improved").link
    losses = np.array([0.0, 15.0])
    together, one_by_one = planning.finite_calls(link, losses)
    expected = bb84_single_finite.best_planned_length(link, losses, planning.BLOCK_S).value
    assert one_by_one() == pytest.approx(expected, rel=1e-6)
    assert together().size == fig4.LOSSES_DB.size == 60


def test_fig_4_is_three_sources_four_blocks_and_sixty_losses() -> None:
    curves = [curve for curve in fig4.curves(per_second=True) if curve.source is not None]
    assert len({curve.source for curve in curves}) == 3
    assert len({curve.block_s for curve in curves}) == 4
    assert len(curves) == 12
