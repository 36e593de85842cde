"""LambdaConcept ECPIX-5: ECP5-5G in speed grade 8, 100 MHz, USB serial by an FT2232H.

Inputs are on PMOD 0. The host's RTS does not reach the chip.
"""

from dataclasses import replace

from hexkey_gateware.boards.board import Board, Cells, Clocks, Header, Input

ECPIX5_85F = Board(
    name="ecpix5-85f",
    title="ECPIX-5 85F",
    platform="amaranth_boards.ecpix5:ECPIX585Platform",
    family="ecp5",
    device=("--um5g-85k", "--package", "CABGA554", "--speed", "8"),
    header=Header("pmod", 0),
    trigger=Input("1", "PMOD 0, pin 1"),
    detectors=(
        Input("2", "PMOD 0, pin 2"),
        Input("3", "PMOD 0, pin 3"),
        Input("4", "PMOD 0, pin 4"),
        Input("7", "PMOD 0, pin 7"),
    ),
    marker=Input("8", "PMOD 0, pin 8"),
    input_attributes=(("IO_TYPE", "LVCMOS33"), ("PULLMODE", "DOWN")),
    clocks=Clocks("clk100", 100_000_000, 200_000_000, 50_000_000, 155_000_000),
    cells=Cells(block_rams=208, block_ram_budget=64, lut_share=0.35),
    lowering="ecp5",
    # Its wires are a third shorter than those of the usual placer.
    placer=("--placer", "static"),
    seed=2,
    loader=("--board", "ecpix5"),
    # Faster than an ULX3S's, so more of them: 7/8 of a line have to last a clock, as silicon is.
    taps=400,
    tap_ps=21.6,
    led=("rgb_led", "g"),
)

ECPIX5_45F = replace(
    ECPIX5_85F,
    name="ecpix5-45f",
    title="ECPIX-5 45F",
    platform="amaranth_boards.ecpix5:ECPIX545Platform",
    device=("--um5g-45k", "--package", "CABGA554", "--speed", "8"),
    seed=1,
    cells=Cells(block_rams=108, block_ram_budget=64, lut_share=0.60),
)
