"""The protocols that curves are drawn for: each turns a curve and losses into bits a pulse.

A protocol is a function of a `Curve` and an array of losses that returns `Rates`. Add it to
`PROTOCOLS`, with what it assumes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from hexkey.catalogue import experiment
from hexkey.keyrate import (
    b92,
    b92_certified,
    b92_experiment,
    b92_planned,
    bb84_single,
    bb84_single_finite,
    decoy,
    decoy_settings,
    entanglement,
    gllp,
    limits,
    outcome,
    repeater,
)
from hexkey.keyrate.b92_receiver import TrustedReceiver
from hexkey.keyrate.decoy_finite import Bound
from hexkey.keyrate.domain import Array
from hexkey.keyrate.outcome import Outcome
from hexkey.planning.pairs import coincidences
from hexkey.planning.source import Source, b92_sifted, extrapolation

ENDLESS = math.inf
EPS_PA, EPS_COR = 1e-10, 1e-15  # of the B92 lengths, as in the paper
USD = "the two states can be told apart without error at this transmission"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of a plan: what is sent, by whom, for how long.

    Attributes
    ----------
    protocol : str
        A key of `PROTOCOLS`.
    source : Source, optional
        None where the protocol needs none.
    block_s : float
        Seconds of sending in a block; infinite for an endless one.
    memory_s : float, optional
        T2 of a repeater's memories.
    per_second : bool
        Bits a second; bits a pulse, or a channel use of a repeater, otherwise.
    """

    protocol: str
    source: Source | None = None
    block_s: float = ENDLESS
    memory_s: float | None = None
    per_second: bool = True

    @property
    def label(self) -> str:
        """The curve's name, short enough for a table."""
        ceiling = self.protocol == "plob" and not self.per_second  # the same for any source
        words = [self.protocol, *([self.source.name] if self.source and not ceiling else [])]
        if self.memory_s is not None:
            words.append(f"T2 = {1000 * self.memory_s:g} ms")
        if PROTOCOLS[self.protocol].finite:
            words.append("∞" if math.isinf(self.block_s) else f"{self.block_s:g} s")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates in the curve's unit, why there is none, and the settings that were found best."""

    rate: Array
    reason: list[str]
    settings: dict[str, list[float]] = field(default_factory=dict)


