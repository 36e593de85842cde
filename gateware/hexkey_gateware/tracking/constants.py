"""What the tracker and its golden model have in common: widths, thresholds, latencies.

Imports no Amaranth. A latency counts clocks; n is the clock, and slot, of what is named first.
"""

TICK_BITS = 18
"""Of a pulse period in ticks."""

FRACTION_BITS = 40
"""Of a period and of a phase: 1 ppm/s of drift is 2^-24 ticks a pulse from one divided trigger edge
to the next, and the loop's smallest correction of the period is 2^-38 ticks."""

REPORTED_FRACTION_BITS = 12
"""Of the period that can be read."""

ERROR_FRACTION_BITS = 8
"""Of the time between a trigger edge and the pulse that it marks."""

MEASURED_INTERVALS = 16
"""Trigger intervals that give the first period. One that is missing or one too many among them
changes it by 1/16, much more than `PERIOD_TOLERANCE_SHIFT` lets pass."""

PERIOD_TOLERANCE_SHIFT = 7
"""A period counts as the configured one if it is within 2^-7 of it (0.8 %)."""

SHORT_BY_TICKS = 2
"""A first period may be that much shorter than two slots: it is not exact yet."""

SHORT_BY_SHIFT = 6
"""A period that the loop has settled on may be 2^-6 ticks shorter than two slots."""

START_UNCERTAINTY_TICKS = 32
"""How far the prediction may be off when a trigger edge has just been seen."""

WIDEST_SHIFT = 4
WIDEST_SHIFT_DIVIDED = 2
DIVIDED_FROM = 8
"""No edge corrects more than 2^-4 of its error, or 2^-2 if there are at least 8 pulses to an edge:
a correction takes effect some pulses later, and a faster loop would overshoot."""

MAX_LOOP_SHIFT = 10

GEAR_EDGES_SHIFT = 2
"""Pulling in stays at the shift s for 2^(s + 2) edges, two time constants."""

DOUBT_LIMIT = 32
"""Outliers, and missing edges while pulling in, count 2, good edges -1; at 32 lock is lost."""

SILENCE_BITS = 25
"""No edge for 2^25 slots (0.17 s) is no trigger."""

# From the lane to what it changes: the edge of slot n ...
DECISION_LATENCY = 5  # is taken, or an outlier, in clock n + 5; an edge missing in slot n, too
STATE_LATENCY = DECISION_LATENCY + 1  # changes holdover, uncertainty, gear
DOUBT_LATENCY = DECISION_LATENCY + 2  # changes doubt
PERIOD_LATENCY = DECISION_LATENCY + 7  # has changed the period
CORRECTION_LATENCY = PERIOD_LATENCY + 1  # has its phase correction ready for the next pulse

TOTAL_BITS = 40
"""Of the sum of the measured intervals: 11 s."""

QUOTIENT_SHIFT = FRACTION_BITS - (MEASURED_INTERVALS - 1).bit_length()
DIVIDER_STEPS = TOTAL_BITS + QUOTIENT_SHIFT
REFUSED_LATENCY = (
    2 * DIVIDER_STEPS + 7
)  # from the last measured edge to the next that may be measured
ALIGN_LATENCY = REFUSED_LATENCY + 11  # from the last measured edge to one that the NCO starts with
START_LATENCY = 2  # from that edge to the first slot with a pulse, one period after it

BEHIND_LATENCY = 2  # from the slot of a pulse that is too late until that is known
LOSS_LATENCY = 2  # from what speaks against the lock to its end
SETTING_LATENCY = 4  # from new settings to the end of lock
"""`loop_shift` works for edges from the slot on in which it is set, `holdover_drift` from the clock
after."""


def short_period_ticks(ticks_per_clock: int) -> int:
    """Return the least period that may be tracked: no two slots that follow begin pulses."""
    return 2 * ticks_per_clock


def behind_ticks(ticks_per_clock: int) -> int:
    """Return how far pulses, held back to every other slot, may be late before lock is lost."""
    return ticks_per_clock + ticks_per_clock // 4


def uncertainty_fraction_bits(slot_bits: int) -> int:
    """Return the fraction bits of the uncertainty, to which each slot adds `holdover_drift`.

    The drift is in 2^-30 of the time, and a slot counts as 2^slot_bits ticks, as many as there are
    in it or a few more, so that nothing is multiplied.
    """
    return 30 - slot_bits
