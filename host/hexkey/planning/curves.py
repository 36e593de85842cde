"""Curves over loss, where they end, and where one overtakes another."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from hexkey.errors import ConfigurationError
from hexkey.keyrate.domain import Array
from hexkey.planning.protocols import PROTOCOLS, Curve

STEP_DB = 1e-3  # to which an end or a crossing is found
ENDING_DB = 0.1  # so near its end a key falls faster than anything crosses it
ITEM_S = 1.0  # of work, roughly, that goes to a process at once
ALONE_S = 5.0  # of work up to which starting other processes is not worth it

_SLOW_S = 0.1  # of a loss

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """One piece of work: a curve and some of its losses."""

    curve: Curve
    loss_db: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Sampled:
    """A curve, computed.

    Attributes
    ----------
    curve : Curve
    loss_db, rate : (n,) float64
        Rates in the curve's unit.
    reason : tuple of str
        Why there is no key, '' where there is.
    settings : dict of str to list of float
        What was found best at each loss.
    largest_loss_db : float or None
        Where the key ends: None without a key, infinite if it goes on beyond the last loss.
    """

    curve: Curve
    loss_db: Array
    rate: Array
    reason: tuple[str, ...]
    settings: dict[str, list[float]]
    largest_loss_db: float | None


@dataclass(frozen=True, slots=True)
class Crossing:
    """From `loss_db` on `better` gives more than `worse`, whose key may be about to end there."""

    loss_db: float
    better: Curve
    worse: Curve
    ended: bool


def compute(sample: Sample) -> dict[str, Any]:
    """Return a sample's rates as a JSON value: what a sweep runs.

    Raises
    ------
    ConfigurationError
        A value is out of the model's domain, or the source lacks one.
    """
    protocol = PROTOCOLS[sample.curve.protocol]
    try:
        found = protocol.compute(sample.curve, np.asarray(sample.loss_db, np.float64))
    except ValueError as error:
        raise ConfigurationError(
            f"the curve {sample.curve.label} cannot be computed: {error}"
        ) from None
    return {"rate": found.rate.tolist(), "reason": found.reason, "settings": found.settings}


def draw_up(
    curves: Sequence[Curve],
    loss_db: Array,
    *,
    scheduler: str | None = None,
    resume: Path | None = None,
    progress: Progress | None = None,
) -> list[Sampled]:
    """Compute curves over losses, rising, in dB.

    Long plans are shared among this machine's cores, or any among the workers of a Dask cluster;
    the results are the same. `scheduler`, `resume` and `progress` are those of `hexkey.sweep.run`.

    Raises
    ------
    ConfigurationError
        A source lacks what its protocol needs. See `hexkey.sweep.run` for more.
    """
    samples = [sample for curve in curves for sample in _samples(curve, loss_db)]
    work_s = sum(PROTOCOLS[curve.protocol].loss_s for curve in curves) * loss_db.size
    if work_s < ALONE_S and scheduler is None and resume is None:
        found = [compute(sample) for sample in samples]
    else:
        from hexkey import sweep

        found = sweep.run(compute, samples, scheduler=scheduler, resume=resume, progress=progress)
    parts = iter(found)
    return [
        _joined(curve, loss_db, [next(parts) for _ in _samples(curve, loss_db)]) for curve in curves
    ]


def crossings(curves: Sequence[Sampled]) -> list[Crossing]:
    """Return where one of two curves overtakes the other, by loss."""
    found = [crossing for one, other in combinations(curves, 2) for crossing in _pair(one, other)]
    return sorted(found, key=lambda crossing: crossing.loss_db)


def comparable(crossing: Crossing) -> bool:
    """Return whether both curves are of equal blocks, and neither is the ceiling of the other."""
    one, other = crossing.better, crossing.worse
    finite = all(PROTOCOLS[curve.protocol].finite for curve in (one, other))
    ceiling = "plob" in (one.protocol, other.protocol) and one.memory_s == other.memory_s
    return not ceiling and (one.block_s == other.block_s or not finite)


def _samples(curve: Curve, loss_db: Array) -> Iterator[Sample]:
    step = max(1, round(ITEM_S / PROTOCOLS[curve.protocol].loss_s))
    for start in range(0, loss_db.size, step):
        yield Sample(curve, tuple(loss_db[start : start + step].tolist()))


def _joined(curve: Curve, loss_db: Array, parts: Sequence[dict[str, Any]]) -> Sampled:
    rate = np.array([value for part in parts for value in part["rate"]])
    reason = tuple(why for part in parts for why in part["reason"])
    settings = {
        name: [value for part in parts for value in part["settings"][name]]
        for name in parts[0]["settings"]
    }
    return Sampled(curve, loss_db, rate, reason, settings, _end(curve, loss_db, rate))


def _end(curve: Curve, loss_db: Array, rate: Array) -> float | None:
    alive = np.flatnonzero(rate > 0)
    if not alive.size:
        return None
    last = int(alive[-1])
    if last == rate.size - 1:
        return math.inf
    return _closed_in(
        [curve],
        float(loss_db[last]),
        float(loss_db[last + 1]),
        lambda rates: ~(rates[0] > 0),
    )[0]


def _pair(one: Sampled, other: Sampled) -> Iterator[Crossing]:
    sign = (one.rate > other.rate) * 1 - (one.rate < other.rate) * 1
    places = np.flatnonzero(sign)  # where they are equal, or both infinite, neither is ahead
    for before, after in pairwise(places.tolist()):
        if sign[before] == sign[after]:
            continue
        worse, better = (one, other) if sign[before] > 0 else (other, one)
        _, high = _closed_in(
            [worse.curve, better.curve],
            float(one.loss_db[before]),
            float(one.loss_db[after]),
            lambda rates: rates[1] > rates[0],
        )
        ended = worse.largest_loss_db is not None and high >= worse.largest_loss_db - ENDING_DB
        yield Crossing(high, better.curve, worse.curve, ended)


def _closed_in(
    curves: Sequence[Curve], low: float, high: float, turned: Callable[[list[Array]], Any]
) -> tuple[float, float]:
    """Return losses no more than `STEP_DB` apart between which `turned` turns from false to true.

    A model takes hardly longer for many losses than for one, so many are tried at once.
    """
    slow = any(PROTOCOLS[curve.protocol].loss_s > _SLOW_S for curve in curves)
    points = 3 if slow else 17
    while high - low > STEP_DB:
        losses = np.linspace(low, high, points)
        inner = losses[1:-1]
        rates = [np.array(compute(Sample(each, tuple(inner.tolist())))["rate"]) for each in curves]
        true = np.flatnonzero(turned(rates))
        first = int(true[0]) + 1 if true.size else points - 1
        low, high = float(losses[first - 1]), float(losses[first])
    return low, high
