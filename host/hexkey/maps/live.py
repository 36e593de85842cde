"""Maps of B92 that grow while a run goes on, from what may be shown while key is made.

The sifted rate of a gate follows from the histogram of arrivals, ungated and summed over detectors.
Its QBER needs bits: of **disclosed** clicks alone, those of the offset's and the estimation's
samples, or of all clicks in a run that makes no key (docs/security.md). Whoever feeds a map
decides which clicks these are; it keeps nothing of a click but when it came and whether it was
wrong.

An update costs the disclosed clicks and the grid, however long the run is.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError
from hexkey.keyrate.b92_planned import planned_length_unproven
from hexkey.maps.count import Windows
from hexkey.maps.rates import EPS_COR, EPS_PA, in_ns

Rates = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LiveRates:
    """What a map says at a moment.

    Attributes
    ----------
    windows : Windows
    tick_ps : Fraction
    sifted_hz : (S, W) float
        Clicks in the gate; pulses with several, at most the share of double clicks, count twice.
        With BB84 those that both chose the key basis for, and the QBER is theirs.
    qber : (S, W) float
        Of the disclosed clicks in the gate; NaN where there is none.
    sigma_qber : (S, W) float
        One standard deviation of it; NaN where there is none.
    secret_hz : (S, W) float
        With B92 by the paper's equations; with BB84 by the session's bound. 0 where the QBER is
        unknown.
    unproven : bool
        Whether no proof stands behind that rate: so it is with B92, and with a source of which
        nothing is known.
    seconds : float
    disclosed : int
        Clicks that the QBERs are of; with BB84 those of the key basis that were compared.
    """

    windows: Windows
    tick_ps: Fraction
    sifted_hz: Rates
    qber: Rates
    sigma_qber: Rates
    secret_hz: Rates
    unproven: bool
    seconds: float
    disclosed: int

    @property
    def start_ns(self) -> Rates:
        return in_ns(self.windows.start_ticks, self.tick_ps)

    @property
    def width_ns(self) -> Rates:
        return in_ns(self.windows.width_ticks, self.tick_ps)


class LiveMap:
    """Accumulates disclosed clicks and the histogram of all.

    Parameters
    ----------
    windows : Windows
    tick_ps : Fraction
    block_s : float
        Seconds of the link in a block of the secret rate.
    """

    def __init__(self, windows: Windows, tick_ps: Fraction, *, block_s: float = 1.0) -> None:
        if not 0 < block_s < float("inf"):
            raise ConfigurationError(f"block_s of a map must be positive, not {block_s}")
        self.windows = windows
        self.tick_ps = tick_ps
        self._block_s = block_s
        self._disclosed = np.zeros((2, windows.period_ticks), np.int64)  # right and wrong, by tick
        self._arrivals = np.zeros(windows.period_ticks + 1)  # clicks before each tick
        self._seconds = 0.0

    def add_disclosed(self, phase_ticks: NDArray[np.uint32], wrong: NDArray[np.bool_]) -> None:
        """Count clicks whose bits are disclosed.

        Parameters
        ----------
        phase_ticks : (n,) uint32
            Phases beyond the period are of clicks in a gate that reaches past it.
        wrong : (n,) bool
            Whether the click's bit is not Alice's.
        """
        if len(phase_ticks) != len(wrong):
            raise ValueError(f"{len(phase_ticks)} phases need as many verdicts, not {len(wrong)}")
        period = self.windows.period_ticks
        place = (phase_ticks % np.uint32(period)).astype(np.int64) + period * wrong
        self._disclosed += np.bincount(place, minlength=2 * period).reshape(2, period)

    def set_arrivals(
        self,
        offset_ticks: int,
        bin_ticks: int,
        counts: NDArray[np.int64],
        seconds: float,
        accepted: float = 1.0,
    ) -> None:
        """Take the run's histogram as it is now: ungated, of all detectors together.

        Parameters
        ----------
        offset_ticks, bin_ticks : int
            Where it begins and how wide its bins are; clicks are taken to be spread over a bin.
        counts : (bins,) int64
            Since the run began.
        seconds : float
            Since then.
        accepted : float
            Share of these clicks that the hold-off lets through, at any phase.
        """
        if not seconds > 0:
            raise ValueError(f"the seconds of a histogram must be positive, not {seconds}")
        edges = offset_ticks + bin_ticks * np.arange(len(counts) + 1)
        below = accepted * np.concatenate([[0.0], np.cumsum(counts)])
        self._arrivals = np.interp(np.arange(self.windows.period_ticks + 1), edges, below)
        self._seconds = seconds

    def rates(self) -> LiveRates:
        """Return the maps of all that was taken so far."""
        right, wrong = (within(self.windows, counts) for counts in self._disclosed)
        qber, sigma = qber_of(right, wrong)
        sifted = np.zeros(qber.shape)
        if self._seconds:
            sifted = _inside(self.windows, self._arrivals) / self._seconds
        bits = np.rint(sifted * self._block_s).astype(np.int64)
        length = planned_length_unproven(bits, np.nan_to_num(qber, nan=0.5), EPS_PA, EPS_COR)
        return LiveRates(
            self.windows,
            self.tick_ps,
            sifted,
            qber,
            sigma,
            np.asarray(np.floor(length.value) / self._block_s),
            True,
            self._seconds,
            int(self._disclosed.sum()),
        )


def within(windows: Windows, counts: NDArray[np.int64]) -> Rates:
    """Return what lies in each gate, (S, W), of counts by tick; one past the period's end wraps."""
    return _inside(windows, np.concatenate([[0], np.cumsum(counts)]))


def qber_of(right: Rates, wrong: Rates) -> tuple[Rates, Rates]:
    """Return a QBER and its standard deviation; NaN where there is nothing."""
    known = right + wrong
    nothing = np.full(known.shape, np.nan)
    qber = np.divide(wrong, known, out=nothing.copy(), where=known > 0)
    # One more of each: a gate without an error so far is not one without errors.
    better = (wrong + 1) / (known + 2)
    return qber, np.where(known > 0, np.sqrt(better * (1 - better) / (known + 3)), nothing)


def _inside(windows: Windows, below: NDArray[np.float64] | NDArray[np.int64]) -> Rates:
    """Return what lies in each gate; `below` is what lies before each tick of the period."""
    period = windows.period_ticks
    end = windows.end_ticks
    beyond = end > period
    until = below[np.where(beyond, end - period, end)] + np.where(beyond, below[-1], 0)
    return np.asarray(until - below[windows.start_ticks][:, None], np.float64)
