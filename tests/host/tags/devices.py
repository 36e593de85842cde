"""Files as PicoQuant's devices would write them of the same clicks, for all kinds of records."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.host.tags import writers

from hexkey.tags.ptu import LAYOUTS
from hexkey.tags.tttr import SYNC, Layout

Words = NDArray[np.int64]


def write(
    path: Path,
    record_type: int,
    channel: NDArray[np.uint8],
    time_ps: NDArray[np.int64],
    *,
    tick_ps: float,
    period_ps: float,
    seconds: float | None = None,
    sync_hz: float | None = None,
    header_period_ps: float | None = None,
    rates: float = 1.0,
) -> Path:
    """Write clicks ascending in time, and a header that says what they are.

    Clicks of channel `SYNC` are the sync's in T2. The last four make the header contradict the
    clicks: the time it took, rate and period of the sync, input rates so many times as high.
    """
    layout = LAYOUTS[record_type]
    took_s = time_ps[-1] * 1e-12 if len(time_ps) else 1.0
    counts = np.bincount(channel[channel < SYNC], minlength=2) / took_s * rates
    inputs = np.rint(counts).astype(int).tolist()
    sync = 1e12 / period_ps if layout.pulsed or np.any(channel == SYNC) else 0.0
    if layout is Layout.PICO_T3:
        inputs = [sum(inputs)]
    elif layout is Layout.PICO_T2:
        sync, inputs = inputs[0], inputs[1:]
    stated = [
        ("TTResult_SyncRate", writers.INT, round(sync if sync_hz is None else sync_hz)),
        ("TTResult_InputRate", writers.INT, inputs),
        ("MeasDesc_AcquisitionTime", writers.INT, 3_600_000),
        ("TTResult_StopAfter", writers.INT, round(1000 * (took_s if seconds is None else seconds))),
    ]
    words = t2(layout, channel, np.rint(time_ps / tick_ps).astype(np.int64))
    if layout.pulsed:
        pulse = np.floor(time_ps / period_ps).astype(np.int64)
        words = t3(layout, channel, pulse, ((time_ps - pulse * period_ps) / tick_ps).astype(int))
    return writers.ptu(
        path,
        record_type,
        words,
        tick_s=tick_ps * 1e-12,
        period_s=1e-12 * ((header_period_ps or period_ps) if layout.pulsed else tick_ps),
        more=stated,
    )


def t3(layout: Layout, channel: NDArray[Any], pulse: Words, ticks: Words) -> Words:
    channel = channel.astype(np.int64)
    if layout is Layout.PICO_T3:
        turns, rest = np.divmod(pulse, 65536)
        return _rolled((channel + 1) << 28 | ticks << 16 | rest, turns, 15 << 28, 1)
    turns, rest = np.divmod(pulse, 1024)
    most = 1 if layout is Layout.HYDRA1_T3 else 1023
    return _rolled(channel << 25 | ticks << 10 | rest, turns, 0x7F << 25, most)


def t2(layout: Layout, channel: NDArray[Any], ticks: Words) -> Words:
    channel = channel.astype(np.int64)
    if layout is Layout.PICO_T2:
        turns, rest = np.divmod(ticks, 210698240)
        return _rolled(channel << 28 | rest, turns, 15 << 28, 1)
    size, most = (33552000, 1) if layout is Layout.HYDRA1_T2 else (33554432, 33554431)
    turns, rest = np.divmod(ticks, size)
    kind: Words = np.where(channel == SYNC, 1 << 31, channel << 25)
    return _rolled(kind | rest, turns, 0x7F << 25, most)


def _rolled(words: Words, turns: Words, overflow: int, most: int) -> Words:
    """Put overflows, of `most` turns each at most, before the words that need them."""
    missing = np.diff(turns, prepend=0)
    number = -(-missing // most)
    of = np.repeat(np.arange(len(words)), number)
    which = np.arange(len(of)) - np.repeat(np.cumsum(number) - number, number)
    size = np.minimum(most, missing[of] - which * most)
    made = np.empty(len(words) + len(of), np.int64)
    at = np.arange(len(words)) + np.cumsum(number)
    between = np.ones(len(made), np.bool_)
    between[at] = False
    made[at], made[between] = words, overflow | (size if most > 1 else 0)
    return made
