"""Runs with an eavesdropper through board and host, and counts against what was expected of them.

Every bound is 4.9 standard deviations: 1e-6.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hexkey_sim.eve.specification import parse_eve
from hexkey_sim.link.presets import Preset, preset
from hexkey_sim.simulate import Compared, Simulation, run_simulation

SIGMAS = 4.9


def brighter(name: str, **changes: Any) -> Preset:
    """Return a preset with the bright source of `bench` and other changes of its parameters."""
    chosen = preset(name)
    changed: dict[str, Any] = {"mean_photons": 0.188, "channel_loss_db": 0.0, **changes}
    return replace(chosen, parameters=replace(chosen.parameters, **changed))


def attacked(
    chosen: Preset, spec: str, tmp_path: Path, seconds: float = 0.1, seed: int = 5
) -> Simulation:
    return run_simulation(chosen, tmp_path / "run", seconds, seed, eve=parse_eve(spec, chosen))


def assert_rate(found: Compared, seconds: float, factor: float = 1.0, slack: float = 2e-3) -> None:
    """Check a rate; closed forms leave out 1e-3 of it in the bright link (third clicks)."""
    expected = found.expected_sifted_hz * seconds * factor
    bound = SIGMAS * np.sqrt(expected) + slack * expected
    assert abs(found.sifted_hz * seconds - expected) < bound


def assert_qber(found: Compared, seconds: float, expected: float, slack: float = 0.0) -> None:
    bits = found.sifted_hz * seconds
    assert abs(found.qber - expected) < SIGMAS * np.sqrt(expected * (1 - expected) / bits) + slack


def assert_share(found: int, of: int, expected: float, slack: float = 0.0) -> None:
    sigma = np.sqrt(of * expected * (1 - expected))
    assert abs(found - of * expected) <= SIGMAS * sigma + slack * of
