"""What a person knows of a file that the file does not say."""

from dataclasses import dataclass, field
from fractions import Fraction

from hexkey.tags.pieces import Waiting

UNITS_PS = {"s": 10**12, "ms": 10**9, "us": 10**6, "µs": 10**6, "ns": 1000, "ps": 1}


@dataclass(frozen=True, slots=True)
class Hints:
    """Overrides of what a reader finds or assumes.

    Attributes
    ----------
    tick_ps : Fraction or None
        Unit of the times, where the format leaves it open (quTAG and quTAU, S-Fifteen).
    time_column, channel_column : str or None
        Of a CSV file: a name in its header, or a number from 0.
    time_unit : str or None
        Of a CSV file's times, a key of `UNITS_PS`.
    trigger_channel : int or None
    waiting : Waiting
        How a growing file is followed.
    """

    tick_ps: Fraction | None = None
    time_column: str | None = None
    channel_column: str | None = None
    time_unit: str | None = None
    trigger_channel: int | None = None
    waiting: Waiting = field(default_factory=Waiting)
