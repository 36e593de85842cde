"""Many clocks of the tracker at a time: Python on every clock would be most of the bench's time."""

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.slot import SLOT, TICKS_PER_CLOCK
from hexkey_gateware.tracker import Tracker

CLOCKS = 32
ROW = data.StructLayout({"valid": 1, "fine": (TICKS_PER_CLOCK - 1).bit_length()})
SAID = data.StructLayout(
    {
        "slot": SLOT,
        "state": 3,
        "off_period": 1,
        "trigger_period": 30,
        "edge_taken": 1,
        "outlier": 1,
        "missing": 1,
    }
)
SETTINGS = ("period_ticks", "trigger_divider", "loop_shift", "holdover_drift")


class Batch(wiring.Component):
    """Plays tags to a tracker and keeps what it says, `CLOCKS` clocks of each.

    Whoever writes `tags` in the clock in which `at` is 0 finds there, `CLOCKS` clocks later, in
    `said` what the tracker said in them.

    Members
    -------
    at : :py:`Out(...)`
    tags : :py:`In(CLOCKS * ROW.size)`
    said : :py:`Out(CLOCKS * SAID.size)`
    period_ticks, trigger_divider, loop_shift, holdover_drift
        The tracker's.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        super().__init__(
            {
                "at": Out(range(CLOCKS)),
                "tags": In(data.ArrayLayout(ROW, CLOCKS)),
                "said": Out(data.ArrayLayout(SAID, CLOCKS)),
                **{name: In(tracker.signature.members[name].shape) for name in SETTINGS},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.tracker = tracker = self._tracker
        row = Signal(ROW)
        said = Signal(SAID)
        m.d.sync += self.at.eq(self.at + 1)
        m.d.comb += [
            row.eq(self.tags[self.at]),
            tracker.trigger.valid.eq(row.valid),
            tracker.trigger.payload.fine.eq(row.fine),
            *(getattr(tracker, name).eq(getattr(self, name)) for name in SETTINGS),
            said.eq(Cat(getattr(tracker, str(name)) for name, _ in SAID)),
        ]
        m.d.sync += Array(self.said)[self.at].eq(said)
        return m
