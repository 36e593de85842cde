"""Folders that take long to make: made once, whoever else wants them at the same time."""

import tempfile
from collections.abc import Callable
from fcntl import LOCK_EX, flock
from pathlib import Path


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return a folder, made now or earlier; where another process is at it, when that is done.

    Parameters
    ----------
    folder : Path
        Is there whole or not at all.
    make : callable
        Fills an empty folder, which then becomes this one.
    """
    if not folder.exists():
        locks = folder.parent / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / folder.name).open("w") as lock:
            flock(lock, LOCK_EX)
            if not folder.exists():
                with tempfile.TemporaryDirectory(prefix="making-", dir=folder.parent) as name:
                    making = Path(name) / folder.name
                    making.mkdir()
                    make(making)
                    making.rename(folder)
    return folder
