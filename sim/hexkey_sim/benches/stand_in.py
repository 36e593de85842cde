"""The pulse without a trigger: others pass as they are, it comes once for each change of mode."""

import random
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from hexkey_gateware.slot import CONTROL, EVENT
from hexkey_gateware.stand_in import StandIn
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import TIMEOUT_US, start
from hexkey_sim.benches.words import pack

CORNERS = (
    "settings while locked",
    "settings while lock is away",
    "settings just before lock is lost",
    "lock back before the pulse was added",
)
TURNS = 150
SETTINGS_PULSE = pack(EVENT, control=pack(CONTROL, settings=1))


class Model:
    """Says clock by clock what comes out, and whether it was added."""

    def __init__(self) -> None:
        self.unlocked = 0
        self.wanted = False
        self.quiet = False

    def step(self, locked: bool, settings: bool) -> bool:
        adds = self.wanted and self.quiet
        self.quiet = self.unlocked >= StandIn.QUIET_CLOCKS and not locked
        self.unlocked = 0 if locked else self.unlocked + 1
        self.wanted = (self.wanted or settings) and not locked and not adds
        return adds


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def says_it_where_there_is_no_pulse(dut: Any) -> None:
    generator, coverage, model = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS), Model()
    await start(dut, locked=0, settings=0, i__valid=0, i__payload=0)
    added = 0
    for turn in range(TURNS):
        locked = turn % 2 == 1
        length = generator.randrange(20, 160)
        announced = {generator.randrange(length)} if generator.random() < 0.7 else set()
        for clock in range(length):
            settings = clock in announced
            valid = locked and generator.random() < 0.3
            word = generator.getrandbits(EVENT.size)
            dut.locked.value, dut.settings.value = locked, settings
            dut.i__valid.value, dut.i__payload.value = valid, word
            await RisingEdge(dut.clk)
            coverage.visit(CORNERS[0], settings and locked)
            coverage.visit(CORNERS[1], settings and not locked and clock > StandIn.QUIET_CLOCKS)
            coverage.visit(CORNERS[2], settings and locked and clock == length - 1)
            coverage.visit(CORNERS[3], locked and model.wanted)
            adds = model.step(locked, settings)
            added += adds
            assert int(dut.o__valid.value) == (adds or valid)
            if adds or valid:
                assert int(dut.o__payload.value) == (SETTINGS_PULSE if adds else word)
    assert added
    coverage.check()
