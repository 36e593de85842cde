"""The pictures of a report: the arrival histogram with its gate, and QBER and rates over time.

Drawn from the JSON report alone, so a script can draw them again. Everything shown is a sum over
detectors: a single detector's counts are key bits at low rates. Needs the extra ``plot``.
"""

from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from hexkey.errors import ConfigurationError, StoreError

INK, SOFT, GATE, GOOD, BAD = "#1f2933", "#7b8794", "#f0b429", "#0b7285", "#c92a2a"


def require() -> None:
    """Raise ConfigurationError if matplotlib is not installed: before a run, not after it."""
    if find_spec("matplotlib") is None:
        raise ConfigurationError(
            "pictures need matplotlib, which is not installed: pip install 'hexkey[plot]'"
        )


def draw_report(report: dict[str, Any], folder: Path) -> list[Path]:
    """Draw what the report has data for; return the files written.

    Raises
    ------
    ConfigurationError
        matplotlib is not installed.
    """
    require()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        drawn = []
        if report.get("histogram"):
            drawn.append(draw(_histogram, report, folder / "histogram.png", (8, 4.2)))
        if report.get("history"):
            drawn.append(draw(_over_time, report, folder / "rates.png", (8, 5.4)))
    except OSError as error:
        raise StoreError(f"pictures cannot be written to {folder}: {error.strerror}") from None
    return drawn


def draw(paint: Any, data: Any, path: Path, size: tuple[float, float]) -> Path:
    """Write a picture, in inches, into which ``paint(figure, data)`` draws; return its path."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    style: Any = {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": SOFT,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.titlelocation": "left",
    }
    with plt.rc_context(style):
        figure = plt.figure(figsize=size, layout="constrained")
        paint(figure, data)
        figure.savefig(path, dpi=120)
        plt.close(figure)
    return path


def _histogram(figure: Any, report: dict[str, Any]) -> None:
    found, window = report["histogram"], report["window"]
    tick_ns = float(Fraction(window["tick_ps"])) / 1000
    counts = np.asarray(found["counts"], float)
    edges = (found["offset_ticks"] + np.arange(len(counts) + 1) * found["bin_ticks"]) * tick_ns
    start, width = window["start_ticks"] * tick_ns, window["width_ticks"] * tick_ns
    axes = figure.add_subplot()
    axes.axvspan(start, start + width, color=GATE, alpha=0.25, lw=0, label="gate")
    axes.stairs(counts, edges, color=INK, lw=1.0, baseline=None, label="all clicks, ungated")
    axes.set_xlim(edges[0], edges[-1])
    if np.any(counts):
        axes.set_yscale("log")
        axes.set_ylim(max(0.7, counts[counts > 0].min() / 2))
    axes.set_xlabel("time after the trigger, ns")
    axes.set_ylabel(f"clicks per {found['bin_ticks'] * tick_ns:g} ns, all detectors")
    axes.set_title(f"Arrival times; gate {start:g} to {start + width:g} ns")
    axes.legend(frameon=False, loc="upper right")


def _over_time(figure: Any, report: dict[str, Any]) -> None:
    history = report["history"]
    start = np.array([block["start_s"] for block in history])
    end = np.array([block["end_s"] for block in history])
    bits = np.array([block["sifted_bits"] for block in history], float)
    qber = np.array([block["errors"] for block in history], float) / bits
    key = np.array([block["secret_bits"] for block in history], float)
    amplified = key + np.array([block["refill_bits"] for block in history], float)
    middle, seconds = (start + end) / 2, end - start

    upper, lower = figure.subplots(2, 1, sharex=True)
    mark: Any = {"xerr": seconds / 2, "fmt": "o", "ms": 4, "lw": 1.2}
    spread = np.sqrt(qber * (1 - qber) / bits)
    upper.errorbar(middle, 100 * qber, yerr=100 * spread, color=BAD, label="key basis", **mark)
    highest = max(report["parameters"]["qber_abort"], qber.max())
    if report.get("bb84"):
        highest = 1.25 * max(highest, _test_basis(upper, history, start, end))
    abort = 100 * report["parameters"]["qber_abort"]
    upper.axhline(abort, color=SOFT, lw=1, ls="--")
    upper.annotate(
        "abort",
        (0.995, abort),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        color=SOFT,
    )
    upper.set_ylim(0, 110 * highest)
    upper.set_ylabel("QBER, %")
    upper.set_title("Error rate of each block (± one standard deviation)")
    for rate, color, name in (
        (bits, INK, "sifted"),
        (amplified, GOOD, "amplified, with the leak as counted"),
        (key, GATE, "key, after refilling the pool"),
    ):
        lower.errorbar(middle, rate / seconds / 1000, color=color, label=name, **mark)
    if not report.get("bb84"):
        planned = np.array([block["planned_bits"] for block in history], float)
        lower.hlines(
            planned / seconds / 1000,
            start,
            end,
            colors=BAD,
            linestyles=":",
            zorder=3,
            label="the paper's equations at this block size",
        )
    lower.set_ylim(0)
    lower.set_xlabel("time of the link, s")
    lower.set_ylabel("rate, kbit/s")
    lower.set_title(f"Rates ({report['label']} key)")
    figure.legend(
        *lower.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False
    )


def _test_basis(axes: Any, history: list[dict[str, Any]], start: Any, end: Any) -> float:
    """Draw BB84's test basis beside the key's, and the bound that it gives; return the highest."""
    found = [block["bb84"] for block in history]
    qber = np.array([block["test_qber"] for block in found], float)
    bound = np.array([block["phase_error_upper"] for block in found], float)
    bits = np.array([block["test_bits"] for block in found], float)
    axes.errorbar(
        (start + end) / 2,
        100 * qber,
        xerr=(end - start) / 2,
        yerr=100 * np.sqrt(qber * (1 - qber) / bits),
        fmt="s",
        ms=4,
        lw=1.2,
        color=GATE,
        label="test basis",
    )
    axes.hlines(
        100 * bound,
        start,
        end,
        colors=BAD,
        linestyles=":",
        label="phase errors of the key basis, at most",
    )
    axes.legend(loc="upper left", ncols=3, frameon=False)
    return float(max(qber.max(), bound.max()))
