"""What the simulator plays to the receiver's pins: a file of times and levels."""

from pathlib import Path

import numpy as np

from hexkey_sim.link import Clicks

PULSE_PS = 10_000  # how long a detector's output is high
TRIGGER_PULSE_PS = 5_000


def write_stimulus(clicks: Clicks, end_ps: int, path: Path) -> None:
    """Write the levels of the detectors at each change, one change a line.

    Parameters
    ----------
    clicks : Clicks
        No two of a detector closer than `PULSE_PS` and the 4 ns that a low must last.
    end_ps : int
    path : Path
    """
    rises = clicks.time_ps
    for detector in range(4):
        own = rises[clicks.detector == detector]
        if len(own) > 1 and int(np.diff(own).min()) < PULSE_PS + 4_000:
            raise ValueError(f"clicks of detector {detector} overlap: its dead time is too short")
    times = np.concatenate([rises, rises + PULSE_PS])
    bits = np.tile(np.left_shift(1, clicks.detector.astype(np.int64)), 2)
    order = np.argsort(times, kind="stable")
    levels = np.bitwise_xor.accumulate(bits[order])
    with path.open("w") as file:
        for time_ps, level in zip(times[order].tolist(), levels.tolist(), strict=True):
            file.write(f"{time_ps} {level:x}\n")
        file.write(f"{end_ps} 0\n")