Compute = Callable[[Curve, Array], Rates]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol's function, and what a person must know of its rates.

    Attributes
    ----------
    compute : function
    assumes : str
        One line.
    finite : bool
        Whether there is a length for blocks that end.
    source : bool
        Whether it needs a source.
    loss_s : float
        Seconds that a loss takes, roughly.
    proof : bool
        False where the rate is no security proof at all.
    needs : str
        What a source must have beside its link; '' for nothing.
    """

    compute: Compute
    assumes: str
    finite: bool = False
    source: bool = True
    loss_s: float = 1e-3
    proof: bool = True
    needs: str = ""


def _of(curve: Curve) -> Source:
    assert curve.source is not None
    return curve.source


def _scaled(found: Outcome, curve: Curve, per_pulse: float, per_second: float) -> Rates:
    factor = per_second if curve.per_second else per_pulse
    return Rates(factor * found.value, [str(why) for why in found.reason])


def _per_pulse(found: Outcome, curve: Curve) -> Rates:
    return _scaled(found, curve, 1.0, _of(curve).link.pulse_rate_hz)


def _per_block(found: Outcome, curve: Curve) -> Rates:
    rate_hz = _of(curve).link.pulse_rate_hz
    return _scaled(found, curve, 1 / (rate_hz * curve.block_s), 1 / curve.block_s)


def bb84(curve: Curve, loss_db: Array) -> Rates:
    """Efficient BB84 with the source, its attenuator and the bias of the bases at their best."""
    link = _of(curve).link
    if math.isinf(curve.block_s):
        attenuation = bb84_single.best_attenuation(link, loss_db)
        found = _per_pulse(bb84_single.asymptotic_rate(link, loss_db, attenuation), curve)
        return Rates(found.rate, found.reason, {"attenuation": attenuation.tolist()})
    bias, attenuation = bb84_single_finite.best_setting(link, loss_db, curve.block_s)
    length = bb84_single_finite.planned_length(link, loss_db, curve.block_s, bias, attenuation)
    found = _per_block(length, curve)
    settings = {"basis_bias": bias.tolist(), "attenuation": attenuation.tolist()}
    return Rates(found.rate, found.reason, settings)


def _decoys(decoys: int, bound: Bound) -> Compute:
    def compute(curve: Curve, loss_db: Array) -> Rates:
        source = _of(curve)
        if math.isinf(curve.block_s):
            mu = decoy.best_mean_photons(source.receiver, loss_db)
            found = _per_pulse(decoy.asymptotic_rate(source.receiver, loss_db, mu), curve)
            return Rates(found.rate, found.reason, {"mean_photons": mu.tolist()})
        sent = source.link.pulse_rate_hz * curve.block_s
        blocks = decoy_settings.best_blocks(source.receiver, loss_db, sent, decoys, bound)
        settings = {"basis_bias": blocks.key_bias.tolist()}
        for name, rows in (
            ("mean_photons", blocks.intensities.mean_photons),
            ("probability", blocks.intensities.probabilities),
        ):
            for place, row in enumerate(np.asarray(rows).tolist(), 1):
                settings[f"{name}_{place}"] = row
        found = _per_block(blocks.length, curve)
        return Rates(found.rate, found.reason, settings)

    return compute


def _sifted(source: Source, loss_db: Array) -> b92_experiment.Expected:
    """B92's sifted bits behind the channel, of arrival times within the source's gate."""
    rates = [
        b92_sifted(source, transmission)
        for transmission in bb84_single.channel_transmission(loss_db).tolist()
    ]
    return b92_experiment.Expected(
        np.array([float(rate.sifted_hz) for rate in rates]),
        np.array([float(rate.qber) for rate in rates]),
    )


def b92_unproven(curve: Curve, loss_db: Array) -> Rates:
    """B92's length by the paper's equations, without a limit for unambiguous discrimination."""
    source = _of(curve)
    sifted = _sifted(source, loss_db)
    if math.isinf(curve.block_s):
        share = np.array([b92.asymptotic_fraction_unproven(q) for q in sifted.qber.tolist()])
        half = (sifted.qber >= 0.5, b92_planned.HALF_WRONG)
        found = outcome.outcome(share * sifted.sifted_hz, half)
        rates = _scaled(found, curve, 1 / source.link.pulse_rate_hz, 1.0)
    else:
        bits = np.floor(sifted.sifted_hz * curve.block_s).astype(np.int64)
        rates = _per_block(
            b92_planned.planned_length_unproven(
                bits, sifted.qber, EPS_PA, EPS_COR, leak="conservative"
            ),
            curve,
        )
    return Rates(rates.rate, rates.reason, {"qber": sifted.qber.tolist()})


def b92_certified_rate(curve: Curve, loss_db: Array) -> Rates:
    """B92's certified rate: the channel is Eve's, the receiver's loss is trusted."""
    source = _of(curve)
    sifted = _sifted(source, loss_db)
    link = source.link
    window = b92_experiment.window_fraction(
        source.gate_start_ns,
        source.gate_width_ns,
        source.lifetime_ns or 1,
        1e9 / link.pulse_rate_hz,
    )
    receiver = TrustedReceiver("four outcomes", link.receiver_efficiency * float(window))
    several = min(link.g2 * link.mean_photons / 2, 0.999)  # of the pulses that hold a photon
    shares, reasons = [], []
    through = bb84_single.channel_transmission(loss_db).tolist()
    for transmission, qber in zip(through, sifted.qber.tolist(), strict=True):
        if transmission <= b92.USD_THRESHOLD_TRANSMISSION:
            shares.append(0.0)
            reasons.append(USD)
            continue
        found = b92_certified.asymptotic_collective_rate(
            min(qber, 0.4), transmission, receiver, several
        )
        shares.append(found.per_sifted)
        reasons.append(found.reason)
    scale = 1.0 if curve.per_second else 1 / link.pulse_rate_hz
    return Rates(
        scale * np.array(shares) * sifted.sifted_hz, reasons, {"qber": sifted.qber.tolist()}
    )


def gllp_review(curve: Curve, loss_db: Array) -> Rates:
    """BB84 after the review's Eqs. 3 to 5: no attenuator, bases chosen evenly, f as given."""
    source = _of(curve)
    found = gllp.rate_bps(loss_db / source.attenuation_db_per_km, extrapolation(source))
    return _scaled(found, curve, 1 / source.link.pulse_rate_hz, 1.0)


