"""Loads a bitstream into a board by openFPGALoader."""

import os
import shutil
import subprocess
from pathlib import Path

from hexkey.errors import ConfigurationError, DeviceError
from hexkey_gateware.boards import Board

VARIABLE, PROGRAM = "OPENFPGALOADER", "openFPGALoader"


def require_loader() -> str:
    """Return the path of openFPGALoader; ConfigurationError if it is not installed."""
    wanted = os.environ.get(VARIABLE, PROGRAM)
    if found := shutil.which(wanted):
        return found
    raise ConfigurationError(
        f"{wanted} is not installed: apt install openfpgaloader, or set {VARIABLE} to the program"
    )


def load_bitstream(board: Board, bitstream: Path) -> None:
    """Load a bitstream into the board's chip, which holds it until it loses power.

    Raises
    ------
    ConfigurationError
        openFPGALoader is not installed.
    DeviceError
        It failed, as it does where no board is connected.
    """
    ended = subprocess.run([require_loader(), *board.loader, str(bitstream)])
    if ended.returncode:
        raise DeviceError(
            f"{board.title}: openFPGALoader ended with code {ended.returncode}; check the cable, "
            f"and who may use the USB device"
        )
