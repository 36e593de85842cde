"""What the board says of its inputs and of its trigger."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire.registers import TrackerState
from hexkey_gateware.handover import Handover
from hexkey_gateware.link import sources
from hexkey_gateware.slot import CHANNELS

FAST, SYNC = "fast", "sync"
STATE_BITS = 3
PERIOD_BITS = 30

HAPPENED = data.StructLayout(
    {
        "low": CHANNELS,  # an input was low
        "trigger_edge": 1,
        "lost": 1,
    }
)
"""What is remembered until it was told."""

NOW = data.StructLayout(
    {
        "levels": CHANNELS,
        "state": STATE_BITS,
        "off_period": 1,
        "trigger_period": PERIOD_BITS,
    }
)


class LiveStatus(wiring.Component):
    """Tells the host's side, over and over, how things are and what has happened.

    All that it says is of one clock of `fast`. What happened, were it for a single clock, is in the
    status that is taken next after it is known here, and in no other: an input is stuck if it was
    never low between two of them.

    Latency: `CLOCKS` of `sync` at most, or twice as many for what happened. No back-pressure. If
    two statuses are taken in less time than that, nothing may be known for the second one: it says
    then that nothing is stuck, and misses no edge.

    Both domains must be reset together.

    Members
    -------
    levels : :py:`In(5)`
        In `fast`, like all that come in: the inputs, synchronised.
    state : :py:`In(3)`
        The tracker's.
    off_period : :py:`In(1)`
    trigger_period : :py:`In(30)`
    trigger_edge : :py:`In(1)`
        A strobe: the trigger has brought an edge.
    lost : :py:`In(1)`
        A strobe: clicks were lost before the event FIFO.
    status : :py:`In(sources.status())`
        In `sync`, like the others: for the uplink.
    now_levels, tracker_state, tracked_period : :py:`Out(5), Out(3), Out(30)`
        For the registers `levels`, `tracker_state` and `trigger_period`.
    """

    CLOCKS = 8  # of `sync`, if one lasts at least 2 of `fast`

    def __init__(self) -> None:
        super().__init__(
            {
                "levels": In(CHANNELS),
                "state": In(STATE_BITS),
                "off_period": In(1),
                "trigger_period": In(PERIOD_BITS),
                "trigger_edge": In(1),
                "lost": In(1),
                "status": In(sources.status()),
                "now_levels": Out(CHANNELS),
                "tracker_state": Out(STATE_BITS),
                "tracked_period": Out(PERIOD_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word = data.StructLayout({"happened": HAPPENED, "now": NOW})
        m.submodules.handover = handover = Handover(word, from_domain=FAST, to_domain=SYNC)
        now, news = Signal(NOW, reset_less=True), Signal(HAPPENED)
        names = ("levels", "state", "off_period", "trigger_period")
        m.d[FAST] += now.eq(Cat(getattr(self, name) for name in names))
        m.d[FAST] += news.eq(Cat(~self.levels, self.trigger_edge, self.lost))

        untold = Signal(HAPPENED)
        every = untold.as_value() | news.as_value()
        m.d[FAST] += untold.eq(Mux(handover.i.ready, self._left(news), every))
        m.d.comb += handover.i.valid.eq(1)
        m.d.comb += handover.i.payload.eq(Cat(untold, now))
        self._tell(m, handover)
        return m

    def _left(self, news: data.View) -> Value | data.View:
        """Return what is not yet in the word that leaves."""
        return news

    def _tell(self, m: Module, handover: Handover) -> None:
        came, now = handover.o, Signal(NOW)
        told = Signal()  # a word came since the last status
        happened = Signal(HAPPENED)
        before = Mux(self.status.taken, self._kept(happened), happened)
        m.d.comb += came.ready.eq(1)
        m.d[SYNC] += [
            told.eq(came.valid | (told & ~self.status.taken)),
            happened.eq(before | Mux(came.valid, came.payload.happened.as_value(), 0)),
        ]
        with m.If(came.valid):
            m.d[SYNC] += now.eq(came.payload.now)

        holdover = now.state == TrackerState.HOLDOVER
        locked = holdover | (now.state == TrackerState.LOCKED)
        no_edge = told & ~happened.trigger_edge
        stuck = ~happened.low & told.replicate(CHANNELS)
        m.d.comb += [
            self.status.levels.eq(now.levels),
            self.status.stuck.eq(stuck),
            self.status.flags.eq(Cat(locked, 0, holdover, no_edge, now.off_period, happened.lost)),
            self.now_levels.eq(now.levels),
            self.tracker_state.eq(now.state),
            self.tracked_period.eq(self._period(now)),
        ]

    def _kept(self, happened: data.View) -> Value | int:
        """Return what is left of what was told."""
        return 0

    def _period(self, now: data.View) -> Value:
        period: Value = now.trigger_period
        return period
