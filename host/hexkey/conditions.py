"""What must hold for a key to be secret: all conditions, in one list.

A key is a `SecretKey` only where every condition holds that applies to its protocol; otherwise it
is a demonstration, and the sentences of those that do not hold are its reasons. Each party knows
one half of the facts, states its reasons under the handshake's tags, and takes the other's word.

The first sentence of a condition says what must hold, the second what is the matter otherwise.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hexkey.keyrate.b92 import USD_THRESHOLD_TRANSMISSION

BB84, BOTH = ("bb84",), ("b92", "bb84")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What both parties know. `live`: the keys are made now, not from files; `maps`: maps grow."""

    protocol: str
    live: bool = True
    maps: bool = False


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What Alice's record states."""

    randomness: str
    source: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class AliceFacts:
    """What Alice knows besides; `seeded` says what is wrong with her session's randomness."""

    seeded: str | None
    source_measured: bool


@dataclass(frozen=True, slots=True)
class BobFacts:
    """What Bob knows. `efficiency_ratio` is None where the efficiencies are not stated."""

    simulated: bool
    seeded: str | None
    untrusted_transmission: float = 0.0
    double_clicks: str = "random"
    holdoff_ps: float = 0.0
    dead_time_ps: float = 0.0
    efficiency_ratio: float | None = None
    efficiency_ratio_limit: float = 1.0


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold, when it does, what is said where it does not, and for which protocols.

    `reason` may quote facts: ``{0.name}`` is the fact of that name.
    """

    must: str
    holds: Callable[[Any], bool]
    reason: str
    protocols: tuple[str, ...] = BOTH


SIMULATED = "the photons were simulated"

CIRCUMSTANCES = (
    Condition(
        "the protocol has a proof: BB84",
        lambda here: here.protocol == "bb84",
        "B92 with the paper's equations: 1 - h(Q) is not a security proof",
    ),
    Condition(
        "what is discarded does not depend on the outcome",
        lambda here: here.protocol == "bb84",
        "pulses with clicks of more than one detector were discarded",
    ),
    Condition(
        "the session is live",
        lambda here: here.live,
        "distilled from files between two local roles, with a pool made for the occasion",
    ),
    Condition(
        "no click is disclosed beside the test basis'",
        lambda here: not here.maps,
        "clicks outside the gate are disclosed for maps: an afterpulse among them could tell a bit "
        "of the key, and how the detectors answer after the gate is not known",
        BB84,
    ),
)

RECORD = (
    Condition(
        "Alice's bits (and bases) are random, and each was drawn once",
        lambda record: record.randomness == "random",
        "Alice's bits are {0.randomness}, not random",
    ),
    Condition(
        "they come from the operating system or from hardware",
        lambda record: record.source == "operating system" or record.source.startswith("hardware"),
        "Alice's bits came from: {0.source}",
    ),
    Condition("photons were sent", lambda record: not record.simulated, SIMULATED),
)

ALICE = (
    Condition(
        "her session's randomness is not expanded", lambda alice: not alice.seeded, "{0.seeded}"
    ),
    Condition(
        "upper bounds of her source's mean photon number and g2 were measured",
        lambda alice: alice.source_measured,
        "no bounds of Alice's source are stated: pulses of several photons are not accounted for",
        BB84,
    ),
)

BOB = (
    Condition("photons were detected", lambda bob: not bob.simulated, SIMULATED),
    Condition("his session's randomness is not expanded", lambda bob: not bob.seeded, "{0.seeded}"),
    Condition(
        "the transmission that an attacker could replace is known",
        lambda bob: bob.untrusted_transmission > 0,
        "the untrusted transmission is not stated",
        ("b92",),
    ),
    Condition(
        "and above the threshold of unambiguous state discrimination",
        lambda bob: not 0 < bob.untrusted_transmission <= USD_THRESHOLD_TRANSMISSION,
        "the untrusted transmission of {0.untrusted_transmission:.3f} is below "
        f"{USD_THRESHOLD_TRANSMISSION:.3f}: the two states of B92 can be told apart without error",
        ("b92",),
    ),
    Condition(
        "a double click within a basis gets a random bit",
        lambda bob: bob.double_clicks == "random",
        "pulses with clicks of both detectors of a basis were discarded",
        BB84,
    ),
    Condition(
        "the hold-off outlasts the dead time, which is known: every accepted pulse found all "
        "detectors alive",
        lambda bob: 0 < bob.dead_time_ps <= bob.holdoff_ps,
        "the hold-off of {0.holdoff_ps:.0f} ps does not outlast the dead time of "
        "{0.dead_time_ps:.0f} ps",
        BB84,
    ),
    Condition(
        "the detectors' efficiencies over the window were measured",
        lambda bob: bob.efficiency_ratio is not None,
        "the efficiencies of the detectors are not stated",
        BB84,
    ),
    Condition(
        "and are equal but for the configured ratio, at any time in it",
        lambda bob: (bob.efficiency_ratio or 1.0) <= bob.efficiency_ratio_limit,
        "the detectors' efficiencies differ by a factor of {0.efficiency_ratio:.3f}, more than "
        "the {0.efficiency_ratio_limit:.3f} of efficiency_ratio_limit",
        BB84,
    ),
)

POOL = "the stores and their authentication pool are for demonstrations"
"""Why keys are demonstrations where nothing else is the matter: `hexkey keys create --secret`."""


def unmet(protocol: str, conditions: Iterable[Condition], facts: Any) -> tuple[str, ...]:
    """Return the sentences of those conditions that apply to a protocol and do not hold."""
    return tuple(
        condition.reason.format(facts)
        for condition in conditions
        if protocol in condition.protocols and not condition.holds(facts)
    )
