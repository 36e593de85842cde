"""Clicks of light whose truth is known, for the measurements to find."""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hexkey.measure.clicks import Clicks
from hexkey.tags.stream import TagFile, Tags

Times = NDArray[np.int64]


def pulsed(
    rng: np.random.Generator,
    *,
    pulses: int,
    period_ps: float,
    g2: float,
    mean: float = 0.05,
    lifetime_ps: float = 400.0,
    jitter_ps: float = 50.0,
    cable_ps: float = 0.0,
    dead_ps: float = 0.0,
    weights: NDArray[np.float64] | None = None,
) -> Clicks:
    """Return two detectors' clicks behind a beam splitter.

    Pulses hold `mean` photons, with a g²(0) of at most ½ (two emitters) or of 1 (coherent light);
    `weights` repeat over the pulses and dim them. Detector 1 comes `cable_ps` later.
    """
    bright = np.ones(1) if weights is None else weights
    chance = mean * bright[np.arange(pulses) % len(bright)]
    if g2 == 1:
        photons = rng.poisson(chance)
    else:  # two emitters of shares a and b of the light have g² = 2 a b
        share = (1 + math.sqrt(1 - 2 * g2)) / 2
        photons = (rng.random(pulses) < share * chance).astype(np.int64)
        photons += rng.random(pulses) < (1 - share) * chance
    pulse = np.repeat(np.arange(pulses), photons)
    detector = rng.integers(0, 2, len(pulse)).astype(np.uint8)
    time = pulse * period_ps + rng.exponential(lifetime_ps, len(pulse))
    time += rng.normal(0, jitter_ps, len(pulse)) + 1e6 + cable_ps * detector.astype(np.float64)
    clicks = in_order(detector, np.rint(time).astype(np.int64))
    return without_dead(clicks, dead_ps) if dead_ps else clicks


def in_order(channel: NDArray[np.uint8], time_ps: Times) -> Clicks:
    order = np.argsort(time_ps, kind="stable")
    return Clicks(channel[order], time_ps[order])


def without_dead(clicks: Clicks, dead_ps: float, *, shared: bool = False) -> Clicks:
    """Return the clicks that a dead time lets through: of each detector, or of both together."""
    keep = np.zeros(len(clicks), np.bool_)
    last: dict[int, int] = {}
    for place, (channel, time) in enumerate(
        zip(clicks.channel.tolist(), clicks.time_ps.tolist(), strict=True)
    ):
        of = 0 if shared else channel
        if time - last.get(of, -(2**60)) >= dead_ps:
            keep[place] = True
            last[of] = time
    return Clicks(clicks.channel[keep], clicks.time_ps[keep])


def tag_file(clicks: Clicks, piece: int = 10_000, **stated: object) -> TagFile:
    """Return free-running tags, in ps, as a file yields them."""

    def read(follow: bool) -> Iterator[Tags]:
        del follow
        for first in range(0, len(clicks), piece):
            part = slice(first, first + piece)
            yield Tags(clicks.channel[part], clicks.time_ps[part])

    return TagFile(Path("made.tags"), "made", Fraction(1), False, read, stated=stated)


def pulse_file(clicks: Clicks, period_ps: float, tick_ps: int, **stated: object) -> TagFile:
    """Return tags with pulse numbers, as a T3 file yields them."""

    def read(follow: bool) -> Iterator[Tags]:
        del follow
        pulse = np.floor(clicks.time_ps / period_ps).astype(np.int64)
        ticks = ((clicks.time_ps - pulse * period_ps) // tick_ps).astype(np.int64)
        yield Tags(clicks.channel, ticks, pulse)

    return TagFile(
        Path("made.ptu"),
        "made",
        Fraction(tick_ps),
        True,
        read,
        sync_period_ps=period_ps,
        stated=stated,
    )
