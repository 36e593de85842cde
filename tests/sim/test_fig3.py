"""Fig. 3 from simulated clicks: against closed forms, and what it says of the paper's numbers."""

import math
from pathlib import Path

import pytest
from tests.host.test_plot import size_of

from hexkey.errors import ConfigurationError, StoreError
from hexkey.keyrate.b92 import key_length_planned_unproven
from hexkey.maps.picture import place_of
from hexkey.maps.rates import rate_map
from hexkey_sim import fig3
from hexkey_sim.link import preset
from hexkey_sim.link.profile import b92
from hexkey_sim.link.theory import Gate

SECONDS = 4.0
SIGMAS = 5.0  # 6e-7 two-sided, for each of eight comparisons


def test_gates_of_the_map_are_those_of_the_closed_forms() -> None:
    found = fig3.simulated_counts(SECONDS, 5)
    rates = rate_map(found.counts, found.seconds, found.tick_ps)
    assert rates.qber.shape == (41, 91)
    assert found.seconds == pytest.approx(SECONDS, rel=0.01)
    for i, j in ((0, 90), (5, 70), (20, 0), (40, 90)):
        gate = Gate(1000 * rates.start_ns[i], 1000 * rates.width_ns[j])
        expected = b92(preset(fig3.PRESET).parameters, gate, pattern="10")
        bits = expected.sifted_hz * found.seconds
        assert abs(found.counts.sifted[i, j] - bits) < SIGMAS * math.sqrt(bits)
        spread = math.sqrt(expected.qber * (1 - expected.qber) / bits)
        assert abs(rates.qber[i, j] - expected.qber) < SIGMAS * spread


def test_the_figure_says_what_does_not_follow(tmp_path: Path) -> None:
    told: list[str] = []
    figure = fig3.draw(tmp_path / "deep" / "folder", seconds=1.0, seed=6, progress=told.append)
    assert figure.path == tmp_path / "deep" / "folder" / "fig3.png"
    assert size_of(figure.path) == (1380, 960)
    assert told == ["Fig. 3: simulating 1 s of the link", "Fig. 3: drawing"]
    assert "the stated 7 kbit/s does not follow" in figure.caption
    assert "no security proof" in figure.caption
    assert "4.295 dB of unexplained loss" in figure.caption
    secret = figure.claims[0]
    assert (secret.stated, secret.follows) == ("7 kbit/s", False)
    ceiling = key_length_planned_unproven(22_000, 0.055, 1e-10, 1e-15)  # at the luckiest
    assert 3.0 < float(secret.computed.split()[0]) < ceiling / 1000


def test_the_reported_gate_is_in_the_grid() -> None:
    found = fig3.simulated_counts(0.2, 7)
    rates = rate_map(found.counts, found.seconds, found.tick_ps)
    i, j = place_of(rates, fig3.REPORTED)
    assert (rates.start_ns[i], rates.width_ns[j]) == (0.5, 10.0)


def test_what_cannot_be_drawn_is_told_before_the_simulation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file cannot be made"):
        fig3.draw(tmp_path / "file", seconds=1e9)
    monkeypatch.setattr("hexkey.plot.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="pictures need matplotlib"):
        fig3.draw(tmp_path, seconds=1e9)
