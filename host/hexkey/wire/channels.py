"""The inputs that have a tagger, and what can feed one."""

from enum import IntEnum

from hexkey.events import DETECTORS

CHANNELS = DETECTORS + 1
"""The detectors, and the trigger behind them."""

TRIGGER = DETECTORS
"""The trigger's channel."""


class Source(IntEnum):
    """Values of the register `source`: what feeds a channel's delay line."""

    PIN = 0
    OSCILLATOR = 1
    PULSER = 2
