"""The front end's time base: slots, tags, and what its blocks say to each other of them.

The tagger samples its inputs at 200 MHz. The clock cycle that ends at a sampling edge is a *slot*;
a *tag* is an edge at an input, so many ticks before its slot's end. From the pins to the event FIFO
all blocks are one synchronous pipeline, a slot a clock: nothing waits, so nothing there can be lost
for want of room. The tracker says of each slot where in which pulse it ends (`SLOT`); a pulse is
named by how many pulses it lies back (`back`), and gets its number only where pulses are counted
one by one, behind the front end.
"""

from amaranth.lib import data, stream

from hexkey.events import DETECTORS
from hexkey.wire import registers

TICK_PS = 10
CLOCK_HZ = 200_000_000
TICKS_PER_CLOCK = 10**12 // CLOCK_HZ // TICK_PS

TRIGGER_CHANNEL = DETECTORS
CHANNELS = DETECTORS + 1

MIN_PERIOD_TICKS = registers.MIN_PERIOD_TICKS  # two slots: at most every other begins a pulse
MAX_PERIOD_TICKS = registers.MAX_PERIOD_TICKS
PHASE_BITS = (2 * MAX_PERIOD_TICKS - 1).bit_length()

OPEN_PULSES = 3
"""How many pulses a click can still reach: this one, the one before (its edge lies in this slot,
or its gate is still open), and the one before that (both)."""

CLICKS_BITS = 12
"""Room for the clicks that all detectors can have in one pulse: 1600 of them."""


def tag_layout(ticks_per_clock: int = TICKS_PER_CLOCK) -> data.StructLayout:
    """Return a tag of one channel.

    Members
    -------
    fine : :py:`unsigned(...)`
        Ticks from the edge to its slot's end, below `ticks_per_clock`.
    """
    return data.StructLayout({"fine": (ticks_per_clock - 1).bit_length()})


def lane(payload: data.Layout) -> stream.Signature:
    """Return the stream of one channel: at most one item a slot, and never a reason to wait."""
    return stream.Signature(payload, always_ready=True)


SLOT = data.StructLayout(
    {
        "edge": 1,  # a pulse begins in this slot; never in two that follow each other
        "since": PHASE_BITS,  # ticks from the beginning of the latest pulse, k, to the slot's end
        "since_before": PHASE_BITS,  # the same from the beginning of pulse k - 1
        "locked": 1,  # pulses can be numbered
        "begin": 1,  # with `edge`: the pulse that begins is number 0 of an epoch
        "holdover": 1,  # the trigger's last edge was missing
    }
)

CLICK = data.StructLayout(
    {
        "before": 1,  # it is of pulse k - 1, not k
        "phase_ticks": PHASE_BITS,  # since the beginning of its pulse
    }
)

GATED_CLICK = data.StructLayout(
    {
        "back": 2,  # it is of pulse k - back, 0 to 2: the pulse in which its gate opened
        "phase_ticks": PHASE_BITS,  # since the beginning of that pulse; may exceed the period
        "inside": 1,  # its gate was open
    }
)

CONTROL = data.StructLayout(
    {
        "begin": 1,  # this pulse is number 0 of an epoch
        "settings": 1,  # the first pulse with the settings of the last commit
        "marker": 1,  # the first since the marker input rose
    }
)

CLOSED = data.StructLayout(
    {
        "clicks": CLICKS_BITS,  # all, of all detectors
        "outside": CLICKS_BITS,  # of these, outside their gate
        "repeats": CLICKS_BITS,  # of these, a detector's clicks inside its gate but the first
        "mask": DETECTORS,  # detectors that clicked inside their gate
        "phase_ticks": PHASE_BITS,  # of the earliest click inside a gate
        "holdover": 1,  # while it was the latest, an edge of the trigger was missing
        "blind": 1,  # no gate opened in this pulse
        "numbered": 1,  # 0: it lies before number 0 of its epoch; its clicks are counted, no more
        "control": CONTROL,
    }
)
"""A pulse into which no detector can deliver any more, one after the other, none left out."""

EVENT = data.StructLayout(
    {
        "mask": DETECTORS,  # 0: no event in this pulse; phase and flags then mean nothing
        "phase_ticks": PHASE_BITS,
        "flags": 2,
        "control": CONTROL,
    }
)
"""What is left of a closed pulse behind the resolver; still one item for every pulse."""
