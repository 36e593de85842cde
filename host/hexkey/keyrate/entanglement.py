"""Key from entangled pairs, per sifted pair of an endless block.

Neither rate counts pairs that are lost, nor what a pair source emits beside single pairs: those are
in the QBER and the CHSH value that were measured.
"""

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.bb84_single import HALF_WRONG
from hexkey.keyrate.domain import Array
from hexkey.keyrate.entropy import binary_entropy
from hexkey.keyrate.outcome import Outcome, outcome

TSIRELSON = 2 * np.sqrt(2.0)
LOCAL = "the CHSH value has a local model"


def bbm92_fraction(
    qber: ArrayLike, phase_error: ArrayLike | None = None, error_correction: ArrayLike = 1.0
) -> Outcome:
    """Return 1 − h(e_p) − f h(Q), secret bits per pair measured in the key's basis by both.

    Assumes: measurements in two complementary bases of qubits, or a squashed receiver; collective
    or, without end, any attacks; detections that do not depend on the basis. The source may be
    Eve's.

    Parameters
    ----------
    qber : array_like
        Q, error rate in the key's basis, from 0 to 1.
    phase_error : array_like, optional
        e_p, error rate in the other basis; as large as Q if not given.
    error_correction : array_like
        f ≥ 1.

    References
    ----------
    C. H. Bennett, G. Brassard and N. D. Mermin, Phys. Rev. Lett. 68, 557 (1992); P. W. Shor and
    J. Preskill, Phys. Rev. Lett. 85, 441 (2000); X. Ma, C.-H. F. Fung and H.-K. Lo, Phys. Rev. A
    76, 012307 (2007), without the basis factor.
    """
    bit = domain.probability("qber", qber)
    phase = bit if phase_error is None else domain.probability("phase_error", phase_error)
    efficiency = domain.at_least_one("error_correction", error_correction)
    signed = 1 - _entropy(phase) - efficiency * _entropy(bit)
    return outcome(signed, (np.maximum(bit, phase) >= 0.5, HALF_WRONG))


def e91_device_independent_fraction(
    qber: ArrayLike, chsh: ArrayLike, error_correction: ArrayLike = 1.0
) -> Outcome:
    """Return 1 − f h(Q) − χ(S), χ(S) = h((1 + √((S/2)² − 1))/2), per pair of the key's setting.

    Device-independent: the CHSH value alone bounds what Eve knows. With trusted devices E91's key
    is `bbm92_fraction`.

    Assumes: collective attacks, an endless block, no detection loophole (pairs without a click
    count, in S and in Q), and laboratories that leak nothing.

    Parameters
    ----------
    qber : array_like
        Q, error rate of the key's settings, from 0 to 1.
    chsh : array_like
        S, from 0 to 2√2 (a larger one is no quantum value and is refused); no key up to 2.
    error_correction : array_like
        f ≥ 1.

    References
    ----------
    A. K. Ekert, Phys. Rev. Lett. 67, 661 (1991); A. Acín et al., Phys. Rev. Lett. 98, 230501
    (2007), Eqs. 2 and 3.
    """
    bit = domain.probability("qber", qber)
    value = domain.within("chsh", chsh, 0.0, float(np.nextafter(TSIRELSON, 3)))
    efficiency = domain.at_least_one("error_correction", error_correction)
    violation = np.sqrt(np.clip((value / 2) ** 2 - 1, 0, 1))
    signed = 1 - efficiency * _entropy(bit) - _entropy((1 - violation) / 2)
    return outcome(signed, (value <= 2, LOCAL), (bit >= 0.5, HALF_WRONG))


def chsh_of_visibility(visibility: ArrayLike) -> Array:
    """Return 2√2 V: the CHSH value of a Werner state of visibility V, whose QBER is (1 − V)/2."""
    return np.asarray(TSIRELSON * domain.probability("visibility", visibility))


def _entropy(rate: Array) -> Array:
    """h, and 1 from 1/2 on, so that swapped outcomes do not look like a nearly perfect key."""
    return np.asarray(binary_entropy(np.minimum(rate, 0.5)))
