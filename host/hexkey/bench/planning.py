"""How long the optimisations of planning take, beside SciPy's minimiser, point by point."""

import time
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from hexkey.bench.timing import best_s
from hexkey.figures import fig4
from hexkey.keyrate import bb84_single_finite, decoy_settings
from hexkey.keyrate.bb84_single import SinglePhotonLink
from hexkey.keyrate.domain import Array
from hexkey.planning.curves import Sample, compute
from hexkey.planning.source import parse_source

SAMPLE_DB = np.array([0.0, 10.0, 20.0])  # losses that the baseline is timed at
START = np.array([2.0, -0.5])  # logit of p_X, log10 of the attenuator
BLOCK_S = 10.0


def run() -> dict[str, float]:
    """Return seconds and ratios, on one core.

    ``fig4_s``: the optimisation behind Fig. 4, three sources, four block times and 60 losses, each
    with its best basis bias and attenuator. ``decoy_curve_s``: 60 losses with two decoys, five
    settings each. ``ratio_to_scipy``: how many times as fast a point of a finite block is as
    `scipy.optimize.minimize` (Nelder and Mead) over the same two settings.
    """
    curves = [curve for curve in fig4.curves(per_second=True) if curve.source is not None]
    losses = tuple(fig4.LOSSES_DB.tolist())
    clock = time.process_time
    (fig4_s,) = best_s(
        lambda: [compute(Sample(curve, losses)) for curve in curves], repetitions=3, clock=clock
    )
    source = parse_source("tapsin:improved")
    sent = source.link.pulse_rate_hz * BLOCK_S
    (decoy_s,) = best_s(
        lambda: decoy_settings.best_blocks(
            source.receiver, fig4.LOSSES_DB, sent, decoys=2, bound="chernoff"
        ),
        repetitions=3,
        clock=clock,
    )
    points, baseline = finite_calls(source.link)
    points_s, baseline_s = best_s(points, baseline, repetitions=3, clock=clock)
    return {
        "fig4_s": fig4_s,
        "decoy_curve_s": decoy_s,
        "ratio_to_scipy": (baseline_s / SAMPLE_DB.size) / (points_s / fig4.LOSSES_DB.size),
    }


def finite_calls(
    link: SinglePhotonLink, losses: Array = SAMPLE_DB
) -> tuple[Callable[[], Array], Callable[[], Array]]:
    """Return two works that find the best lengths: all losses of Fig. 4, and `losses` by SciPy."""

    def together() -> Array:
        return bb84_single_finite.best_planned_length(link, fig4.LOSSES_DB, BLOCK_S).value

    def one_by_one() -> Array:
        return np.array([_scipy_length(link, loss) for loss in losses.tolist()])

    return together, one_by_one


def _scipy_length(link: SinglePhotonLink, loss_db: float) -> float:
    def cost(x: Array) -> float:
        bias = 1 / (1 + np.exp(-np.clip(x[0], -20, 20)))
        attenuation = 10 ** min(float(x[1]), 0.0)
        length = bb84_single_finite.planned_length(link, loss_db, BLOCK_S, bias, attenuation)
        return -float(length.signed)

    return -float(minimize(cost, START, method="Nelder-Mead").fun)
