from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from hexkey.randomness import Seeded, random_bits
from hexkey.store import DemonstrationKey, create_pair

KEYS = 40


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "alice.sqlite", tmp_path / "bob.sqlite"
    create_pair(*paths, KEYS, Seeded(7))
    return paths


@pytest.fixture
def make_key() -> Callable[..., DemonstrationKey]:
    def make(number: int, bits: int = 1001, seed: int = 0, **facts: Any) -> DemonstrationKey:
        return DemonstrationKey.fresh(
            str(UUID(int=number)),
            random_bits(Seeded(1000 * seed + number), bits).astype(np.uint8),
            ("B92 with the paper's equations",),
            facts,
            1e-10,
        )

    return make
