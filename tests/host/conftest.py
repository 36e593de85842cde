import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

MEMORY = "/dev/shm"
SHARED = Path(os.environ.get("HEXKEY_SHARED", Path(__file__).parents[2] / ".." / "shared"))


@pytest.fixture
def recording() -> Callable[[str], Path]:
    """A recording made by others, by its name; the test is skipped where there are none."""

    def find(name: str) -> Path:
        path = SHARED / "data" / name
        if not path.exists():
            pytest.skip(f"no recording at {path}; HEXKEY_SHARED names its folder")
        return path

    return find


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A folder for stores of processes that are killed: that loses nothing written, disk or not."""
    place = MEMORY if os.path.isdir(MEMORY) else None
    with tempfile.TemporaryDirectory(dir=place) as made:
        yield Path(made)
