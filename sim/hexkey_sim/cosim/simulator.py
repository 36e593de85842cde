"""The simulated receiver as a process of its own, which runs in a folder."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hexkey.errors import HexkeyError
from hexkey_sim.benches.runner import run_model

START_TIMEOUT_S = 60.0


class SimulationError(HexkeyError):
    """The simulator could not be run, or ended before its time."""


@contextmanager
def running(model: Path, folder: Path) -> Iterator[str]:
    """Run the model in `folder`, where its stimulus is; yield the name of its terminal.

    Raises
    ------
    SimulationError
        It does not start, or its own checks failed.
    """
    words = [sys.executable, "-m", "hexkey_sim.cosim.simulator", str(model)]
    for left in ("port", "played", "stop"):
        (folder / left).unlink(missing_ok=True)
    with (folder / "simulator.log").open("w") as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield _port(folder, process)
        finally:
            (folder / "stop").touch()
            try:
                process.wait(START_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    if process.returncode:
        raise SimulationError(f"the simulation failed: see {folder / 'simulator.log'}")


def has_played(folder: Path) -> bool:
    """Whether all light has come in."""
    return (folder / "played").exists()


def started_ps(folder: Path) -> int:
    """Return the time of the trigger edge from which the stimulus counts."""
    return int((folder / "played").read_text())


def _port(folder: Path, process: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        name = (folder / "port").read_text() if (folder / "port").exists() else ""
        if name:
            return name
        time.sleep(0.05)
    raise SimulationError(f"the simulation did not start: see {folder / 'simulator.log'}")


def main(model: str) -> int:
    result = run_model(Path(model), "testbench", Path.cwd())
    print(result.log)
    return 0 if (result.tests, result.failures) == (1, 0) else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main(sys.argv[1]))
