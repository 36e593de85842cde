"""Bench of `hexkey_gateware.link.downlink`: a host on a bad line, and the golden register file.

Needs ``CLOCK_HZ`` and ``BAUD`` of the line in the environment.
"""

import random
from collections.abc import Iterable
from typing import Any

import cocotb

from hexkey.wire import Header, Kind, RegisterOperation, RegisterRequest, encode_frame
from hexkey.wire.registers import address
from hexkey_gateware.link.register_file import ACTIONS
from hexkey_gateware.register_layouts import SETTINGS, VALUES
from hexkey_sim.benches.cobs_decoder import decoded
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.register_file import Golden, instances, limits
from hexkey_sim.benches.requests import accepted
from hexkey_sim.benches.streams import Get, check_received, clocks, never, pauses, start
from hexkey_sim.benches.uart_receiver import BIT_CLOCKS, OFFSETS, Sender, count

CORNERS = (
    "sound",
    "flipped bit",
    "lost byte",
    "byte too many",
    "lost delimiter",
    "garbage before a request",
    "request behind another",
    "repetition",
    "byte without its stop bit",
    "read",
    "write",
)
READ, WRITE = RegisterOperation.READ, RegisterOperation.WRITE
BYTE_CLOCKS = int(10 * BIT_CLOCKS)


def sent(request: RegisterRequest) -> bytes:
    """Return a request as the host sends it, with a zero first."""
    header = Header(Kind.REGISTER_REQUEST, 0, 0, 0, 0, request.value, 0, 0)
    return b"\0" + encode_frame(header, request.encode())


class Line:
    """Carries bytes to the board, and says what the golden registers make of them."""

    def __init__(self, dut: Any, generator: random.Random) -> None:
        self.golden = Golden()
        self.expected: list[int] = []
        self.bad = 0
        self._sender = Sender(dut, generator)
        self._piece = b""

    async def carry(self, data: Iterable[int], offset: float = 0.0) -> None:
        self._sender.offset = offset
        for byte in data:
            await self._sender.byte(byte)
            self._hear(byte)

    async def lose(self, byte: int) -> None:
        """Send a byte that has no stop bit."""
        await self._sender.byte(byte, stop=0)
        await self._sender.hold(1, 1)

    def _hear(self, byte: int) -> None:
        if byte:
            self._piece += bytes([byte])
            return
        piece, self._piece = self._piece, b""
        if not piece:
            return
        packet = decoded(piece)
        request = accepted(packet) if packet is not None else None
        if request is None:
            self.bad += 1
        else:
            self.expected.append(word(self.golden.answer(request).encode()))


def word(body: bytes) -> int:
    return int.from_bytes(body, "little")


def any_request(generator: random.Random, golden: Golden) -> RegisterRequest:
    row, at = generator.choice(instances(("rw", "w")))
    value = generator.randint(*limits(row, golden.value("period_ticks"))) % (1 << 32)
    op = generator.choice((READ, WRITE, WRITE))
    return RegisterRequest(generator.getrandbits(16), op, at, value if op is WRITE else 0)


async def begin(dut: Any, ready: int) -> tuple[Get, dict[str, int]]:
    get, found = Get(dut, "replies"), dict[str, int]()
    actions = {f"actions__{name}__ready": ready for name in ACTIONS}
    await start(dut, rx=1, live=0, **actions)
    cocotb.start_soon(count(dut, "bad_request", found))
    await clocks(dut, 300)
    return get, found


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def answers_over_a_bad_line(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    get, found = await begin(dut, ready=1)
    cocotb.start_soon(get.forever(pauses(2, 0.5)))
    line = Line(dut, generator)
    request = any_request(generator, line.golden)
    for _ in range(100):
        repeated = generator.random() < 0.2
        request = request if repeated else any_request(generator, line.golden)
        coverage.visit("repetition", repeated)
        coverage.visit(request.op.name.lower())
        offset = generator.choice(OFFSETS)
        what = generator.choice(CORNERS[:9])
        coverage.visit(what)
        await line.carry(garbled(generator, what, sent(request), line.golden), offset)
        if what == "byte without its stop bit":
            await line.carry(sent(request)[:20])
            await line.lose(generator.randrange(256))
            await line.carry(sent(request)[20:])
    await line.carry(sent(any_request(generator, line.golden)))
    await clocks(dut, 200)
    check_received(get.received, line.expected)
    assert found == {"bad_request": line.bad}
    assert int(dut.settings.value) == line.golden.structure(SETTINGS)
    assert int(dut.values.value) == line.golden.structure(VALUES)
    assert line.bad > 20
    coverage.check()


def garbled(generator: random.Random, what: str, data: bytes, golden: Golden) -> bytes:
    """Return what the line makes of a request."""
    at = generator.randrange(1, len(data) - 1)
    byte = generator.randrange(1, 256)
    if what == "flipped bit":
        return data[:at] + bytes([data[at] ^ 1 << generator.randrange(8)]) + data[at + 1 :]
    if what == "lost byte":
        return data[:at] + data[at + 1 :]
    if what == "byte too many":
        return data[:at] + bytes([byte]) + data[at:]
    if what == "lost delimiter":
        return data[:-1]
    if what == "garbage before a request":
        return generator.randbytes(generator.randrange(1, 60)) + data
    if what == "request behind another":
        return data + sent(any_request(generator, golden))[1:]
    return data


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def keeps_one_request_more(dut: Any) -> None:
    """A stop that takes long, and a host that asks again and again."""
    get, found = await begin(dut, ready=0)
    cocotb.start_soon(get.forever(never))
    line = Line(dut, random.Random(cocotb.RANDOM_SEED))
    stop = RegisterRequest(7, WRITE, address("control"), 0)
    for _ in range(4):
        await line.carry(sent(stop))
        await clocks(dut, 5 * BYTE_CLOCKS)
    assert not get.received
    assert found == {"bad_request": 2}
    dut.actions__control__ready.value = 1
    await clocks(dut, 100)
    check_received(get.received, line.expected[:2])
    await line.carry(sent(RegisterRequest(8, READ, address("control"))))
    await clocks(dut, 200)
    check_received(get.received, [*line.expected[:2], line.expected[-1]])


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def answers_as_fast_as_it_says(dut: Any) -> None:
    get, _ = await begin(dut, ready=1)
    cocotb.start_soon(get.forever(never))
    line = Line(dut, random.Random(cocotb.RANDOM_SEED))
    await line.carry(sent(RegisterRequest(7, WRITE, address("run"), 5)))
    await clocks(dut, 90 - int(BIT_CLOCKS / 2))
    check_received(get.received, line.expected)
