"""What `hexkey tune` says of a recording: maps, the best gate and how sure it is, and cautions."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hexkey.errors import ConfigurationError
from hexkey.maps.certified import certified_rate
from hexkey.maps.optimum import Optimum, SecretRate, find_optimum
from hexkey.maps.picture import Secret
from hexkey.maps.rates import RateMap, rate_map, secret_rate_hz
from hexkey.maps.recorded import RecordedCounts, facts

PROTOCOLS = ("b92", "b92-certified")
UNPROVEN = "Secret rates by the paper's equations, which are no security proof of B92."
CERTIFIED = (
    "Secret rates by the certified bound: collective attacks, endless blocks, trusted two-state "
    "source; what a block of finite length costs is not in them."
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
    rates : RateMap
    protocol : str
    secret : Secret
        Rates by the protocol.
    optimum : Optimum or None
        None where the recording is too short to tell.
    best : list of dict
        The best gates, best first.
    """

    found: RecordedCounts
    rates: RateMap
    protocol: str
    secret: Secret
    optimum: Optimum | None
    best: list[dict[str, Any]]

    @property
    def sentences(self) -> tuple[str, ...]:
        return (UNPROVEN if self.protocol == "b92" else CERTIFIED, CHOICE, ONE_SIDED)

    @property
    def at_the_edge(self) -> bool:
        return self.rates.at_the_edge(self.rates.best(1, self.secret.hz)[0])

    @property
    def has_key(self) -> bool:
        return bool(self.best and self.best[0]["secret_hz"] > 0)

    def report(self) -> dict[str, Any]:
        """Return all of it, for JSON."""
        rates, secret = self.rates, "secret_hz_" + self._suffix
        found: dict[str, Any] = {
            **facts(self.found),
            "protocol": self.protocol,
            "block_seconds": rates.block_s,
            "start_ns": rates.start_ns.tolist(),
            "width_ns": rates.width_ns.tolist(),
            "sifted_hz": rates.sifted_hz.tolist(),
            "qber": [[None if math.isnan(q) else q for q in row] for row in rates.qber.tolist()],
            secret: self.secret.hz.tolist(),
            "shift": self.found.shift.tolist(),
            "best": self.best,
            "best_at_the_edge": self.at_the_edge,
            "optimum": self.optimum and self.optimum.facts(rates.start_ns, rates.width_ns),
            "cautions": list(self.sentences),
        }
        if self.protocol == "b92":
            found["union_secret_hz_unproven"] = rates.union_secret_hz_unproven.tolist()
        return found

    @property
    def _suffix(self) -> str:
        return "unproven" if self.protocol == "b92" else "certified"


def tune(
    found: RecordedCounts,
    protocol: str,
    block_s: float,
    best: int,
    untrusted_transmission: float = 0.0,
) -> Tuning:
    """Return the maps of counts by a protocol, the best gates, and how sure the best is.

    Raises
    ------
    ConfigurationError
        An unknown protocol, a time that is not positive, or a bound without its transmission.
    """
    if protocol not in PROTOCOLS:
        raise ConfigurationError(
            f"--protocol {protocol!r} is unknown to maps: use {' or '.join(PROTOCOLS)}"
        )
    rates = rate_map(found.counts, found.seconds, found.tick_ps, block_s=block_s)
    rate: SecretRate
    if protocol == "b92":
        secret = Secret(rates.secret_hz_unproven)

        def rate(sifted: Any, errors: Any, seconds: float) -> Any:
            return secret_rate_hz(sifted, errors, seconds, block_s)

    else:
        rate = certified_rate(untrusted_transmission)
        hz = rate(found.counts.sifted, found.counts.errors, found.seconds)
        secret = Secret(hz, "certified, endless")
    places = rates.best(best, secret.hz)
    optimum = find_optimum(found.slices, rate, places[0]) if np.any(secret.hz) else None
    gates = [{**rates.gate_facts(place), "secret_hz": float(secret.hz[place])} for place in places]
    return Tuning(found, rates, protocol, secret, optimum, gates)
