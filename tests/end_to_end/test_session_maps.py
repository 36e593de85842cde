"""Maps that grow during a session: against all clicks of its recording, and through a new gate."""

import queue
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.end_to_end.live_roles import _serve_alice
from tests.end_to_end.processes import ROLE_BLOCK_BITS, scene

from hexkey.config import AliceSettings, BobSettings, load
from hexkey.maps.grid import PAPER_START_NS, PAPER_WIDTH_NS, parse_grid, windows_in_ticks
from hexkey.maps.recorded import count_recording
from hexkey.monitor.hub import ChangeGate, Hub
from hexkey.monitor.snapshot import MapView, Snapshot
from hexkey.party import bob
from hexkey.party.distill import distill, replay
from hexkey.randomness import Seeded
from hexkey.record import RecordWriter
from hexkey.store import compare, create_pair
from hexkey_sim.board_runner import RecordedLink, VirtualBoardThread
from hexkey_sim.link import preset, record_statement
from hexkey_sim.link.presets import Preset
from hexkey_sim.virtual_board import VirtualBoard

SESSION: dict[str, Any] = {
    "block_bits": 40_000,
    "estimate_bits": 8_000,
    "reconciler": "cascade",
    "maps": 1,
}
GATE = {"gate_start_ns": 1.0, "gate_width_ns": 4.0}
DARK_HZ = 60_000.0  # of each detector: half of them are wrong, so that gates differ


@dataclass(frozen=True)
class Session:
    """What a session left, and the snapshots that were seen of it."""

    folder: Path
    report: dict[str, Any]
    events: list[dict[str, Any]]
    shown: list[Snapshot]

    @property
    def recording(self) -> Path:
        return self.folder / "run.recording"

    @property
    def record(self) -> Path:
        return self.folder / "alice.record"

    @property
    def maps(self) -> list[MapView]:
        return [each.maps for each in self.shown if each.maps is not None]


def dark(chosen: Preset, dark_hz: float) -> Preset:
    parameters = chosen.parameters
    detectors = tuple(replace(one, dark_counts_hz=dark_hz) for one in parameters.detectors)
    receiver = replace(parameters.receiver, detectors=detectors)
    return replace(chosen, parameters=replace(parameters, receiver=receiver))


@dataclass(frozen=True)
class Scheme:
    """What a session is over, and what both roles' settings say of it."""

    preset: Preset
    session: dict[str, Any]
    alice: dict[str, Any] = field(default_factory=dict)
    bob: dict[str, Any] = field(default_factory=dict)


B92 = Scheme(dark(preset("bench"), DARK_HZ), SESSION, bob=GATE)


def run(
    folder: Path,
    blocks: int,
    *,
    record: bool,
    ask: ChangeGate | None = None,
    scheme: Scheme = B92,
) -> Session:
    """Run a session on a fast board until it has made so many blocks, and its maps are drawn."""
    paths = folder / "alice.store", folder / "bob.store"
    create_pair(*paths, 512, Seeded(1))
    chosen, hub, stop = scheme.preset, Hub(), threading.Event()
    events: list[dict[str, Any]] = []
    shown: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
    with ExitStack() as stack:
        link = chosen.link(5, start_offset_pulses=1000)
        writer = stack.enter_context(RecordWriter(folder / "alice.record", record_statement(link)))
        detectors = len(chosen.parameters.detectors)
        board = VirtualBoard(RecordedLink(link, writer), detectors=detectors, baud=None)
        running = stack.enter_context(VirtualBoardThread(board))
        hers = {"alice_record": folder / "alice.record", "store": paths[0], "sessions": 1}
        hers |= {"listen": "127.0.0.1:0", "session": scheme.session, **scheme.alice}
        address = _serve_alice(load(AliceSettings, None, hers, {}), stack)
        his: dict[str, Any] = {"port": running.name, "peer": address, "store": paths[1]}
        his |= {"session": scheme.session, **scheme.bob}
        if record:
            his["recording"] = folder / "run.recording"

        def heard(event: dict[str, Any]) -> None:
            events.append(event)
            made = [one["event"] for one in events]
            if event["event"] == "block" and made.count("block") == blocks // 2 and ask is not None:
                hub.ask(ask)

        def look() -> None:
            latest = hub.latest()
            assert latest is not None
            shown.put(latest)
            done = sum(one["event"] == "block" for one in events)
            renewed = ask is None or any(one["event"] == "renewed" for one in events)
            if latest.maps is not None and done >= blocks and renewed:
                stop.set()

        with hub.waking(look):
            outcome = bob.run(load(BobSettings, None, his, {}), heard, stop, hub)
    assert outcome.ended_by is None
    assert compare(*paths).equal
    seen = [shown.get() for _ in range(shown.qsize())]
    return Session(folder, outcome.report, events, seen)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return run(tmp_path_factory.mktemp("session"), 8, record=True)


