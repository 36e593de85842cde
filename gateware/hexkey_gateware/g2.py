"""Pulsed g²: in how many pulses two detectors clicked, some pulses apart."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey.wire import LAGS
from hexkey_gateware.slot import CLICK, SLOT, lane

MAX_LAG = LAGS[-1]
PAIR_BITS = 4
WHOLE = 1  # pulses that may get clicks when another begins


class G2(wiring.Component):
    """Counts pulses k in which detector a clicked while b clicked in pulse k + lag, for each lag.

    Every start is compared with every stop (of an HBT pair: a at one output, b at the other), in
    raw pulses: no gate, no hold-off, no resolver. Several clicks of a detector in a pulse are one.
    Only pulses whose neighbours to both sides belong to the same epoch are starts, so that `pulses`
    is the number of pairs of pulses that were looked at for every lag alike.

    A pulse is compared when the one 18 pulses later begins, 3 clocks after the slot in which it
    does; throughput a slot a clock, no back-pressure.

    Members
    -------
    clicks : :py:`In(lane(CLICK)).array(4)`
    slot : :py:`In(SLOT)`
        Theirs; `since` and `since_before` are not looked at.
    g2_pair : :py:`In(4)`
        Setting: detector a in bits 0 and 1, b in bits 2 and 3. A change starts an epoch here.
    coincidences : :py:`Out(33)`
        Pulses to count, a bit for each lag from -16 to 16; set in at most every second clock.
    pulses : :py:`Out(1)`
        Starts that were compared, with or without a click.
    """

    LATENCY = 3

    clicks: In(lane(CLICK)).array(DETECTORS)
    slot: In(SLOT)
    g2_pair: In(PAIR_BITS)
    coincidences: Out(len(LAGS))
    pulses: Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pair = Signal(PAIR_BITS)
        m.d.sync += pair.eq(self.g2_pair)
        edge, whole = self._follow(m, pair != self.g2_pair)

        # Of the latest pulse, the one before, and so on. Of what is there when a pulse begins, all
        # but number 0 is whole: clicks that follow are of the pulse that begins or of the latest.
        starts = Signal(WHOLE + MAX_LAG + 1, reset_less=True)
        stops = Signal(1 + WHOLE + len(LAGS), reset_less=True)
        for history, detector in ((starts, pair[:2]), (stops, pair[2:])):
            new = Cat(self._clicked(m, detector, back) for back in range(2))
            m.d.sync += history.eq(Mux(edge, history << 1, history) | new)

        # A clock after the beginning, all have moved on by one.
        compared, start = Signal(), Signal()
        m.d.sync += compared.eq(edge & whole)
        m.d.sync += start.eq(edge & whole & starts[WHOLE + MAX_LAG])
        m.d.sync += self.pulses.eq(compared)
        for index, lag in enumerate(LAGS):
            m.d.sync += self.coincidences[index].eq(start & stops[1 + WHOLE + MAX_LAG - lag])
        return m

    def _clicked(self, m: Module, detector: Value, back: int) -> Value:
        """Return whether the detector clicked in the latest pulse, or in the one before."""
        clicked = Signal()
        each = Array(click.valid & (click.payload.before == back) for click in self.clicks)
        m.d.sync += clicked.eq(each[detector])
        return clicked

    def _follow(self, m: Module, changed: Value) -> tuple[Value, Value]:
        """Return whether a pulse begins, and whether all before it are of one epoch and pair."""
        edge, begin, stop = Signal(), Signal(), Signal()
        m.d.sync += edge.eq(self.slot.edge & self.slot.locked)
        m.d.sync += begin.eq(self._epoch_begins())
        m.d.sync += stop.eq(changed)
        enough = WHOLE + len(LAGS)
        known = Signal(range(enough + 1))  # pulses, the latest among them
        full = Signal()  # a clock late; pulses are two clocks apart
        m.d.sync += full.eq((known == enough) & ~stop)
        with m.If(stop):
            m.d.sync += known.eq(0)
        with m.Elif(edge & begin):
            m.d.sync += known.eq(1)
        with m.Elif(edge & ~full):
            m.d.sync += known.eq(known + 1)
        return edge, full & ~begin

    def _epoch_begins(self) -> Value:
        return self.slot.begin
