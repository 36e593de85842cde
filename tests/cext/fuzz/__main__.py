"""Fuzz the C kernels for as long as you like: ``make fuzz``, or ``python -m tests.cext.fuzz``.

Every kernel has its turns until the time is over, each with another seed. With clang it is
libFuzzer that runs, else a driver on gcc's coverage. An input that fails is kept and named.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from tests.cext.fuzz.build import HARNESSES, harness, libfuzzer

INPUTS = 50_000  # of a turn: about a minute


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cext.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="about how long, in all")
    parser.add_argument("--seed", type=int, default=1, help="of the first turn")
    parser.add_argument("harness", nargs="*", help=f"of {', '.join(HARNESSES)}; all by default")
    options = parser.parse_args()
    chosen = options.harness or HARNESSES
    if not set(chosen) <= set(HARNESSES):
        parser.error(f"harnesses are {', '.join(HARNESSES)}")
    folder = Path(tempfile.mkdtemp(prefix="hexkey-fuzz-"))
    deadline = time.monotonic() + options.seconds
    programs = {name: build(name, folder / name) for name in chosen}
    for seed in count(options.seed):
        for name, command in programs.items():
            if seed > options.seed and time.monotonic() > deadline:
                return 0
            if not turn([word.format(seed=seed) for word in command], folder / name):
                print(f"{name} failed at seed {seed}; its input is in {folder / name}")
                return 1
    return 0


def build(name: str, folder: Path) -> list[str]:
    """Return the command of a turn, with a place for the seed."""
    (folder / "corpus").mkdir(parents=True)
    program = libfuzzer(name, folder)
    if program is not None:
        return [str(program), f"-runs={INPUTS}", "-seed={seed}", "corpus"]
    return [str(harness(name, folder)), str(INPUTS), "{seed}"]


def turn(command: list[str], folder: Path) -> bool:
    print(" ".join(command), flush=True)
    return subprocess.run(command, cwd=folder, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
