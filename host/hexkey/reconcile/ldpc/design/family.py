"""Which codes there are, and how the degrees of their columns are found.

At a fixed error rate and mean degree of the checks, the share of edges at columns of each degree is
improved step by step with a linear program (Chung, Richardson and Urbanke, IEEE Trans. Inf. Theory
47, 657 (2001), section V): as few checks per bit as possible, while the error rate still falls in
every iteration that density evolution saw. A code at its threshold takes for ever, so iterations
have a price, too: that of each is, to first order, by how much it would fall short.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linprog

from hexkey.keyrate.entropy import binary_entropy
from hexkey.reconcile.ldpc.design.evolution import Evolution, Floats, concentrated, redundancy

# Columns and rows, from the least redundancy up. A row more is about 0.6 % more redundancy; between
# two codes, checks are split.
SIZES = (
    *((1024, rows) for rows in (46, 54, 63, 73, 84, 98, 114)),
    *((512, rows) for rows in (66, 77, 83, 90, 97, 104, 112, 121, 130, 140, 151, 162)),
    *((512, rows) for rows in (175, 188, 202, 218, 235, 253, 294, 342)),
)
MADE_FOR = 1.055  # efficiency at which a code is to be used
DEGREES = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 22, 25, 30)
EDGES_PER_BIT = (4.4, 4.7, 5.0, 5.4, 5.8, 6.2, 6.6, 7.0)  # tried, at f = 1.04
ITERATION_PRICE = 3e-5  # in f
MOST_ITERATIONS = 1500
ROUNDS = 40
PAIRS = 0.98  # of a column of degree 2 to a row: they must form a forest
START = {2: 0.14, 3: 0.22, 7: 0.15, 8: 0.11, 9: 0.05, 10: 0.02, 25: 0.31}


@dataclass(frozen=True)
class Found:
    """Shares of edges and what they are worth."""

    shares: dict[int, float]
    efficiency: float
    iterations: int
    steps: list[tuple[float, float, Floats]]

    @property
    def cost(self) -> float:
        return self.efficiency + ITERATION_PRICE * self.iterations


def judge(qber: float, shares: Mapping[int, float], mean_check: float) -> Found | None:
    """Return what some shares are worth, None if the error rate does not fall to zero."""
    evolution = Evolution(qber, shares, concentrated(mean_check), DEGREES)
    if not evolution.run(MOST_ITERATIONS):
        return None
    value = redundancy(shares, mean_check) / binary_entropy(qber)
    return Found(dict(shares), value, len(evolution.steps), evolution.steps)


def improve(
    qber: float, found: Found, mean_check: float, limit: float, top: int
) -> dict[int, float] | None:
    """Return the shares that a linear program prefers, none further than `limit` from before."""
    now = np.array([found.shares.get(d, 0.0) for d in DEGREES])
    inverse = 1 / np.array(DEGREES, float)
    price = -inverse / mean_check / (now @ inverse) ** 2 / binary_entropy(qber)
    falls, rows = [], []
    for before, after, rates in found.steps:
        price = price + ITERATION_PRICE * rates / (before - after)
        rows.append(rates / before)
        falls.append((now @ rates + 0.6 * (before - after)) / before)
    most = np.where(np.array(DEGREES) <= top, np.minimum(now + limit, 1), 0)
    most[0] = min(most[0], 2 * PAIRS / mean_check)
    bounds = np.stack([np.minimum(np.maximum(now - limit, 0), most), most], axis=1)
    solution = linprog(
        price, np.array(rows), np.array(falls), np.ones((1, len(now))), np.ones(1), bounds
    )
    if solution.status != 0:
        return None
    shares = np.maximum(solution.x, 0) / np.maximum(solution.x, 0).sum()
    return {d: float(share) for d, share in zip(DEGREES, shares, strict=True) if share > 1e-5}


def optimise(qber: float, mean_check: float, start: Mapping[int, float], top: int) -> Found | None:
    """Return the best shares that steps of the linear program lead to."""
    shares = dict(start)
    shares[2] = min(shares[2], 0.98 * 2 * PAIRS / mean_check)
    found = None
    for _ in range(40):  # a lower rate until it decodes at all
        shares = {d: share / sum(shares.values()) for d, share in shares.items()}
        found = judge(qber, shares, mean_check)
        if found is not None and found.iterations < 400:
            break
        moved = 0.03 * shares[3]
        shares[3] -= moved
        shares[7] = shares.get(7, 0) + 0.4 * moved
        shares[top] = shares.get(top, 0) + 0.6 * moved
    limit, idle = 0.05, 0
    for _ in range(ROUNDS if found else 0):
        wanted = improve(qber, found, mean_check, limit, top) if found else None
        better = judge(qber, wanted, mean_check) if wanted else None
        if found and better and better.cost < found.cost - 1e-7:
            idle = idle + 1 if found.cost - better.cost < 5e-5 else 0
            found, limit = better, min(1.3 * limit, 0.06)
        else:
            limit /= 2.5
        if limit < 5e-4 or idle > 3:
            break
    return found


def counts(shares: Mapping[int, float], columns: int, rows: int) -> dict[int, int]:
    """Return how many columns have each degree; the rounding goes to those that lost most.

    Columns of degree 2 that do not fit into a forest get a third edge.
    """
    kept = {d: share / d for d, share in shares.items() if share > 0.003}
    exact = {d: columns * value / sum(kept.values()) for d, value in kept.items()}
    whole = {d: int(value) for d, value in exact.items()}
    missing = columns - sum(whole.values())
    for degree in sorted(exact, key=lambda d: whole[d] - exact[d])[:missing]:
        whole[degree] += 1
    surplus = max(0, whole[2] - (rows - 1))
    whole[2], whole[3] = whole[2] - surplus, whole[3] + surplus
    return dict(sorted(whole.items()))


def qber_of(redundancy_wanted: float) -> float:
    """Return the error rate whose entropy is this."""
    low, high = 1e-6, 0.5
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if binary_entropy(middle) < redundancy_wanted else (low, middle)
    return low


def recipe(columns: int, rows: int) -> dict[str, Any]:
    """Return the recipe of a code."""
    qber, top = qber_of(rows / columns / MADE_FOR), 30 if rows >= 60 else 25
    best: tuple[float, Found] | None = None
    for edges in EDGES_PER_BIT:
        mean_check = round(2 * edges / (1.04 * binary_entropy(qber))) / 2
        found = optimise(qber, mean_check, START, top)
        if found and (best is None or found.cost < best[1].cost):
            best = mean_check, found
    if best is None:
        raise ValueError(f"no degrees found for {rows} rows in {columns} columns")
    return {
        "columns": columns,
        "rows": rows,
        "lifting": 65536 // columns,
        "qber": round(qber, 5),
        "threshold": round(best[1].efficiency, 4),
        "degrees": {str(d): n for d, n in counts(best[1].shares, columns, rows).items()},
    }


def write_recipes(path: Path) -> None:
    """Find the degrees of every code and write them, one code a line."""
    lines = [json.dumps(recipe(*size)) for size in SIZES]
    path.write_text("[\n  " + ",\n  ".join(lines) + "\n]\n")
