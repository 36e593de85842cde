"""What `hexkey tune` says of a recording: maps, the best gate and how sure it is, and cautions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from hexkey.errors import ConfigurationError
from hexkey.maps.b92 import WindowCounts
from hexkey.maps.bb84 import Bb84Reading
from hexkey.maps.bb84_rates import Bb84RateMap, bb84_rate_map, secret_rate_of
from hexkey.maps.certified import certified_rate
from hexkey.maps.count import Kinds
from hexkey.maps.optimum import Optimum, SecretRate, find_optimum
from hexkey.maps.picture import Secret
from hexkey.maps.rates import Counts, RateMap, Rates, or_none, rate_map, secret_rate_hz
from hexkey.maps.recorded import RecordedCounts, facts

PROTOCOLS = ("b92", "b92-certified", "bb84")
B92_BLOCK_S = 1.0  # the paper's
UNPROVEN = "Secret rates by the paper's equations, which are no security proof of B92."
CERTIFIED = (
    "Secret rates by the certified bound: collective attacks, endless blocks, trusted two-state "
    "source; what a block of finite length costs is not in them."
)
OBSERVED = (
    "Secret rates by the session's bound for blocks as they come on the average, before the pool's "
    "refill; error correction is taken to disclose what Cascade does. QBER is that of the key "
    "basis; by that of the test basis no more phase errors than stated are in the key."
)
NO_SOURCE = (
    "Nothing is stated of Alice's source: pulses of several photons are not taken off, and no "
    "session makes secret keys so. Give her configuration with a [source] by --alice-config."
)
EFFICIENCIES = (
    "A gate that cuts into the light of detectors with different delays makes their efficiencies "
    "differ: measure those that Bob's configuration states anew, in the gate that is chosen."
)
CHOICE = (
    "The gate is chosen by all bits of this recording, which are spent by that: make no key of "
    "them. For later blocks it is fixed beforehand, by data of an earlier time, and costs nothing; "
    "a key from these very clicks would pay for it by the union bound over the gates of the grid."
)
ONE_SIDED = (
    "A filter at the receiver alone improves signal over noise and nothing else: Eve can use what "
    "is outside Bob's gate, so it does not lower the bound of pulses with several photons. Monitor "
    "g2 inside Alice over the whole period, or filter there alike; a gate narrower than the one "
    "that her g2 was measured in proves nothing more."
)


@dataclass(frozen=True, slots=True)
class Tuning:
    """A recording's maps by one protocol.

    Attributes
    ----------
    found : RecordedCounts
    rates : RateMap or Bb84RateMap
    protocol : str
    secret : Secret
        Rates by the protocol.
    optimum : Optimum or None
        None where the recording is too short to tell.
    best : list of dict
        The best gates, best first.
    sentences : tuple of str
        What the rates are, and how they may be used.
    maps : dict
        What a report has of this protocol alone: the secret rates under their name, and others.
    """

    found: RecordedCounts
    rates: RateMap | Bb84RateMap
    protocol: str
    secret: Secret
    optimum: Optimum | None
    best: list[dict[str, Any]]
    sentences: tuple[str, ...]
    maps: dict[str, Any] = field(repr=False)

    @property
    def at_the_edge(self) -> bool:
        return self.rates.at_the_edge(self.rates.best(1, self.secret.hz)[0])

    @property
    def has_key(self) -> bool:
        return bool(self.best and self.best[0]["secret_hz"] > 0)

    def report(self) -> dict[str, Any]:
        """Return all of it, for JSON."""
        rates = self.rates
        return {
            **facts(self.found),
            "protocol": self.protocol,
            "block_seconds": rates.block_s,
            "start_ns": rates.start_ns.tolist(),
            "width_ns": rates.width_ns.tolist(),
            "sifted_hz": rates.sifted_hz.tolist(),
            "qber": or_none(rates.qber),
            **self.maps,
            "shift": self.found.shift.tolist(),
            "best": self.best,
            "best_at_the_edge": self.at_the_edge,
            "optimum": self.optimum and self.optimum.facts(rates.start_ns, rates.width_ns),
            "cautions": list(self.sentences),
        }


def tune(
    found: RecordedCounts,
    protocol: str | None,
    block_s: float | None,
    best: int,
    untrusted_transmission: float = 0.0,
) -> Tuning:
    """Return the maps of counts by a protocol, the best gates, and how sure the best is.

    Parameters
    ----------
    found : RecordedCounts
    protocol : str or None
        One of `PROTOCOLS` that suits the recording; "b92" or "bb84" if not given.
    block_s : float or None
        Seconds of a block; if not given, one with B92, and with BB84 what the session's block took
        in the recorded gate.
    best : int
        How many gates are listed.
    untrusted_transmission : float
        For "b92-certified".

    Raises
    ------
    ConfigurationError
        An unknown protocol or that of another recording, a time that is not positive, or a bound
        without its transmission.
    """
    reading = found.reading
    known = ("bb84",) if isinstance(reading, Bb84Reading) else ("b92", "b92-certified")
    protocol = protocol or known[0]
    if protocol not in PROTOCOLS:
        raise ConfigurationError(
            f"--protocol {protocol!r} is unknown to maps: use {' or '.join(PROTOCOLS)}"
        )
    if protocol not in known:
        raise ConfigurationError(
            f"--protocol {protocol!r} is not that of the recording: use {' or '.join(known)}"
        )
    if isinstance(reading, Bb84Reading):
        if block_s is None:
            events = max(1, int(found.clicks.sum()))
            block_s = reading.parameters.block_bits * found.seconds / events
        return _tune_bb84(found, reading, block_s, best)
    block_s = B92_BLOCK_S if block_s is None else block_s
    return _tune_b92(found, protocol, block_s, best, untrusted_transmission)


def _tune_b92(
    found: RecordedCounts, protocol: str, block_s: float, best: int, untrusted_transmission: float
) -> Tuning:
    rates = rate_map(found.counts, found.seconds, found.tick_ps, block_s=block_s)
    of_counts: Callable[[Counts, Counts, float], Rates]
    if protocol == "b92":
        secret = Secret(rates.secret_hz_unproven)
        union = rates.union_secret_hz_unproven
        maps = {
            "secret_hz_unproven": secret.hz.tolist(),
            "union_secret_hz_unproven": union.tolist(),
        }
        what, of_counts = UNPROVEN, partial(secret_rate_hz, block_s=block_s)
    else:
        of_counts = certified_rate(untrusted_transmission)
        hz = of_counts(found.counts.sifted, found.counts.errors, found.seconds)
        secret, maps = Secret(hz, "certified, endless"), {"secret_hz_certified": hz.tolist()}
        what = CERTIFIED

    def rate(kinds: Kinds, seconds: float) -> Rates:
        counts = WindowCounts.of_kinds(found.windows, kinds)
        return of_counts(counts.sifted, counts.errors, seconds)

    return _tuning(found, rates, protocol, secret, rate, best, (what, CHOICE, ONE_SIDED), maps)


def _tune_bb84(found: RecordedCounts, reading: Bb84Reading, block_s: float, best: int) -> Tuning:
    rates = bb84_rate_map(
        found.windows, found.kinds, found.seconds, found.tick_ps, reading, block_s
    )
    unknown = () if reading.terms.multiphoton_upper else (NO_SOURCE,)
    maps = {
        "test_hz": rates.test_hz.tolist(),
        "test_qber": or_none(rates.test_qber),
        "secret_hz": rates.secret_hz.tolist(),
        "terms": reading.terms.to_json(),
        "double_clicks": "discard" if reading.discard else "random",
    }
    return _tuning(
        found,
        rates,
        "bb84",
        Secret(rates.secret_hz, f"blocks of {block_s:.3g} s"),
        secret_rate_of(found.windows, reading, block_s),
        best,
        (OBSERVED, *unknown, CHOICE, EFFICIENCIES, ONE_SIDED),
        maps,
    )


def _tuning(
    found: RecordedCounts,
    rates: RateMap | Bb84RateMap,
    protocol: str,
    secret: Secret,
    rate: SecretRate,
    best: int,
    sentences: tuple[str, ...],
    maps: dict[str, Any],
) -> Tuning:
    places = rates.best(best, secret.hz)
    optimum = find_optimum(found.slices, rate, places[0]) if np.any(secret.hz) else None
    gates = [{**rates.gate_facts(place), "secret_hz": float(secret.hz[place])} for place in places]
    return Tuning(found, rates, protocol, secret, optimum, gates, sentences, maps)
