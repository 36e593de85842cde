"""The review's extrapolation: BB84 with the best parts of several quantum-dot experiments."""

from pathlib import Path
from typing import Any

import numpy as np

from hexkey.figures.figure import Figure
from hexkey.keyrate import gllp
from hexkey.plot import BAD, GOOD, INK, SOFT, draw

STATED = ((0.0, 3e6, "> 3 Mbit/s", (12, 9), "left"), (200.0, 1e3, "> 1 kbit/s", (-9, -14), "right"))
STATED_KM = 250.0


def draw_figure(folder: Path) -> Figure:
    """Write ``review.png``."""
    end = gllp.largest_distance_km()
    near, far = float(gllp.rate_bps(0.0)), float(gllp.rate_bps(200.0))

    def paint(figure: Any, _: object) -> None:
        axes = figure.add_subplot()
        distance = np.append(np.linspace(0, end, 600, endpoint=False), end - 1e-6)
        rate = gllp.rate_bps(distance).value
        axes.plot(np.append(distance, end), np.append(rate, 1e-9), color=INK, lw=1.8)
        for km, bps, words, offset, side in STATED:
            axes.plot(km, bps, marker="^", ms=9, color=GOOD, clip_on=False, zorder=4)
            axes.annotate(
                f"stated {words}",
                (km, bps),
                offset,
                ha=side,
                textcoords="offset points",
                color=GOOD,
            )
        axes.axvline(STATED_KM, color=BAD, lw=1, ls="--")
        axes.annotate(
            f"stated > {STATED_KM:g} km; computed {end:.1f} km",
            (STATED_KM, 2e6),
            (-6, 0),
            textcoords="offset points",
            ha="right",
            color=BAD,
        )
        axes.set_yscale("log")
        axes.set_ylim(1e-1, 1e7)
        axes.set_xlim(0, 275)
        axes.set_xlabel("fibre of 0.17 dB/km, km")
        axes.set_ylabel("secret key, bit/s")
        axes.grid(axis="y", color=SOFT, alpha=0.2, lw=0.6)

    path = draw(paint, None, folder / "review.png", (8, 4.6))
    caption = (
        "[V] Eqs. 3 to 5 with the numbers of its section 3.2, endless blocks. Computed are "
        f"{near / 1e6:.2f} Mbit/s without fibre, {far / 1e3:.2f} kbit/s at 200 km and a greatest "
        f"distance of {end:.1f} km: all three claims follow."
    )
    return Figure(path, "[V] section 3.2: what quantum dots could reach", caption)
