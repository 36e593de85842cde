"""Bench of `hexkey_gateware.relay`: each word once and in order, or told of as dropped."""

import random
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from hexkey_gateware.words import WORD
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import TIMEOUT_US, check_received, start
from hexkey_sim.benches.words import pack

CORNERS = ("a word every 2 clocks", "a word waits", "a tag is dropped", "no tag is dropped")


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def hands_on_or_drops(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    await start(dut, i__valid=0, i__payload=0, o__ready=0, clear=0)
    waiting: list[int] = []
    received, expected = [], []
    said, dropped = 0, 0
    taken_at = -9
    for clock in range(4000):
        kind = generator.choice((0, 1, 5))
        word = pack(WORD, value=generator.getrandbits(32), kind=kind)
        valid, ready = generator.random() < 0.8, generator.random() < 0.6
        clear = generator.random() < 0.1
        dut.i__valid.value, dut.i__payload.value = valid, word
        dut.o__ready.value, dut.clear.value = ready, clear
        await RisingEdge(dut.clk)
        said += int(dut.dropped.value)
        assert int(dut.i__ready.value) == (not waiting)
        assert int(dut.o__valid.value) == bool(waiting)
        if waiting:
            coverage.visit(CORNERS[1], not ready and not clear)
            if ready:
                received.append(int(dut.o__payload.value))
                expected.append(waiting.pop())
            elif clear:
                is_tag = waiting.pop() >> 32 != 0
                dropped += is_tag
                coverage.visit(CORNERS[2] if is_tag else CORNERS[3])
        elif valid:
            coverage.visit(CORNERS[0], clock - taken_at == 2)
            taken_at = clock
            waiting.append(word)
    dut.clear.value = 0
    dut.i__valid.value = 0
    for _ in range(2):
        await RisingEdge(dut.clk)
        said += int(dut.dropped.value)
    check_received(received, expected)
    assert said == dropped
    coverage.check()
