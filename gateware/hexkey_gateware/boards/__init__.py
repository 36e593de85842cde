"""The boards that a receiver is built for; importing them imports no Amaranth."""

from hexkey.errors import ConfigurationError
from hexkey_gateware.boards.board import Board, Cells, Clocks, Family, Header, Input
from hexkey_gateware.boards.ecpix5 import ECPIX5_45F, ECPIX5_85F
from hexkey_gateware.boards.tang_primer_20k import TANG_PRIMER_20K
from hexkey_gateware.boards.ulx3s import ULX3S_12F, ULX3S_25F, ULX3S_85F

__all__ = ["BOARDS", "Board", "Cells", "Clocks", "Family", "Header", "Input", "find_board"]

BOARDS: tuple[Board, ...] = (
    ULX3S_85F,
    ULX3S_25F,
    ULX3S_12F,
    ECPIX5_85F,
    ECPIX5_45F,
    TANG_PRIMER_20K,
)


def find_board(name: str) -> Board:
    """Return the board of a name; ConfigurationError if there is none."""
    for board in BOARDS:
        if board.name == name.lower():
            return board
    known = ", ".join(board.name for board in BOARDS)
    raise ConfigurationError(f"no board is called {name!r}: use one of {known}")
