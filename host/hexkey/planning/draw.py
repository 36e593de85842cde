"""The picture of a plan: rates against loss, ends and crossings marked."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hexkey.errors import ConfigurationError, StoreError
from hexkey.keyrate.domain import Array
from hexkey.planning.curves import Crossing, Sampled, comparable
from hexkey.planning.protocols import PROTOCOLS, Curve
from hexkey.plot import BAD, GATE, GOOD, INK, SOFT, draw, require

COLOURS = (
    *(GOOD, "#1864ab", INK, BAD, GATE, "#862e9c", "#5c940d", "#e64980", "#868e96", "#74c0fc"),
    *("#8d5524", "#63e6be", "#b197fc", "#c0ca33"),
)
DASHES: tuple[Any, ...] = ("-", "-.", "--", ":", (0, (6, 2, 1, 2, 1, 2)), (0, (1, 3)))
"""Endless blocks are solid; the shorter a block, the shorter the strokes."""
FIBRE_DB_PER_KM = 0.2  # of the upper axis, as in the paper's Fig. 4
MOST_MARKED = 8  # crossings beyond which marks hide the curves


def draw_plan(
    found: Sequence[Sampled],
    overtaking: Sequence[Crossing],
    path: Path,
    db_per_km: float | None = None,
) -> Path:
    """Draw curves into a PNG file; return its path.

    Parameters
    ----------
    found, overtaking
        As `hexkey.planning.curves` computes them.
    path : Path
    db_per_km : float, optional
        Draw against kilometres of such a fibre; against loss, with kilometres above, without.

    Raises
    ------
    ConfigurationError
        matplotlib is not installed, or there is one loss only.
    StoreError
        The file cannot be written.
    """
    require()
    if found[0].loss_db.size < 2:
        raise ConfigurationError("a picture of curves needs a range of losses, not one")

    def paint(figure: Any, _: object) -> None:
        axes = figure.add_subplot()
        paint_curves(axes, found, db_per_km)
        mark_crossings(axes, found, overtaking, db_per_km)
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)

    try:
        return draw(paint, None, path, (8, 5.4 + 0.11 * len(found)))
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from None


def paint_curves(axes: Any, found: Sequence[Sampled], db_per_km: float | None = None) -> None:
    """Draw curves on a logarithmic axis, with its unit; what has no key is only in the legend."""
    lines = styles([sampled.curve for sampled in found])
    scale = 1 / db_per_km if db_per_km else 1.0
    for sampled, (colour, dashes) in zip(found, lines, strict=True):
        label = sampled.curve.label
        if sampled.largest_loss_db is None:
            label = f"{label}: no key"
        elif not PROTOCOLS[sampled.curve.protocol].proof:
            label = f"{label} (no proof)"
        loss, rate = drawn(sampled)
        axes.plot(scale * loss, rate, color=colour, ls=dashes, lw=1.6, label=label)
    axes.set_yscale("log")
    positive = np.concatenate([sampled.rate for sampled in found])
    positive = positive[(positive > 0) & np.isfinite(positive)]
    if positive.size:
        # A curve falls without end where its key ends: ten decades show what matters.
        top = 10 ** math.ceil(math.log10(positive.max()) + 0.1)
        axes.set_ylim(max(10 ** math.floor(math.log10(positive.min())), top * 1e-10), top)
    axes.set_xlim(scale * found[0].loss_db[0], scale * found[0].loss_db[-1])
    axes.set_ylabel(unit(found))
    axes.grid(axis="y", color=SOFT, alpha=0.2, lw=0.6)
    if db_per_km:
        axes.set_xlabel(f"fibre of {db_per_km:g} dB/km, km")
        return
    axes.set_xlabel("loss of the channel, dB")
    above = axes.secondary_xaxis(
        "top", functions=(lambda loss: loss / FIBRE_DB_PER_KM, lambda km: km * FIBRE_DB_PER_KM)
    )
    above.set_xlabel(f"fibre of {FIBRE_DB_PER_KM:g} dB/km, km", color=SOFT)
    above.tick_params(colors=SOFT)
    above.spines["top"].set_visible(False)


def drawn(sampled: Sampled) -> tuple[Array, Array]:
    """Return losses and rates of a line that falls where the key ends, not a point before."""
    alive = (sampled.rate > 0) & np.isfinite(sampled.rate)
    loss, rate = sampled.loss_db[alive], sampled.rate[alive]
    end = sampled.largest_loss_db
    if end is not None and math.isfinite(end):
        last = rate[-1] * np.array([0.1, 0.0]) + np.finfo(float).tiny
        loss, rate = np.append(loss, [end, end]), np.append(rate, last)
    return loss, rate


def unit(found: Sequence[Sampled]) -> str:
    """Return the words of the axis of rates."""
    if found[0].curve.per_second:
        return "secret key, bit/s"
    if any(sampled.curve.memory_s is not None for sampled in found):
        return "secret key, bits a pulse (repeater: a channel use)"
    return "secret key, bits a pulse"


def styles(curves: Sequence[Curve]) -> list[tuple[str, Any]]:
    """Return colour and dashes: a colour for each protocol and source, dashes for each block."""
    groups: dict[object, None] = dict.fromkeys(_group(curve) for curve in curves)
    colours = {key: COLOURS[i % len(COLOURS)] for i, key in enumerate(groups)}
    blocks = sorted({curve.block_s for curve in curves}, reverse=True)
    dashes = {block: DASHES[i % len(DASHES)] for i, block in enumerate(blocks)}
    memories = sorted({curve.memory_s or 0.0 for curve in curves} - {0.0}, reverse=True)
    of_memory = {memory: DASHES[(i + 1) % len(DASHES)] for i, memory in enumerate(memories)}
    return [
        (
            colours[_group(curve)],
            of_memory[curve.memory_s] if curve.memory_s is not None else dashes[curve.block_s],
        )
        for curve in curves
    ]


def mark_crossings(
    axes: Any,
    found: Sequence[Sampled],
    overtaking: Sequence[Crossing],
    db_per_km: float | None = None,
) -> None:
    """Mark where one curve overtakes another that goes on, with the loss or the length."""
    scale, kind = (1 / db_per_km, "km") if db_per_km else (1.0, "dB")
    shown = [each for each in overtaking if comparable(each) and not each.ended]
    if len(shown) > MOST_MARKED:
        return
    rates = {sampled.curve: sampled for sampled in found}
    for place_in_order, crossing in enumerate(shown):
        sampled = rates[crossing.better]
        alive = sampled.rate > 0
        height = np.interp(crossing.loss_db, sampled.loss_db[alive], np.log10(sampled.rate[alive]))
        place = (scale * crossing.loss_db, float(10**height))
        axes.plot(*place, marker="o", ms=6, mfc="white", mec=INK, mew=1.2, zorder=4)
        axes.annotate(
            f"{place[0]:.1f} {kind}",
            place,
            (7, 7) if place_in_order % 2 == 0 else (-7, -13),
            ha="left" if place_in_order % 2 == 0 else "right",
            textcoords="offset points",
            fontsize=8,
            color=INK,
            bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8},
        )


def _group(curve: Curve) -> object:
    return curve.protocol, curve.source.name if curve.source else None
