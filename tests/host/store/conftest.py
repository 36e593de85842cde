from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hexkey.bits import packed_bytes, unpack_bits
from hexkey.randomness import Seeded
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
            unpack_bits(Seeded(1000 * seed + number).bytes(packed_bytes(bits)), bits),
            ("B92 with the paper's equations",),
            facts,
            1e-10,
        )

    return make