def test_the_board_is_open_and_the_host_gates(session: Session) -> None:
    window, losses = session.report["window"], session.report["losses"]
    assert (window["start_ticks"], window["width_ticks"]) == (100, 400)
    assert losses["outside_gate"] > 0.2 * losses["sifted_bits"]
    last = session.shown[-1]
    assert last.gate is not None
    assert (last.gate.start_ps, last.gate.width_ps) == (1_000, 4_000)
    assert last.losses["outside_gate"] > 0


def test_the_maps_are_those_of_all_clicks(session: Session) -> None:
    """Within 5 σ of what the recording gives against Alice's record, also far outside the gate."""
    grid = partial(
        windows_in_ticks,
        parse_grid(PAPER_START_NS, "start_ns"),
        parse_grid(PAPER_WIDTH_NS, "width_ns"),
    )
    exact = count_recording(session.recording, session.record, grid)
    found = session.maps[-1]
    every = exact.counts.errors / exact.counts.sifted
    disclosed = 8 * SESSION["estimate_bits"]  # in the session's gate, at least
    share = exact.counts.sifted / exact.counts.sifted[10, 10]
    sigma = np.sqrt(every * (1 - every) / (disclosed * share))
    pull = (np.array(found.qber, np.float64) - every) / sigma
    assert np.abs(pull).max() < 5
    assert np.abs(pull).max() > 0.01  # a sample, not all clicks
    # Half of the clicks outside, and the widest gates would be far from what they are.
    assert every[0, -1] > 1.2 * every[10, 10]
    rates = np.array(found.sifted_hz)
    np.testing.assert_allclose(rates, exact.counts.sifted / exact.seconds, rtol=0.05)


def test_snapshots_show_maps_that_grow_after_the_first_block(session: Session) -> None:
    without = [each for each in session.shown if each.maps is None]
    assert without
    assert not without[0].blocks
    assert all(each.makes_key for each in session.shown)
    assert "maps" in session.shown[-1].to_json()


def test_what_was_disclosed_outside_is_in_the_report(session: Session) -> None:
    outside = session.report["disclosed_bits"]["outside"]
    made, sifted = session.report["sifted_bits"], session.report["losses"]["sifted_bits"]
    there = session.report["losses"]["outside_gate"] * made / sifted
    assert outside == pytest.approx(there * 0.2, rel=0.05)


def check_replay(session: Session, folder: Path) -> None:
    """See that a recorded session gives the same keys again, to whichever protocol."""
    report = replay(session.recording, folder, lambda event: None)
    assert report["damage"] == []
    for name in ("disclosed_bits", "sifted_bits", "errors", "secret_bits", "losses", "window"):
        assert report[name] == session.report[name], name
    found = compare(session.folder / "bob.store", folder / "bob.store")
    assert (found.equal, found.common) == (True, session.report["blocks"]["ok"])


def test_replay_of_the_recording_gives_the_same_keys(session: Session, tmp_path: Path) -> None:
    check_replay(session, tmp_path / "again")


def test_the_recording_distils_afresh(session: Session, tmp_path: Path) -> None:
    report = distill(session.recording, session.record, tmp_path / "fresh", lambda event: None)
    assert report["equal"]
    assert report["sifted_bits"] == session.report["sifted_bits"]
    assert report["disclosed_bits"]["outside"] == pytest.approx(
        session.report["disclosed_bits"]["outside"], abs=3 * report["blocks"]["ok"]
    )


def test_another_gate_leaves_the_maps_growing(tmp_path: Path) -> None:
    """The board keeps its gate, and a map of both sessions' clicks is shown."""
    seen = run(tmp_path, 4, record=False, ask=ChangeGate(0.5, 6.0))
    [earlier] = seen.report["renewed"]
    window = seen.report["window"]
    assert (window["start_ticks"], window["width_ticks"]) == (50, 600)
    assert (earlier["window"]["start_ticks"], earlier["window"]["width_ticks"]) == (100, 400)
    first = next(place for place, each in enumerate(seen.shown) if each.maps is not None)
    assert all(each.maps is not None for each in seen.shown[first:])  # through the change, too
    assert seen.report["losses"]["outside_gate"] > 0


def test_the_commands_take_maps_on_both_sides(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        size = ("--block-bits", ROLE_BLOCK_BITS)
        hers, his = stage.session("--seconds", 1, "--maps", alice_words=(*size, "--maps"))
        assert (hers.code, his.code) == (0, 0), (hers.err, his.err)
        assert stage.equal_keys() >= 1
        his_alone = stage.session("--seconds", 1, "--maps", alice_words=size)[1]
    assert his.report["disclosed_bits"]["outside"] > 0
    assert his.report["disclosed_bits"] == hers.report["disclosed_bits"]
    assert "maps is 0 at Alice and 1 at Bob" in his_alone.sentence
