"""Faked states: Bob counts what an honest line would give, and none of it is his."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.sim.eve.runs import assert_qber, assert_rate, attacked, brighter

from hexkey_sim.eve.faked_states import FakedStates
from hexkey_sim.link import OpticalLink, preset
from hexkey_sim.link.light import Light
from hexkey_sim.link.presets import Preset
from hexkey_sim.link.theory_bb84 import double_clicks_per_pulse

PRESETS = {"b92": preset("bench"), "bb84": brighter("bb84")}


@pytest.mark.parametrize("chosen", PRESETS.values(), ids=PRESETS)
def test_rate_errors_and_doubles_stay_and_she_has_every_click(
    chosen: Preset, tmp_path: Path
) -> None:
    found = attacked(chosen, "faked-states", tmp_path)
    assert_rate(found.key, found.seconds)
    # Afterpulses, which are half of them wrong, she leaves out: 5e-4 of the errors' rate.
    assert_qber(found.key, found.seconds, found.key.expected_qber, slack=1e-3)
    if found.test is not None:
        assert_rate(found.test, found.seconds)
        assert_qber(found.test, found.seconds, found.test.expected_qber, slack=1e-3)
        cross = double_clicks_per_pulse(chosen.parameters)[1] * 40e6 * found.seconds
        assert (
            abs(found.cross_basis_hz * found.seconds - cross) < 4.9 * np.sqrt(cross) + 0.05 * cross
        )
    assert found.knowledge is not None
    (commanded,) = found.knowledge.kinds
    assert commanded.bits == found.knowledge.bits
    assert commanded.same_as_bob >= 0.9995 * commanded.bits  # jitter across a pulse's edge


def test_blinded_detectors_have_the_dark_counts_that_she_commands() -> None:
    dark = replace(preset("bb84").parameters, mean_photons=0.0)
    clicks = OpticalLink(dark, 3, eve=FakedStates(dark)).advance(400_000_000)  # 10 s of 4 × 40 Hz
    assert abs(len(clicks) - 1600) < 4.9 * np.sqrt(1600)
    assert np.all(np.bincount(clicks.detector, minlength=4) > 300)


class Idle(FakedStates):
    """Blinds the detectors and commands nothing."""

    def act(self, light: Light, first: int, end: int, generator: np.random.Generator) -> Light:
        return light.take(np.zeros(len(light), bool))


def test_blinded_detectors_are_dark_without_a_command() -> None:
    bright = brighter("bb84").parameters
    assert len(OpticalLink(bright, 3, eve=Idle(bright)).advance(4_000_000)) == 0
