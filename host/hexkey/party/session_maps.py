"""Maps of a session: of clicks outside its gate, which it disclosed, and of some in it.

In the gate they are the sample's with B92; with BB84 all, by what correction found of them.

Two threads meet here: the one that distils (`add`) and the one that reads the board (`view`).
"""

import threading
import time
from fractions import Fraction
from typing import Protocol

from hexkey.maps.live import LiveMap
from hexkey.maps.live_bb84 import LiveBb84Map
from hexkey.monitor.snapshot import MapView
from hexkey.party.map_view import grid, view_of, view_with_arrivals
from hexkey.placed import Bb84Clicks, DisclosedClicks, MapClicks
from hexkey.receiver import Receiver
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.parameters import SessionParameters

DRAWN_EVERY_S = 1.0


class Growing(Protocol):
    """What a protocol makes of clicks."""

    def add(self, clicks: MapClicks, terms: Bb84Terms | None) -> None:
        """Take a block's, with the terms of its session where it is of BB84."""

    def view(self, receiver: Receiver) -> MapView | None:
        """Return what there is to be seen by now; None if there is nothing."""


class B92Maps:
    """Grows with samples; the sifted rate is from the board's histogram."""

    def __init__(self, tick_ps: Fraction, period_ticks: int) -> None:
        self._lock = threading.Lock()
        self._map = LiveMap(grid(tick_ps, period_ticks), tick_ps)

    def add(self, clicks: MapClicks, terms: Bb84Terms | None) -> None:
        assert isinstance(clicks, DisclosedClicks)
        with self._lock:
            self._map.add_disclosed(clicks.phases, clicks.wrong)

    def view(self, receiver: Receiver) -> MapView | None:
        with self._lock:
            return view_with_arrivals(self._map, receiver)


class Bb84Maps:
    """Grows with whole blocks, and is drawn with each: the board cannot wait for so long."""

    def __init__(self, tick_ps: Fraction, period_ticks: int, parameters: SessionParameters) -> None:
        self._map = LiveBb84Map(grid(tick_ps, period_ticks), tick_ps, parameters)
        self._seen: MapView | None = None

    def add(self, clicks: MapClicks, terms: Bb84Terms | None) -> None:
        assert isinstance(clicks, Bb84Clicks)
        assert terms is not None
        self._map.add(clicks)
        rates = self._map.rates(terms)
        self._seen = None if rates is None else view_of(rates)

    def view(self, receiver: Receiver) -> MapView | None:
        return self._seen


class SessionMaps:
    """Grows with the blocks that make a key, whatever their gate: both shares are the same.

    After a change of gate it grows on. With B92 only the sifted rate is then of the new gate's run
    alone.

    Raises
    ------
    ConfigurationError
        The board's ticks or its period do not fit the grid.
    """

    def __init__(self, tick_ps: Fraction, period_ticks: int, parameters: SessionParameters) -> None:
        self._growing: Growing
        if parameters.protocol == "bb84":
            self._growing = Bb84Maps(tick_ps, period_ticks, parameters)
        else:
            self._growing = B92Maps(tick_ps, period_ticks)
        self._grown = False
        self._due_s = 0.0

    def add(self, clicks: MapClicks, terms: Bb84Terms | None = None) -> None:
        """Take what is known of a block whose transcript both sides have confirmed.

        With BB84 the terms of its session, too.
        """
        self._growing.add(clicks, terms)
        self._grown = True

    def due(self) -> bool:
        """Tell, once a second and not before anything is known, that it is time to draw."""
        now_s = time.monotonic()
        if now_s < self._due_s or not self._grown:
            return False
        self._due_s = now_s + DRAWN_EVERY_S
        return True

    def view(self, receiver: Receiver) -> MapView | None:
        """Return the maps by now; None with B92 before the board sent its first histogram."""
        return self._growing.view(receiver)
