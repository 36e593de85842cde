"""Sessions that are watched: a tap at the source, alarms that stop, a gate that is changed."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from signal import SIGINT
from typing import Any

import pytest
from tests.end_to_end.live_roles import _serve_alice
from tests.end_to_end.processes import ROLE_BLOCK_BITS, Role, Scene, role, scene

from hexkey.config import AliceSettings, BobSettings, load
from hexkey.monitor.hub import ChangeGate, Hub
from hexkey.party import bob
from hexkey.randomness import Seeded
from hexkey.record import RecordWriter
from hexkey.store import compare, create_pair
from hexkey_sim.board_runner import RecordedLink, VirtualBoardThread
from hexkey_sim.link import Clicks, preset, record_statement
from hexkey_sim.virtual_board import VirtualBoard


class Emitter:
    """Light at a tap inside Alice, of a source that a test lets degrade when it wants to."""

    def __init__(self, g2: float) -> None:
        self._link = preset("as-reported").at_source(g2).link(5)
        self._worse: float | None = None

    def degrade(self, g2: float) -> None:
        self._worse = g2

    def advance(self, pulses: int) -> Clicks:
        if self._worse is not None:
            self._link.parameters = replace(self._link.parameters, g2=self._worse)
        return self._link.advance(pulses)


def tapped(emitter: Emitter) -> VirtualBoardThread:
    return VirtualBoardThread(VirtualBoard(emitter))


@contextmanager
def alice_with(
    port: str, stage: Scene, *, stop: str = '"source"', sessions: int = 1
) -> Iterator[tuple[Role, str]]:
    """Serve with a board at Alice's source; yields her process and her address."""
    config = stage.folder / "alice.toml"
    config.write_text(
        f'[source_monitor]\nport = "{port}"\nseconds = 1\ng2_limit = 0.6\n'
        f"[alarms]\nstop = [{stop}]\n[session]\nblock_bits = {ROLE_BLOCK_BITS}\n"
    )
    with stage.alice("--config", config, "--sessions", sessions) as alice:
        yield alice, alice.wait_for("listening")["address"]


def test_g2_of_the_source_arrives_at_bob(tmp_path: Path) -> None:
    tap = tapped(Emitter(0.2))
    with scene(tmp_path) as stage, tap, alice_with(tap.name, stage) as (alice, address):
        with stage.bob(address) as bob:
            bob.wait_for("block")
            bob.signal(SIGINT)
            his, hers = bob.end(), alice.end()
        assert (his.code, hers.code) == (0, 0), (his.err, hers.err)
        assert stage.equal_keys() >= 1
    said = [event["event"] for event in hers.events]
    assert said.index("source-counting") < said.index("listening")
    told = his.of("source")
    assert {event["needed_s"] for event in told} == {0.0}
    assert told[-1]["pulses"] >= 40_000_000
    assert not [event for event in his.of("alarm") if event["name"] == "source"]


def test_a_degraded_source_stops_both(tmp_path: Path) -> None:
    words = ("--source-tap", "--g2", 0.2, "--g2-from", "0:0.95", "--seed", 5)
    with role("virtual-board", *words) as tap, scene(tmp_path) as stage:
        port = tap.wait_for("port")["port"]
        with alice_with(port, stage) as (alice, address), stage.bob(address) as bob:
            his, hers = bob.end(), alice.end()
        stored = stage.equal_keys()
    assert (his.code, hers.code) == (5, 8), (his.err, hers.err)
    assert [event["name"] for event in hers.of("alarm")] == ["source"]
    assert "the alarm 'source' ended it" in his.err
    assert stored == len(his.of("block"))


