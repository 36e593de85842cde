"""The demonstration: four processes, and a fifth that compares.

The virtual board writes Alice's record and plays the receiver on a pseudo-terminal; Alice reads the
record; Bob reads the terminal; the two talk over TCP. This module only starts them and shows what
they say.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hexkey.errors import HexkeyError
from hexkey.randomness import OperatingSystem
from hexkey.store import create_pair
from hexkey_sim.dashboard import Dashboard
from hexkey_sim.fresh_folder import fresh_folder
from hexkey_sim.link.presets import Preset
from hexkey_sim.roles import write_roles

MARKER = ".hexkey-demo"
START_TIMEOUT_S = 30.0


class DemoError(HexkeyError):
    """A process of the demonstration failed; the sentence is its own."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What to demonstrate.

    Attributes
    ----------
    preset : Preset
        The optical link, its loss included.
    seconds : float
        Length of Bob's run.
    out : Path
        Folder for records, stores, reports and pictures; an earlier demonstration's is replaced.
    block_bits : int, optional
        `hexkey_sim.roles.BLOCK_BITS` if not given.
    eve : str, optional
        An eavesdropper on the line, as `hexkey_sim.eve.specification` reads it.
    channel_loss_db : float, optional
        Instead of the preset's.
    """

    preset: Preset
    seconds: float
    out: Path
    block_bits: int | None
    seed: int | None
    eve: str | None = None
    channel_loss_db: float | None = None


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    equal: bool
    comparison: str
    alice: dict[str, Any]
    bob: dict[str, Any]


def run_demo(settings: DemoSettings, dashboard: Dashboard) -> DemoOutcome:
    """Run the demonstration.

    Raises
    ------
    DemoError
        One of the processes failed.
    """
    out = fresh_folder(settings.out, MARKER)
    create_pair(out / "alice.store", out / "bob.store", 256, OperatingSystem())
    configs = write_roles(settings.preset, settings.block_bits, out)
    events: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
    with _process("board", _board(settings, out), events):
        port = _await(events, "board", "port", dashboard)["port"]  # Alice's record exists now
        with _process("alice", _alice(out, configs[0]), events) as alice:
            address = _await(events, "alice", "listening", dashboard)["address"]
            with _process("bob", _bob(settings, out, configs[1], port, address), events) as bob:
                reports = _watch(events, dashboard, {"alice": alice, "bob": bob})
    for role, report in reports.items():
        (out / f"{role}.json").write_text(json.dumps(report, indent=2) + "\n")
    equal, comparison = _compare(out)
    return DemoOutcome(equal, comparison, reports["alice"], reports["bob"])


def _hexkey(*words: object) -> list[str]:
    return [sys.executable, "-m", "hexkey", *map(str, words)]


def _board(settings: DemoSettings, out: Path) -> list[str]:
    words = ["virtual-board", "--preset", settings.preset.name, "--record", out / "alice.record"]
    if settings.seed is not None:
        words += ["--seed", settings.seed]
    if settings.eve is not None:
        words += ["--eve", settings.eve]
    if settings.channel_loss_db is not None:
        words += ["--channel-loss-db", settings.channel_loss_db]
    return _hexkey(*words, "--json-lines")


def _alice(out: Path, config: Path) -> list[str]:
    words = ["alice", "--config", config]
    words += ["--record", out / "alice.record", "--store", out / "alice.store"]
    words += ["--listen", "127.0.0.1:0", "--sessions", 1]
    return _hexkey(*words, "--json-lines")


def _bob(settings: DemoSettings, out: Path, config: Path, port: str, address: str) -> list[str]:
    words = ["bob", "--config", config, "--port", port, "--peer", address]
    words += ["--store", out / "bob.store", "--seconds", settings.seconds]
    words += ["--recording", out / "run.recording"]
    if find_spec("matplotlib"):
        words += ["--figures", out]
    return _hexkey(*words, "--json-lines")


@contextmanager
def _process(
    role: str, words: list[str], events: "queue.Queue[tuple[str, dict[str, Any]]]"
) -> Iterator["subprocess.Popen[str]"]:
    """Run a role; its JSON lines go to `events`, the end of its life as event ``exit``."""
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    reader = threading.Thread(target=_read, args=(role, process, events), daemon=True)
    reader.start()
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


def _read(
    role: str,
    process: "subprocess.Popen[str]",
    events: "queue.Queue[tuple[str, dict[str, Any]]]",
) -> None:
    assert process.stdout is not None
    assert process.stderr is not None
    for line in process.stdout:
        events.put((role, json.loads(line)))
    complaint = process.stderr.read().strip()
    events.put((role, {"event": "exit", "code": process.wait(), "complaint": complaint}))


def _await(
    events: "queue.Queue[tuple[str, dict[str, Any]]]",
    role: str,
    name: str,
    dashboard: Dashboard,
) -> dict[str, Any]:
    while True:
        try:
            found, event = events.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            raise DemoError(f"{role} did not start within {START_TIMEOUT_S:g} s.") from None
        _fail_on_exit(found, event)
        dashboard.show(found, event)
        if (found, event["event"]) == (role, name):
            return event


def _watch(
    events: "queue.Queue[tuple[str, dict[str, Any]]]",
    dashboard: Dashboard,
    awaited: dict[str, "subprocess.Popen[str]"],
) -> dict[str, dict[str, Any]]:
    """Show events until all of `awaited` ended well; return their reports."""
    reports: dict[str, dict[str, Any]] = {}
    ended: set[str] = set()
    while ended != set(awaited):
        role, event = events.get()
        if event["event"] == "exit" and role in awaited and event["code"] == 0:
            ended.add(role)
            continue
        _fail_on_exit(role, event)
        if event["event"] == "report":
            reports[role] = event["report"]
        dashboard.show(role, event)
    return reports


def _fail_on_exit(role: str, event: dict[str, Any]) -> None:
    if event["event"] == "exit":
        sentence = event["complaint"].splitlines()[-1] if event["complaint"] else "no reason given"
        raise DemoError(f"{role} ended with code {event['code']}: {sentence}")


def _compare(out: Path) -> tuple[bool, str]:
    """Let a third process open both stores and say whether the keys are equal."""
    found = subprocess.run(
        _hexkey("keys", "compare", out / "alice.store", out / "bob.store"),
        capture_output=True,
        text=True,
        check=False,
    )
    return found.returncode == 0, (found.stdout or found.stderr).strip()
