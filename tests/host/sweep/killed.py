"""A sweep as a process of its own, to be killed: ``killed.py FOLDER FILE``."""

import sys
from pathlib import Path

from tests.host.sweep.functions import in_folder, items_in

from hexkey.sweep import run

if __name__ == "__main__":  # and not in the processes that it spawns
    run(in_folder, items_in(Path(sys.argv[1])), resume=Path(sys.argv[2]))
