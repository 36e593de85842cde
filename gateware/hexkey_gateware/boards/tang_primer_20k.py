"""Sipeed Tang Primer 20K in its Dock: Gowin GW2A-18, 27 MHz, USB serial by a BL616.

The tools cannot tap this family's carry chains, so its inputs are sampled on both edges of a slower
clock: 5 ns instead of some tens of picoseconds. Good for trying the chain, and for sources whose
photons come much later than that. Inputs are on the Dock's PMOD 0. The host's RTS does not reach
the chip.

The chip has no room for histograms and g² beside the rest: nextpnr (0.11) puts neither a carry cell
nor a LUT that belongs to something else beside a flip-flop, as the silicon could.
"""

from hexkey_gateware.boards.board import Board, Cells, Clocks, Header, Input

TANG_PRIMER_20K = Board(
    name="tang-primer-20k",
    title="Tang Primer 20K",
    platform="amaranth_boards.tang_primer_20k:TangPrimer20kDockPlatform",
    family="gowin",
    device=("--device", "GW2A-LV18PG256C8/I7", "--vopt", "family=GW2A-18C"),
    header=Header("pmod", 0),
    trigger=Input("1", "PMOD 0, pin 1"),
    detectors=(Input("2", "PMOD 0, pin 2"), Input("3", "PMOD 0, pin 3")),
    marker=Input("4", "PMOD 0, pin 4"),
    input_attributes=(("IO_TYPE", "LVCMOS33"), ("PULL_MODE", "DOWN")),
    clocks=Clocks("clk27", 27_000_000, 100_000_000, 50_000_000, 62_500_000),
    cells=Cells(block_rams=46, block_ram_budget=40, lut_share=0.85, places=15_552),
    lowering="ddr",
    placer=(),
    loader=("--board", "tangprimer20k"),
    taps=3,
    tap_ps=5000.0,
    fifo_depth=2048,
    statistics=False,
)
