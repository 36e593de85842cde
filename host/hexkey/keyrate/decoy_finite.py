"""BB84 with decoy states in finite blocks: what the two-decoy and one-decoy bounds share.

Counts in, bits out: the same functions take observed counts of a real block and, for planning,
the expected ones of `expected_counts`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.bb84_single import HALF_WRONG
from hexkey.keyrate.decoy import Receiver, coherent_clicks
from hexkey.keyrate.domain import Array
from hexkey.keyrate.entropy import binary_entropy
from hexkey.keyrate.outcome import Outcome, outcome
from hexkey.keyrate.tails import hoeffding_deviation, lower_expectation, upper_expectation

Bound = Literal["hoeffding", "chernoff"]

FEW_SINGLE = "the decoys do not show a single photon for certain"


@dataclass(frozen=True, slots=True)
class Intensities:
    """Mean photon numbers of the classes, brightest first, and how often each is sent.

    Numbers, or arrays of one shape that is broadcast with the blocks'.
    """

    mean_photons: tuple[float | Array, ...]
    probabilities: tuple[float | Array, ...]

    def __post_init__(self) -> None:
        if len(self.mean_photons) != len(self.probabilities):
            raise ValueError(
                f"mean_photons {self.mean_photons!r} must be as many as the probabilities "
                f"{self.probabilities!r}"
            )
        domain.non_negative("mean_photons", np.asarray(self.mean_photons))
        total = domain.epsilon("probabilities", np.asarray(self.probabilities)).sum(0)
        if np.any(np.abs(total - 1) > 1e-9):
            raise ValueError(f"probabilities must add to 1, not to {total!r}")

    def emission(self, photons: int) -> Array:
        """τ_n, the probability that a pulse has 0 or 1 photons, over all classes."""
        mu, share = np.asarray(self.mean_photons), np.asarray(self.probabilities)
        return np.asarray(np.sum(share * np.exp(-mu) * mu**photons, axis=0))


@dataclass(frozen=True, slots=True)
class Counts:
    """Sifted counts of a block: one row a class, brightest first; further axes are blocks.

    Attributes
    ----------
    key : float64 array
        Clicks in the basis of the key.
    test : float64 array
        Clicks in the other basis.
    test_errors : float64 array
        Wrong ones among `test`.
    """

    key: Array
    test: Array
    test_errors: Array

    def __post_init__(self) -> None:
        for name in self.__slots__:
            domain.non_negative(name, getattr(self, name))
        if np.any(self.test_errors > self.test):
            raise ValueError("test_errors must not exceed the clicks of test in their class")


@dataclass(frozen=True, slots=True)
class SinglePhotons:
    """Bounds of one block: vacuum and single-photon clicks of the key, and their phase error."""

    vacuum_lower: Array
    single_lower: Array
    phase_error_upper: Array


def expected_counts(
    receiver: Receiver,
    intensities: Intensities,
    loss_db: ArrayLike,
    pulses: ArrayLike,
    key_bias: ArrayLike,
) -> tuple[Counts, Array]:
    """Return the counts expected, and the key basis' QBER.

    Parameters
    ----------
    loss_db : array_like
        Loss of the channel alone, dB.
    pulses : array_like
        N_S, pulses sent.
    key_bias : array_like
        Probability, between 0 and 1, with which each side picks the key's basis.
    """
    sent = domain.positive("pulses", pulses)
    bias = domain.epsilon("key_bias", key_bias)
    rows = [
        (share * sent * np.stack(np.broadcast_arrays(*coherent_clicks(receiver, loss_db, mu))))
        for mu, share in zip(intensities.mean_photons, intensities.probabilities, strict=True)
    ]
    clicked = np.stack(np.broadcast_arrays(*(row[0] + 0 * bias for row in rows)))
    wrong = np.stack(np.broadcast_arrays(*(row[1] + 0 * bias for row in rows)))
    total = clicked.sum(0)
    qber = np.where(total > 0, wrong.sum(0) / np.maximum(total, 1e-300), 0.5)
    in_test = (1 - bias) ** 2
    return Counts(bias**2 * clicked, in_test * clicked, in_test * wrong), qber


def scaled_bounds(
    intensities: Intensities, counts: Array, eps: float, bound: Bound
) -> tuple[Array, Array]:
    """Return n⁻ and n⁺: bounds of e^μ/p times each class's expectation; each side fails with ε.

    Hoeffding bounds each class from the total of all, as published; Chernoff from its own count.
    """
    domain.choice("bound", bound, get_args(Bound))
    if bound == "hoeffding":
        deviation = hoeffding_deviation(counts.sum(0), eps)
        lower, upper = np.maximum(counts - deviation, 0), counts + deviation
    else:
        lower, upper = lower_expectation(counts, eps), upper_expectation(counts, eps)
    scale = np.exp(np.asarray(intensities.mean_photons)) / np.asarray(intensities.probabilities)
    scale = scale.reshape(scale.shape[:1] + (1,) * (counts.ndim - scale.ndim) + scale.shape[1:])
    return np.asarray(scale * lower), np.asarray(scale * upper)


def wrong_single_photons(
    intensities: Intensities,
    test_errors: Array,
    classes: tuple[int, int],
    eps: float,
    bound: Bound,
) -> Array:
    """v_1 ≤ τ_1 (m⁺ − m⁻)/(μ − μ') of two classes, the brighter one first, and v_1 ≤ all errors.

    The second needs no ε: wrong clicks of single photons are some of the wrong clicks that there
    were. It is the smaller one where the deviation of a class is large against its few errors.
    """
    bright, dim = classes
    lower, upper = scaled_bounds(intensities, test_errors, eps, bound)
    mu = intensities.mean_photons
    of_classes = intensities.emission(1) * (upper[bright] - lower[dim]) / (mu[bright] - mu[dim])
    return np.asarray(np.clip(of_classes, 0, test_errors.sum(0)))


def published_sampling_unproven(failure: float, observed: Array, test: Array, key: Array) -> Array:
    """γ(a, b, c, d) of the decoy papers, with a already divided by the number of ε's.

    √{(c+d)(1−b)b/(cd ln 2) log2[(c+d)/(cd(1−b)b a²)]}. At no observed error it is 0 times infinity;
    there one error is taken instead, which is on the safe side. As `sampling_deviation_unproven` of
    `hexkey.keyrate.tails` it bounds the probability of one outcome of the sample.
    """
    rate = np.clip(observed, np.minimum(1 / test, 0.5), 0.5)
    size = (test + key) / (test * key)
    log = np.log2(np.maximum(size / ((1 - rate) * rate), 1e-300)) - 2 * np.log2(failure)
    deviation = np.sqrt(size * (1 - rate) * rate / np.log(2) * np.maximum(log, 0))
    return np.asarray(deviation + (rate - observed))


def phase_error_unproven(errors: Array, eps: float, single_key: Array, single_test: Array) -> Array:
    """φ from the wrong single photons of the test basis, at most 1/2; 1/2 where there are none."""
    some = (single_key > 0) & (single_test > 0)
    test, key = np.where(some, single_test, 1.0), np.where(some, single_key, 1.0)
    share = np.minimum(errors / test, 0.5)
    phase = share + published_sampling_unproven(eps, share, test, key)
    return np.where(some, np.minimum(phase, 0.5), 0.5)


def length_unproven(
    found: SinglePhotons, leak_bits: ArrayLike, failures: int, eps_sec: float, eps_cor: float
) -> Outcome:
    """L = s_0 + s_1 [1 − h(φ)] − leak − 6 log2(failures/ε_sec) − log2(2/ε_cor)."""
    leak = domain.non_negative("leak_bits", leak_bits)
    constants = 6 * np.log2(failures / eps_sec) + np.log2(2 / domain.epsilon("eps_cor", eps_cor))
    entropy = np.asarray(binary_entropy(found.phase_error_upper))
    return outcome(
        found.vacuum_lower + found.single_lower * (1 - entropy) - leak - constants,
        (found.single_lower <= 0, FEW_SINGLE),
        (found.phase_error_upper >= 0.5, HALF_WRONG),
    )


def planned_leak(counts: Counts, qber: Array, error_correction: ArrayLike) -> Array:
    """Return f n h(E) of the key's basis."""
    efficiency = domain.at_least_one("error_correction", error_correction)
    shannon = np.asarray(binary_entropy(np.minimum(qber, 0.5)))
    return np.asarray(efficiency * counts.key.sum(0) * shannon)


def ordered(intensities: Intensities, classes: int, conditions: Sequence[tuple[bool, str]]) -> None:
    """Refuse intensities that the bound is not made for, by name and value."""
    if len(intensities.mean_photons) != classes:
        raise ValueError(f"mean_photons must be {classes}, not {intensities.mean_photons!r}")
    for holds, needed in conditions:
        if not holds:
            raise ValueError(f"mean_photons must have {needed}, not {intensities.mean_photons!r}")
