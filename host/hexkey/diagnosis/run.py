"""A short run of a board, and all that it said in it."""

import secrets
import time
from dataclasses import dataclass, field

import numpy as np

from hexkey.board import Board
from hexkey.errors import DeviceError
from hexkey.events import Events
from hexkey.receiver import stream_facts
from hexkey.wire import Counters, Frame, Kind, Marker, Pairs, Status, unpack_events

COUNTERS_S = 0.1
"""Between two COUNTERS frames, by the board's clock."""

PATIENCE = 3.0
"""A run may take so many times as long as it should, and 2 s."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a board said from its start to its stop.

    Attributes
    ----------
    counters : list of Counters
        A tenth of a second apart; the last one was sent after everything else.
    pairs : Pairs
        The last.
    events : Events
        Of all epochs.
    epochs : int
    statuses : list of Status
    markers : int
    link : dict of str to int
        What the link lost meanwhile.
    """

    counters: list[Counters]
    pairs: Pairs
    events: Events = field(repr=False)
    epochs: int
    statuses: list[Status]
    markers: int
    link: dict[str, int]

    @property
    def total(self) -> Counters:
        return self.counters[-1]

    @property
    def seconds(self) -> float:
        """Of the board's time, from the first counters to the last but one."""
        return COUNTERS_S * (len(self.counters) - 2)

    def rate_hz(self, name: str) -> float:
        """Return how fast a counter grew in `seconds`."""
        first, last = self.counters[0], self.counters[-2]
        return float(getattr(last, name) - getattr(first, name)) / self.seconds


def run_for(board: Board, seconds: float) -> Run:
    """Let a board run so long, by its own clock.

    Raises
    ------
    DeviceError
        If it sends no counters.
    """
    before = stream_facts(board.statistics)
    wanted = max(2, round(seconds / COUNTERS_S) + 1)
    run = secrets.randbelow(2**32 - 1) + 1
    board.arm(run)
    frames: list[Frame] = []
    deadline = time.monotonic() + PATIENCE * seconds + 2
    while _count(frames, Kind.COUNTERS) < wanted and time.monotonic() < deadline:
        frames += [frame for frame in board.frames(0.1) if frame.header.run == run]
    board.stop()
    frames += [frame for frame in board.frames(0.0) if frame.header.run == run]
    if _count(frames, Kind.COUNTERS) < wanted:
        raise DeviceError(f"the board at {board.name} sends no counters: reset it")
    after = stream_facts(board.statistics)
    return _sorted(frames, {name: after[name] - before[name] for name in after})


def _count(frames: list[Frame], kind: Kind) -> int:
    return sum(frame.header.kind is kind for frame in frames)


def _sorted(frames: list[Frame], link: dict[str, int]) -> Run:
    def bodies(kind: Kind) -> list[bytes]:
        return [frame.body for frame in frames if frame.header.kind is kind]

    events = [
        unpack_events(frame.body, frame.header.pulse, frame.header.record_bytes)
        for frame in frames
        if frame.header.kind is Kind.EVENTS
    ]
    return Run(
        [Counters.decode(body) for body in bodies(Kind.COUNTERS)],
        Pairs.decode(bodies(Kind.PAIRS)[-1]),
        Events.concatenate(events) if events else Events.empty(),
        len({frame.header.epoch for frame in frames}),
        [Status.decode(body) for body in bodies(Kind.STATUS)],
        len([Marker.decode(body) for body in bodies(Kind.MARKER)]),
        link,
    )


def clicks_in(events: Events) -> int:
    """Return how many detectors clicked in all events together."""
    return int(np.unpackbits(events.mask).sum())
