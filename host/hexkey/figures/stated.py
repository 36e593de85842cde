"""What the papers state, beside what their equations give: the table of `hexkey figures`."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from hexkey.catalogue import experiment
from hexkey.keyrate import (
    b92,
    b92_experiment,
    bb84_single,
    bb84_single_finite,
    decoy,
    gllp,
    repeater,
)
from hexkey.keyrate.b92_receiver import TrustedReceiver
from hexkey.keyrate.bb84_single import SinglePhotonLink
from hexkey.planning.protocols import EPS_COR, EPS_PA
from hexkey.planning.source import source_of

MEMORIES_S = (5e-3, 10e-3)
SIFTED_HZ, QBER = 17_500, 0.0649  # of [T]'s experiment
SLOPE_DB = (5.0, 15.0, 25.0)


@dataclass(frozen=True, slots=True)
class Stated:
    """One claim.

    Attributes
    ----------
    claim, where : str
        What is claimed, and by which paper.
    stated, computed : str
        With units.
    follows : bool
        Whether the computed value bears the claim out.
    note : str
        What the difference comes from.
    """

    claim: str
    where: str
    stated: str
    computed: str
    follows: bool
    note: str = ""


def stated_claims() -> list[Stated]:
    """Return every claim of the two papers that their equations decide."""
    return [*_b92(), *_bb84(), *_decoys(), *_repeater(), *_review()]


def _link(name: str) -> SinglePhotonLink:
    return source_of(experiment(name)).link


def _b92() -> Iterator[Stated]:
    one = b92.key_length_planned_unproven(SIFTED_HZ, QBER, EPS_PA, EPS_COR)
    endless = SIFTED_HZ * b92.asymptotic_fraction_unproven(QBER)
    yield Stated(
        "secret key of B92 from 17.5 kbit/s sifted at 6.49 %",
        "[T] abstract",
        "7 kbit/s",
        f"{one / 1000:.2f} kbit/s in blocks of 1 s, at most {endless / 1000:.2f} kbit/s",
        False,
        "Eqs. 5, 7 and 8 give no more; it would take QBER ≤ 5.32 % or 27.2 kbit/s sifted",
    )
    if find_spec("clarabel") is not None:
        yield _certified()
    expected = b92_experiment.expected(0.5, 10.0)
    yield Stated(
        "sifted rate and QBER in the window 0.5 to 10.5 ns",
        "[T] Fig. 3",
        "17.5 kbit/s, 6.49 %",
        f"{float(expected.sifted_hz) / 1000:.1f} kbit/s, {float(expected.qber):.2%}",
        False,
        "Table II's source and receiver; the report takes 4.3 dB more loss and twice the "
        "misalignment",
    )


def _certified() -> Stated:
    from hexkey.keyrate.b92_certified import asymptotic_collective_rate

    trusted = asymptotic_collective_rate(QBER).per_sifted
    untrusted = asymptotic_collective_rate(
        QBER, experiment("tapsin:b92").receiver_efficiency or 1.0, TrustedReceiver()
    ).per_sifted
    shown = f"{SIFTED_HZ * untrusted / 1000:.2f} kbit/s" if untrusted > 0 else "none"
    return Stated(
        "the same, proven against collective attacks, endless",
        "[T] abstract",
        "7 kbit/s",
        f"{SIFTED_HZ * trusted / 1000:.2f} kbit/s if all loss is trusted, {shown} if the "
        "receiver's is not",
        False,
        "1 − h(Q) is no security proof of B92",
    )


def _bb84() -> Iterator[Stated]:
    base, improved = _link("tapsin:baseline"), _link("tapsin:improved")
    greatest = bb84_single.largest_loss_db(base)
    twice = SinglePhotonLink(
        base.pulse_rate_hz,
        base.mean_photons,
        base.g2,
        base.misalignment,
        base.dark_probability,
        base.receiver_efficiency * (experiment("tapsin:baseline").transmitter_efficiency or 1.0),
    )
    yield Stated(
        "greatest loss of BB84, endless block",
        "[T] Fig. 4",
        "24 dB",
        f"{greatest:.2f} dB",
        abs(greatest - 24) < 0.5,
        "as printed, with the transmitter counted twice: "
        f"{bb84_single.largest_loss_db(twice):.2f} dB",
    )
    for block_s, claimed, stated in ((100.0, 23.0, "23 dB"), (1.0, 17.0, "around 17 dB")):
        loss = bb84_single_finite.largest_loss_db(base, block_s)
        yield Stated(
            f"greatest loss of BB84, blocks of {block_s:g} s",
            "[T] text",
            stated,
            f"{loss:.2f} dB",
            abs(loss - claimed) < 1.0,
        )
    sent = base.pulse_rate_hz * 100
    yield Stated("pulses in 100 s", "[T] text", "4·10⁹", f"{sent / 1e9:g}·10⁹", sent == 4e9)
    rate = improved.pulse_rate_hz * float(bb84_single.best_asymptotic_rate(improved, 0.0))
    loss = _loss_with(improved, 1e6)
    yield Stated(
        "secret key of the improved source",
        "[T] text",
        "of Mbit/s",
        f"{rate / 1e6:.2f} Mbit/s without loss",
        rate > 1e6,
        f"more than 1 Mbit/s up to {loss:.1f} dB",
    )


def _loss_with(link: SinglePhotonLink, rate_bps: float) -> float:
    losses = np.linspace(0, 40, 4001)
    rates = link.pulse_rate_hz * bb84_single.best_asymptotic_rate(link, losses).value
    return float(losses[rates > rate_bps].max(initial=0.0))


def _decoys() -> Iterator[Stated]:
    improved = _link("tapsin:improved")
    receiver = source_of(experiment("tapsin:improved")).receiver
    losses = np.linspace(0, 30, 61)
    ratio = (
        bb84_single.best_asymptotic_rate(improved, losses).value
        / decoy.best_asymptotic_rate(receiver, losses).value
    )
    yield Stated(
        "the improved source can exceed the limit of QKD with weak coherent pulses",
        "[T] summary",
        "yes",
        f"{ratio[0]:.2f} times decoy states' rate without loss, {ratio.max():.2f} at most",
        bool(ratio.max() > 1),
        "endless blocks, same clock and receiver; in short blocks it does exceed decoys (the "
        "figure of decoys)",
    )


def _repeater() -> Iterator[Stated]:
    for memory_s in MEMORIES_S:
        slopes = ", ".join(f"{slope:.2f}" for slope in _slopes(memory_s))
        yield Stated(
            f"the repeater's rate up to 25 dB, T2 = {1000 * memory_s:g} ms",
            "[T] text",
            "e^(−L/2L_att): η^0.5",
            f"η^x with x = {slopes} at 5, 15, 25 dB (per channel use)",
            False,
            "with classical round trips the memories dephase long before",
        )
    improved = _link("tapsin:improved")
    crossings = " and ".join(
        f"{_overtakes(memory_s, improved):.1f} dB ({1000 * memory_s:g} ms)"
        for memory_s in MEMORIES_S
    )
    end = bb84_single.largest_loss_db(improved)
    yield Stated(
        "the repeater overtakes the direct source",
        "[T] Fig. 4",
        "beyond a crossover point",
        f"per use against per pulse from {crossings} on; in bits a second from {end:.1f} dB on, "
        "where the direct link ends",
        True,
        "which of the two axes is meant decides",
    )
    memory_s = _shortest_memory(improved)
    yield Stated(
        "memory time that is enough to overtake",
        "[T] Fig. 5",
        "order of 10⁻³ s",
        f"{1000 * memory_s:.1f} ms per use, against the improved source",
        1e-3 <= memory_s < 1e-2,
    )
    node = repeater.Node(10e-3)
    losses = np.array([5.0, 15.0, 25.0, 50.0])
    bob_km = repeater.best_bob_km(node, losses)
    far = ", ".join(f"{km:.0f}" for km in bob_km[1:])
    yield Stated(
        "the node's best place at high loss, T2 = 10 ms",
        "[T] text",
        "nearer to Bob, at some point fixed",
        f"{far} km from Bob at 15, 25, 50 dB",
        bool(np.ptp(bob_km[1:]) < 3 and np.all(np.diff(bob_km[1:]) < 2)),
        f"not half way at low loss, either: at 5 dB {bob_km[0] / repeater.fibre_km(node, 5.0):.2f} "
        "of the fibre from Bob",
    )


def _slopes(memory_s: float) -> list[float]:
    node, step = repeater.Node(memory_s), 0.05
    around = np.array([[loss - step, loss + step] for loss in SLOPE_DB])
    rates = repeater.best_rates(node, around).per_use.value
    slopes: list[float] = (-10 * np.diff(np.log10(rates), axis=1)[:, 0] / (2 * step)).tolist()
    return slopes


def _overtakes(memory_s: float, link: SinglePhotonLink) -> float:
    """The least loss at which the repeater gives more a use than the link does a pulse."""
    node, low, step = repeater.Node(memory_s), 0.0, 0.1
    for finer in (step, step / 100):
        losses = low + np.arange(0, 401 if finer == step else 101) * finer
        direct = bb84_single.best_asymptotic_rate(link, losses).value
        ahead = repeater.best_rates(node, losses).per_use.value > direct
        low = float(losses[ahead].min()) - finer
    return low + step / 100


def _shortest_memory(link: SinglePhotonLink) -> float:
    """The memory time from which the repeater has a key where the link's ends."""
    low, high, end = 1e-5, 1.0, bb84_single.largest_loss_db(link)
    while high / low > 1.001:
        middle = float(np.sqrt(low * high))
        alive = float(repeater.best_rates(repeater.Node(middle), end).per_use) > 0
        low, high = (low, middle) if alive else (middle, high)
    return high


def _review() -> Iterator[Stated]:
    near, far = float(gllp.rate_bps(0.0)), float(gllp.rate_bps(200.0))
    end = gllp.largest_distance_km()
    where = "[V] 3.2"
    yield Stated(
        "rate at short distance", where, "> 3 Mbit/s", f"{near / 1e6:.2f} Mbit/s", near > 3e6
    )
    yield Stated("rate over 200 km", where, "> 1 kbit/s", f"{far / 1e3:.2f} kbit/s", far > 1e3)
    yield Stated("greatest distance", where, "> 250 km", f"{end:.1f} km", end > 250)
