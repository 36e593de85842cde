"""The words of the event FIFO, which carry pulses from the tagger's clock to the link's.

A word is 36 bits wide, as block RAM is. Absolute pulse numbers do not travel: whoever reads adds up
the advances, so that the front end needs no wide arithmetic, and whatever else happens at a pulse
(an epoch, new settings, a marker, a loss) stands between the events in its place.
"""

from enum import IntEnum

from amaranth.hdl import unsigned
from amaranth.lib import data

from hexkey_gateware.slot import PHASE_BITS

ADVANCE_BITS = 32 - PHASE_BITS - 2
NUMBER_BITS = 28

WORD = data.StructLayout({"value": 32, "kind": 4})
"""`kind` 0: `CONTROL_VALUE`; else, with events: the mask, `EVENT_VALUE`; with raw tags: the channel
plus 1, the time's low 32 bits in ticks."""

EVENT_VALUE = data.StructLayout({"phase_ticks": PHASE_BITS, "flags": 2, "advance": ADVANCE_BITS})
CONTROL_VALUE = data.StructLayout({"number": NUMBER_BITS, "code": 4})

SETTINGS_NUMBER = data.StructLayout({"id": unsigned(8), "mode": unsigned(2)})


class Code(IntEnum):
    """What a word of kind 0 says. *Here* is the sum of all advances and skips of the epoch."""

    SKIP = 0  # here += number
    SKIP_HIGH = 1  # here += number << 28
    BEGIN = 2  # an epoch: here = 0
    SETTINGS = 3  # from the pulse here on, new settings; number is SETTINGS_NUMBER
    MARKER = 4  # the pulse here is the first since the marker input rose for the number-th time
    LOSS_FIRST = 5  # pulses from here to that of the first dropped event
    LOSS_LAST = 6  # to that of the last
    LOSS_COUNT = 7  # events dropped; LOSS_FIRST and LOSS_LAST went before
    LOSS_HIGH = 8  # number << 28, added to the next LOSS_FIRST or LOSS_LAST
    TIME_HIGH = 9  # raw tags: bits 32 and up of the times that follow
