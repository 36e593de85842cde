"""Totals of g², which a readout copies at one time and which start anew with another pair."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hexkey.wire import LAGS
from hexkey_gateware.g2 import PAIR_BITS
from hexkey_gateware.link.sources import READOUT
from hexkey_gateware.total_rows import HALVES
from hexkey_gateware.totals import Totals

FAST, SYNC = "fast", "sync"


class G2Totals(wiring.Component):
    """Counts coincidences of each lag and the pulses that were compared, for one pair.

    When `g2_pair` changes, nothing is counted from 3 clocks after until all totals are 0; so none
    ever holds counts of two pairs. Pulses that were left out so are left out for all lags alike.

    A readout is of a copy of all totals, all of one pair and of one time: each as of its last visit
    in `TotalRows`, less than a round ago. What is read out, and `pair` in the clock before the
    readout is asked for, belong together.

    Latency: the first word is there at most ``2 * answer_clocks`` after `start` was taken, which
    waits for a clear. Throughput: a word in at most ``answer_clocks + 1``, but for a clear between
    two. Back-pressure: while words are left, so waits the next `start`, and nothing else.

    Both domains must be reset together.

    Parameters
    ----------
    lags : int

    Members
    -------
    coincidences : :py:`In(lags)`
        In `fast`, like the next two: to count, in any clock.
    pulses : :py:`In(1)`
    g2_pair : :py:`In(4)`
        Setting. What comes in within `LATE_CLOCKS` after a change may be of the pair before.
    clear, cleared : :py:`In(1), Out(1)`
        In `sync`, as all below; see `Totals`.
    start : :py:`In(stream.Signature(1))`
    words : :py:`Out(stream.Signature(READOUT))`
        Two for each total: the pulses, then the lags in order.
    pair : :py:`Out(4)`
        That the totals are of.
    """

    LATE_CLOCKS = 30  # of `fast`; nothing is counted for much longer

    def __init__(self, lags: int = len(LAGS)) -> None:
        self._totals = self._totalling([1] * (1 + lags))
        self._count = 1 + lags
        super().__init__(
            {
                "coincidences": In(lags),
                "pulses": In(1),
                "g2_pair": In(PAIR_BITS),
                "clear": In(1),
                "cleared": Out(1),
                "start": In(stream.Signature(unsigned(1))),
                "words": Out(stream.Signature(READOUT)),
                "pair": Out(PAIR_BITS),
            }
        )

    def _totalling(self, widths: Sequence[int]) -> Totals:
        return Totals(widths, copies=True)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.totals = self._totals
        self._asks, self._done = Signal(), Signal()  # in `fast`, in `sync`
        self._counted_pair = Signal(PAIR_BITS)  # in `fast`
        self._reading = Signal()  # words are left
        self._copied = Signal()
        self._count_one_pair(m)
        self._serve(m)
        self._say(m)
        return m

    def _count_one_pair(self, m: Module) -> None:
        """Stop when the pair changes, and go on when the totals are 0."""
        done, pair = Signal(), self._counted_pair
        m.submodules.done = FFSynchronizer(self._done, done, o_domain=FAST)
        changes, again, counts = Signal(), Signal(), Signal()
        m.d[FAST] += pair.eq(self.g2_pair)
        m.d[FAST] += changes.eq(self._differs(pair))
        m.d.comb += self._totals.increments.eq(Cat(self.pulses, self.coincidences))
        m.d.comb += self._totals.ignore.eq(~self._counts(counts))

        with m.FSM(domain=FAST):
            with m.State("COUNT"):
                m.d.comb += counts.eq(1)
                with m.If(changes):
                    m.d[FAST] += self._asks.eq(1)
                    m.next = "ASK"

            with m.State("ASK"):
                m.d[FAST] += again.eq(again | changes)
                with m.If(done):
                    m.d[FAST] += self._asks.eq(0)
                    m.next = "RETURN"

            with m.State("RETURN"):
                m.d[FAST] += again.eq(again | changes)
                with m.If(~done):
                    m.next = "COUNT"
                    with m.If(again | changes):
                        m.d[FAST] += [self._asks.eq(1), again.eq(0)]
                        m.next = "ASK"

    def _differs(self, pair: Signal) -> Value:
        return pair != self.g2_pair

    def _counts(self, counts: Signal) -> Value:
        return counts

    def _serve(self, m: Module) -> None:
        """Copy and clear the totals, as it is asked for."""
        totals, asked, for_pair = self._totals, Signal(), Signal()
        m.submodules.asks = FFSynchronizer(self._asks, asked, o_domain=SYNC)
        with m.If(~asked):
            m.d[SYNC] += self._done.eq(0)

        with m.FSM(domain=SYNC):
            with m.State("IDLE"):
                self._take_start(m)
                with m.If(~(self.start.valid & self.start.ready)):
                    with m.If(asked & ~self._done):
                        # It has held still since it asked; if not, it will ask again.
                        m.d[SYNC] += [self.pair.eq(self._counted_pair), for_pair.eq(1)]
                        m.next = "LAST START"
                    with m.Elif(self.clear):
                        m.d[SYNC] += for_pair.eq(0)
                        m.next = "CLEAR"

            # Whoever saw the pair of before asks now at the latest.
            with m.State("LAST START"):
                m.next = "CLEAR"
                self._take_last_start(m)

            with m.State("CLEAR"):
                m.d.comb += totals.clear.eq(1)
                with m.If(totals.cleared):
                    m.next = "CLEARED"
                    with m.If(for_pair):
                        m.d[SYNC] += self._done.eq(1)
                        m.next = "IDLE"

            with m.State("CLEARED"):
                m.d.comb += self.cleared.eq(1)
                with m.If(~self.clear):
                    m.next = "IDLE"

            with m.State("COPY"):
                with m.If(self._copied):
                    m.next = "IDLE"

    def _take_last_start(self, m: Module) -> None:
        self._take_start(m)

    def _take_start(self, m: Module) -> None:
        m.d.comb += self.start.ready.eq(~self._reading)
        with m.If(self.start.valid & self.start.ready):
            m.d[SYNC] += self._reading.eq(1)
            m.next = "COPY"

    def _say(self, m: Module) -> None:
        """Ask for one word after the other, and say it."""
        totals, last = self._totals, HALVES * self._count - 1
        at, asked = Signal(totals.index.payload.shape()), Signal()
        m.d.comb += [
            totals.index.valid.eq(self._reading & ~asked),
            totals.index.payload.eq(at),
            totals.value.ready.eq(self.words.ready),
            self._copied.eq(totals.value.valid & (at == 0)),
            self.words.valid.eq(totals.value.valid),
            self.words.payload.data.eq(totals.value.payload),
            self.words.payload.last.eq(at == last),
        ]
        with m.If(totals.index.valid & totals.index.ready):
            m.d[SYNC] += asked.eq(1)
        with m.If(self.words.valid & self.words.ready):
            m.d[SYNC] += [asked.eq(0), at.eq(at + 1)]
            with m.If(self.words.payload.last):
                m.d[SYNC] += [at.eq(0), self._reading.eq(0)]
