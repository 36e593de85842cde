"""What the words of the event FIFO say: the events and messages that must reach the host."""

from dataclasses import dataclass

from hexkey.wire import Kind, Loss, LossCause, SettingsChange
from hexkey.wire.tagger import Marker


@dataclass(frozen=True, slots=True)
class Clicked:
    """An event, in the epoch and under the settings of its frame's header."""

    epoch: int
    settings: int
    pulse: int
    phase_ticks: int
    mask: int
    flags: int


@dataclass(frozen=True, slots=True)
class Tagged:
    """A raw tag."""

    epoch: int
    settings: int
    channel: int
    time_ticks: int


@dataclass(frozen=True, slots=True)
class Told:
    """A frame that is no event but stands between them in its place."""

    epoch: int
    settings: int
    kind: Kind
    body: bytes


Item = Clicked | Tagged | Told


class EventReader:
    """Adds up the pulses. How items are cut into frames depends on time, and is not said here.

    Attributes
    ----------
    items : list of Item
        What the host must find, in this order.
    pulse, epoch, settings : int
        Where the reader stands.
    """

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.pulse = 0
        self.epoch = 0
        self.settings = 0
        self._begun = False

    def event(self, advance: int, phase_ticks: int, flags: int, mask: int) -> None:
        self.pulse += advance
        self.items.append(
            Clicked(self.epoch, self.settings % 256, self.pulse, phase_ticks, mask, flags)
        )

    def tag(self, channel: int, time_ticks: int) -> None:
        self.items.append(Tagged(self.epoch, self.settings % 256, channel, time_ticks))

    def skip(self, pulses: int) -> None:
        self.pulse += pulses

    def begin(self) -> None:
        """Number pulses anew; what went before is lost, unless nothing did."""
        if self._begun:
            self._tell(Kind.LOSS, Loss(LossCause.TRIGGER_LOST, self.pulse, self.pulse, 0).encode())
            self.epoch += 1
        self._begun = True
        self.pulse = 0

    def commit(self, settings: int) -> None:
        self.settings = settings
        self._tell(Kind.SETTINGS, SettingsChange(self.pulse, settings).encode())

    def mark(self, count: int) -> None:
        self._tell(Kind.MARKER, Marker(self.pulse, count).encode())

    def lose(self, first: int, last: int, events: int) -> None:
        """Take a loss from `first` to `last` pulses behind this one."""
        loss = Loss(LossCause.FIFO_FULL, self.pulse + first, self.pulse + last, events)
        self._tell(Kind.LOSS, loss.encode())

    def _tell(self, kind: Kind, body: bytes) -> None:
        self.items.append(Told(self.epoch, self.settings % 256, kind, body))
