"""From counts of BB84 to rates, and to the secret rate by the bound that a session keeps to.

A block of the map is what a session would have counted in so many seconds, on the average: counts
are scaled to it, and the bound is that of `hexkey.session.bb84.observed_key`, gate for gate. Two
things differ, since a mean is no observation:

* A mean number of errors, or of cross clicks, is no whole number. What these bound is interpolated
  between the whole numbers on either side; at whole numbers it is the session's to the bit.
* Nobody has corrected errors yet. Correction is taken to disclose what Cascade does, 1.045 n h(Q).

A gate has no key where the session would drop the block: by the abort rule, or if the key did not
cover the pool's refill. The refill itself is not taken off.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError
from hexkey.estimate import upper_bounds
from hexkey.keyrate.bb84_single_observed import most_behind, most_of
from hexkey.keyrate.entropy import binary_entropy
from hexkey.maps.bb84 import Bb84Reading, Bb84WindowCounts
from hexkey.maps.count import Kinds, Windows
from hexkey.maps.rates import GateRates, check_seconds
from hexkey.reconcile.method import CASCADE_EFFICIENCY
from hexkey.session.bb84 import RANGES
from hexkey.session.block import refill_bits
from hexkey.verify import tag_bits

Rates = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Keys:
    """A block's key in every gate, (S, W) each.

    Attributes
    ----------
    bits : float64
        Secret bits, whole numbers; 0 where the session would drop the block.
    single_lower : int64
        Bits of the key basis that are of single photons, at least.
    phase_error_upper : float64
        Their errors in the other basis, at most.
    """

    bits: Rates
    single_lower: Counts
    phase_error_upper: Rates


@dataclass(frozen=True, slots=True)
class Bb84RateMap(GateRates):
    """Rates of every gate of a grid; `sifted_hz` and `qber` are of the key basis.

    Attributes
    ----------
    counts : Bb84WindowCounts
        Of all the seconds together.
    test_hz : (S, W) float
        Sifted bits of the test basis.
    test_qber : (S, W) float
        NaN where there are none.
    keys : Keys
        Of blocks of `block_s` seconds.
    """

    counts: Bb84WindowCounts
    test_hz: Rates
    test_qber: Rates
    keys: Keys

    @property
    def secret_hz(self) -> Rates:
        return self.keys.bits / self.block_s

    def gate_facts(self, place: tuple[int, int]) -> dict[str, Any]:
        """Return all about one gate, for a report."""
        counts, test_qber = self.counts, float(self.test_qber[place])
        return {
            **self.rate_facts(place),
            "key_bits": int(counts.key_bits[place]),
            "key_errors": float(counts.key_errors[place]),
            "test_bits": int(counts.test_bits[place]),
            "test_errors": float(counts.test_errors[place]),
            "clicks": int(counts.clicks[place]),
            "cross_clicks": int(counts.crosses[place]),
            "double_pulses": int(counts.doubles[place]),
            "test_hz": float(self.test_hz[place]),
            "test_qber": None if np.isnan(test_qber) else test_qber,
            "single_lower": int(self.keys.single_lower[place]),
            "phase_error_upper": float(self.keys.phase_error_upper[place]),
        }


def bb84_rate_map(
    windows: Windows,
    kinds: Kinds,
    seconds: float,
    tick_ps: Fraction,
    reading: Bb84Reading,
    block_s: float,
) -> Bb84RateMap:
    """Return the rates that counts of `seconds` of a link mean.

    Raises
    ------
    ConfigurationError
        A time that is not positive, or a block of more pulses than can be counted.
    """
    check_seconds(seconds, block_s)
    counts = Bb84WindowCounts.of_kinds(windows, kinds, discard=reading.discard)
    return Bb84RateMap(
        windows,
        tick_ps,
        seconds,
        block_s,
        counts.key_bits / seconds,
        _qber(counts.key_errors, counts.key_bits, np.nan),
        counts,
        counts.test_bits / seconds,
        _qber(counts.test_errors, counts.test_bits, np.nan),
        Bound(reading, block_s).keys(counts, seconds),
    )


def secret_rate_of(
    windows: Windows, reading: Bb84Reading, block_s: float
) -> Callable[[Kinds, float], Rates]:
    """Return what makes secret rates of pulses by their kind, and seconds, gate by gate."""
    bound = Bound(reading, block_s)

    def rate(kinds: Kinds, seconds: float) -> Rates:
        counts = Bb84WindowCounts.of_kinds(windows, kinds, discard=reading.discard)
        return bound.keys(counts, seconds).bits / block_s

    return rate


class Bound:
    """The session's bound for blocks of so many seconds, over arrays."""

    def __init__(self, reading: Bb84Reading, block_s: float) -> None:
        terms, parameters = reading.terms, reading.parameters
        sent = round(parameters.pulse_rate_hz * block_s)
        if sent > 10**15:
            raise ConfigurationError(f"a block of {block_s:g} s has too many pulses to count")
        self._terms, self._parameters, self._block_s = terms, parameters, block_s
        self._failure = parameters.eps_smoothing**2
        self._sent_key = round(sent * terms.alice_key_probability)
        self._sent_test = sent - self._sent_key
        several, failure = terms.multiphoton_upper, self._failure / RANGES
        self._several_key = most_of(self._sent_key, several * terms.bob_key_probability, failure)
        self._several_test = most_of(self._sent_test, several * 0.5, failure)
        self._behind: dict[int, int] = {}

    def keys(self, counts: Bb84WindowCounts, seconds: float) -> Keys:
        """Return the keys of blocks like these `seconds` of a link."""
        block = {
            each.name: getattr(counts, each.name) * (self._block_s / seconds)
            for each in fields(counts)
            if each.name != "windows"
        }
        key_bits, test_bits = _whole(block["key_bits"]), _whole(block["test_bits"])
        behind = self._several_at_bob(block["crosses"])
        single = _whole(key_bits - behind) - self._several_key
        test = _whole(test_bits - behind) - self._several_test
        phase = np.full(single.shape, 0.5)
        some = (single > 0) & (test > 0)
        errors = np.minimum(block["test_errors"][some], test[some])
        phase[some] = np.minimum(0.5, self._phase_errors(test[some], errors, single[some]))
        single = np.maximum(single, 0)
        bits = np.floor(
            single * (1 - np.asarray(binary_entropy(phase))) - self._disclosed(block, key_bits)
        )
        bits[self._dropped(block, bits)] = 0.0
        return Keys(bits, single, phase)

    def _several_at_bob(self, crosses: Rates) -> Rates:
        """Bound the pulses with several photons at Bob, from a mean number of cross clicks.

        A bound above all clicks is not cut down to them: either way nothing is left.
        """
        share = self._terms.bob_key_probability
        below = np.floor(crosses).astype(np.int64)
        every = np.unique(np.concatenate([below, below + 1]))
        for seen in every.tolist():
            if seen not in self._behind:
                # At most 10^15 pulses are ever counted.
                self._behind[seen] = most_behind(
                    seen, 2 * share * (1 - share), 10**15 - 1, self._failure
                )
        bound = np.array([self._behind[seen] for seen in every.tolist()], np.float64)
        return np.asarray(np.interp(crosses, every, bound))

    def _phase_errors(self, test: Counts, errors: Rates, single: Counts) -> Rates:
        """Bound the share of errors of single photons in the other basis, from a mean number."""
        below = np.floor(errors).astype(np.int64)
        above = np.ceil(errors).astype(np.int64)
        low = upper_bounds(test, below, single, self._failure)
        high = upper_bounds(test, above, single, self._failure)
        return np.asarray(low + (errors - below) * (high - low))

    def _disclosed(self, block: dict[str, Rates], key_bits: Counts) -> Rates:
        """Return the bits that correction and verification are taken to disclose, and ε_PA's."""
        parameters = self._parameters
        qber = np.minimum(0.5, _qber(block["key_errors"], block["key_bits"], 0.5))
        tag = tag_bits(int(key_bits.max(initial=0)), parameters.eps_cor)
        constant = tag + max(0.0, -2 * np.log2(2 * parameters.eps_pa))
        leak = np.ceil(CASCADE_EFFICIENCY * key_bits * np.asarray(binary_entropy(qber)))
        return np.asarray(leak + constant)

    def _dropped(self, block: dict[str, Rates], bits: Rates) -> NDArray[np.bool_]:
        """Return where the session would drop the block."""
        abort = self._parameters.qber_abort
        return np.asarray(
            (block["test_errors"] > abort * block["test_bits"])
            | (block["key_errors"] > abort * block["key_bits"])
            | (bits <= refill_bits(self._parameters))
        )


def _whole(counts: Rates) -> Counts:
    return np.rint(counts).astype(np.int64)


def _qber(errors: Rates, bits: NDArray[Any], empty: float) -> Rates:
    return np.asarray(
        np.divide(errors, bits, out=np.full(bits.shape, empty), where=bits > 0), np.float64
    )
