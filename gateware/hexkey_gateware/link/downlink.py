"""The host's way to the board: from the serial line to registers, and what is to be replied."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.link.cobs_decoder import CobsDecoder
from hexkey_gateware.link.frames import REPLY
from hexkey_gateware.link.limits import Limits
from hexkey_gateware.link.register_file import RegisterFile
from hexkey_gateware.link.requests import REQUEST_BYTES, RequestReceiver
from hexkey_gateware.link.uart import UartReceiver
from hexkey_gateware.register_layouts import LIVE, SETTINGS, VALUES, resets


class Downlink(wiring.Component):
    """Takes requests from the line and answers them.

    The line cannot wait. While a reply waits, or an action, one more request is kept; what comes
    behind it is refused as a bad request, and the host asks again.

    Latency: a reply is valid at most 90 clocks after the middle of the request's last stop bit, if
    it sets nothing off that takes longer.

    Parameters
    ----------
    clock_hz, baud : int
        At least 4 clocks a bit.
    period_ticks : int
        After a reset.
    limits : dict of str to (int, int)
        Where this board takes less than the table says.

    Members
    -------
    rx : :py:`In(1)`
        Not synchronised.
    replies : :py:`Out(stream.Signature(REPLY))`
    bad_request : :py:`Out(1)`
        High for a clock for each piece between zeros that was no request, or came too early.
    settings, values, live, actions : :py:`…`
        See `RegisterFile`.
    """

    def __init__(
        self, clock_hz: int, baud: int, period_ticks: int, limits: Limits | None = None
    ) -> None:
        self._receiver = UartReceiver(clock_hz, baud)
        self._registers = RegisterFile(period_ticks, limits)
        super().__init__(
            {
                "rx": In(1, init=1),
                "replies": Out(stream.Signature(REPLY)),
                "bad_request": Out(1),
                "settings": Out(SETTINGS, init=resets(SETTINGS, period_ticks)),
                "values": Out(VALUES, init=resets(VALUES, period_ticks)),
                "live": In(LIVE),
                "actions": self._registers.signature.members["actions"],
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = self._receiver
        m.submodules.decoder = decoder = CobsDecoder(REQUEST_BYTES)
        m.submodules.requests = requests = RequestReceiver()
        m.submodules.registers = registers = self._registers
        wiring.connect(m, receiver.o, decoder.i)
        wiring.connect(m, decoder.o, requests.i)
        wiring.connect(m, requests.o, registers.i)
        wiring.connect(m, registers.o, wiring.flipped(self.replies))
        wiring.connect(m, registers.actions, wiring.flipped(self.actions))
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.bad_request.eq(requests.bad_request),
            self.settings.eq(registers.settings),
            self.values.eq(registers.values),
            registers.live.eq(self.live),
        ]
        return m
