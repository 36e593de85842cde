"""Delay lines with uneven taps, and the densities that hits on them give."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hexkey.wire import Identification

CLOCK_PS = 5000.0
TAPS = 256
VISIBLE = TAPS * 7 // 8

BOARD = Identification(
    tick_ps=Fraction(10),
    clock_hz=200_000_000,
    detectors=4,
    simulated=False,
    taps=256,
    period_ticks=2500,
    fifo_depth=4096,
    firmware="1.0 ab12cd34",
    board="ULX3S 85F",
)


def a_line(seed: int = 1, tap_ps: float = 35.5, spread: float = 0.3) -> NDArray[np.float64]:
    """Return when an edge passes the end of each visible tap, ps: lognormal taps."""
    generator = np.random.default_rng(seed)
    taps = tap_ps * np.exp(spread * generator.standard_normal(VISIBLE) - spread**2 / 2)
    return np.cumsum(taps)


def codes_of(ends_ps: NDArray[np.float64], ages_ps: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the codes of edges so long before the end of their clock cycle."""
    return np.searchsorted(ends_ps, ages_ps, side="right")


def widths(ends_ps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the bins that a clock has on a line, the last one the overflow."""
    cut = np.minimum(ends_ps, CLOCK_PS)
    return np.diff(cut, prepend=0.0, append=CLOCK_PS)


def a_wave(
    ends_ps: NDArray[np.float64],
    hits: int,
    generator: np.random.Generator,
    *,
    depth: float,
    waves: float,
    phase: float = 0.0,
) -> NDArray[np.int64]:
    """Return a density of hits that prefer some of the clock: 1 + depth cos(...), so many waves."""
    ends = np.append(np.minimum(ends_ps, CLOCK_PS), CLOCK_PS) / CLOCK_PS
    around = 2 * np.pi * waves
    share = np.diff(ends + depth * np.sin(around * ends + phase) / around, prepend=0.0)
    share[0] -= depth * np.sin(phase) / around
    return generator.multinomial(hits, share / share.sum())


def a_density(
    ends_ps: NDArray[np.float64], hits: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return how often each code came in so many hits, uniform in time."""
    return generator.multinomial(hits, widths(ends_ps) / CLOCK_PS)
