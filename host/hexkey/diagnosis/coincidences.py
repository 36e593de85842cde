"""Pulsed g² of two detectors, as long as one likes to count."""

import secrets
import threading
import time
from typing import Any

import numpy as np

from hexkey.board import Board
from hexkey.calibration.procedure import Progress
from hexkey.errors import DeviceError
from hexkey.wire import G2, LAGS, Kind


def count_coincidences(
    board: Board, seconds: float, progress: Progress, stop: threading.Event
) -> dict[str, Any]:
    """Let a board count, with the settings that it has, and return what it counted.

    Raises
    ------
    DeviceError
        If it counts nothing.
    """
    if not board.identification.statistics:
        raise DeviceError(
            f"the board at {board.name} counts no coincidences, its chip is too small for that: "
            f"record raw tags with `hexkey board tags` instead"
        )
    board.arm(secrets.randbelow(2**32 - 1) + 1)
    began = time.monotonic()
    found: G2 | None = None
    while not stop.is_set():
        for frame in board.frames(0.1):
            if frame.header.kind is Kind.G2:
                found = G2.decode(frame.body)
                progress({"event": "coincidences", "pulses": found.pulses})
        passed = time.monotonic() - began
        if passed > seconds and (found is not None or passed > seconds + 3):
            break
    board.stop()
    if found is None:
        raise DeviceError(f"the board at {board.name} counts no coincidences: check its trigger")
    return {
        "pair": [found.first, found.second],
        "pulses": found.pulses,
        "coincidences": dict(zip(LAGS, found.coincidences.tolist(), strict=True)),
        **_value(found),
    }


def _value(found: G2) -> dict[str, float | None]:
    """Return g² at lag 0, and its standard error: both counts follow Poisson's statistics."""
    counts = found.coincidences.astype(np.float64)
    within = float(counts[-LAGS[0]])
    beside = float(counts.sum()) - within
    if not beside:
        return {"g2": None, "g2_error": None}
    value = within / beside * (len(LAGS) - 1)
    error = float(np.sqrt(max(within, 1.0))) / beside * (len(LAGS) - 1)
    return {"g2": value, "g2_error": float(np.hypot(error, value / np.sqrt(beside)))}
