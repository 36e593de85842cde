"""The modulator's angle, as a function of the time within a pulse and of three states."""

import numpy as np
from numpy.typing import NDArray

from hexkey_sim.link.parameters import LinkParameters

States = NDArray[np.uint8]


def angles_rad(
    parameters: LinkParameters,
    phase_ps: NDArray[np.float64],
    before: States,
    now: States,
    after: States,
) -> NDArray[np.float64]:
    """Return the polarisation angle that the modulator gives at `phase_ps` of a pulse.

    Parameters
    ----------
    phase_ps : (n,) float
        Time since the edge of the pulse that the modulator is in: 0 <= phase < period.
    before, now, after : (n,) uint8, or broadcastable to that
        Alice's states of the previous pulse, of this one and of the next.
    """
    modulator = parameters.modulator
    states = np.deg2rad(np.array(modulator.state_angles_deg))
    resting = parameters.period_ps - modulator.flat_end_ps  # of the swing, in the older pulse
    swing_ps = resting + modulator.flat_start_ps
    angles = np.broadcast_to(states[now], phase_ps.shape).copy()
    for moving, since_ps, start, goal in (
        (phase_ps < modulator.flat_start_ps, phase_ps + resting, before, now),
        (phase_ps >= modulator.flat_end_ps, phase_ps - modulator.flat_end_ps, now, after),
    ):
        progress = (1 - np.cos(np.pi * since_ps[moving] / swing_ps)) / 2
        begin = states[np.broadcast_to(start, phase_ps.shape)[moving]]
        end = states[np.broadcast_to(goal, phase_ps.shape)[moving]]
        angles[moving] = begin + (end - begin) * progress
    return angles
