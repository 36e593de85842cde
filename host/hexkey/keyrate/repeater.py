"""One repeater node with two memories between Alice and Bob, in endless blocks.

    η_i' = 1 − (1 − η_i)(1 − p_d)²,  η_i = η_p η_c η_d e^(−L_i/L_att),  α_i = η_i (1 − p_d)/η_i'
    E[max] = 1/η_A' + 1/η_B' − 1/(η_A' + η_B' − η_A' η_B')
    Y    = p_BSM/E[max],  τ_i = T_p + 2 L_i/c
    e_m  = e_mA (1 − e_mB) + e_mB (1 − e_mA),  a = λ_BSM α_A α_B
    e_X  = a [e_m (1 − e_dp) + (1 − e_m) e_dp] + (1 − a)/2,  e_Z = a e_m + (1 − a)/2

"sequential": memory A is loaded first, and waits for N_B rounds of τ_B.

    e_dp = ½ {1 − e^(−2L_B/(c T2)) e^(−2L_A/(c T2)) η_B' z/[1 − (1 − η_B') z]},  z = e^(−τ_B/T2)

"parallel": both are loaded at once, in rounds of τ = max(τ_A, τ_B), and the first waits for
|N_A − N_B| of them.

    e_dp = ½ {1 − e^(−2(L_A + L_B)/(c T2)) E[e^(−|N_A − N_B| τ/T2)]}

Two units of rate, and they decide who wins against a direct link:

    per channel use  Y r                     where r = 1 − h(e_X) − f h(e_Z)
    per second       p_BSM r/(τ_A/η_A' + τ_B/η_B')   or, in parallel, p_BSM r/(τ E[max])

Assumes: memories that dephase and nothing else, a Bell measurement that depolarises with 1 − λ_BSM,
BB84 on both sides with p_X → 1, dark clicks of p_d in each of two detectors a side.

Source: D. Luong, L. Jiang, J. Kim and N. Lütkenhaus, Appl. Phys. B 122, 96 (2016), with the
parameters of Tapşın et al., Table III. Classical round trips are in; the slope e^(−L/2L_att) up to
25 dB that is stated there is not reproduced with them at T2 = 5 to 10 ms.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.domain import Array
from hexkey.keyrate.entropy import binary_entropy
from hexkey.keyrate.outcome import Outcome, outcome
from hexkey.keyrate.search import climbable, largest_positive, maximise

Order = Literal["sequential", "parallel"]
Objective = Literal["per_use", "per_second"]

DEPHASED = "the memories dephase, or dark clicks win, before both sides have a photon"
MOST_LOSS_DB = 400.0


@dataclass(frozen=True, slots=True)
class Node:
    """Memories, optics and Bell measurement; the defaults are Table III.

    Attributes
    ----------
    memory_s : float
        T2, dephasing time.
    dark_probability : float
        p_d, dark clicks of **one** detector a round.
    preparation_efficiency, coupling_efficiency, detection_efficiency : float
        η_p, η_c, η_d.
    preparation_s : float
        T_p, time to prepare a photon entangled with a memory.
    bell_ideality, bell_success : float
        λ_BSM and p_BSM.
    misalignment_alice, misalignment_bob : float
        e_mA, e_mB.
    attenuation_length_km : float
        L_att.
    light_km_per_s : float
        c in the fibre.
    error_correction : float
        f ≥ 1.
    """

    memory_s: float
    dark_probability: float = 0.0
    preparation_efficiency: float = 0.7
    coupling_efficiency: float = 0.7
    detection_efficiency: float = 0.7
    preparation_s: float = 1e-6
    bell_ideality: float = 1.0
    bell_success: float = 0.175
    misalignment_alice: float = 0.01
    misalignment_bob: float = 0.01
    attenuation_length_km: float = 22.0
    light_km_per_s: float = 2e5
    error_correction: float = 1.16

    def __post_init__(self) -> None:
        for name in ("memory_s", "attenuation_length_km", "light_km_per_s", "preparation_s"):
            domain.positive(name, getattr(self, name))
        domain.at_least_one("error_correction", self.error_correction)
        for name in (
            "dark_probability",
            "preparation_efficiency",
            "coupling_efficiency",
            "detection_efficiency",
            "bell_ideality",
            "bell_success",
            "misalignment_alice",
            "misalignment_bob",
        ):
            domain.probability(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class NodeRates:
    """What the node gives: arrays of the common shape of the two lengths.

    Attributes
    ----------
    yield_per_use : float64 array
        Y, successful Bell measurements per channel use.
    error_x, error_z : float64 array
        Error rates of the sifted bits.
    per_use, per_second : Outcome
        Secret bits per channel use, and per second with the classical round trips.
    """

    yield_per_use: Array
    error_x: Array
    error_z: Array
    per_use: Outcome
    per_second: Outcome


def node_rates(
    node: Node, alice_km: ArrayLike, bob_km: ArrayLike, order: Order = "sequential"
) -> NodeRates:
    """Return yield, errors and key rates.

    Parameters
    ----------
    alice_km, bob_km : array_like
        L_A and L_B, fibre from the node to either side, km.
    order : "sequential" or "parallel"
        How the memories are loaded.
    """
    domain.choice("order", order, get_args(Order))
    lengths = domain.non_negative("alice_km", alice_km), domain.non_negative("bob_km", bob_km)
    (arrive_a, light_a), (arrive_b, light_b) = (_arrivals(node, length) for length in lengths)
    flight_a, flight_b = (2 * length / node.light_km_per_s for length in lengths)
    round_a, round_b = node.preparation_s + flight_a, node.preparation_s + flight_b
    rounds = 1 / arrive_a + 1 / arrive_b - 1 / (arrive_a + arrive_b - arrive_a * arrive_b)
    if order == "sequential":
        decay = np.exp(-round_b / node.memory_s)
        waiting = arrive_b * decay / (1 - (1 - arrive_b) * decay)
        seconds = round_a / arrive_a + round_b / arrive_b
    else:
        longest = np.maximum(round_a, round_b)
        waiting = _difference_decay(arrive_a, arrive_b, np.exp(-longest / node.memory_s))
        seconds = longest * rounds
    coherence = np.exp(-(flight_a + flight_b) / node.memory_s) * waiting
    error_x, error_z = _errors(node, (1 - coherence) / 2, light_a * light_b)
    fraction = 1 - np.asarray(binary_entropy(np.minimum(error_x, 0.5)))
    fraction -= node.error_correction * np.asarray(binary_entropy(np.minimum(error_z, 0.5)))
    successes = node.bell_success / rounds
    why = (fraction <= 0, DEPHASED)
    return NodeRates(
        yield_per_use=successes,
        error_x=error_x,
        error_z=error_z,
        per_use=outcome(successes * fraction, why),
        per_second=outcome(node.bell_success * fraction / seconds, why),
    )


def best_bob_km(
    node: Node,
    loss_db: ArrayLike,
    order: Order = "sequential",
    objective: Objective = "per_use",
) -> Array:
    """Return the L_B with the largest rate, the whole fibre having `loss_db`."""
    domain.choice("objective", objective, get_args(Objective))
    length = fibre_km(node, loss_db)

    def rate(bob_km: Array) -> Array:
        found = node_rates(node, length - bob_km, bob_km, order)
        signed: Array = getattr(found, objective).signed
        return climbable(signed, found.yield_per_use)

    return maximise(rate, [(0.0, length)], length.shape)[0]


def best_rates(
    node: Node,
    loss_db: ArrayLike,
    order: Order = "sequential",
    objective: Objective = "per_use",
) -> NodeRates:
    """Return `node_rates` with the node at the place that is best for `objective`."""
    bob_km = best_bob_km(node, loss_db, order, objective)
    return node_rates(node, fibre_km(node, loss_db) - bob_km, bob_km, order)


def largest_loss_db(node: Node, order: Order = "sequential") -> float:
    """Return the largest loss of the whole fibre with a key, the node at its best place."""
    return largest_positive(
        lambda loss: float(best_rates(node, loss, order).per_use), MOST_LOSS_DB, width=1e-7
    )


def fibre_km(node: Node, loss_db: ArrayLike) -> Array:
    """Return the fibre's length with that loss in dB: L_att ln 10/10 km a dB."""
    loss = domain.non_negative("loss_db", loss_db)
    return np.asarray(loss * node.attenuation_length_km * math.log(10) / 10)


