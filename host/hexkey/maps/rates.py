"""From counts to rates, and to the secret rate by the paper's equations, which is no proof."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError
from hexkey.keyrate.b92 import Leak
from hexkey.keyrate.b92_planned import planned_length_unproven
from hexkey.maps.b92 import WindowCounts
from hexkey.maps.count import Windows

EPS_PA, EPS_COR = 1e-10, 1e-15  # the paper's

Rates = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GateRates:
    """Rates of every gate of a grid, as seconds of the link gave them.

    Attributes
    ----------
    windows : Windows
    tick_ps : Fraction
    seconds, block_s : float
        Length of the data, and of the blocks that a secret rate is of.
    sifted_hz : (S, W) float
    qber : (S, W) float
        NaN where nothing was sifted.
    """

    windows: Windows
    tick_ps: Fraction
    seconds: float
    block_s: float
    sifted_hz: Rates
    qber: Rates

    @property
    def start_ns(self) -> Rates:
        return in_ns(self.windows.start_ticks, self.tick_ps)

    @property
    def width_ns(self) -> Rates:
        return in_ns(self.windows.width_ticks, self.tick_ps)

    def best(self, count: int, secret_hz: Rates) -> list[tuple[int, int]]:
        """Return the places in the grid of the gates with the highest secret rates, best first.

        Gates without a key come by sifted rate less errors, where there are not enough others.
        """
        sound = self.sifted_hz * (1 - 2 * np.nan_to_num(self.qber, nan=0.5))
        order = np.lexsort((-sound.ravel(), -secret_hz.ravel()))[:count]
        return [
            (int(place // len(self.width_ns)), int(place % len(self.width_ns))) for place in order
        ]

    def at_the_edge(self, place: tuple[int, int]) -> bool:
        """Whether gates that were not tried lie next to one: a better one may be among them."""
        (i, j), period = place, self.windows.period_ticks
        starts, widths = self.windows.start_ticks, self.windows.width_ticks
        earlier = i == 0 and starts[0] > 0
        later = i == len(starts) - 1 and starts[-1] + 1 < period
        longer = j == len(widths) - 1 and widths[-1] < period
        return bool(earlier or later or longer or (j == 0 and widths[0] > 0))

    def rate_facts(self, place: tuple[int, int]) -> dict[str, Any]:
        """Return where a gate is, its sifted rate and its QBER, for a report."""
        i, j = place
        qber = float(self.qber[place])
        return {
            "start_ns": float(self.start_ns[i]),
            "width_ns": float(self.width_ns[j]),
            "sifted_hz": float(self.sifted_hz[place]),
            "qber": None if np.isnan(qber) else qber,
        }


@dataclass(frozen=True, slots=True)
class RateMap(GateRates):
    """Rates of B92.

    Attributes
    ----------
    counts : WindowCounts
        Of all the seconds together.
    secret_hz_unproven : (S, W) float
        By Eqs. 5, 7 and 8, a block of `block_s` seconds at the rate and QBER found.
    union_secret_hz_unproven : (S, W) float
        The same with ε_PA divided by the number of gates: for a gate that is chosen from the very
        clicks which make the key, the failures of all the gates that might have been chosen count.
    """

    counts: WindowCounts
    secret_hz_unproven: Rates
    union_secret_hz_unproven: Rates

    def gate_facts(self, place: tuple[int, int]) -> dict[str, Any]:
        """Return all about one gate, for a report."""
        return {
            **self.rate_facts(place),
            "sifted_bits": int(self.counts.sifted[place]),
            "errors": int(self.counts.errors[place]),
            "double_pulses": int(self.counts.doubles[place]),
            "secret_hz_unproven": float(self.secret_hz_unproven[place]),
            "union_secret_hz_unproven": float(self.union_secret_hz_unproven[place]),
        }


def rate_map(
    counts: WindowCounts,
    seconds: float,
    tick_ps: Fraction,
    *,
    block_s: float = 1.0,
    eps_pa: float = EPS_PA,
    eps_cor: float = EPS_COR,
    leak: Leak = "eq7",
) -> RateMap:
    """Return the rates that counts of `seconds` of a link mean.

    Parameters
    ----------
    counts : WindowCounts
    seconds : float
        Of the link, for which the counts were taken.
    tick_ps : Fraction
    block_s : float
        Seconds of the link in a block; the paper has blocks of one second.
    eps_pa, eps_cor : float
        Failure probabilities of privacy amplification and of correctness, of a block.
    leak : "eq7" or "conservative"
        See `hexkey.keyrate.b92_planned.planned_length_unproven`.

    Raises
    ------
    ConfigurationError
        A time that is not positive.
    ValueError
        An ε outside (0, 1).
    """
    check_seconds(seconds, block_s)
    sifted = counts.sifted.astype(np.float64)
    qber = np.divide(counts.errors, sifted, out=np.full(sifted.shape, np.nan), where=sifted > 0)
    gates = sifted.size

    def secret_hz(eps: float) -> Rates:
        return secret_rate_hz(
            counts.sifted, counts.errors, seconds, block_s, eps_pa=eps, eps_cor=eps_cor, leak=leak
        )

    return RateMap(
        counts.windows,
        tick_ps,
        seconds,
        block_s,
        sifted / seconds,
        qber,
        counts,
        secret_hz(eps_pa),
        secret_hz(eps_pa / gates),
    )


def secret_rate_hz(
    sifted: Counts,
    errors: Counts,
    seconds: float,
    block_s: float,
    *,
    eps_pa: float = EPS_PA,
    eps_cor: float = EPS_COR,
    leak: Leak = "eq7",
) -> Rates:
    """Return the secret rates, by the paper's equations, that counts of `seconds` mean; no proof.

    Of a block of `block_s` seconds at the rate and QBER found; parameters as in `rate_map`.
    """
    qber = np.divide(errors, sifted, out=np.full(sifted.shape, 0.5), where=sifted > 0)
    bits = np.rint(sifted * (block_s / seconds)).astype(np.int64)
    length = planned_length_unproven(bits, qber, eps_pa, eps_cor, leak)
    return np.asarray(np.floor(length.value) / block_s)


def check_seconds(seconds: float, block_s: float) -> None:
    """Raise ConfigurationError for a time that is not positive."""
    for name, value in (("seconds", seconds), ("block_s", block_s)):
        if not 0 < value < float("inf"):
            raise ConfigurationError(f"{name} of a map must be positive, not {value}")


def in_ns(ticks: NDArray[np.int64], tick_ps: Fraction) -> Rates:
    """Return ticks in nanoseconds, each as near as a float can be."""
    return np.array([float(int(value) * tick_ps / 1000) for value in ticks])


def or_none(values: Rates) -> list[list[float | None]]:
    """Return rows as JSON has them: None where there is no value."""
    return [[None if np.isnan(value) else value for value in row] for row in values.tolist()]
