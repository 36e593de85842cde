"""The words of the event FIFO and what they mean, written down together."""

from hexkey_gateware.words import (
    CONTROL_VALUE,
    EVENT_VALUE,
    NUMBER_BITS,
    SETTINGS_NUMBER,
    WORD,
    Code,
)
from hexkey_sim.benches.words import pack
from hexkey_sim.golden.event_reader import EventReader

NUMBERS = 1 << NUMBER_BITS
TIME_LOW_BITS = 32


class Story:
    """Words for the reader, and the model that was told the same.

    Attributes
    ----------
    words : list of int
        Taken away by whoever sends them.
    model : EventReader
    """

    def __init__(self) -> None:
        self.words: list[int] = []
        self.model = EventReader()
        self._time_high = 0

    def event(self, advance: int, phase_ticks: int, flags: int = 0, mask: int = 1) -> None:
        value = pack(EVENT_VALUE, phase_ticks=phase_ticks, flags=flags, advance=advance)
        self.words.append(pack(WORD, kind=mask, value=value))
        self.model.event(advance, phase_ticks, flags, mask)

    def tag(self, channel: int, time_ticks: int) -> None:
        high, low = divmod(time_ticks, 1 << TIME_LOW_BITS)
        if high != self._time_high:
            self._control(Code.TIME_HIGH, high)
            self._time_high = high
        self.words.append(pack(WORD, kind=channel + 1, value=low))
        self.model.tag(channel, time_ticks)

    def skip(self, pulses: int) -> None:
        """Skip in one word, or in two if it takes two."""
        high, low = divmod(pulses, NUMBERS)
        if high:
            self._control(Code.SKIP_HIGH, high)
        if low or not high:
            self._control(Code.SKIP, low)
        self.model.skip(pulses)

    def begin(self) -> None:
        self._control(Code.BEGIN, 0)
        self.model.begin()

    def commit(self, settings: int, mode: int = 0) -> None:
        self._control(Code.SETTINGS, pack(SETTINGS_NUMBER, id=settings % 256, mode=mode))
        self.model.commit(settings)

    def mark(self, count: int) -> None:
        self._control(Code.MARKER, count)
        self.model.mark(count)

    def lose(self, first: int, last: int, events: int) -> None:
        for code, pulses in ((Code.LOSS_FIRST, first), (Code.LOSS_LAST, last)):
            high, low = divmod(pulses, NUMBERS)
            if high:
                self._control(Code.LOSS_HIGH, high)
            self._control(code, low)
        self._control(Code.LOSS_COUNT, events)
        self.model.lose(first, last, events)

    def _control(self, code: Code, number: int) -> None:
        value = pack(CONTROL_VALUE, code=code, number=number)
        self.words.append(pack(WORD, kind=0, value=value))
