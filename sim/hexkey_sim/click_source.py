"""What stands before a board's pins."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class SomeClicks(Protocol):
    """Clicks as the link hands them out; both arrays have shape (n,)."""

    @property
    def time_ps(self) -> NDArray[np.int64]: ...
    @property
    def detector(self) -> NDArray[np.uint8]: ...


class ClickSource(Protocol):
    """What stands before the board's pins: `hexkey_sim.link.OpticalLink`, or a test."""

    def advance(self, pulses: int) -> SomeClicks:
        """Return the clicks of the next `pulses` pulses, times since the edge of pulse 0."""
