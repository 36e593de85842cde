"""Maps that grow, over the paper's grid of gates, as they are shown."""

from fractions import Fraction

from hexkey.maps.count import Windows
from hexkey.maps.grid import PAPER_START_NS, PAPER_WIDTH_NS, parse_grid, windows_in_ticks
from hexkey.maps.live import LiveMap, LiveRates
from hexkey.maps.rates import or_none
from hexkey.monitor.snapshot import MapView
from hexkey.receiver import Receiver


def grid(tick_ps: Fraction, period_ticks: int) -> Windows:
    """Return the gates of a map.

    Raises
    ------
    ConfigurationError
        The board's ticks or its period do not fit the grid.
    """
    starts = parse_grid(PAPER_START_NS, "start_ns")
    widths = parse_grid(PAPER_WIDTH_NS, "width_ns")
    return windows_in_ticks(starts, widths, tick_ps, period_ticks)


def view_with_arrivals(growing: LiveMap, receiver: Receiver) -> MapView | None:
    """Return B92's maps by now, with a receiver's arrivals; None before there are any."""
    if receiver.histogram is None or not receiver.histogram_pulses:
        return None
    period = growing.windows.period_ticks
    seconds = float(receiver.histogram_pulses * period * growing.tick_ps) * 1e-12
    growing.set_arrivals(*receiver.histogram, seconds, receiver.accepted)
    return view_of(growing.rates())


def view_of(rates: LiveRates) -> MapView:
    """Return rates as they are shown."""
    return MapView(
        rates.start_ns.tolist(),
        rates.width_ns.tolist(),
        rates.sifted_hz.tolist(),
        or_none(rates.qber),
        or_none(rates.sigma_qber),
        rates.secret_hz.tolist(),
        rates.seconds,
        rates.disclosed,
        rates.unproven,
    )
