"""What users ask next: whether the improved source beats weak coherent pulses with decoys."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from hexkey.figures.figure import Figure
from hexkey.planning.curves import Sampled, crossings, draw_up
from hexkey.planning.draw import drawn
from hexkey.planning.protocols import Curve
from hexkey.planning.source import parse_source
from hexkey.plot import BAD, INK, SOFT, draw

LOSSES_DB = np.linspace(0, 30, 31)
BLOCKS_S = (1.0, 10.0, math.inf)
_COLOURS = {1.0: BAD, 10.0: "#e8930c", math.inf: INK}
_DASHES: dict[str, Any] = {"bb84": "-", "decoy": "--", "decoy-hoeffding": ":"}
_BOUNDS = {"decoy": "Chernoff", "decoy-hoeffding": "Hoeffding"}
_WORDS = {
    "bb84": "improved source",
    "decoy": "decoys (Chernoff)",
    "decoy-hoeffding": "decoys (Hoeffding, as published)",
}


def draw_figure(folder: Path) -> Figure:
    """Write ``decoys.png``."""
    source = parse_source("tapsin:improved")
    wanted = [
        Curve(protocol=protocol, source=source, block_s=block_s)
        for block_s in BLOCKS_S
        for protocol in _DASHES
        if not (protocol == "decoy-hoeffding" and math.isinf(block_s))
    ]
    found = draw_up(wanted, LOSSES_DB)

    def paint(figure: Any, _: object) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        for sampled in found:
            curve = sampled.curve
            look: Any = {"color": _COLOURS[curve.block_s], "ls": _DASHES[curve.protocol], "lw": 1.6}
            upper.plot(*drawn(sampled), label=_label(curve), **look)
            if curve.protocol != "bb84":
                lower.plot(LOSSES_DB, ratio(found, sampled), **look)
        upper.set_yscale("log")
        upper.set_ylim(1e1, 3e7)
        upper.set_ylabel("secret key, bit/s")
        upper.legend(fontsize=8, frameon=False, ncols=2, loc="lower left")
        lower.axhline(1, color=SOFT, lw=1)
        lower.set_yscale("log")
        lower.set_ylim(0.1, 5)
        lower.set_yticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
        lower.minorticks_off()
        lower.set_ylabel("source / decoys")
        lower.set_xlabel("loss of the channel, dB")
        lower.set_xlim(0, 30)
        for axes in (upper, lower):
            axes.grid(axis="y", color=SOFT, alpha=0.2, lw=0.6)

    path = draw(paint, None, folder / "decoys.png", (8, 6.6))
    return Figure(path, "The improved source and decoy states", _caption(found))


def ratio(found: list[Sampled], decoys: Sampled) -> Any:
    """Return the source's rate over the decoys', NaN where either has no key."""
    block_s = decoys.curve.block_s
    (source,) = (
        each for each in found if each.curve.protocol == "bb84" and each.curve.block_s == block_s
    )
    both = (source.rate > 0) & (decoys.rate > 0)
    return np.where(both, source.rate / np.where(both, decoys.rate, 1.0), np.nan)


def _caption(found: list[Sampled]) -> str:
    endless = next(
        each for each in found if each.curve.protocol == "decoy" and math.isinf(each.curve.block_s)
    )
    best = float(np.nanmax(ratio(found, endless)))
    where = "; ".join(
        f"{_until(found, each)} in blocks of {each.curve.block_s:g} s "
        f"({_BOUNDS[each.curve.protocol]})"
        for each in found
        if each.curve.protocol != "bb84" and not math.isinf(each.curve.block_s)
    )
    return (
        "Same clock, channel and receiver. Solid: the improved source of Table II, bias and "
        "attenuator at their best. Dashed and dotted: weak coherent pulses with infinite decoys "
        "(endless) and with two (finite, Lim et al. 2014), intensities, shares and bias at their "
        f"best. **In endless blocks the source never wins** ({best:.2f} times the decoys' rate at "
        "most, and less the greater the loss), against what [T]'s summary expects; in short "
        f"blocks it does: {where}. Lengths with the published sampling bounds, on both "
        "sides: planning, not keys. A laser may have a faster clock than an emitter; here it has "
        "not."
    )


def _until(found: list[Sampled], decoys: Sampled) -> str:
    """Return up to which loss the source wins against decoys in blocks of the same time."""
    block_s = decoys.curve.block_s
    (source,) = (
        each for each in found if each.curve.protocol == "bb84" and each.curve.block_s == block_s
    )
    lost = [each.loss_db for each in crossings([source, decoys]) if each.worse == source.curve]
    return f"up to {lost[0]:.1f} dB" if lost else "as far as there is a key"


def _label(curve: Curve) -> str:
    block = "endless" if math.isinf(curve.block_s) else f"{curve.block_s:g} s"
    words = _WORDS[curve.protocol]
    if math.isinf(curve.block_s) and curve.protocol == "decoy":
        words = "infinite decoys"
    return f"{words}, {block}"
