"""Maps that grow during a session of BB84: against all clicks of its recording."""

import signal
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.end_to_end.processes import Scene, role
from tests.end_to_end.test_session_maps import Scheme, Session, check_replay, dark, run

from hexkey.maps.bb84 import Bb84Reading
from hexkey.maps.bb84_rates import bb84_rate_map
from hexkey.maps.grid import PAPER_START_NS, PAPER_WIDTH_NS, parse_grid, windows_in_ticks
from hexkey.maps.recorded import count_recording
from hexkey.monitor.hub import ChangeGate
from hexkey.party.distill import distill
from hexkey.randomness import OperatingSystem
from hexkey.store import create_pair
from hexkey_sim.link import preset
from hexkey_sim.link.presets import Preset
from hexkey_sim.roles import alice_toml, bob_toml, write_roles

BLOCK_CLICKS, BLOCKS, OFFSET_CLICKS = 120_000, 4, 512
DARK_HZ = 3_000.0  # of each detector: half of them are wrong, so that gates differ
GATE = {"gate_start_ns": 0.5, "gate_width_ns": 6.0}


def scheme(chosen: Preset) -> Scheme:
    """The roles' settings as the simulator writes them, with maps and a narrower gate."""
    hers: dict[str, Any] = tomllib.loads(alice_toml(chosen, BLOCK_CLICKS))
    his: dict[str, Any] = tomllib.loads(bob_toml(chosen, BLOCK_CLICKS))
    session = {**his.pop("session"), "reconciler": "cascade", "maps": 1}
    session["offset_sample_bits"] = OFFSET_CLICKS
    del hers["session"]
    return Scheme(chosen, session, hers, {**his, **GATE})


LINK = dark(preset("bb84").with_channel_loss(0.0), DARK_HZ)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("session")
    return run(folder, BLOCKS, record=True, scheme=scheme(LINK))


def test_the_board_is_open_and_the_host_gates(session: Session) -> None:
    window, losses = session.report["window"], session.report["losses"]
    assert (window["start_ticks"], window["width_ticks"]) == (50, 600)
    assert losses["outside_gate"] > 0.2 * losses["clicks"]
    assert session.report["protocol"] == "bb84"


def test_the_maps_are_those_of_all_clicks(session: Session) -> None:
    """Of the blocks' share of them; far outside the gate, too, and by the session's own bound."""
    grid = partial(
        windows_in_ticks,
        parse_grid(PAPER_START_NS, "start_ns"),
        parse_grid(PAPER_WIDTH_NS, "width_ns"),
    )
    exact = count_recording(session.recording, session.record, grid)
    assert isinstance(exact.reading, Bb84Reading)
    found = session.maps[-1]
    made = sum(event["event"] == "block" for event in session.events)
    block_s = exact.seconds * BLOCK_CLICKS / session.report["losses"]["clicks"]
    blocks = round(found.seconds / block_s)
    assert 0 < blocks <= made
    rates = bb84_rate_map(
        exact.windows, exact.kinds, exact.seconds, exact.tick_ps, exact.reading, block_s
    )
    assert (exact.shift == 0).all()
    clicks = rates.sifted_hz * found.seconds
    sigma = np.sqrt(rates.qber * (1 - rates.qber) / clicks)
    pull = (np.array(found.qber, np.float64) - rates.qber) / sigma
    assert np.abs(pull).max() < 5
    assert np.abs(pull).max() > 0.01  # some blocks, not the whole recording
    rate_pull = (np.array(found.sifted_hz) - rates.sifted_hz) / np.sqrt(clicks) * found.seconds
    assert np.abs(rate_pull).max() < 5
    # The widest gates are far from what the session's is.
    here = rates.qber[5, 30]
    assert rates.qber[-1, -1] > 1.2 * here
    secret = np.array(found.secret_hz)
    best = np.unravel_index(np.argmax(secret), secret.shape)
    assert secret[best] > 5_000
    assert rates.secret_hz[best] > 0.9 * rates.secret_hz.max()
    assert secret.max() == pytest.approx(rates.secret_hz.max(), rel=0.3)
    assert not found.unproven


