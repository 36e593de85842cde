"""What travels between the blocks, and the records that leave on the wire.

From the pulse clock to the resolver every detector has a lane, a stream of its own, so that clicks
of several detectors in one clock do not compete. A lane carries clicks and marks. A mark is no
click: it says that nothing of an older pulse follows in this lane, as a click says, too. Lanes
send marks while nothing clicks; without them no pulse could ever be known to be complete.
"""

from amaranth.hdl import signed
from amaranth.lib import data

from hexkey.events import DETECTORS, FLAG_HOLDOVER, FLAG_REPEAT
from hexkey.wire import MAX_PULSE, NARROW, WIDE, RecordLayout

PULSE = signed(64)
"""A pulse number. Signed: the gate of pulse -1, before an epoch's start, may reach into pulse 0."""

COUNTER_BITS = 64
"""Every counter on the wire is a u64."""


def record_layout(layout: RecordLayout) -> data.StructLayout:
    """Return an event record of the wire as the gateware fills it, least significant field first.

    Raises
    ------
    ValueError
        The table says something that the gateware was not written for.
    """
    record = data.StructLayout(dict(layout.fields))
    places = {name: field.offset for name, field in record}
    problem = None
    if set(places) != {"phase_ticks", "flags", "advance", "mask"}:
        problem = f"the fields {', '.join(places)}"
    elif any(layout.shift(name) != offset for name, offset in places.items()):
        problem = "fields that do not follow each other"
    elif record.size != 8 * layout.record_bytes:
        problem = f"{record.size} bits in {layout.record_bytes} bytes"
    elif record.size != layout.shift("mask") + DETECTORS:
        problem = f"no mask of {DETECTORS} detectors at its top"
    elif layout.limit("flags") < FLAG_REPEAT | FLAG_HOLDOVER:
        problem = f"{layout.width('flags')} bits of flags"
    if problem:
        raise ValueError(f"the layout {layout.name!r} has {problem}; the gateware must be adapted")
    return record


NARROW_RECORD = record_layout(NARROW)
WIDE_RECORD = record_layout(WIDE)

if PULSE.width <= MAX_PULSE.bit_length():
    raise ValueError(f"pulse numbers up to {MAX_PULSE} do not fit in {PULSE.width} signed bits")


def click_layout(layout: RecordLayout) -> data.StructLayout:
    """Return one item of a lane.

    Members
    -------
    pulse : :py:`signed(64)`
        Never less than the item's before it in the lane.
    phase_ticks : :py:`unsigned(...)`
        As wide as on the wire, so that periods up to half its range have room.
    clicked : :py:`unsigned(1)`
        0: a mark.
    """
    return data.StructLayout(
        {"pulse": PULSE, "phase_ticks": layout.width("phase_ticks"), "clicked": 1}
    )


def event_layout(layout: RecordLayout) -> data.StructLayout:
    """Return an event on its way from the resolver to the framer: the fields of a record.

    Members
    -------
    pulse : :py:`signed(64)`
        Never negative; each event's is greater than that of the event before.
    phase_ticks, flags, mask : :py:`unsigned(...)`
        As wide as on the wire; the mask is not 0.
    """
    fields = {name: layout.width(name) for name in ("phase_ticks", "flags", "mask")}
    return data.StructLayout({"pulse": PULSE, **fields})
