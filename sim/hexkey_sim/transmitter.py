"""From the event FIFO to the byte link: frames, the buffer they wait in, faults on their way."""

from hexkey.wire import Kind, Loss, LossCause
from hexkey_sim.faults import ByteFaults, Faults
from hexkey_sim.golden.fifo import EventFifo
from hexkey_sim.golden.framer import Framer


class Transmitter:
    """Sends events as fast as the link takes them, other frames between them.

    Parameters
    ----------
    fifo : EventFifo
    framer : Framer
    buffer_bytes : int or None
        Bytes that may wait before the FIFO has to; None for no limit.
    faults : Faults
    seed : int
        Of the faults' chance.
    """

    def __init__(
        self, fifo: EventFifo, framer: Framer, buffer_bytes: int | None, faults: Faults, seed: int
    ) -> None:
        self._fifo = fifo
        self._framer = framer
        self._buffer_bytes = buffer_bytes
        self._faults = faults
        self._byte_faults = ByteFaults(faults, seed)
        self._waiting = bytearray()

    @property
    def waiting(self) -> bytes:
        """Bytes that wait for the link, the oldest first."""
        if self._faults.garbage and not self._waiting:
            self._waiting += self._byte_faults.noise(500)
        return bytes(self._waiting)

    @property
    def has_room(self) -> bool:
        return self._buffer_bytes is None or len(self._waiting) < self._buffer_bytes

    @property
    def has_room_for_reports(self) -> bool:
        """More than for events: overloaded, the board still says that it is."""
        return self._buffer_bytes is None or len(self._waiting) < 2 * self._buffer_bytes

    def sent(self, count: int) -> None:
        """Say that the link has taken the oldest `count` bytes."""
        del self._waiting[:count]
        self.send_events()

    def send(self, kind: Kind, body: bytes, record_bytes: int = 0) -> None:
        """Send a frame without events, whether there is room or not."""
        self._transmit(self._framer.frame(kind, body, record_bytes))

    def send_events(self) -> None:
        """Send complete frames while there is room, and say what the FIFO dropped."""
        while self.has_room and (frame := self._framer.next_events()) is not None:
            self._transmit(frame)
        if self.has_room:
            self.report_dropped()

    def flush(self) -> None:
        """Send all that is in the FIFO, whether there is room or not."""
        while (frame := self._framer.next_events(flush=True)) is not None:
            self._transmit(frame)
        self.report_dropped()

    def report_dropped(self) -> None:
        """Send a LOSS frame if the FIFO dropped events since the last one."""
        dropped = self._fifo.take_dropped()
        if dropped is not None:
            first, last = dropped.first_pulse, dropped.last_pulse
            self.send(Kind.LOSS, Loss(LossCause.FIFO_FULL, first, last, dropped.events).encode())

    def _transmit(self, frame: bytes) -> None:
        if self._faults.garbage:
            return
        if self._faults.wrong_version:
            frame = self._byte_faults.reversion(frame)
        self._waiting += self._byte_faults.damage(frame)