def _arrivals(node: Node, length_km: Array) -> tuple[Array, Array]:
    """η', the chance of a click a round, and α, the share of good photons among clicks."""
    optics = node.preparation_efficiency * node.coupling_efficiency * node.detection_efficiency
    photon = optics * np.exp(-length_km / node.attenuation_length_km)
    silent = 1 - node.dark_probability
    click = np.maximum(photon + (1 - photon) * (1 - silent**2), 1e-300)
    return click, photon * silent / click


def _difference_decay(first: Array, second: Array, decay: Array) -> Array:
    """E[z^|N_A − N_B|] of two geometric numbers of rounds that start together."""
    both = first + second - first * second
    longer = np.zeros(())
    for one, other in ((first, second), (second, first)):
        # `one` arrives alone, then `other` takes a geometric number of further rounds
        longer = longer + one * (1 - other) * other * decay / (1 - (1 - other) * decay)
    return np.asarray((first * second + longer) / both)


def _errors(node: Node, dephased: Array, photons: Array) -> tuple[Array, Array]:
    e_a, e_b = node.misalignment_alice, node.misalignment_bob
    aligned = e_a * (1 - e_b) + e_b * (1 - e_a)
    good = node.bell_ideality * photons
    flipped = aligned * (1 - dephased) + (1 - aligned) * dephased
    return good * flipped + (1 - good) / 2, good * aligned + (1 - good) / 2
