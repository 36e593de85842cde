"""B92 lengths by the published equations over arrays, with the reason where there is none.

The equations, and why they are **no proof**, are in `hexkey.keyrate.b92`; what a proof gives is in
`hexkey.keyrate.b92_certified`.
"""

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.b92 import PLANNED_EFFICIENCY, Leak, leak_eq7_array
from hexkey.keyrate.entropy import binary_entropy
from hexkey.keyrate.outcome import Outcome, outcome

HALF_WRONG = "half of the bits, or more, are wrong"


def planned_length_unproven(
    bits: ArrayLike,
    qber: ArrayLike,
    eps_pa: ArrayLike,
    eps_cor: ArrayLike,
    leak: Leak | ArrayLike = "eq7",
) -> Outcome:
    """Return secret bits a block: n[1 − h(Q)] − L_EC − 2 log2(1/(2ε_PA)) − log2(2/ε_cor).

    Parameters
    ----------
    bits : array_like of int
        n, sifted bits of a block, up to 1e15.
    qber : array_like
        Q, from 0 to 1; from 1/2 on there is no key.
    eps_pa, eps_cor : array_like
        Failure probabilities of privacy amplification and of correctness.
    leak : "eq7", "conservative" or array_like
        Eq. 7; the larger of that and 1.16 n h(Q); or the bits that were disclosed, as counted.

    References
    ----------
    Tapşın et al., appendix, Eqs. 5, 7 and 8.
    """
    count = np.asarray(bits)
    rate = np.minimum(domain.probability("qber", qber), 0.5)
    amplification, correctness = (
        domain.epsilon("eps_pa", eps_pa),
        domain.epsilon("eps_cor", eps_cor),
    )
    shannon = count * np.asarray(binary_entropy(rate))
    if isinstance(leak, str):
        domain.choice("leak", leak, ("eq7", "conservative"))
        disclosed = leak_eq7_array(count, rate, correctness)
        if leak == "conservative":
            disclosed = np.maximum(disclosed, PLANNED_EFFICIENCY * shannon)
    else:
        disclosed = domain.non_negative("leak", leak)
    constants = np.maximum(0, 2 * np.log2(1 / (2 * amplification))) + np.log2(2 / correctness)
    return outcome(count - shannon - disclosed - constants, (rate >= 0.5, HALF_WRONG))
