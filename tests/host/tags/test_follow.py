"""Files that still grow: nothing is read twice or half, and it ends when asked to."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.host.tags import writers

from hexkey.tags import TagFile, Tags, Waiting, open_tags

Growth = tuple[bytes, list[tuple[int, int]]]


def growing(kind: str, folder: Path) -> Growth:
    """Return a whole file's bytes and its clicks."""
    generator = np.random.default_rng(5)
    times = np.cumsum(generator.integers(1, 10**7, 300)).tolist()
    clicks = [(1 + place % 4, time) for place, time in enumerate(times)]
    path = folder / "whole"
    if kind == "ptu":
        writers.ptu(path, writers.HYDRA2_T2, writers.hydra_t2(clicks), stated=3)
    elif kind == "qutag":
        writers.qutag(path, clicks)
    elif kind == "sfifteen":
        writers.sfifteen(path, [(time, 1 << channel - 1) for channel, time in clicks])
    else:
        rows = [f"{time},{channel}" for channel, time in clicks]
        path.write_text("\n".join(["time_ps,channel", *rows, ""]))
    return path.read_bytes(), clicks


@pytest.mark.parametrize("kind", ["ptu", "qutag", "sfifteen", "csv"])
def test_each_detection_comes_once_and_whole(kind: str, tmp_path: Path) -> None:
    data, clicks = growing(kind, tmp_path)
    path = tmp_path / "growing"
    # In steps that cut records anywhere; the last step is of a record that stays unfinished.
    cuts = [len(data) - 900, len(data) - 611, len(data) - 610, len(data) - 7, len(data) - 3]
    path.write_bytes(data[: cuts[0]])

    def grow(start: int, end: int) -> None:
        with path.open("ab") as out:
            out.write(data[start:end])

    steps: list[Callable[[], None]] = [partial(grow, *pair) for pair in pairwise(cuts)]
    waiting = _Steps(work=steps)
    found = list(open_tags(path, waiting=waiting).chunks(follow=True))
    seen = [
        (channel, time)
        for part in found
        for channel, time in zip(part.channel.tolist(), part.ticks.tolist(), strict=True)
    ]
    assert seen == clicks[: len(seen)]
    assert 0 < len(clicks) - len(seen) <= 2
    assert found[-1].left_out.keys() == {"cut"}


@dataclass(frozen=True)
class _Steps(Waiting):
    """Looks again as often as there is something to be done before it, and never sleeps."""

    work: list[Callable[[], None]] = field(default_factory=list)

    def wait(self, since_s: float) -> bool:
        if not self.work:
            return False
        self.work.pop(0)()
        return True


def test_an_event_and_idling_end_it(tmp_path: Path) -> None:
    path = writers.qutag(tmp_path / "x", [(1, 3)])
    stop = threading.Event()
    stop.set()
    assert _count(open_tags(path, waiting=Waiting(stop))) == 1
    assert _count(open_tags(path, waiting=Waiting(idle_s=0.0, poll_s=0.0))) == 1


def _count(file: TagFile) -> int:
    parts: list[Tags] = list(file.chunks(follow=True))
    return sum(map(len, parts))
