"""B92 against all collective attacks: a certified lower bound, per sifted bit, without end.

What Eve leaves unknown of Alice's bit is minimised over all states that she could have shared,

    min_ρ D(KρKᵀ ‖ Z(KρKᵀ))   with ρ_A = Alice's and Tr[ρ |a⟩⟨a| ⊗ F_b] = p(a, b) for all a, b,

a semidefinite program in the linearised form of `hexkey.keyrate.certificate`, which also proves the
value that is returned: what the solver says is only a proposal.

Assumes: **collective attacks, endless blocks**; Alice's two states exact; error correction at
Shannon's limit, or f times it. Trusted is what `TrustedReceiver` says and nothing else. Pulses of
several photons are Eve's: she knows their bits, and their statistics are hers to choose. **Bob gets
one photon or none**: brighter pulses than Alice's are outside, and with two detectors an attack
with them leaves rate and errors as they were at any loss (docs/eavesdroppers.md).

Unambiguous discrimination is among the attacks, so its threshold falls out: no key without errors
from a transmission of 1 − 1/√2 = 0.293 downwards.

Needs the extra ``certify``: ``pip install 'hexkey[certify]'``.

Source: A. Winick, N. Lütkenhaus and P. J. Coles, Quantum 2, 77 (2018), for the method; K. Tamaki
and N. Lütkenhaus, Phys. Rev. A 69, 032316 (2004), for B92 with loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hexkey.errors import ConfigurationError
from hexkey.keyrate import domain
from hexkey.keyrate.b92_receiver import OVERLAP, TrustedReceiver, depolarised
from hexkey.keyrate.certificate import Constraint, certified_bound
from hexkey.keyrate.domain import Array
from hexkey.keyrate.entropy import binary_entropy
from hexkey.keyrate.outcome import COSTS

IDEAL_RECEIVER = TrustedReceiver()
NO_SIFTED = "no conclusive click may come from a single photon"

_NOISES = (1e-4, 1e-6, 1e-7)  # shares of white noise in ρ0, whose logarithm must exist
_BETTER = 2e-6  # bits a sifted bit: a smaller gain is none
_PATIENCE = 5  # rounds without a gain
_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class CertifiedRate:
    """A certified rate.

    Attributes
    ----------
    per_sifted : float
        Secret bits per sifted bit, never negative.
    reason : str
        Why it is zero, or ''.
    unknown_per_sifted : float
        Lower bound of what Eve does not know of a sifted bit, proven outside the solver.
    attack_per_sifted : float
        What she does not know in the worst attack found. As exact as the solver: with statistics
        that leave Eve no room (Q = 0) it can be below the bound by some 1e-4.
    qber : float
        Q of the statistics.
    """

    per_sifted: float
    reason: str
    unknown_per_sifted: float
    attack_per_sifted: float
    qber: float


def asymptotic_collective_rate(
    qber: float,
    transmission: float = 1.0,
    receiver: TrustedReceiver = IDEAL_RECEIVER,
    multiphoton: float = 0.0,
    error_correction: float = 1.0,
) -> CertifiedRate:
    """Return the certified rate for depolarising noise and an untrusted transmission.

    Parameters
    ----------
    qber : float
        Q that Bob observes, from the trusted misalignment's own up to 0.4.
    transmission : float
        T, untrusted, above 0: the channel's, and whatever of Bob is not trusted.
    receiver : TrustedReceiver
    multiphoton : float
        Probability that a pulse has several photons; all such pulses are Eve's.
    error_correction : float
        f ≥ 1.
    """
    arrives = float(domain.within("transmission", transmission, 1e-6, 1.0))
    e = receiver.misalignment
    error_rate = float(domain.within("qber", qber, 2 * e / (1 + 2 * e), 0.4))
    # wrong/right = (e + d/2 − d e)/(1/2) with white noise d, both in halves of a basis
    noise = (error_rate / (1 - error_rate) - 2 * e) / (1 - 2 * e)
    states = depolarised(min(max(noise, 0.0), 1.0), arrives)
    table = [
        [float(np.trace(state @ element)) / 2 for element in receiver.outcomes] for state in states
    ]
    return asymptotic_collective_rate_of(table, receiver, multiphoton, error_correction)


def asymptotic_collective_rate_of(
    probabilities: Sequence[Sequence[float]],
    receiver: TrustedReceiver = IDEAL_RECEIVER,
    multiphoton: float = 0.0,
    error_correction: float = 1.0,
) -> CertifiedRate:
    """Return the certified rate for observed statistics.

    Parameters
    ----------
    probabilities : 2 × 4 or 2 × 2 numbers
        p(a, b) a pulse: Alice's bit (V, D) against the outcomes A, H and, with four, D, V.
    receiver, multiphoton, error_correction
        As above.
    """
    observed = domain.probability("probabilities", probabilities)
    if observed.shape != (2, len(receiver.outcomes)):
        raise ValueError(f"probabilities must be 2 × {len(receiver.outcomes)} for this receiver")
    several = float(domain.within("multiphoton", multiphoton, 0.0, 0.999))
    efficiency = float(domain.at_least_one("error_correction", error_correction))
    sifted = float(observed[:, :2].sum())
    wrong = float(observed[0, 1] + observed[1, 0])
    if sifted <= several:
        return CertifiedRate(0.0, NO_SIFTED, 0.0, 0.0, wrong / sifted if sifted > 0 else 0.5)
    problem = _Problem(receiver, _constraints(observed, receiver, several))
    bound, attack = problem.solve(_BETTER * sifted)
    unknown, best = ((1 - several) * value / sifted for value in (bound, attack))
    rate = unknown - efficiency * binary_entropy(min(wrong / sifted, 0.5))
    return CertifiedRate(
        max(rate, 0.0), "" if rate > 0 else COSTS, max(unknown, 0.0), best, wrong / sifted
    )


def _constraints(observed: Array, receiver: TrustedReceiver, several: float) -> list[Constraint]:
    """What is known of a single photon's state: Alice's half exactly, statistics within bounds.

    Of a pulse's p(a, b), between none and all of the several-photon pulses may be part.
    """
    nothing = np.zeros((2, 2))
    one = np.eye(3)
    found = []
    for i, value in ((0, 0.5), (1, 0.5)):
        bit = nothing.copy()
        bit[i, i] = 1
        found.append(Constraint(np.asarray(np.kron(bit, one), np.float64), value, value))
    flip = np.array([[0.0, 0.5], [0.5, 0.0]])
    found.append(Constraint(np.kron(flip, one), OVERLAP / 2, OVERLAP / 2))
    for i in range(2):
        bit = nothing.copy()
        bit[i, i] = 1
        for element, value in zip(receiver.outcomes, observed[i], strict=True):
            low, high = (value - several / 2) / (1 - several), value / (1 - several)
            found.append(
                Constraint(
                    np.asarray(np.kron(bit, element), np.float64), max(0.0, float(low)), float(high)
                )
            )
    return found


class _Problem:
    """The minimisation: linearised at a point, solved, and again at the best mixture so far."""

    def __init__(self, receiver: TrustedReceiver, constraints: list[Constraint]) -> None:
        conclusive = sum(receiver.outcomes[:2])[:2, :2]  # type: ignore[index]
        values, vectors = np.linalg.eigh(conclusive)
        root = vectors @ np.diag(np.sqrt(values)) @ vectors.T
        self.kraus = np.kron(np.eye(2), np.hstack([root, np.zeros((2, 1))]))
        self.sector = 2
        self.constraints = constraints

    def solve(self, better: float) -> tuple[float, float]:
        """Return a certified bound and the value of an attack, a pulse."""
        found = [self._search(noise, better) for noise in _NOISES]
        return max(bound for bound, _ in found), min(attack for _, attack in found)

    def _search(self, noise: float, better: float) -> tuple[float, float]:
        corners: list[Array] = []
        point, best, attack, idle = np.eye(6) / 6, -np.inf, np.inf, 0
        for _ in range(_ROUNDS):
            mixed = _mix(point, noise)
            corner, multipliers = _linearised(self._gradient(mixed), self.constraints)
            proven = certified_bound(self.kraus, self.sector, mixed, self.constraints, multipliers)
            idle = 0 if proven > best + better else idle + 1
            best = max(best, proven)
            if idle >= _PATIENCE:
                break
            corners.append(corner)
            point = self._best_mixture(corners, noise)
            attack = min(attack, self._value(point))
        return best, attack

    def _value(self, point: Array) -> float:
        image = self.kraus @ point @ self.kraus.T
        return _entropy(_pinched(image, self.sector)) - _entropy(image)

    def _gradient(self, point: Array) -> Array:
        image = self.kraus @ point @ self.kraus.T
        difference = _log2(image) - _log2(_pinched(image, self.sector))
        return np.asarray(self.kraus.T @ difference @ self.kraus)

    def _best_mixture(self, corners: list[Array], noise: float) -> Array:
        """The least value among mixtures of the corners found."""
        from scipy.optimize import minimize  # half a second to import, for every command

        stack = np.stack(corners)
        if len(corners) == 1:
            return corners[0]

        def value(weights: Array) -> tuple[float, Array]:
            mixed = _mix(np.tensordot(weights, stack, 1), noise)
            slope = (1 - noise) * np.tensordot(stack, self._gradient(mixed), 2)
            return self._value(mixed), slope

        found = minimize(
            value,
            np.full(len(corners), 1 / len(corners)),
            jac=True,
            method="SLSQP",
            bounds=[(0, 1)] * len(corners),
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
            options={"ftol": 1e-12, "maxiter": 200},
        )
        weights = np.clip(found.x, 0, None)
        return np.asarray(np.tensordot(weights / weights.sum(), stack, 1))


def _mix(point: Array, noise: float) -> Array:
    return np.asarray((1 - noise) * point + noise * np.eye(len(point)) / len(point))


def _linearised(gradient: Array, constraints: list[Constraint]) -> tuple[Array, list[float]]:
    """Minimise Tr[ρ gradient]: the state, and the multipliers of the constraints.

    In the solver's form: min −lo·u + hi·v, with gradient − Σ (u − v)_i Γ_i in the cone, u, v ≥ 0.
    """
    try:
        import clarabel
        from scipy import sparse
    except ImportError:
        raise ConfigurationError(
            "the certified B92 bound needs a solver: install it with pip install 'hexkey[certify]'"
        ) from None
    low = np.array([c.low for c in constraints])
    high = np.array([c.high for c in constraints])
    columns = np.stack([_triangle(c.observable) for c in constraints], 1)
    count = len(constraints)
    matrix = np.vstack([np.hstack([columns, -columns]), -np.eye(2 * count)])
    offset = np.concatenate([_triangle(gradient), np.zeros(2 * count)])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_feas = settings.tol_gap_abs = settings.tol_gap_rel = 1e-12
    solution = clarabel.DefaultSolver(
        sparse.csc_matrix((2 * count, 2 * count)),
        np.concatenate([-low, high]),
        sparse.csc_matrix(matrix),
        offset,
        [clarabel.PSDTriangleConeT(len(gradient)), clarabel.NonnegativeConeT(2 * count)],
        settings,
    ).solve()
    x = np.asarray(solution.x)
    state = _square(np.asarray(solution.z)[: columns.shape[0]], len(gradient))
    return state, (x[:count] - x[count:]).tolist()


def _triangle(matrix: Array) -> Array:
    """Upper triangle, column by column, off-diagonal entries times √2."""
    rows, columns = _places(len(matrix))
    return np.asarray(matrix[rows, columns] * np.where(rows == columns, 1, np.sqrt(2)))


def _square(triangle: Array, size: int) -> Array:
    rows, columns = _places(size)
    matrix = np.zeros((size, size))
    matrix[rows, columns] = triangle / np.where(rows == columns, 1, np.sqrt(2))
    return np.where(np.eye(size) > 0, matrix, matrix + matrix.T)


def _places(size: int) -> tuple[Array, Array]:
    pairs = np.array([(i, j) for j in range(size) for i in range(j + 1)])
    return pairs[:, 0], pairs[:, 1]


def _pinched(image: Array, sector: int) -> Array:
    sectors = np.arange(len(image)) // sector
    return np.where(sectors[:, None] == sectors, image, 0.0)


def _entropy(image: Array) -> float:
    values = np.clip(np.linalg.eigvalsh(image), 1e-300, None)
    return float(-(values * np.log2(values)).sum())


def _log2(image: Array) -> Array:
    values, vectors = np.linalg.eigh(image)
    logs = np.log2(np.clip(values, 1e-15, None))
    return np.asarray(vectors @ np.diag(logs) @ vectors.T)
