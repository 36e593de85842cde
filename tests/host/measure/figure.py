"""Draws the picture of docs/measurements.md: ``python -m tests.host.measure.figure FILE``."""

import sys
from pathlib import Path

import numpy as np
from tests.host.measure.light import pulse_file, pulsed

from hexkey.measure.picture import draw
from hexkey.measure.report import measure_file

PERIOD_PS = 25_000.0

if __name__ == "__main__":
    clicks = pulsed(
        np.random.default_rng(1),
        pulses=6_000_000,
        period_ps=PERIOD_PS,
        g2=0.05,
        lifetime_ps=1500,
        jitter_ps=150,
        cable_ps=110_000,
        dead_ps=45_000,
    )
    draw(
        measure_file(pulse_file(clicks, PERIOD_PS, 16), protocol="hbt"),
        Path(sys.argv[1]),
        "simulated light",
    )
