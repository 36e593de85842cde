"""The event records of the wire, as the gateware fills them."""

from amaranth.lib import data

from hexkey.events import DETECTORS, FLAG_HOLDOVER, FLAG_REPEAT
from hexkey.wire import NARROW, WIDE, RecordLayout


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
