"""The best intensities, shares and bias of decoy states in finite blocks, for many losses at once.

A coarse grid finds the hill and a simplex climbs it, both deterministic. That the hill is the
highest is not proven: a rate found here is one that can be had, not the most that can.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from hexkey.keyrate import decoy, decoy_one, decoy_two
from hexkey.keyrate.decoy import Receiver
from hexkey.keyrate.decoy_finite import Bound, Intensities
from hexkey.keyrate.domain import Array
from hexkey.keyrate.outcome import Outcome
from hexkey.keyrate.search import climb

WEAKEST = 2e-4  # μ3: how dark a modulator makes the third class, as in Lim et al. 2014
_STEP = 0.3  # of the first simplex, in logarithms and logits


@dataclass(frozen=True, slots=True)
class DecoyBlocks:
    """The best block at each loss: secret bits, and the setting.

    Attributes
    ----------
    length : Outcome
        Bits, with the reason where there are none, as `hexkey.keyrate.decoy_two.planned_length`.
    intensities : Intensities
        Of arrays, one number a loss.
    key_bias : (n,) float64
    """

    length: Outcome
    intensities: Intensities
    key_bias: Array


def best_blocks(
    receiver: Receiver, loss_db: Array, pulses: float, decoys: int, bound: Bound
) -> DecoyBlocks:
    """Return the best block at each loss, for one or two decoys.

    Parameters
    ----------
    loss_db : (n,) float64
        Of the channel alone, dB.
    pulses : float
        N_S, sent in a block.
    decoys : 1 or 2
        Rusca et al. 2018 or Lim et al. 2014, with the ε's that are their defaults here.
    """

    def length(vector: Array) -> Outcome:
        intensities, bias = _setting(vector)
        planned = decoy_one.planned_length if decoys == 1 else decoy_two.planned_length
        return planned(receiver, intensities, loss_db, pulses, bias, bound=bound)

    grid = np.array([point[: 3 + decoys] for point in product(*_GRID)]).T
    grid = np.repeat(grid[:, :, None], loss_db.size, axis=2)
    start = np.take_along_axis(grid, np.argmax(length(grid).signed, 0)[None, None], 1)[:, 0]
    best = climb(lambda vector: length(vector).signed, start, _STEP)
    return DecoyBlocks(length(best), *_setting(best))


def _setting(vector: Sequence[Array] | Array) -> tuple[Intensities, Array]:
    """Return intensities and bias from the searches' coordinates, which have no bounds.

    ln μ1, logit of μ2/μ1, logit of the bias, logit of p1 and, with two decoys, of p2's share of
    the rest.
    """
    signal = np.minimum(np.exp(np.minimum(vector[0], 10.0)), decoy.BRIGHTEST)
    ratio, bias, first, *rest = (_share(value) for value in vector[1:])
    if not rest:
        return Intensities((signal, signal * ratio), (first, 1 - first)), bias
    second = (1 - first) * rest[0]
    weak = np.minimum(WEAKEST, signal * np.minimum(ratio, 1 - ratio) / 2)
    shares = (first, second, 1 - first - second)
    return Intensities((signal, signal * ratio, weak), shares), bias


def _share(logit: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -12, 12))))


_GRID = (
    np.log([0.2, 0.4, 0.7]),
    [-2.5, -1.4, -0.4],
    [0.4, 1.4, 2.5, 4.0],
    [-2.0, -1.0, 0.0, 1.0, 2.5],
    [0.8],
)
