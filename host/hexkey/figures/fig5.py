"""Fig. 5 of [T]: the repeater's key rate against loss and memory time."""

from pathlib import Path
from typing import Any

import numpy as np

from hexkey.catalogue import experiment
from hexkey.figures.figure import Figure
from hexkey.keyrate import bb84_single, repeater
from hexkey.keyrate.bb84_single import SinglePhotonLink
from hexkey.keyrate.domain import Array
from hexkey.planning.source import source_of
from hexkey.plot import BAD, INK, draw

LOSSES_DB = np.linspace(0, 60, 181)
MEMORIES_S = np.geomspace(1e-4, 1e-1, 61)
DECADES = 12  # of rates that the colours tell apart
NO_KEY = "#f1f3f5"
IN_FIG_4_S = (5e-3, 10e-3)


def draw_figure(folder: Path) -> Figure:
    """Write ``fig5.png``."""
    use, second = rates()
    ends = np.array([_end(row) for row in use])
    links = {
        "improved source": source_of(experiment("tapsin:improved")).link,
        "the review's quantum dot": source_of(experiment("vajner:extrapolation")).link,
    }

    def paint(figure: Any, _: object) -> None:
        for axes, values, words, per_second in zip(
            figure.subplots(1, 2, sharey=True),
            (use, second),
            ("bit per channel use", "bit/s"),
            (False, True),
            strict=True,
        ):
            _paint(figure, axes, values, words)
            axes.fill_betweenx(MEMORIES_S, ends, LOSSES_DB[-1], color=NO_KEY, lw=0)
            axes.plot(ends, MEMORIES_S, color="#2b8a3e", ls="--", lw=1.8, label="no key beyond")
            for (name, link), dashes in zip(links.items(), ("--", ":"), strict=True):
                where = overtakes(values, link, per_second)
                axes.plot(
                    where, MEMORIES_S, color="#1864ab", ls=dashes, lw=1.8, label=f"beats {name}"
                )
            for memory in IN_FIG_4_S:
                axes.axhline(memory, color=BAD, lw=1.1)
        axes.legend(loc="lower right", fontsize=8, framealpha=0.9)
        figure.axes[0].set_ylabel("memory time T2, s")

    path = draw(paint, None, folder / "fig5.png", (11, 4.8))
    return Figure(path, "[T] Fig. 5: the repeater against loss and memory time", CAPTION)


CAPTION = (
    "Single node of Table III at its best place, endless blocks, classical round trips included. "
    "Red: the memory times of Fig. 4. Green: the greatest loss with a key. Blue: where the "
    "repeater begins to give more than a direct source, BB84 at its best: left, a channel use "
    "against a pulse, right, true bits a second, where it happens only as the direct link ends. "
    "[T]'s blue line is against its reference [17], whose parameters are not printed. A few ms of "
    "memory are enough for the left axis, as [T] says; for bits a second no memory time is."
)


def rates(memories_s: Array = MEMORIES_S) -> tuple[Array, Array]:
    """Return bits a use and bits a second, each ``(memories, losses)``."""
    use, second = [], []
    for memory_s in memories_s.tolist():
        node = repeater.Node(memory_s)
        use.append(repeater.best_rates(node, LOSSES_DB).per_use.value)
        second.append(repeater.best_rates(node, LOSSES_DB, objective="per_second").per_second.value)
    return np.array(use), np.array(second)


def overtakes(values: Array, link: SinglePhotonLink, per_second: bool) -> Array:
    """Return for each memory time the least loss at which it beats the link; NaN if never."""
    direct = bb84_single.best_asymptotic_rate(link, LOSSES_DB).value
    direct = direct * (link.pulse_rate_hz if per_second else 1.0)
    better = values > direct
    return np.where(better.any(1), LOSSES_DB[np.argmax(better, 1)], np.nan)


def _end(row: Array) -> float:
    return float(LOSSES_DB[row > 0].max(initial=0.0)) if not row[-1] > 0 else np.nan


def _paint(figure: Any, axes: Any, values: Array, words: str) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    top = int(np.ceil(np.log10(values.max())))
    levels = 10.0 ** np.arange(top - DECADES, top + 1)
    filled = axes.contourf(
        LOSSES_DB,
        MEMORIES_S,
        np.maximum(values, np.finfo(float).tiny),
        levels=levels,
        norm=LogNorm(levels[0], levels[-1]),
        cmap=colormaps["cividis"].with_extremes(under=NO_KEY),
        extend="min",
    )
    figure.colorbar(filled, ax=axes, label=words, ticks=levels[::2])
    axes.set_yscale("log")
    axes.set_xlabel("loss of the channel, dB")
    axes.set_title(f"secret key, {words}", color=INK)
