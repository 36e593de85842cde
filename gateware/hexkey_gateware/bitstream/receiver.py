"""The receiver for a board: its bitstream, its Verilog."""

from dataclasses import replace
from pathlib import Path

from hexkey_gateware.bitstream.build import Progress, build_bitstream
from hexkey_gateware.bitstream.figures import Build
from hexkey_gateware.bitstream.firmware import board_firmware, firmware
from hexkey_gateware.boards import Board
from hexkey_gateware.tagger import delay_line
from hexkey_gateware.top import Receiver
from hexkey_gateware.verilog import export

XILINX = "xilinx7"


def build_receiver(board: Board, folder: Path, seed: int, progress: Progress) -> Build:
    """Build the receiver for a board; its firmware string names this very bitstream."""
    name = board_firmware(board, seed)
    receiver = Receiver(board.design(name))
    return build_bitstream(board, receiver, name, folder, seed=seed, progress=progress)


def write_verilog(board: Board, folder: Path) -> list[Path]:
    """Write the receiver as Verilog: with the board's delay lines, and with those of Xilinx 7.

    The clocks are inputs, ``fast_clk``, ``sync_clk`` and ``osc_clk``; pins, PLL and constraints are
    left to whoever takes it. With Yosys the cells of the delay lines, `TDL_CCU2C` on ECP5 and
    `TDL_CARRY4` on Xilinx 7, are to be renamed to CCU2C and CARRY4 behind synthesis.

    Returns
    -------
    list of Path
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    design = board.design(firmware(board))
    texts = {}
    for lowering in (board.lowering, XILINX):
        taps = board.taps if lowering == board.lowering else 256
        lowered = replace(design, lowering=lowering, taps=taps)
        texts[f"receiver_{lowering}.v"] = export(Receiver(lowered), "receiver")
        texts |= delay_line.verilog(lowering)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]
