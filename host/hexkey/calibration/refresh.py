"""Tables that follow the temperature while a board runs: densities in, entries to write out.

The clicks themselves are the hits, one channel after the other. A turn gathers a channel's
densities, one a second; what they say is merged with what was known, if it is believed at all
(`hexkey.calibration.growth`). No I/O; time is counted in densities.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hexkey.calibration.growth import check_entries, check_growth, growth
from hexkey.calibration.line import (
    MIN_HITS,
    Counts,
    calibrate,
    check_agreement,
    check_density,
    merge,
)
from hexkey.calibration.tables import BoardTables, ChannelTable, now, table_words
from hexkey.errors import CalibrationError
from hexkey.wire import CodeDensity, Identification
from hexkey.wire.channels import Source

LEAST_HITS = 100_000
"""With fewer hits in a turn, a channel's table stays as it is."""

SHORTEST_S, LONGEST_S = 10, 300
"""Of a turn, in densities. A source with an offset of 10^-6 passes 2000 clocks in the shortest."""

PROBE_S = 5
"""After so many densities it is seen whether a channel has clicks enough for a turn."""

WEIGHT = 2 * MIN_HITS
"""What a merged density sums up to, however many clicks there were: that number is nobody's."""

NEWEST_SHARE = 0.5
"""Of a merged density, at most; with fewer than `MIN_HITS` hits it is less in proportion."""


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """What came of a channel's turn.

    Attributes
    ----------
    channel : int
    words : tuple of int
        For the register `table_entry`: the entries that changed.
    refreshed : bool
    refused : CalibrationError or None
        Why the table stays as it is; without a reason the channel had too few clicks.
    ends_round : bool
        All channels have had their turn.
    """

    channel: int
    words: tuple[int, ...] = ()
    refreshed: bool = False
    refused: CalibrationError | None = None
    ends_round: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Refresh:
    """Where a refresh stands.

    Attributes
    ----------
    tables : BoardTables
        As they are now.
    tick_ps : Fraction
    channel : int
        Whose turn it is: whose codes the board shall count.
    gathered : tuple of (codes,) float64
        The turn's densities.
    begun : bool
        The turn's first density, which is not of a whole second, has come.
    """

    tables: BoardTables
    tick_ps: Fraction
    channel: int
    gathered: tuple[Counts, ...] = field(default=(), repr=False)
    begun: bool = False

    @classmethod
    def of(cls, tables: BoardTables, board: Identification) -> "Refresh | None":
        """Return the beginning; None if there is no table to refresh."""
        if not tables.channels:
            return None
        return cls(tables, board.tick_ps, min(tables.channels))

    def take(self, density: CodeDensity) -> "tuple[Refresh, Turn | None]":
        """Take a density; return how it goes on, and what came of the turn if it is over."""
        if density.channel != self.channel or density.source is not Source.PIN:
            return self, None
        if not self.begun:
            return replace(self, begun=True), None
        gathered = (*self.gathered, density.counts.astype(np.float64))
        seconds, hits = len(gathered), float(sum(each.sum() for each in gathered))
        if seconds == PROBE_S and hits < LEAST_HITS * PROBE_S / LONGEST_S:
            return self._next(Turn(self.channel))
        if seconds < SHORTEST_S or (hits < MIN_HITS and seconds < LONGEST_S):
            return replace(self, gathered=gathered), None
        if hits < LEAST_HITS:
            return self._next(Turn(self.channel))
        return self._judge(gathered)

    def _judge(self, gathered: tuple[Counts, ...]) -> "tuple[Refresh, Turn]":
        channel, table = self.channel, self.tables.channels[self.channel]
        try:
            fresh = refreshed_table(table, gathered, self.tables.clock_ps, self.tick_ps)
        except CalibrationError as refused:
            return self._next(Turn(channel, refused=refused))
        was = table.current.fine_ticks
        words = table_words(channel, fresh.fine_ticks, np.flatnonzero(fresh.fine_ticks != was))
        tables = self.tables.with_refreshed(channel, fresh)
        return replace(self, tables=tables)._next(Turn(channel, tuple(words), refreshed=True))

    def _next(self, turn: Turn) -> "tuple[Refresh, Turn]":
        channels = sorted(self.tables.channels)
        place = (channels.index(self.channel) + 1) % len(channels)
        following = replace(self, channel=channels[place], gathered=(), begun=False)
        return following, replace(turn, ends_round=place == 0)


def refreshed_table(
    table: ChannelTable, gathered: tuple[Counts, ...], clock_ps: float, tick_ps: Fraction
) -> ChannelTable:
    """Return what a turn's densities, two or more, make of a table.

    Raises
    ------
    CalibrationError
        The hits were not uniform, or the table would move further than a line can.
    """
    half = len(gathered) // 2
    first, second = sum_of(gathered[:half]), sum_of(gathered[half:])
    newest = first + second
    if newest.shape != table.density.shape:
        raise CalibrationError(
            "codes", f"the board counts {len(newest)} codes, its table has {len(table.density)}"
        )
    check_density(newest, LEAST_HITS)
    check_agreement(first, second, clock_ps)
    found = growth(table.density, newest, clock_ps)
    check_growth(found)
    share = min(NEWEST_SHARE, float(newest.sum()) / WEIGHT)
    merged = merge(
        _weighing(table.current.density, WEIGHT), _weighing(newest, share * WEIGHT), 1 - share
    )
    fine_ticks = calibrate(merged, clock_ps, min_hits=MIN_HITS).fine_ticks(tick_ps)
    check_entries(table.fine_ticks, fine_ticks, tick_ps)
    return ChannelTable(now(), table.tap_ps * found.factor, merged, fine_ticks)


def sum_of(densities: tuple[Counts, ...]) -> Counts:
    """Return the sum of densities, one or more."""
    return np.asarray(np.sum(densities, axis=0), np.float64)


def _weighing(density: NDArray[np.float64], total: float) -> Counts:
    return density * (total / float(density.sum()))
