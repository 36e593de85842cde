"""A receiver that measures nothing: delay lines, a little logic, the ports of the real one.

It places and routes in a fraction of the time, which is enough to test the flow and its checks.
"""

from amaranth.hdl import Cat, DomainRenamer, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey_gateware.tagger.delay_line import DelayLine

PARITY_BITS = 16


class SmallReceiver(wiring.Component):  # type: ignore[misc]
    """Delay lines of some channels; the parity of their taps goes to the serial port."""

    def __init__(self, channels: int, taps: int, lowering: str = "ecp5") -> None:
        inputs = ("marker", "uart_rx", "ready_to_send")
        super().__init__(
            {
                "pins": In(DETECTORS + 1),
                **dict.fromkeys(inputs, In(1)),
                **dict.fromkeys(("uart_tx", "running"), Out(1)),
            }
        )
        self._lines = [
            DelayLine(taps, lowering, name=f"line_{channel}") for channel in range(channels)
        ]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        phase = Signal(4)
        m.d.osc += phase.eq(phase + 1)
        parities = []
        for channel, line in enumerate(self._lines):
            m.submodules[f"channel_{channel}"] = DomainRenamer("fast")(line)
            m.d.comb += line.hit.eq(self.pins[channel] ^ (phase[3] & self.marker))
            taps = Signal.like(line.taps)
            m.d.fast += taps.eq(line.taps)
            parities.append(self._parity(m, taps))
        received = Signal()
        m.d.sync += [
            received.eq(self.uart_rx),
            self.uart_tx.eq(Cat(parities).xor() ^ received),
            self.running.eq(self.ready_to_send),
        ]
        return m

    def _parity(self, m: Module, bits: Signal) -> Signal:
        """Return the parity, a register after each few bits."""
        while len(bits) > 1:
            parts = [bits[n : n + PARITY_BITS].xor() for n in range(0, len(bits), PARITY_BITS)]
            bits = Signal(len(parts))
            m.d.fast += bits.eq(Cat(parts))
        return bits
