"""Radiona ULX3S: ECP5 in speed grade 6, 25 MHz, USB serial by an FT231X (up to 3 Mbaud).

Inputs are on the header J1, 3.3 V and not 5 V tolerant. The FT231X shows the host's RTS and takes
no CTS.
"""

from dataclasses import replace

from hexkey_gateware.boards.board import Board, Cells, Clocks, Header, Input

ULX3S_85F = Board(
    name="ulx3s-85f",
    title="ULX3S 85F",
    platform="amaranth_boards.ulx3s:ULX3S_85F_Platform",
    family="ecp5",
    device=("--85k", "--package", "CABGA381", "--speed", "6"),
    header=Header("gpio", 0),
    trigger=Input("0+", "GP0"),
    detectors=(Input("1+", "GP1"), Input("2+", "GP2"), Input("3+", "GP3"), Input("4+", "GP4")),
    marker=Input("5+", "GP5"),
    input_attributes=(("IO_TYPE", "LVCMOS33"), ("PULLMODE", "DOWN")),
    clocks=Clocks("clk25", 25_000_000, 200_000_000, 50_000_000, 155_000_000),
    cells=Cells(block_rams=208, block_ram_budget=64, lut_share=0.20),
    lowering="ecp5",
    # Its wires are a third shorter than those of the usual placer.
    placer=("--placer", "static"),
    loader=("--board", "ulx3s"),
    has_rts=True,
)

ULX3S_25F = replace(
    ULX3S_85F,
    name="ulx3s-25f",
    title="ULX3S 25F",
    platform="amaranth_boards.ulx3s:ULX3S_25F_Platform",
    device=("--25k", "--package", "CABGA381", "--speed", "6"),
    cells=Cells(block_rams=56, block_ram_budget=48, lut_share=0.80),
    # The receiver fills the chip: the other placer comes to no end, nor does this one with more
    # resets and enables.
    fewest_reset=8,
    fewest_enabled=4,
    placer=(
        *("--placer", "heap", "--placer-heap-timingweight", "30"),
        *("--placer-heap-critexp", "4", "--placer-heap-beta", "0.75"),
    ),
    seed=3,
    histogram_bins=1024,
)

ULX3S_12F = replace(
    ULX3S_25F,
    name="ulx3s-12f",
    title="ULX3S 12F",
    platform="amaranth_boards.ulx3s:ULX3S_12F_Platform",
    device=("--12k", "--package", "CABGA381", "--speed", "6"),
    # The chip is a 25F, and the tools know it as one. Block RAM is what the maker promises; of LUTs
    # he promises 12 k, which is less than this takes.
    cells=Cells(block_rams=32, block_ram_budget=32, lut_share=0.80),
    fifo_depth=2048,
    histogram_bins=512,
)
