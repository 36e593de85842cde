"""Measurements as one picture: decays with their fits, g² with its dip, rates over time.

Needs the extra ``plot``.
"""

from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from hexkey import plot
from hexkey.errors import StoreError
from hexkey.maps.picture import require_picture
from hexkey.measure.describe import measured, safer_sigma_ps
from hexkey.measure.g2 import PulsedG2
from hexkey.measure.report import Measurements
from hexkey.measure.steady_g2 import SteadyG2
from hexkey.plot import BAD, GATE, GOOD, INK, SOFT

SIZE = 11.0, 8.0
COLOURS = (INK, GOOD, GATE, SOFT)
SHOWN_PULSES = 30  # on either side of the dip
SHOWN_TIMES = 12  # antibunching times on either side of the dip
MOST_BARS = 160
BINS_SHOWN = 256
NAME_LENGTH = 60


def draw(found: Measurements, path: Path, title: str = "") -> Path:
    """Write the picture.

    Parameters
    ----------
    found : Measurements
    path : Path
        Of one of the endings of `hexkey.maps.picture.ENDINGS`.
    title : str

    Raises
    ------
    ConfigurationError
        matplotlib is not installed, or the file has another ending.
    StoreError
        The picture cannot be written.
    """
    require_picture(path)
    try:
        return plot.draw(_paint, (found, title), path, SIZE)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from None


def _paint(figure: Any, data: tuple[Measurements, str]) -> None:
    found, title = data
    if title:
        shown = title if len(title) <= NAME_LENGTH else "…" + title[-NAME_LENGTH:]
        figure.suptitle(shown, x=0.012, ha="left", color=INK, fontsize=12, weight="bold")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.15, 1], hspace=0.04)
    decay, dip = upper.subplots(1, 2)
    _arrivals(decay, found)
    _g2(dip, found)
    _rates(lower.subplots(), found)


def _absent(axes: Any, why: str) -> None:
    """Say in words why a part has no curve."""
    axes.set_axis_off()
    axes.text(
        0.5,
        0.5,
        fill(why, 52),
        ha="center",
        va="center",
        color=SOFT,
        transform=axes.transAxes,
        fontsize=9,
    )


def _arrivals(axes: Any, found: Measurements) -> None:
    axes.set_title("arrival times", color=INK)
    if found.arrivals is None:
        _absent(axes, _why(found, "histogram"))
        return
    edges, part = found.arrivals.edges_ps, _part(found)
    bins = (part[1] - part[0]) * 1000 / found.arrivals.bin_ps
    together = max(1, round(bins / BINS_SHOWN))
    for place, (channel, counts) in enumerate(found.arrivals.counts.items()):
        colour = COLOURS[place % len(COLOURS)]
        fit = found.lifetimes.get(channel)
        name = f"channel {channel}"
        if fit is not None:
            name += f": {measured(fit.lifetime_ps, safer_sigma_ps(fit))} ps"
        starts = np.arange(0, len(counts), together)
        shown = np.append(edges[:-1:together], edges[-1]) / 1000
        density = np.add.reduceat(counts, starts) / np.diff(shown)
        axes.stairs(density, shown, color=colour, lw=0.9, baseline=None, label=name)
        if fit is not None:
            middle = (fit.edges_ps[1:] + fit.edges_ps[:-1]) / 2000
            expected = fit.expected / np.diff(fit.edges_ps) * 1000
            axes.plot(middle, expected, color=BAD, lw=1.0, ls="--", zorder=3)
    if any(fit is not None for fit in found.lifetimes.values()):
        axes.plot([], [], color=BAD, ls="--", lw=1.0, label="fit")
    total = sum(counts.sum() for counts in found.arrivals.counts.values())
    if total:
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.5 * 1000 / (found.arrivals.bin_ps * together))
    axes.set_xlim(*part)
    axes.set_xlabel(f"time after {_zero(found)}, ns")
    axes.set_ylabel("clicks per ns")
    if total:  # the legend stands above
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** 0.25)
    axes.legend(frameon=False, fontsize=8.5, loc="upper right")


def _zero(found: Measurements) -> str:
    if found.period_sigma_ps is None:
        return "the sync"
    if found.phases_by_trigger:
        return "the trigger's edge"
    return "half a period before the mean click"


def _part(found: Measurements) -> tuple[float, float]:
    """Return the part of the period, in ns, with all but the last ten-thousandth of the clicks."""
    assert found.arrivals is not None
    edges = found.arrivals.edges_ps / 1000
    total = np.cumsum(sum(found.arrivals.counts.values()))
    if not total[-1]:
        return 0.0, float(edges[-1])
    first, last = np.searchsorted(total, np.array([1e-3, 1 - 1e-3]) * total[-1])
    room = 0.25 * (edges[last] - edges[first])
    return max(0.0, float(edges[first] - room)), min(
        float(edges[-1]), float(edges[last] + 2 * room)
    )