def test_a_source_that_degrades_in_the_middle_ends_both_and_stays_ended(tmp_path: Path) -> None:
    """What was made before stays; nothing is made after, and not by connecting again either."""
    emitter = Emitter(0.2)
    tap = tapped(emitter)
    with scene(tmp_path) as stage, tap, alice_with(tap.name, stage, sessions=2) as served:
        alice, address = served
        with stage.bob(address) as bob:
            bob.wait_for("block")
            emitter.degrade(0.95)
            his = bob.end()
        with stage.bob(address) as bob:
            again, hers = bob.end(), alice.end()
        stored = stage.equal_keys()
    assert (his.code, again.code, hers.code) == (5, 5, 8), (his.err, again.err, hers.err)
    assert "the alarm 'source' ended it: g² at Alice's source may be as high as" in his.err
    assert his.of("block")[0]["source"]["coincidences"] >= 0
    assert stored == len(his.of("block")) >= 1
    assert not again.of("block")
    told = [event["event"] for event in hers.events]
    pending = told[told.index("alarm") :].count("block")
    assert pending <= 1  # what was pending when it came; the parties must not part over it
    verdicts = [
        event["coincidences"] / event["others"] * event["lags"] for event in his.of("source")
    ]
    assert max(verdicts) < 0.6


def test_without_a_stop_blocks_are_dropped_while_the_source_is_degraded(tmp_path: Path) -> None:
    tap = tapped(Emitter(0.95))
    with scene(tmp_path) as stage, tap, alice_with(tap.name, stage, stop="") as served:
        alice, address = served
        with stage.bob(address) as bob:
            bob.wait_for("dropped", 2)
            bob.signal(SIGINT)
            his, hers = bob.end(), alice.end()
        assert stage.equal_keys() == 0
    assert (his.code, hers.code) == (1, 0), (his.err, hers.err)
    assert "no block made a key: dropped were" in his.err
    for ended in (his, hers):
        assert set(ended.report["blocks"]["dropped"]) == {"source"}
        assert ended.report["secret_bits"] == 0
        assert [event["name"] for event in ended.of("alarm")] == ["source"]


def test_the_gate_is_changed_while_key_is_made(tmp_path: Path) -> None:
    """Another session follows with the new gate; its blocks hold nothing of the old one's."""
    paths = tmp_path / "alice.store", tmp_path / "bob.store"
    create_pair(*paths, 256, Seeded(1))
    chosen, hub, stop = preset("bench"), Hub(), threading.Event()
    events: list[dict[str, Any]] = []
    with ExitStack() as stack:
        link = chosen.link(5, start_offset_pulses=1000)
        record = tmp_path / "alice.record"
        writer = stack.enter_context(RecordWriter(record, record_statement(link)))
        board = VirtualBoard(RecordedLink(link, writer), baud=None)
        running = stack.enter_context(VirtualBoardThread(board))
        common: dict[str, Any] = {"session": {"block_bits": 40_000, "reconciler": "cascade"}}
        hers = {"alice_record": record, "store": paths[0], "listen": "127.0.0.1:0", "sessions": 1}
        address = _serve_alice(load(AliceSettings, None, {**hers, **common}, {}), stack)
        his = {"port": running.name, "peer": address, "store": paths[1]}
        settings = load(BobSettings, None, {**his, **common}, {})

        def heard(event: dict[str, Any]) -> None:
            events.append(event)
            made = [one["event"] for one in events if one["event"] in ("session", "block")]
            if event["event"] == "block":
                hub.ask(ChangeGate(1.0, 6.0))  # the second session has it, and goes on
                if made.count("session") > 1 and made[-2:] == ["block", "block"]:
                    stop.set()

        outcome = bob.run(settings, heard, stop, hub)
    assert outcome.ended_by is None
    found = compare(*paths)
    [earlier] = outcome.report["renewed"]
    assert (found.equal, found.common) == (
        True,
        earlier["blocks"]["ok"] + outcome.report["blocks"]["ok"],
    )
    assert (earlier["window"]["start_ticks"], earlier["window"]["width_ticks"]) == (50, 1000)
    window = outcome.report["window"]
    assert (window["start_ticks"], window["width_ticks"]) == (100, 600)
    runs = [event["run"] for event in events if event["event"] == "session"]
    assert len(set(runs)) == 2
    assert outcome.report["epsilon"]["total"] > earlier["epsilon"]["total"]
    shown = hub.latest()
    assert shown is not None
    assert shown.gate is not None
    assert shown.gate.start_ps == pytest.approx(1_000)
    last = max(block["end_s"] for block in earlier["history"])
    assert all(block["start_s"] >= last for block in outcome.report["history"])
