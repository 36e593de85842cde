"""The best intensities and bias of decoy states in finite blocks, loss by loss.

A coarse grid finds the hill and Nelder and Mead's simplex climbs it, both deterministic. That the
hill is the highest is not proven: a rate found here is one that can be had, not the most that can.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import minimize

from hexkey.keyrate import decoy, decoy_one, decoy_two
from hexkey.keyrate.decoy import Receiver
from hexkey.keyrate.decoy_finite import Bound, Intensities
from hexkey.keyrate.domain import Array
from hexkey.keyrate.outcome import Outcome

WEAKEST = 2e-4  # μ3: how dark a modulator makes the third class, as in Lim et al. 2014
_EVALUATIONS = 400
_STEP = 0.3  # of the first simplex, in logarithms and logits


@dataclass(frozen=True, slots=True)
class DecoyBlock:
    """The best block at one loss: secret bits, why there are none, and its setting."""

    bits: float
    reason: str
    intensities: Intensities
    key_bias: float


def best_blocks(
    receiver: Receiver, loss_db: Array, pulses: float, decoys: int, bound: Bound
) -> list[DecoyBlock]:
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
    grid = [_Setting.of(point[: 3 + decoys]) for point in product(*_GRID, [_SECOND])]
    coarse = np.array([_length(receiver, each, loss_db, pulses, bound).signed for each in grid])
    alive = decoy.best_asymptotic_rate(receiver, loss_db).value > 0
    found = []
    for loss, start, some in zip(loss_db.tolist(), np.argmax(coarse, 0), alive, strict=True):
        setting = grid[start]
        if some:
            setting = _climb(receiver, loss, pulses, bound, setting)
        block = _length(receiver, setting, loss, pulses, bound)
        found.append(
            DecoyBlock(float(block), str(block.reason), setting.intensities, setting.key_bias)
        )
    return found


@dataclass(frozen=True, slots=True)
class _Setting:
    intensities: Intensities
    key_bias: float

    @staticmethod
    def of(vector: Sequence[float] | Array) -> "_Setting":
        """Return the setting of a vector without bounds: the searches' coordinates.

        (ln μ1, logit of μ2/μ1, logit of the bias, logit of p1 and, with two decoys, of p2's share
        of the rest).
        """
        signal = min(float(np.exp(vector[0])), decoy.BRIGHTEST)
        ratio, bias, first, *rest = (_share(value) for value in vector[1:])
        if not rest:
            return _Setting(Intensities((signal, signal * ratio), (first, 1 - first)), bias)
        second = (1 - first) * rest[0]
        weak = min(WEAKEST, signal * ratio / 2, signal * (1 - ratio) / 2)
        mean = (signal, signal * ratio, weak)
        return _Setting(Intensities(mean, (first, second, 1 - first - second)), bias)

    def vector(self) -> Array:
        mu, share = self.intensities.mean_photons, self.intensities.probabilities
        inner = [mu[1] / mu[0], self.key_bias, share[0]]
        if len(mu) == 3:
            inner.append(share[1] / (1 - share[0]))
        return np.array([np.log(mu[0]), *(np.log(x / (1 - x)) for x in inner)])


def _share(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -12, 12))))


_GRID = (
    np.log([0.2, 0.4, 0.7]),
    [-2.5, -1.4, -0.4],
    [0.4, 1.4, 2.5, 4.0],
    [-2.0, -1.0, 0.0, 1.0, 2.5],
)
_SECOND = 0.8  # logit of p2's share of what p1 leaves, where the search begins


def _length(
    receiver: Receiver, setting: _Setting, loss_db: Array | float, pulses: float, bound: Bound
) -> Outcome:
    one = len(setting.intensities.mean_photons) == 2
    planned = decoy_one.planned_length if one else decoy_two.planned_length
    return planned(receiver, setting.intensities, loss_db, pulses, setting.key_bias, bound=bound)


def _climb(
    receiver: Receiver, loss_db: float, pulses: float, bound: Bound, start: _Setting
) -> _Setting:
    origin = start.vector()

    def cost(vector: Array) -> float:
        return -float(_length(receiver, _Setting.of(vector), loss_db, pulses, bound).signed)

    simplex = np.vstack([origin, origin + _STEP * np.eye(origin.size)])
    found = minimize(
        cost,
        origin,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "maxfev": _EVALUATIONS, "xatol": 1e-3, "fatol": 1e-3},
    )
    return _Setting.of(found.x)
