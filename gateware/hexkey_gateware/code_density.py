"""Code density: how often each code of a delay line came, for calibration."""

from functools import reduce
from operator import or_

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hexkey_gateware.bin_counts import LEAST_ROWS, BinCounts
from hexkey_gateware.link.sources import READOUT
from hexkey_gateware.slot import CHANNELS, lane
from hexkey_gateware.tagger.encoder import code_layout

FAST, SYNC = "fast", "sync"

CLEARING_CLOCKS = 8
"""Of `sync`, in the middle of which the channel changes; a power of two."""


class CodeDensity(wiring.Component):
    """Counts the raw codes of one channel.

    Another channel begins at 0: within 2 clocks of `sync` no code is counted any more, and none
    until all rows are 0. A readout that had begun before gives zeros then; one that begins as
    `channel` changes, or later, has codes of the new channel only.

    Throughput a code a clock. If a code comes in each of 32 clocks, a word of a readout takes the
    place of one: the density misses it, whichever it is.

    Parameters
    ----------
    codes : int
    channels : int
        At most 7.

    Members
    -------
    codes : :py:`In(lane(code_layout(codes))).array(channels)`
        In `fast`.
    channel : :py:`In(3)`
        In `sync`: whose codes are counted; from `channels` on nobody's.
    start : :py:`In(stream.Signature(1))`
        In `sync`; its payload means nothing.
    words : :py:`Out(stream.Signature(READOUT))`
        In `sync`, one for each code.
    """

    def __init__(self, codes: int, channels: int = CHANNELS) -> None:
        self._codes, self._channels = codes, channels
        super().__init__(
            {
                "codes": In(lane(code_layout(codes))).array(channels),
                "channel": In(3),
                "start": In(stream.Signature(unsigned(1))),
                "words": Out(stream.Signature(READOUT)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.counts = counts = BinCounts(max(self._codes, LEAST_ROWS))
        chosen = self._choose(m, counts)
        rows, valid = [], Signal(self._channels)
        for channel, code in enumerate(self.codes):
            here = Signal(name=f"channel_{channel}_is_it")
            row = Signal.like(code.payload.code, name=f"row_{channel}", reset_less=True)
            m.d[FAST] += here.eq(chosen == channel)
            m.d[FAST] += row.eq(code.payload.code & here.replicate(len(row)))
            m.d[FAST] += valid[channel].eq(code.valid & here)
            rows.append(row)
        row = Signal.like(rows[0], name="row", reset_less=True)
        counted = Signal()
        m.d[FAST] += [row.eq(reduce(or_, rows)), counted.eq(valid.any())]
        m.d.comb += [counts.add.valid.eq(counted), counts.add.payload.row.eq(row)]

        m.d.comb += [
            counts.start.valid.eq(self.start.valid),
            self.start.ready.eq(counts.start.ready),
            counts.length.eq(self._codes),
        ]
        wiring.connect(m, counts.words, wiring.flipped(self.words))
        return m

    def _choose(self, m: Module, counts: BinCounts) -> Signal:
        """Clear the counts and change the channel meanwhile; return it.

        Its bits may arrive in `fast` in different clocks: nothing is counted then.
        """
        chosen, clearing = Signal(3, init=self._channels), Signal()
        left = Signal(range(CLEARING_CLOCKS))
        domain = m.d[SYNC]
        with m.If(clearing):
            domain += left.eq(left - 1)
            with m.If(left == CLEARING_CLOCKS // 2):
                domain += chosen.eq(self.channel)
            with m.If(left == 0):
                domain += clearing.eq(0)
        with m.Elif(chosen != self.channel):
            domain += [clearing.eq(1), left.eq(CLEARING_CLOCKS - 1)]
        m.submodules.clear = FFSynchronizer(clearing, counts.clear, o_domain=FAST)
        return chosen
