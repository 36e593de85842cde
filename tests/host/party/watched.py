"""A role that is watched, on a clock that the test moves."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hexkey.monitor import state as monitor_state
from hexkey.monitor.hub import Hub
from hexkey.monitor.state import MonitorState
from hexkey.monitor.views import About
from hexkey.party import watching as party_watching
from hexkey.party.watching import Watching
from hexkey.randomness import Seeded
from hexkey.store import Store, create_pair

ABOUT = About("bench", "b92", 10.0, 25_000.0, 24_000.0, 0.11, 1e-6, 4_000)


@dataclass
class Clock:
    """Instead of the module `time`."""

    now_s: float = 1_000.0

    def monotonic(self) -> float:
        return self.now_s

    def time(self) -> float:
        return 1.7e9 + self.now_s


@dataclass
class Scene:
    """What is watched, and what was told of it."""

    watching: Watching
    hub: Hub
    clock: Clock
    store: Store
    told: list[dict[str, Any]] = field(default_factory=list)

    def names(self) -> list[str]:
        return [event["event"] for event in self.told]

    def later(self, seconds: float) -> None:
        """Let time pass, and look as often as a board's thread does."""
        end_s = self.clock.now_s + seconds
        while self.clock.now_s < end_s:
            self.clock.now_s = min(end_s, self.clock.now_s + 0.25)
            self.watching.look()


def scene(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop: tuple[str, ...] = (),
    tag_keys: int = 40,
) -> Scene:
    paths = folder / "alice.store", folder / "bob.store"
    create_pair(*paths, tag_keys, Seeded(1))
    clock, hub, store = Clock(), Hub(), Store.open(paths[1])
    monkeypatch.setattr(monitor_state, "time", clock)
    monkeypatch.setattr(party_watching, "time", clock)
    told: list[dict[str, Any]] = []
    watching = Watching(MonitorState(ABOUT), told.append, stop, store, hub)
    return Scene(watching, hub, clock, store, told)
