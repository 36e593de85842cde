"""A receiver in its board: the platform's pins, buffers and clocks around it."""

from importlib import import_module
from typing import Any, Protocol

from amaranth.build import Attrs, Pins, Resource
from amaranth.hdl import Const, Elaboratable, Module, Signal, Value
from amaranth.lib import io

from hexkey_gateware.bitstream.clocks import CLOCK_PLANS
from hexkey_gateware.boards import Board


class ReceiverPorts(Protocol):
    """What the top of a board connects; `top.Receiver` has it."""

    pins: Signal
    marker: Signal
    uart_rx: Signal
    uart_tx: Signal
    ready_to_send: Signal
    running: Signal


def make_platform(board: Board) -> Any:
    """Return the board's platform, with the inputs of a receiver added to its resources."""
    module, _, name = board.platform.partition(":")
    platform = getattr(import_module(module), name)()
    inputs = [*board.detectors, board.trigger, board.marker]
    connector = (board.header.name, board.header.number)
    platform.add_resources(
        [
            Resource(
                "receiver",
                number,
                Pins(each.pin, dir="i", conn=connector),
                Attrs(**dict(board.input_attributes)),
            )
            for number, each in enumerate(inputs)
        ]
    )
    return platform


class BoardTop(Elaboratable):
    """Connects a receiver to the pins of its board.

    Nothing stands between an input's buffer and the receiver, no register above all: the delay line
    measures when the edge comes.

    Parameters
    ----------
    board : Board
    receiver : ReceiverPorts
        A component with these ports.
    """

    def __init__(self, board: Board, receiver: ReceiverPorts) -> None:
        self._board = board
        self._receiver = receiver

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        board, receiver = self._board, self._receiver
        oscillator = self._input(m, platform.request(board.clocks.resource, dir="-"), "oscillator")
        CLOCK_PLANS[board.family](m, oscillator, board.clocks)
        m.submodules.receiver = receiver
        *channels, marker = (
            self._input(m, platform.request("receiver", number, dir="-"), f"input_{number}")
            for number in range(len(board.detectors) + 2)
        )
        *detectors, trigger = channels
        absent = [Const(0)] * (len(receiver.pins) - 1 - len(detectors))
        levels = [*detectors, *absent, trigger]
        m.d.comb += [
            *(pin.eq(level) for pin, level in zip(receiver.pins, levels, strict=True)),
            receiver.marker.eq(marker),
        ]
        self._connect_uart(m, platform)
        self._show(m, platform)
        return m

    def _input(self, m: Module, port: Any, name: str) -> Signal:
        buffer = io.Buffer("i", port)
        m.submodules[f"{name}_buffer"] = buffer
        level = Signal(name=name)
        m.d.comb += level.eq(buffer.i)
        return level

    def _output(self, m: Module, port: Any, level: Value, name: str) -> None:
        buffer = io.Buffer("o", port)
        m.submodules[f"{name}_buffer"] = buffer
        m.d.comb += buffer.o.eq(level)

    def _connect_uart(self, m: Module, platform: Any) -> None:
        """Connect the serial port; without an RTS line the host is taken to be always ready."""
        receiver, has_rts = self._receiver, self._board.has_rts
        modem_lines = {"rts": "-", "dtr": "-"} if has_rts else {}
        uart = platform.request("uart", self._board.uart, dir={"rx": "-", "tx": "-", **modem_lines})
        m.d.comb += receiver.uart_rx.eq(self._input(m, uart.rx, "uart_rx"))
        self._output(m, uart.tx, receiver.uart_tx, "uart_tx")
        if has_rts:
            # Adapters drive the modem lines inverted: low means that the host is ready.
            m.d.comb += receiver.ready_to_send.eq(~self._input(m, uart.rts, "uart_rts"))
        else:
            m.d.comb += receiver.ready_to_send.eq(1)

    def _show(self, m: Module, platform: Any) -> None:
        """Light the board's LED while the receiver runs."""
        name, *part = self._board.led
        if part:
            led = platform.request(name, 0, dir=dict.fromkeys("rgb", "-"))
            self._output(m, getattr(led, *part), self._receiver.running, "led")
        else:
            led = platform.request(name, 0, dir="-")
            self._output(m, led, self._receiver.running, "led")
