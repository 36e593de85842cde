"""One word at a time from one clock domain to another."""

from amaranth.hdl import Module, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out


class Handover(wiring.Component):
    """Hands each word over once, whole, in order.

    A word waits in a register that holds still, while a bit that changes with each word goes to the
    other side, and comes back when the word was taken there.

    Latency: a word is at ``o`` after 1 clock of its own domain and at most 3 of the other.
    Throughput: one at a time; ``i`` is ready again at most 4 of its clocks after the word was taken
    from ``o``. Back-pressure: ``o`` may wait for ever.

    Both domains must be reset together.

    Parameters
    ----------
    shape : shape-like
        Of a word.
    from_domain, to_domain : str

    Members
    -------
    i : :py:`In(stream.Signature(shape))`
        In `from_domain`; `ready` does not depend on `valid`.
    o : :py:`Out(stream.Signature(shape))`
        In `to_domain`.
    """

    THERE_CLOCKS = 3  # of the other domain, until a word is seen there
    BACK_CLOCKS = 4  # of its own domain, until the next may follow

    def __init__(
        self, shape: ShapeLike, *, from_domain: str = "fast", to_domain: str = "sync"
    ) -> None:
        self._from_domain, self._to_domain = from_domain, to_domain
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})
        self._word = Signal.like(self.i.payload, reset_less=True)
        self._offered, self._offered_there = Signal(), Signal()
        self._taken, self._taken_there = Signal(), Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        here, there = self._from_domain, self._to_domain
        self._cross(m, self._offered, self._offered_there, there)
        self._cross(m, self._taken, self._taken_there, here)

        m.d.comb += self.i.ready.eq(self._is_free())
        with m.If(self.i.valid & self.i.ready):
            m.d[here] += [self._word.eq(self.i.payload), self._offered.eq(~self._offered)]

        m.d.comb += self.o.valid.eq(self._offered_there != self._taken)
        m.d.comb += self.o.payload.eq(self._word)
        with m.If(self.o.valid & self.o.ready):
            m.d[there] += self._taken.eq(~self._taken)
        return m

    def _cross(self, m: Module, here: Signal, there: Signal, domain: str) -> None:
        m.submodules += FFSynchronizer(here, there, o_domain=domain)

    def _is_free(self) -> Value:
        return self._offered == self._taken_there
