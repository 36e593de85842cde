"""Totals of g², which a readout copies at one time and which start anew with another pair."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hexkey.wire import LAGS
from hexkey_gateware.g2 import PAIR_BITS
from hexkey_gateware.link.sources import READOUT
from hexkey_gateware.totals import TOTAL_BITS, Totals

FAST, SYNC = "fast", "sync"
WORD_BITS = TOTAL_BITS // 2


class G2Totals(wiring.Component):
    """Counts coincidences of each lag and the pulses that were compared, for one pair.

    When `g2_pair` changes, nothing is counted from the clock after until all totals are 0; so none
    ever holds counts of two pairs. Pulses that were left out so are left out for all lags alike.

    A readout is of totals that were copied within `COPY_CLOCKS` for each, all of one pair. What is
    read out, and `pair` in the clock before the readout is asked for, belong together.

    Latency: the first word comes when all totals are copied; `start` waits for that of a clear
    before, too. Throughput: a word in 2 clocks. Back-pressure: while words wait, so does the next
    `start`, and nothing else.

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
    COPY_CLOCKS = 8

    def __init__(self, lags: int = len(LAGS)) -> None:
        self._totals = Totals([1] * (1 + lags))
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

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.totals = self._totals
        self._asks, self._done = Signal(), Signal()  # in `fast`, in `sync`
        self._counted_pair = Signal(PAIR_BITS)  # in `fast`
        self._words_left = Signal()
        self._copied = Signal()
        copy = Memory(shape=unsigned(WORD_BITS), depth=2 * self._count, init=[])
        m.submodules.copy = copy
        self._count_one_pair(m)
        self._serve(m, copy)
        self._say(m, copy)
        return m

    def _count_one_pair(self, m: Module) -> None:
        """Stop when the pair changes, and go on when the totals are 0."""
        done, pair = Signal(), self._counted_pair
        m.submodules.done = FFSynchronizer(self._done, done, o_domain=FAST)
        changes, again, counts = Signal(), Signal(), Signal()
        m.d[FAST] += pair.eq(self.g2_pair)
        m.d.comb += changes.eq(self._differs(pair))
        new = [self.pulses, *self.coincidences]
        for index, increment in enumerate(new):
            m.d.comb += self._totals.increments[str(index)].eq(increment & self._counts(counts))

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

    def _serve(self, m: Module, copy: Memory) -> None:
        """Copy and clear the totals, as it is asked for."""
        totals, at = self._totals, Signal(range(self._count))
        asked, for_pair = Signal(), Signal()
        m.submodules.asks = FFSynchronizer(self._asks, asked, o_domain=SYNC)
        write = copy.write_port(domain=SYNC)
        high = Signal()  # half of a total is to be copied
        m.d.comb += [
            totals.index.payload.eq(at),
            write.addr.eq(Cat(high, at)),
            write.data.eq(totals.value.payload.word_select(high, WORD_BITS)),
        ]
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

            with m.State("ASK"):
                m.d.comb += totals.index.valid.eq(1)
                with m.If(totals.index.ready):
                    m.next = "COPY"

            with m.State("COPY"):
                m.d.comb += [write.en.eq(totals.value.valid), totals.value.ready.eq(high)]
                with m.If(totals.value.valid):
                    m.d[SYNC] += high.eq(~high)
                with m.If(totals.value.valid & high):
                    m.d[SYNC] += at.eq(at + 1)
                    m.next = "ASK"
                    with m.If(at == self._count - 1):
                        m.d[SYNC] += at.eq(0)
                        m.d.comb += self._copied.eq(1)
                        m.next = "IDLE"

    def _take_last_start(self, m: Module) -> None:
        self._take_start(m)

    def _take_start(self, m: Module) -> None:
        m.d.comb += self.start.ready.eq(~self._words_left)
        with m.If(self.start.valid & self.start.ready):
            m.d[SYNC] += self._words_left.eq(1)
            m.next = "ASK"

    def _say(self, m: Module, copy: Memory) -> None:
        """Say the words of a copy."""
        read, last = copy.read_port(domain=SYNC), 2 * self._count - 1
        at = Signal(range(2 * self._count))
        m.d.comb += [
            read.addr.eq(at),
            read.en.eq(~self.words.valid),
            self.words.payload.data.eq(read.data),
            self.words.payload.last.eq(at == last),
        ]
        with m.FSM(domain=SYNC):
            with m.State("WAIT"):
                with m.If(self._copied):
                    m.next = "FETCH"

            with m.State("FETCH"):
                m.next = "SAY"

            with m.State("SAY"):
                m.d.comb += self.words.valid.eq(1)
                with m.If(self.words.ready):
                    m.d[SYNC] += at.eq(Mux(at == last, 0, at + 1))
                    m.next = "FETCH"
                    with m.If(at == last):
                        m.d[SYNC] += self._words_left.eq(0)
                        m.next = "WAIT"
