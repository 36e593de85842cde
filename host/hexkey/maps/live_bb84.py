"""Maps of BB84 that grow while a run goes on, from what may be shown while key is made.

Counts are those of `hexkey.maps.bb84`, rates those of `hexkey.maps.bb84_rates`: sifted rate and
QBER are of the key basis, and the secret rate is by the session's own bound, gate for gate.

Of a session's clicks the map learns with each block that made a key: bases are public; so are the
bits of the test basis, and those outside the gate. Which bits of the key basis were wrong Bob knows
from their correction, and nobody says; that pattern is Eve's in the proof (docs/security.md). The
map keeps of a click when it came and what it is, summed over detectors.

What is known is of whole blocks, so times are those that the blocks took.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hexkey.maps.bb84 import Bb84Reading, Kind
from hexkey.maps.bb84_rates import bb84_rate_map
from hexkey.maps.count import Windows
from hexkey.maps.live import LiveRates, qber_of, within
from hexkey.placed import Bb84Clicks
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.parameters import SessionParameters
from hexkey.sift_bb84 import CROSS, KEY


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
        self._counts = np.zeros((len(Kind), windows.period_ticks), np.int64)  # by kind and tick
        self._pulses = 0
        self._blocks = 0.0

    def add(self, clicks: Bb84Clicks) -> None:
        """Count the clicks of a block, and those outside its gate."""
        kinds = np.full(len(clicks.bases), Kind.OTHER, np.int64)
        key = clicks.bases == KEY
        kinds[clicks.matched & key] = Kind.KEY_RIGHT
        kinds[clicks.matched & ~key] = Kind.TEST_RIGHT
        kinds[clicks.wrong & key] = Kind.KEY_WRONG
        kinds[clicks.wrong & ~key] = Kind.TEST_WRONG
        kinds[clicks.bases == CROSS] = Kind.CROSS
        self.add_kinds(clicks.phases, kinds, clicks.pulses, 1.0)

    def add_kinds(
        self,
        phases: NDArray[np.uint32],
        kinds: NDArray[np.int64] | NDArray[np.uint8],
        pulses: int,
        blocks: float,
    ) -> None:
        """Count clicks of a stretch of pulses, as long as so many blocks.

        Parameters
        ----------
        phases : (n,) uint32
            In ticks; those beyond the period are of a gate that reaches past it.
        kinds : (n,) int
            `hexkey.maps.bb84.Kind`.
        pulses : int
        blocks : float
        """
        period = self.windows.period_ticks
        place = (phases % np.uint32(period)).astype(np.int64) + period * kinds.astype(np.int64)
        self._counts += np.bincount(place, minlength=self._counts.size).reshape(-1, period)
        self._pulses += pulses
        self._blocks += blocks

    def rates(self, terms: Bb84Terms) -> LiveRates | None:
        """Return the maps of all that was taken so far, with the terms of the session by now.

        Blocks of the secret rate are as long as those were that came in, on the average. None
        before the first. It takes a tenth of a second.
        """
        if not self._blocks or not self._pulses:
            return None
        seconds = self._pulses / self._parameters.pulse_rate_hz
        kinds = np.stack([within(self.windows, counts) for counts in self._counts], axis=-1)
        found = bb84_rate_map(
            self.windows,
            kinds.astype(np.int64),
            seconds,
            self.tick_ps,
            Bb84Reading(terms, self._parameters),
            seconds / self._blocks,
        )
        wrong = found.counts.key_errors
        return LiveRates(
            self.windows,
            self.tick_ps,
            found.sifted_hz,
            *qber_of(found.counts.key_bits - wrong, wrong),
            found.secret_hz,
            not terms.multiphoton_upper,
            seconds,
            int(self._counts[Kind.KEY_RIGHT : Kind.KEY_DOUBLE + 1].sum()),
        )
