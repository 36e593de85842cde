"""Maps as a picture: arrival times with the gate, three maps, and the cut through the best gate.

The layout of Fig. 3 of Tapşın et al. Everything shown is a sum over detectors. Needs ``plot``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError, StoreError
from hexkey.maps.bb84_rates import Bb84RateMap
from hexkey.maps.rates import GateRates, RateMap
from hexkey.plot import BAD, GATE, GOOD, INK, SOFT, draw, require

SIZE, SIZE_BB84 = (11.5, 8.0), (14.0, 8.0)  # with three maps, and with four
BIN_NS = 0.1
ENDINGS = (".png", ".pdf", ".svg")
LIGHT = "#e9ecef"
MARK: dict[str, Any] = {
    "ls": "",
    "ms": 9,
    "mew": 1.8,
    "mfc": "white",
    "zorder": 5,
    "clip_on": False,
}
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Reported:
    """What an experiment reported, to be marked beside what the map says.

    Attributes
    ----------
    start_ns, width_ns : float
        Of its gate.
    sifted_hz, qber, secret_hz : float
    lifetime_ns : float
        Of the emitter: its decay is drawn over the arrival times.
    remark : str
        Stands beside the secret rate.
    """

    start_ns: float
    width_ns: float
    sifted_hz: float
    qber: float
    secret_hz: float
    lifetime_ns: float
    remark: str


@dataclass(frozen=True, slots=True)
class Secret:
    """The secret rates that are drawn, (S, W) in bit/s, and what is said of them."""

    hz: NDArray[np.float64]
    remark: str = "no proof"


@dataclass(frozen=True, slots=True)
class _Data:
    rates: GateRates
    clicks: NDArray[np.int64]
    title: str
    reported: Reported | None
    secret: Secret
    alike: NDArray[np.bool_] | None


def draw_map(
    rates: RateMap | Bb84RateMap,
    clicks: NDArray[np.int64],
    path: Path,
    title: str,
    reported: Reported | None = None,
    secret: Secret | None = None,
    alike: NDArray[np.bool_] | None = None,
) -> Path:
    """Write the picture.

    Parameters
    ----------
    rates : RateMap or Bb84RateMap
    clicks : (ticks,) int64
        Events by the tick of their phase.
    path : Path
        Of one of the `ENDINGS`.
    title : str
    reported : Reported, optional
    secret : Secret, optional
        Those of the map if not given; of B92's by the paper's equations.
    alike : (S, W) bool, optional
        Gates that may be as good as the best, which are outlined.

    Raises
    ------
    ConfigurationError
        matplotlib is not installed, or the file has another ending.
    StoreError
        The picture cannot be written.
    """
    require_picture(path)
    try:
        is_bb84 = isinstance(rates, Bb84RateMap)
        hz = rates.secret_hz if isinstance(rates, Bb84RateMap) else rates.secret_hz_unproven
        data = _Data(rates, clicks, title, reported, secret or Secret(hz), alike)
        return draw(_paint, data, path, SIZE_BB84 if is_bb84 else SIZE)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from None


def require_picture(path: Path) -> None:
    """Raise ConfigurationError if no picture of this name can be drawn: before the work for it."""
    require()
    if path.suffix not in ENDINGS:
        raise ConfigurationError(f"{path} must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")


def _paint(figure: Any, data: _Data) -> None:
    rates, best = data.rates, data.rates.best(1, data.secret.hz)[0]
    shown = best if data.reported is None else place_of(rates, data.reported)
    upper, lower = figure.subfigures(2, 1, height_ratios=[1, 1.1], hspace=0.04)
    upper.suptitle(data.title, x=0.012, ha="left", color=INK, fontsize=12, weight="bold")
    histogram, cut = upper.subplots(1, 2)
    _histogram(histogram, data, shown)
    _cut(cut, data, shown)
    shown_maps = _maps(data)
    maps = lower.subplots(1, len(shown_maps), sharey=True)
    for axes, (_, values, colours) in zip(maps, shown_maps, strict=True):
        _map(lower, axes, data, values, colours)
        _mark_gates(axes, data, shown, best)
    if data.alike is not None and min(data.alike.shape) > 1 and not data.alike.all():
        _outline(maps[-1], rates, data.alike)
    maps[0].set_ylabel("width Δt, ns")
    maps[1].legend(loc="lower right", fontsize=8.5, framealpha=0.9)
    maps[-1].set_title(data.secret.remark, loc="right", color=SOFT, fontsize=8.5)
    titles = [f"arrival times; gate {_gate_ns(rates, shown)}", *(title for title, *_ in shown_maps)]
    titles.append(f"cut at t0 = {rates.start_ns[shown[0]]:g} ns")
    for letter, axes, title in zip("abcdef", (histogram, *maps, cut), titles, strict=False):
        axes.set_title(f"({letter}) {title}", color=INK)


def _maps(data: _Data) -> list[tuple[str, NDArray[np.float64], str]]:
    """Return title, values and colours of each map, the secret rate last."""
    rates, secret_khz = data.rates, data.secret.hz / 1000
    if not isinstance(rates, Bb84RateMap):
        return [
            ("sifted rate, kbit/s", rates.sifted_hz / 1000, "viridis"),
            ("QBER, %", rates.qber * 100, "magma_r"),
            ("secret, kbit/s", secret_khz, "viridis"),
        ]
    return [
        ("sifted (key basis), kbit/s", rates.sifted_hz / 1000, "viridis"),
        ("QBER, key basis, %", rates.qber * 100, "magma_r"),
        ("QBER, test basis, %", rates.test_qber * 100, "magma_r"),
        ("secret, kbit/s", secret_khz, "viridis"),
    ]


def _gate_ns(rates: GateRates, place: Place) -> str:
    start, width = rates.start_ns[place[0]], rates.width_ns[place[1]]
    return f"{start:g} to {start + width:g} ns"


def place_of(rates: GateRates, reported: Reported) -> Place:
    """Return where in the grid a reported gate is, or the nearest to it."""
    return (
        int(np.argmin(np.abs(rates.start_ns - reported.start_ns))),
        int(np.argmin(np.abs(rates.width_ns - reported.width_ns))),
    )


def _histogram(axes: Any, data: _Data, shown: Place) -> None:
    rates, tick_ns = data.rates, float(data.rates.tick_ps) / 1000
    per_bin = max(1, round(BIN_NS / tick_ns))
    used = data.clicks[: rates.windows.period_ticks]
    counts = np.add.reduceat(used, np.arange(0, len(used), per_bin))
    edges = np.minimum(np.arange(len(counts) + 1) * per_bin, len(used)) * tick_ns
    density = counts / np.diff(edges)
    density /= max(density.max(), 1e-300)
    start, width = rates.start_ns[shown[0]], rates.width_ns[shown[1]]
    outside = ((start + width - edges[-1], start), (start + width, edges[-1]))
    for low, high in outside:
        axes.axvspan(max(low, 0.0), max(high, low, 0.0), color=LIGHT, lw=0)
    axes.fill([], [], fc=LIGHT, ec=SOFT, lw=0.8, label="outside the gate")
    axes.stairs(density, edges, color=INK, lw=1.0, baseline=None, label="clicks of all detectors")
    if data.reported is not None:
        lifetime, peak = data.reported.lifetime_ns, int(np.argmax(density))
        decay = np.exp(-(edges[peak:] - edges[peak]) / lifetime)
        axes.plot(edges[peak:], decay, color=BAD, lw=1.2, label=f"decay of {lifetime:g} ns")
    if np.any(counts):
        axes.set_yscale("log")
        axes.set_ylim(density[counts > 0].min() / 1.5, 1.6)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel("time after the trigger, ns")
    axes.set_ylabel("clicks, normalised")
    axes.legend(frameon=False, loc="upper right")


def _map(figure: Any, axes: Any, data: _Data, values: NDArray[np.float64], colours: str) -> None:
    """Draw a map. Its colours tell the gates with a key apart: beyond their highest is one."""
    rates, with_key = data.rates, values[data.secret.hz > 0]
    highest = with_key.max() if with_key.size else None
    clipped = bool(with_key.size and np.nanmax(values) > with_key.max())
    mesh = axes.pcolormesh(
        rates.start_ns,
        rates.width_ns,
        values.T,
        vmax=highest,
        cmap=colours,
        shading="nearest",
        rasterized=True,
    )
    figure.colorbar(mesh, ax=axes, pad=0.02, extend="max" if clipped else "neither")
    axes.set_facecolor(LIGHT)
    axes.set_xlabel("start t0, ns")


def _mark_gates(axes: Any, data: _Data, shown: Place, best: Place) -> None:
    starts, widths = data.rates.start_ns, data.rates.width_ns
    axes.axvline(starts[shown[0]], color=GATE, ls="--", lw=1.3)
    axes.plot(starts[best[0]], widths[best[1]], "o", mec=GATE, label="highest secret rate", **MARK)
    if data.reported is not None:
        axes.plot(
            data.reported.start_ns, data.reported.width_ns, "D", mec=BAD, label="reported", **MARK
        )


def _outline(axes: Any, rates: GateRates, alike: NDArray[np.bool_]) -> None:
    """Draw a line around the gates that may be as good as the best."""
    edge = np.pad(alike.astype(float), 1)  # closed at the border of the grid
    starts, widths = (
        np.concatenate([values[:1], values, values[-1:]])
        for values in (rates.start_ns, rates.width_ns)
    )
    axes.contour(starts, widths, edge.T, levels=[0.5], colors=[BAD], linewidths=1.2)
    axes.plot([], [], color=BAD, lw=1.2, label="as good, as far as known")
    axes.legend(loc="lower right", fontsize=8.5, framealpha=0.9)


def _cut(axes: Any, data: _Data, shown: Place) -> None:
    """Draw rates on the left axis and the QBER on the right, along the widths at one start."""
    rates, start = data.rates, shown[0]
    width = rates.width_ns
    errors = axes.twinx()
    errors.spines["right"].set_visible(True)
    curves = [
        *axes.plot(width, rates.sifted_hz[start] / 1000, color=INK, label="sifted"),
        *axes.plot(width, data.secret.hz[start] / 1000, color=GOOD, label="secret"),
        *errors.plot(width, rates.qber[start] * 100, color=BAD, ls="--", label="QBER (right)"),
    ]
    highest = np.nan_to_num(rates.qber[start]).max()
    if isinstance(rates, Bb84RateMap):
        test = rates.test_qber[start]
        highest = max(highest, np.nan_to_num(test).max())
        curves += errors.plot(width, test * 100, color=BAD, ls=":", label="test basis")
    axes.axvline(width[shown[1]], color=GATE, ls="--", lw=1.3)
    axes.set_xlim(width[0], width[-1] if len(width) > 1 else width[0] + 1)
    axes.set_ylim(0, 1.3 * max(1e-3, float(rates.sifted_hz[start].max()) / 1000))
    errors.set_ylim(0, 1.6 * max(0.01, float(highest)) * 100)
    if data.reported is not None:
        curves.append(_mark_reported(axes, errors, data.reported))
    axes.set_xlabel("width Δt, ns")
    axes.set_ylabel("rate, kbit/s")
    errors.set_ylabel("QBER, %", color=BAD)
    # Over the line of the gate, which would strike the words through.
    legend = axes.legend(handles=curves, loc="upper left", ncols=4, fontsize=8.5, framealpha=1)
    legend.get_frame().set_linewidth(0)


def _mark_reported(axes: Any, errors: Any, found: Reported) -> Any:
    from matplotlib.lines import Line2D

    for target, value, colour in (
        (axes, found.sifted_hz / 1000, INK),
        (errors, found.qber * 100, BAD),
        (axes, found.secret_hz / 1000, GOOD),
    ):
        target.plot(found.width_ns, value, "D", mec=colour, **MARK)
    axes.annotate(
        found.remark,
        (found.width_ns, found.secret_hz / 1000),
        (-10, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=8.5,
        color=GOOD,
    )
    return Line2D([], [], marker="D", mec=SOFT, label="reported", **MARK)  # for the legend