def _g2(axes: Any, found: Measurements) -> None:
    condition = "; g² if both detectors see the same light" if found.g2_holds_if else ""
    axes.set_title(f"coincidences by delay{condition}", color=INK)
    if isinstance(found.g2, PulsedG2):
        _pulsed(axes, found.g2, found)
    elif isinstance(found.g2, SteadyG2):
        _steady(axes, found.g2)
    else:
        _absent(axes, _why(found, "g2"))
        return
    if found.pair:
        axes.set_xlabel(f"delay of channel {found.pair[1]} after channel {found.pair[0]}, ns")


def _pulsed(axes: Any, g2: PulsedG2, found: Measurements) -> None:
    near = np.abs(g2.pulse - g2.dip_pulse) <= SHOWN_PULSES
    period = (found.period_ps or 1.0) / 1000
    delay = g2.dip_ps / 1000 + (g2.pulse - g2.dip_pulse) * period
    axes.bar(delay[near], g2.counts[near], width=0.7 * period, color=INK, lw=0)
    axes.axhline(g2.mean, color=SOFT, lw=1, ls="--", label=f"mean of {g2.peaks} near pulses")
    axes.axhspan(
        g2.band.low * g2.mean,
        min(g2.band.high, 2) * g2.mean,
        color=BAD,
        alpha=0.35,
        lw=0,
        label=f"{100 * g2.confidence:g} % band of g²(0): {g2.band.low:.4f} to {g2.band.high:.4f}",
    )
    highest = float(max(1.0, g2.mean, g2.counts[near].max()))
    axes.annotate(
        f"g²(0) = {g2.band.value:.4f}\n{g2.coincidences} of {g2.mean:.4g}",
        (g2.dip_ps / 1000, g2.coincidences),
        (g2.dip_ps / 1000, 1.06 * highest),  # above every bar
        ha="center",
        va="bottom",
        color=BAD,
        arrowprops={"arrowstyle": "->", "color": BAD},
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
    )
    axes.set_ylim(0, 1.55 * highest)
    axes.set_ylabel("coincidences per pulse")
    axes.legend(frameon=False, fontsize=8.5, loc="upper right")


def _steady(axes: Any, g2: SteadyG2) -> None:
    centre = g2.centre_ps / 1000
    half = SHOWN_TIMES * g2.antibunching_ps / 1000
    near = np.abs(centre - g2.dip_ps / 1000) <= half
    level = g2.expected.max()
    together = max(1, int(near.sum()) // (2 * MOST_BARS))
    size = int(near.sum()) // together * together
    seen = g2.counts[near][:size].reshape(-1, together).mean(axis=1) / level
    place = centre[near][:size].reshape(-1, together).mean(axis=1)
    axes.step(place, seen, color=INK, lw=0.9, where="mid", label="coincidences")
    axes.plot(centre[near], g2.expected[near] / level, color=BAD, ls="--", lw=1.3, label="fit")
    axes.axhspan(g2.low, g2.high, color=BAD, alpha=0.2, lw=0, label=f"g²(0) = {g2.value:.3f}")
    axes.set_ylim(0, 1.6)
    axes.set_ylabel("g²")
    axes.legend(frameon=False, fontsize=8.5, loc="upper right", ncols=3)


def _rates(axes: Any, found: Measurements) -> None:
    axes.set_title("count rates (± one standard deviation of Poisson counts)", color=INK)
    if not found.rates:
        _absent(axes, _why(found, "rates"))
        return
    highest = 1e-3
    for place, (channel, rate) in enumerate(found.rates.items()):
        time = (np.arange(len(rate.over_time)) + 0.5) * rate.bin_s
        scale = 1 / rate.bin_s / 1000
        highest = max(highest, float(rate.over_time.max()) * scale)
        axes.errorbar(
            time,
            rate.over_time * scale,
            yerr=np.sqrt(rate.over_time) * scale,
            color=COLOURS[place % len(COLOURS)],
            lw=0.9,
            elinewidth=0.6,
            label=f"channel {channel}: χ²/dof = {rate.chi2 / rate.dof:.2f}",
        )
    axes.set_ylim(0, 1.25 * highest)  # the legend stands above
    axes.set_xlim(0, max(found.seconds, 1e-9))
    axes.set_xlabel("time of the recording, s")
    axes.set_ylabel("rate, kHz")
    axes.legend(frameon=False, fontsize=8.5, loc="upper right", ncols=4)


def _why(found: Measurements, what: str) -> str:
    return found.refused.get(what, "nothing to show")
