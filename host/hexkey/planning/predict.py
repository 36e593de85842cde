"""What a model gives for a published experiment, from what was printed of it, beside its report.

The model is the one that fits the protocol and the values that are known, in this order:

* the repeater node, for its parameters;
* a link whose source and receiver are known: key rates, finite and endless, at the loss printed (or
  none) and the greatest loss;
* B92's sifted bits and errors: the paper's equations, in blocks of a second, and no proof;
* sifted bits and errors: 1 − h(Q) − f h(Q) of them, without what pulses of several photons cost;
* errors alone: that share of a sifted bit, and the sifted rate that the reported key would take.
"""

from dataclasses import dataclass
from functools import cache

from hexkey.catalogue import Experiment, Range
from hexkey.keyrate import (
    b92,
    b92_planned,
    bb84_single,
    bb84_single_finite,
    entanglement,
    gllp,
    repeater,
)
from hexkey.planning.protocols import EPS_COR, EPS_PA
from hexkey.planning.source import b92_sifted, extrapolation, missing, source_of

BLOCKS_S = (1.0, 10.0, 100.0)
MEMORIES_S = (5e-3, 10e-3)
F_ASSUMED = 1.16


@dataclass(frozen=True, slots=True)
class Value:
    """One predicted quantity.

    Attributes
    ----------
    name : str
        ``secret``, ``greatest loss``, …
    value : Range
    unit : str
    reported : Range, optional
        What was reported of it, in the same unit.
    """

    name: str
    value: Range
    unit: str
    reported: Range | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What could be predicted of an experiment.

    Attributes
    ----------
    experiment : Experiment
    model : str
        In words; '' if none fits.
    values : tuple of Value
        The first one is what tables show.
    assumed : tuple of str
        What was not printed and was taken for granted.
    unpredicted : tuple of str
        What cannot be said, and why.
    """

    experiment: Experiment
    model: str
    values: tuple[Value, ...]
    assumed: tuple[str, ...]
    unpredicted: tuple[str, ...]


@cache
def predict(found: Experiment) -> Prediction:
    """Return what the models say of an experiment."""
    if found.node is not None:
        return _node(found)
    if found.protocol == "B92" and found.sifted_bps is not None and found.qber is not None:
        return _b92(found, found.sifted_bps, found.qber)
    if not missing(found):
        return _review(found) if found.sifting is not None else _link(found)
    if found.qber is None:
        return _nothing(found, "neither the error rate nor the source and the receiver are printed")
    if found.sifted_bps is not None:
        return _from_sifted(found, found.sifted_bps, found.qber)
    return _share_only(found, found.qber)


def _one(value: float) -> Range:
    return Range(float(value), float(value))


def _nothing(found: Experiment, why: str) -> Prediction:
    return Prediction(found, "", (), (), (f"nothing: {why}",))


def _node(found: Experiment) -> Prediction:
    assert found.node is not None
    values = []
    for memory_s in MEMORIES_S:
        node = found.node.with_memory(memory_s, found.error_correction or F_ASSUMED)
        memory = f"T2 = {1000 * memory_s:g} ms"
        loss = repeater.largest_loss_db(node)
        use = repeater.best_rates(node, 20.0).per_use
        second = repeater.best_rates(node, 20.0, objective="per_second").per_second
        values += [
            Value(f"greatest loss, {memory}", _one(loss), "dB"),
            Value(f"secret at 20 dB, {memory}", _one(float(use)), "bit/use"),
            Value(f"secret at 20 dB, {memory}", _one(float(second)), "bit/s"),
        ]
    assumed = (
        "memory times of 5 and 10 ms: the table's is 'varied'",
        "memories loaded one after the other, classical round trips included, no dark clicks",
    )
    return Prediction(found, "single repeater node", tuple(values), assumed, ())


def _b92(found: Experiment, sifted: Range, qber: Range) -> Prediction:
    bits = int(sifted.high)
    lengths = b92_planned.planned_length_unproven(
        bits, qber.low, EPS_PA, EPS_COR, leak="conservative"
    )
    endless = max(0.0, sifted.high * b92.asymptotic_fraction_unproven(qber.low))
    reported = found.secret_bps
    values = [
        Value("secret, blocks of 1 s", _one(float(lengths)), "bit/s", reported),
        Value("secret, endless block", _one(endless), "bit/s"),
    ]
    unpredicted = [
        "a proven key: the equations are no security proof of B92 (hexkey keyrate b92_certified)"
    ]
    if not missing(found) and found.lifetime_ns is not None:
        source = source_of(found)
        first = b92_sifted(source)
        values += [
            Value("sifted, from the source", _one(float(first.sifted_hz)), "bit/s", sifted),
            Value("QBER, from the source", _one(float(first.qber)), "", qber),
        ]
        through = source.link.receiver_efficiency * sifted.high / float(first.sifted_hz)
        if through < b92.USD_THRESHOLD_TRANSMISSION:
            unpredicted.append(
                f"any secret at all, if loss is not trusted: {through:.3f} of the photons arrive, "
                f"and below {b92.USD_THRESHOLD_TRANSMISSION:.3f} the states can be told apart"
            )
    else:
        unpredicted.append("the sifted rate: the source and the receiver are not printed")
    if lengths.value == 0:
        unpredicted.append(f"a key from one second: {lengths.reason}")
    assumed = (
        "blocks of one second, epsilons of 1e-10 and 1e-15, a leak of the larger of Eq. 7 and "
        f"{b92.PLANNED_EFFICIENCY} n h(Q)",
    )
    model = "B92 by the paper's equations, no proof"
    return Prediction(found, model, tuple(values), assumed, tuple(unpredicted))


def _link(found: Experiment) -> Prediction:
    link = source_of(found).link
    loss = found.loss_db or 0.0
    endless = link.pulse_rate_hz * float(bb84_single.best_asymptotic_rate(link, loss))
    greatest = bb84_single.largest_loss_db(link)
    limit = None if found.max_loss_db is None else _one(found.max_loss_db)
    values = [
        Value("greatest loss, endless block", _one(greatest), "dB", limit),
        Value(f"secret at {loss:g} dB, endless block", _one(endless), "bit/s", found.secret_bps),
    ]
    for block_s in BLOCKS_S:
        bits = float(bb84_single_finite.best_planned_length(link, loss, block_s))
        largest = bb84_single_finite.largest_loss_db(link, block_s)
        values += [
            Value(f"secret at {loss:g} dB, {block_s:g} s", _one(bits / block_s), "bit/s"),
            Value(f"greatest loss, {block_s:g} s", _one(largest), "dB"),
        ]
    assumed = ("basis bias and Alice's attenuator at their best", "f = 1 in endless blocks")
    return Prediction(found, "efficient BB84, single photons", tuple(values), assumed, ())


def _review(found: Experiment) -> Prediction:
    link = extrapolation(source_of(found))
    limit = None if found.max_distance_km is None else _one(found.max_distance_km)
    values = (
        Value(
            "secret at 0 km, endless block",
            _one(float(gllp.rate_bps(0.0, link))),
            "bit/s",
            found.secret_bps,
        ),
        Value("secret at 200 km", _one(float(gllp.rate_bps(200.0, link))), "bit/s"),
        Value("greatest distance", _one(gllp.largest_distance_km(link)), "km", limit),
    )
    return Prediction(found, "GLLP, Eqs. 3 to 5 of the review", values, (), ())


def _fraction(found: Experiment, qber: float) -> float:
    """Key bits per sifted bit of single photons or pairs, without end, at least 0."""
    f = found.error_correction or F_ASSUMED
    return float(entanglement.bbm92_fraction(qber, None, f))


def _sifted_words(found: Experiment) -> tuple[list[str], list[str]]:
    """What is assumed, and what is not predicted, where sifted bits are all there is."""
    f = found.error_correction
    assumed = ["an endless block", *([] if f else [f"f = {F_ASSUMED}"])]
    if found.protocol is None:
        assumed.append("BB84: the protocol is not printed")
    unpredicted = []
    if found.protocol == "E91":
        assumed.append("trusted devices, as in BBM92: the CHSH value is not printed")
    elif found.protocol != "BBM92":
        unknown = [name for name in ("g2", "mean_photons") if getattr(found, name) is None]
        lacking = " and ".join(unknown) or "the receiver's efficiency"
        unpredicted.append(f"what pulses of several photons cost, without {lacking}")
    return assumed, unpredicted


def _from_sifted(found: Experiment, sifted: Range, qber: Range) -> Prediction:
    low, high = (_fraction(found, q) for q in (qber.high, qber.low))
    assumed, unpredicted = _sifted_words(found)
    if sifted.low != sifted.high or qber.low != qber.high:
        assumed.append("least sifted bits with most errors, and the other way round")
    value = Range(sifted.low * low, sifted.high * high)
    pairs = found.protocol in ("E91", "BBM92")
    model = "entangled pairs" if pairs else "single photons"
    if value.high == 0:
        unpredicted.append("a key: error correction and what Eve may know cost all of it")
    return Prediction(
        found,
        f"{model}, from sifted bits and errors",
        (Value("secret", value, "bit/s", found.secret_bps),),
        tuple(assumed),
        tuple(unpredicted),
    )


def _share_only(found: Experiment, qber: Range) -> Prediction:
    assumed, unpredicted = _sifted_words(found)
    unpredicted.insert(0, f"bits a second: {_lacking_rate(found)}")
    value = Range(_fraction(found, qber.high), _fraction(found, qber.low))
    values = [Value("secret", value, "bit/sifted bit")]
    if found.secret_bps is not None and value.low > 0:
        secret = found.secret_bps
        needed = Range(secret.low / value.high, secret.high / value.low)
        values.append(Value("sifted bits that the report takes", needed, "bit/s"))
    return Prediction(
        found,
        "single photons, from errors alone",
        tuple(values),
        tuple(assumed),
        tuple(unpredicted),
    )


def _lacking_rate(found: Experiment) -> str:
    names = ", ".join(name for name in missing(found) if name != "misalignment")
    return f"the sifted rate is not printed, nor {names} to compute it from"
