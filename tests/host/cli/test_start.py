"""A command starts at once: nothing is added twice, and nothing imported that few commands need."""

import subprocess
import sys

from tests.host.cli.conftest import Run

from hexkey.cli import app

SLOW = {"clarabel", "matplotlib", "numba", "pyarrow", "scipy.optimize", "scipy.stats", "uvicorn"}


def test_commands_are_added_once(run: Run) -> None:
    run("--version")
    run("--version")
    added = [command.callback for command in app.registered_commands]
    assert len(added) == len(set(added))


def test_what_is_slow_to_import_is_imported_where_it_is_needed() -> None:
    program = "import sys; from hexkey.cli import build; build(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "numpy" in loaded
    assert not SLOW & loaded
