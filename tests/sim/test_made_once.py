"""What takes long is made once, and never half."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hexkey_sim.benches.made_once import made_once


def test_who_comes_second_waits_and_makes_nothing(tmp_path: Path) -> None:
    begun: list[Path] = []

    def make(folder: Path) -> None:
        begun.append(folder)
        time.sleep(0.2)
        (folder / "made").touch()

    def want(_: int) -> bool:
        return (made_once(tmp_path / "model", make) / "made").exists()

    with ThreadPoolExecutor(4) as workers:
        assert all(workers.map(want, range(4)))
    assert len(begun) == 1


def test_what_failed_leaves_nothing_and_is_tried_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("no compiler")

    with pytest.raises(RuntimeError, match="no compiler"):
        made_once(tmp_path / "model", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["locks"]
    made = made_once(tmp_path / "model", lambda folder: (folder / "made").touch())
    assert [path.name for path in made.iterdir()] == ["made"]