def test_the_map_at_the_sessions_gate_is_what_the_session_counted(session: Session) -> None:
    """Sifted bits, errors and seconds to the last digit; the key as long as its blocks' mean."""
    found, history = session.maps[-1], session.report["history"]
    place = (5, 30)
    assert (found.start_ns[5], found.width_ns[30]) == (0.5, 6.0)
    rate_hz = session.report["parameters"]["pulse_rate_hz"]
    sums = [
        sum(block["bb84"]["sent_key"] + block["bb84"]["sent_test"] for block in history[:count])
        for count in range(len(history) + 1)
    ]
    blocks = sums.index(round(found.seconds * rate_hz))
    bits = sum(block["sifted_bits"] for block in history[:blocks])
    errors = sum(block["errors"] for block in history[:blocks])
    assert found.sifted_hz[place[0]][place[1]] * found.seconds == pytest.approx(bits)
    assert found.qber[place[0]][place[1]] == pytest.approx(errors / bits)
    keys = sum(block["secret_bits"] + block["refill_bits"] for block in history[:blocks])
    secret = found.secret_hz[place[0]][place[1]] * found.seconds
    assert secret == pytest.approx(keys, rel=0.15)


def test_what_was_disclosed_outside_is_in_the_report(session: Session) -> None:
    outside = session.report["disclosed_bits"]["outside"]
    losses = session.report["losses"]
    made = session.report["blocks"]["ok"] * BLOCK_CLICKS
    assert outside == pytest.approx(losses["outside_gate"] * made / losses["clicks"], rel=0.03)


def test_replay_of_the_recording_gives_the_same_keys(session: Session, tmp_path: Path) -> None:
    check_replay(session, tmp_path / "again")


def test_the_recording_distils_afresh(session: Session, tmp_path: Path) -> None:
    report = distill(session.recording, session.record, tmp_path / "fresh", lambda event: None)
    assert report["equal"]
    for name in ("estimate", "outside"):
        assert report["disclosed_bits"][name] == pytest.approx(
            session.report["disclosed_bits"][name], rel=0.01
        )


def test_another_gate_leaves_the_maps_growing(tmp_path: Path) -> None:
    asked = ChangeGate(1.0, 8.0)
    seen = run(tmp_path, 4, record=False, ask=asked, scheme=scheme(LINK))
    [earlier] = seen.report["renewed"]
    assert (earlier["window"]["start_ticks"], earlier["window"]["width_ticks"]) == (50, 600)
    window = seen.report["window"]
    assert (window["start_ticks"], window["width_ticks"]) == (100, 800)
    first = next(place for place, each in enumerate(seen.shown) if each.maps is not None)
    assert all(each.maps is not None for each in seen.shown[first:])  # through the change, too


def test_the_commands_take_maps_on_both_sides(tmp_path: Path) -> None:
    """Real processes, with the configurations that the simulator writes."""
    for name in ("alice", "bob"):
        (tmp_path / name).mkdir()
    stage = Scene(tmp_path)
    create_pair(stage.alice_store, stage.bob_store, 64, OperatingSystem())
    hers, his = write_roles(preset("bb84"), BLOCK_CLICKS, tmp_path)
    with role("virtual-board", "--preset", "bb84", "--record", stage.record) as board:
        stage.port = board.wait_for("port")["port"]
        with stage.alice("--config", hers, "--maps") as alice:
            address = alice.wait_for("listening")["address"]
            words = ("--peer", address, "--store", stage.bob_store, "--config", his, "--maps")
            with role("bob", "--port", stage.port, *words) as bob:
                bob.wait_for("block")
                bob.signal(signal.SIGINT)
                ended = bob.end()
            served = alice.end()
    assert (served.code, ended.code) == (0, 0), (served.err, ended.err)
    assert stage.equal_keys() >= 1
    assert ended.report["disclosed_bits"]["outside"] > 0
    assert ended.report["disclosed_bits"] == served.report["disclosed_bits"]
