"""The event FIFO: the oldest stay, the newest are dropped, and every drop is told once."""

import numpy as np

from hexkey.events import Events
from hexkey_sim.golden.fifo import Dropped, EventFifo


def events(*pulses: int) -> Events:
    nothing = np.zeros(len(pulses), np.uint8)
    return Events(np.array(pulses, np.uint64), nothing.astype(np.uint32), nothing + 1, nothing)


def test_full_fifo_drops_the_newest_and_says_which() -> None:
    fifo = EventFifo(3)
    fifo.push(events(1, 2))
    fifo.push(events(5, 8, 13))
    fifo.push(events(21))
    assert fifo.waiting().pulse.tolist() == [1, 2, 5]
    assert fifo.take_dropped() == Dropped(8, 21, 3)
    assert fifo.take_dropped() is None
    assert fifo.dropped == 3


def test_room_comes_back_when_events_leave() -> None:
    fifo = EventFifo(2)
    fifo.push(events(1, 2))
    fifo.remove(1)
    fifo.push(events(3, 4))
    assert fifo.waiting().pulse.tolist() == [2, 3]
    assert fifo.take_dropped() == Dropped(4, 4, 1)


def test_blocked_fifo_takes_nothing() -> None:
    fifo = EventFifo(9)
    fifo.push(events(7), blocked=True)
    assert len(fifo) == 0
    assert fifo.take_dropped() == Dropped(7, 7, 1)
