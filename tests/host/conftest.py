import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = "/dev/shm"


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A folder for stores of processes that are killed: that loses nothing written, disk or not."""
    place = MEMORY if os.path.isdir(MEMORY) else None
    with tempfile.TemporaryDirectory(dir=place) as made:
        yield Path(made)