def bbm92(curve: Curve, loss_db: Array) -> Rates:
    """Entangled pairs, both receivers trusted."""
    pairs = coincidences(_of(curve).link, loss_db)
    return _pairs(entanglement.bbm92_fraction(pairs.qber), pairs.clicked, pairs.qber, curve)


def e91(curve: Curve, loss_db: Array) -> Rates:
    """Entangled pairs, Eve's knowledge from the CHSH value of the pairs that were detected."""
    pairs = coincidences(_of(curve).link, loss_db)
    chsh = entanglement.chsh_of_visibility(np.clip(1 - 2 * pairs.qber, 0, 1))
    found = entanglement.e91_device_independent_fraction(pairs.qber, chsh)
    return _pairs(found, pairs.clicked, pairs.qber, curve)


def _pairs(fraction: Outcome, clicked: Array, qber: Array, curve: Curve) -> Rates:
    scale = clicked * (_of(curve).link.pulse_rate_hz if curve.per_second else 1.0)
    reason = [str(why) for why in fraction.reason]
    return Rates(scale * fraction.value, reason, {"qber": qber.tolist()})


def repeater_node(curve: Curve, loss_db: Array) -> Rates:
    """One node of Table III at its best place, memories loaded one after the other."""
    node = experiment("tapsin:repeater").node
    assert node is not None
    made = node.with_memory(curve.memory_s or 0.0)
    objective: repeater.Objective = "per_second" if curve.per_second else "per_use"
    bob_km = repeater.best_bob_km(made, loss_db, objective=objective)
    rates = repeater.node_rates(made, repeater.fibre_km(made, loss_db) - bob_km, bob_km)
    found = rates.per_second if curve.per_second else rates.per_use
    return Rates(found.value, [str(why) for why in found.reason], {"bob_km": bob_km.tolist()})


def plob(curve: Curve, loss_db: Array) -> Rates:
    """What no direct link exceeds, in one optical mode a pulse."""
    scale = _of(curve).link.pulse_rate_hz if curve.per_second else 1.0
    return Rates(scale * limits.plob_bound(loss_db), [""] * loss_db.size)


PROTOCOLS: dict[str, Protocol] = {
    "bb84": Protocol(
        bb84,
        "efficient BB84 with the single-photon source; attenuator and bias optimised",
        finite=True,
    ),
    "decoy": Protocol(
        _decoys(2, "chernoff"),
        "coherent pulses at the source's clock and receiver: infinite decoys without end, two "
        "in blocks (Chernoff), intensities and bias optimised",
        finite=True,
        loss_s=6e-3,
    ),
    "decoy-hoeffding": Protocol(
        _decoys(2, "hoeffding"), "the same with the published bound", finite=True, loss_s=6e-3
    ),
    "decoy-one": Protocol(
        _decoys(1, "hoeffding"),
        "the same with one decoy and three states",
        finite=True,
        loss_s=6e-3,
    ),
    "b92-unproven": Protocol(
        b92_unproven,
        "B92 by the paper's equations: NO SECURITY PROOF, and open to unambiguous discrimination "
        "from 5.3 dB on",
        finite=True,
        proof=False,
        needs="lifetime_ns",
    ),
    "b92-certified": Protocol(
        b92_certified_rate,
        "B92 against collective attacks, endless; receiver loss trusted; needs hexkey[certify]",
        loss_s=0.5,
        needs="lifetime_ns",
    ),
    "gllp": Protocol(gllp_review, "BB84 after the review's Eqs. 3 to 5, endless"),
    "bbm92": Protocol(
        bbm92, "single entangled pairs, Alice beside the source, trusted devices, endless"
    ),
    "e91": Protocol(
        e91,
        "the same, Eve bounded by the CHSH value of detected pairs (fair sampling), endless",
    ),
    "repeater": Protocol(
        repeater_node,
        "one repeater node of Table III at its best place, classical round trips included, endless",
        source=False,
    ),
    "plob": Protocol(
        plob, "-log2(1 - transmission) a mode: the ceiling of any direct link, not a protocol"
    ),
}
"""Where a block ends, published sampling bounds and the papers' ε's are used: planning, not keys
(docs/models.md)."""
