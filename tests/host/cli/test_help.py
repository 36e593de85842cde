"""Help is complete: every command, with units, examples and a purpose."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.host.cli.conftest import Run

from hexkey_sim.link import PRESETS

COMMANDS = {
    "alice": ("--record", "Example: hexkey alice"),
    "bench": ("ratio", "--out", "Example: hexkey bench"),
    "bob": ("--port", "--no-refresh", "ns", "seconds", "Example: hexkey bob"),
    "capture": ("seconds", "ns", "hexkey distill"),
    "demo": ("seconds", "--preset"),
    "distill": ("matching_basis", "--record"),
    "doctor": ("exit code 1",),
    "figures": ("OUTDIR", "seconds", "Example: hexkey figures"),
    "keys": ("create", "list", "compare"),
    "tune": (
        "what [source] states",
        "and [session].",
        "--gate-width-ns 25",
        "FIRST:LAST:STEP",
        "Example: hexkey tune",
    ),
    "plan": ("a second", "dB", "km", "--scheduler", "Example: hexkey plan"),
    "simulate": ("--seconds", "--whole-period", "hexkey distill"),
    "virtual-board": (
        "The board of [source_monitor]:",
        "pty",
        "flip-bits:rate=1e-6",
        "hexkey bob --port",
    ),
    "board": ("status", "registers", "calibrate", "selftest", "g2", "tags"),
    "board status": ("exit code 1", "Example: hexkey board status"),
    "board registers": ("NAME.CHANNEL=VALUE", "Example: hexkey board registers"),
    "board calibrate": ("--load", "Example: hexkey board calibrate"),
    "board selftest": ("exit code 1", "Example: hexkey board selftest"),
    "board g2": ("no bound",),
    "board tags": ("--no-trigger", "secret material"),
    "keys create": ("256 bits",),
    "keys list": ("never bits",),
    "keys compare": ("exit code 1",),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_what_one_must_know(command: str, run: Run) -> None:
    done = run(*command.split(), "--help")
    assert done.code == 0
    shown = re.sub(r"[\s│]+", " ", done.out)
    for words in COMMANDS[command]:
        assert words in shown, words


def test_overview_lists_every_command(run: Run) -> None:
    shown = run("--help").out
    for command in COMMANDS:
        assert command.split()[0] in shown


def test_presets_in_the_help_are_those_there_are(run: Run) -> None:
    for command in ("demo", "simulate", "virtual-board"):
        shown = run(command, "--help").out
        assert all(name in shown for name in PRESETS)


def test_short_help_and_version(run: Run) -> None:
    assert run("-h").out == run("--help").out
    assert re.fullmatch(r"hexkey \S+\n", run("--version").out)


def test_shell_completion_is_printed() -> None:
    """By a real process: completion looks at the shell that started it."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    absolute = os.pathsep.join(str(Path(path).resolve()) for path in paths if path)
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m hexkey --show-completion bash; exit $?"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": absolute},
    )
    assert done.returncode == 0, done.stderr
    assert "complete" in done.stdout
