"""What nobody beats: any direct link, and any one-way code."""

import math

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.b92 import leak_eq7_array
from hexkey.keyrate.bb84_single import channel_transmission
from hexkey.keyrate.domain import Array
from hexkey.keyrate.entropy import binary_entropy


def plob_bound(loss_db: ArrayLike) -> Array:
    """Return −log2(1 − η): most secret bits a use of a lossy channel without a repeater gives.

    η = 10^(−loss/10) is the whole untrusted transmission. Infinite at no loss. Per use of one
    optical mode; a polarisation-encoded pulse uses two, and has twice the bound.

    References
    ----------
    S. Pirandola, R. Laurenza, C. Ottaviani and L. Banchi, Nat. Commun. 8, 15043 (2017), Eq. 19.
    """
    transmission = channel_transmission(loss_db)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log1p(-transmission) / math.log(2))


def one_way_efficiency(bits: ArrayLike, qber: ArrayLike, eps_cor: ArrayLike) -> Array:
    """Return the least f = leak/(n h(Q)) of a one-way code of n bits that fails with at most ε.

    `hexkey.keyrate.b92.leak_eq7` over n h(Q); for independent errors. An interactive code, such as
    Cascade, is not bound by it. 1 where nothing has to be corrected.

    Parameters
    ----------
    bits : array_like of int
        n, at least 1.
    qber : array_like
        Q, from 0 to 1.
    eps_cor : array_like
        ε, strictly between 0 and 1.

    References
    ----------
    M. Tomamichel, J. Martinez-Mateo, C. Pacher and D. Elkouss, Quantum Inf. Process.
    16, 280 (2017).
    """
    count = np.asarray(bits)
    domain.within("bits", count, 1, 1e15)
    rate = domain.probability("qber", qber)
    shannon = count * np.asarray(binary_entropy(np.minimum(rate, 0.5)))
    leak = leak_eq7_array(count, rate, domain.epsilon("eps_cor", eps_cor))
    return np.where(shannon > 0, leak / np.where(shannon > 0, shannon, 1.0), 1.0)
