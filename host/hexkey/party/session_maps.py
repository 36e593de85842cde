"""Maps of a session: of the clicks that it disclosed, in the gate and outside.

Two threads meet here: the one that distils (`add`) and the one that reads the board (`view`).
"""

import threading
import time
from fractions import Fraction

from hexkey.monitor.snapshot import MapView
from hexkey.party.map_view import map_of, view_of
from hexkey.placed import DisclosedClicks
from hexkey.receiver import Receiver

DRAWN_EVERY_S = 1.0


class SessionMaps:
    """Grows with the blocks that make a key, whatever their gate: both shares are the same.

    After a change of gate it grows on. Only the sifted rate is then of the new gate's run alone.

    Raises
    ------
    ConfigurationError
        The board's ticks or its period do not fit the grid.
    """

    def __init__(self, tick_ps: Fraction, period_ticks: int) -> None:
        self._lock = threading.Lock()
        self._map = map_of(tick_ps, period_ticks)
        self._disclosed = 0
        self._due_s = 0.0

    def add(self, clicks: DisclosedClicks) -> None:
        """Take what was disclosed of a block whose transcript both sides have confirmed."""
        with self._lock:
            self._map.add_disclosed(clicks.phases, clicks.wrong)
            self._disclosed += len(clicks.wrong)

    def due(self) -> bool:
        """Tell, once a second and not before anything was disclosed, that it is time to draw."""
        now_s = time.monotonic()
        if now_s < self._due_s or not self._disclosed:
            return False
        self._due_s = now_s + DRAWN_EVERY_S
        return True

    def view(self, receiver: Receiver) -> MapView | None:
        """Return the maps by now; None before the board sent its first histogram."""
        with self._lock:
            return view_of(self._map, receiver)
