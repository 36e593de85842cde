"""A live session in one process: board, Alice and Bob as threads, as fast as the machine is."""

import queue
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hexkey.config import AliceSettings, BobSettings, load
from hexkey.party import alice, bob
from hexkey.randomness import Seeded
from hexkey.record import RecordWriter
from hexkey.store import create_pair
from hexkey_sim.board_runner import RecordedLink, VirtualBoardThread
from hexkey_sim.eve.specification import parse_eve
from hexkey_sim.link import record_statement
from hexkey_sim.link.presets import Preset
from hexkey_sim.roles import write_roles
from hexkey_sim.virtual_board import VirtualBoard


@dataclass
class Session:
    """What Bob said while it ran, and his report."""

    events: list[dict[str, Any]] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)

    def place(self, name: str) -> int:
        """Return where in the course of events the first of a name is."""
        return [event["event"] for event in self.events].index(name)


def live_session(chosen: Preset, spec: str, folder: Path, block_bits: int, until: str) -> Session:
    """Run a session until Bob says `until`."""
    paths = folder / "alice.store", folder / "bob.store"
    create_pair(*paths, 256, Seeded(1))
    hers, his = write_roles(chosen, block_bits, folder)
    link = chosen.link(5, eve=parse_eve(spec, chosen), start_offset_pulses=1000)
    session = Session()
    with ExitStack() as stack:
        record = stack.enter_context(RecordWriter(folder / "alice.record", record_statement(link)))
        board = VirtualBoard(
            RecordedLink(link, record),
            period_ps=chosen.parameters.period_ps,
            detectors=len(chosen.parameters.detectors),
            baud=None,
        )
        running = stack.enter_context(VirtualBoardThread(board))
        address = _serve_alice(
            load(
                AliceSettings,
                hers,
                {
                    "alice_record": folder / "alice.record",
                    "listen": "127.0.0.1:0",
                    "store": paths[0],
                    "sessions": 1,
                },
                {},
            ),
            stack,
        )
        overrides = {"port": running.name, "peer": address, "store": paths[1]}
        settings = load(BobSettings, his, overrides, {})
        stop = threading.Event()

        def heard(event: dict[str, Any]) -> None:
            session.events.append(event)
            if event["event"] == until:
                stop.set()

        session.report = bob.run(settings, heard, stop).report
    return session


def _serve_alice(settings: AliceSettings, stack: ExitStack) -> str:
    """Serve one session in a thread, awaited at the end of `stack`; return her address."""
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    thread = threading.Thread(target=alice.serve, args=(settings, events.put), daemon=True)
    thread.start()
    stack.callback(thread.join, 30)
    while (event := events.get(timeout=30))["event"] != "listening":
        pass
    return str(event["address"])
