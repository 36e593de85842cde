import os
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("HEXKEY_SHARED", Path(__file__).parents[3] / ".." / "shared"))


@pytest.fixture
def recording() -> Callable[[str], Path]:
    """A recording made by others, by its name; the test is skipped where there are none."""

    def find(name: str) -> Path:
        path = SHARED / "data" / name
        if not path.exists():
            pytest.skip(f"no recording at {path}; HEXKEY_SHARED names its folder")
        return path

    return find
