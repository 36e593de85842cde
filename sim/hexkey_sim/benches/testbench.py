"""Connects the simulated receiver's serial line to a pseudo-terminal; no check is made here.

The Verilog around the receiver (`cosim/testbench.v`) plays light and turns the line into bytes;
this carries the bytes. The host opens the terminal like a serial port and cannot tell.
"""

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from hexkey_sim.ports import PseudoTerminal

TURN_US = 20  # of simulated time between two looks at the terminal
BUFFER = 1 << 16


@cocotb.test()
async def carries_bytes(dut: Any) -> None:
    """Files in the working folder say what goes on: `port`, `played`, and `stop` from the host."""
    port = PseudoTerminal()
    Path("port").write_text(port.name)
    sent = 0
    waiting = b""
    while not Path("stop").exists():
        await Timer(TURN_US, "us")
        to_board = port.read()
        count = int(dut.to_board_count.value)
        for at, byte in enumerate(to_board):
            dut.to_board[(count + at) % BUFFER].value = byte
        dut.to_board_count.value = count + len(to_board)
        if int(dut.running.value):
            dut.go.value = 1
        received = int(dut.from_board_count.value)
        waiting += bytes(int(dut.from_board[at % BUFFER].value) for at in range(sent, received))
        sent = received
        waiting = waiting[port.write(waiting) :] if waiting else b""
        if int(dut.played.value) and not Path("played").exists():
            Path("played").write_text(str(int(dut.started_ps.value)))
    assert int(dut.framing_errors.value) == 0
