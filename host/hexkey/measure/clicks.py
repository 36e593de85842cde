"""Tags of any kind as clicks on one time axis, in ps: what the measurements are made on."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import InputError
from hexkey.tags.stream import TagFile, Tags

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clicks:
    """Clicks nearly in order.

    Attributes
    ----------
    channel : (n,) uint8
    time_ps : (n,) int64
    """

    channel: NDArray[np.uint8]
    time_ps: Times

    def __len__(self) -> int:
        return len(self.time_ps)

    def of(self, channel: int) -> Times:
        """Return the times of one channel."""
        return np.asarray(self.time_ps[self.channel == channel])


def clicks_of(file: TagFile) -> Callable[[Tags], Clicks]:
    """Return the function that makes clicks of this file's tags.

    A tick that is no whole number of ps is rounded to one; a T3 click is put at its pulse's number
    times the sync period, which keeps a ps over a quarter of an hour and differences of near clicks
    for longer.

    Raises
    ------
    InputError
        The file has pulse numbers, but does not say how long a pulse lasts.
    """
    if file.pulsed:
        if file.sync_period_ps is None or file.sync_period_ps <= 0:
            raise InputError(
                f"{file.path} numbers its pulses but does not state the sync period: of a CSV "
                "file, begin it with a line such as # sync_period_ps=12500"
            )
        period, tick_ps = float(file.sync_period_ps), float(file.tick_ps)
        whole = int(period)

        def pulsed(tags: Tags) -> Clicks:
            assert tags.pulse is not None
            # The whole ps apart, in integers: a product of floats would lose them in long runs.
            part = tags.pulse * (period - whole) + tags.ticks * tick_ps
            return Clicks(tags.channel, tags.pulse * whole + np.rint(part).astype(np.int64))

        return pulsed
    tick = Fraction(file.tick_ps)

    def free(tags: Tags) -> Clicks:
        if tick == 1:
            return Clicks(tags.channel, tags.ticks)
        if tick.denominator == 1:
            return Clicks(tags.channel, tags.ticks * tick.numerator)
        whole, rest = divmod(tags.ticks, tick.denominator)
        part = (rest * tick.numerator + tick.denominator // 2) // tick.denominator
        return Clicks(tags.channel, whole * tick.numerator + part)

    return free
