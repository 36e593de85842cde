"""Maps of BB84 that grow while a run goes on, from what may be said while key is made.

Counts are those of `hexkey.maps.bb84`, and the secret rate is by the session's own bound
(`hexkey.maps.bb84_rates`), gate for gate. Bits are known of the test basis alone: those of the key
basis stay secret in the gate, and whether they are wrong is not asked. So

* the sifted rate is of the key basis: pulses that both chose it for, as their bases are public in
  the gate. Outside it Bob's alone is known, and Alice's is the key's with the share that she
  states;
* the QBER is of the test basis, all of whose bits are disclosed, in the gate and outside;
* for the secret rate the key basis is taken to have that QBER, too: correction is thought to cost
  as much. Background falls into the test basis more than light does, so this errs to the safe side
  where there is much of it.

What is said holds of whole blocks, so times are those that the blocks took.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hexkey.maps.bb84 import Bb84Reading, Bb84WindowCounts
from hexkey.maps.bb84_rates import Bound
from hexkey.maps.count import Windows
from hexkey.maps.live import LiveRates, qber_of, within
from hexkey.placed import DisclosedClicks, Silent
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.parameters import SessionParameters


class LiveBb84Map:
    """Accumulates the clicks of blocks.

    Parameters
    ----------
    windows : Windows
    tick_ps : Fraction
    parameters : SessionParameters
        Of the session whose bound the secret rate is by.
    """

    def __init__(self, windows: Windows, tick_ps: Fraction, parameters: SessionParameters) -> None:
        self.windows = windows
        self.tick_ps = tick_ps
        self._parameters = parameters
        self._tested = np.zeros((2, windows.period_ticks), np.int64)  # right and wrong, by tick
        self._silent = np.zeros((len(Silent), windows.period_ticks), np.int64)
        self._pulses = 0
        self._blocks = 0.0

    def add(self, clicks: DisclosedClicks) -> None:
        """Count clicks of both bases.

        Raises
        ------
        ValueError
            They are not of BB84.
        """
        if clicks.silent is None:
            raise ValueError("maps of BB84 need the clicks whose bits are not disclosed, too")
        self._tested += self._by_tick(clicks.phases, clicks.wrong.astype(np.int64), 2)
        self._silent += self._by_tick(
            clicks.silent.phases, clicks.silent.kinds.astype(np.int64), len(Silent)
        )
        self._pulses += clicks.silent.pulses
        self._blocks += clicks.silent.blocks

    def rates(self, terms: Bb84Terms) -> LiveRates | None:
        """Return the maps of all that was taken so far, with the terms of the session by now.

        Blocks of the secret rate are as long as those were that came in, on the average. None
        before the first. It takes a tenth of a second.
        """
        if not self._blocks or not self._pulses:
            return None
        seconds = self._pulses / self._parameters.pulse_rate_hz
        block_s = seconds / self._blocks
        right, wrong = (within(self.windows, counts) for counts in self._tested)
        key, key_of_bob, crosses, other = (within(self.windows, counts) for counts in self._silent)
        qber, sigma = qber_of(right, wrong)
        key_bits = key + terms.alice_key_probability * key_of_bob
        tested = right + wrong
        counts = Bb84WindowCounts(
            self.windows,
            _whole(tested + key + key_of_bob + crosses + other),
            _whole(crosses),
            _whole(key_bits),
            key_bits * np.nan_to_num(qber, nan=0.5),
            _whole(tested),
            wrong,
            np.zeros(wrong.shape, np.int64),
        )
        keys = Bound(Bb84Reading(terms, self._parameters), block_s).keys(counts, seconds)
        return LiveRates(
            self.windows,
            self.tick_ps,
            key_bits / seconds,
            qber,
            sigma,
            keys.bits / block_s,
            not terms.multiphoton_upper,
            seconds,
            int(self._tested.sum()),
        )

    def _by_tick(
        self, phases: NDArray[np.uint32], kinds: NDArray[np.int64], count: int
    ) -> NDArray[np.int64]:
        """Count clicks by kind and tick: (count, period)."""
        period = self.windows.period_ticks
        place = (phases % np.uint32(period)).astype(np.int64) + period * kinds
        return np.bincount(place, minlength=count * period).reshape(count, period)


def _whole(counts: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(counts).astype(np.int64)
