"""Clicks in the gate of their pulses, and counts against what was expected of them."""

import numpy as np

from hexkey_sim.link import Clicks
from hexkey_sim.link.theory import Gate

SIGMAS = 4.9  # 1e-6, two-sided


def assert_count(found: float, expected: float, spread: float = 1.0) -> None:
    """Check a count whose variance is `spread` times its mean."""
    assert abs(found - expected) <= SIGMAS * np.sqrt(expected * spread)


def assert_share(found: int, of: int, expected: float) -> None:
    assert abs(found - of * expected) <= SIGMAS * np.sqrt(of * expected * (1 - expected))


def gated_masks(
    clicks: Clicks, period_ps: int, gate: Gate, holdoff_pulses: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return (pulse, mask) of the pulses with clicks in a gate that does not wrap."""
    pulse, phase = np.divmod(clicks.time_ps, period_ps)
    seen = np.unique(pulse)
    quiet = np.diff(seen, prepend=seen[0] - holdoff_pulses - 1) > holdoff_pulses
    good = quiet[np.searchsorted(seen, pulse)]
    good &= (phase >= gate.start_ps) & (phase < gate.stop_ps)
    pulses, where = np.unique(pulse[good], return_inverse=True)
    masks = np.zeros(len(pulses), np.uint8)
    for detector in range(4):
        masks[where[clicks.detector[good] == detector]] |= np.uint8(1 << detector)
    return pulses, masks
