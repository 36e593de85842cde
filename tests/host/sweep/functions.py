"""What the sweeps of the tests compute: top-level functions that other processes can import."""

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hexkey.errors import ConfigurationError

GOES_AHEAD = 4  # items of `in_folder` below this one wait for nothing
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True)
class Loss:
    loss_db: float


def transmission(loss: Loss) -> dict[str, Any]:
    return {"loss": loss.loss_db, "transmission": 10 ** (-loss.loss_db / 10), "pair": (1, math.inf)}


def reciprocal(number: int) -> float:
    return 1 / number


def refuses(number: int) -> None:
    raise ConfigurationError(f"{number} is out of the question")


def no_json(number: int) -> set[int]:
    return {number}


def dies(number: int) -> int:
    os._exit(number)


def in_folder(item: tuple[str, int]) -> int:
    """Note who computes an item; later items wait for the file ``go``."""
    folder, number = Path(item[0]), item[1]
    (folder / f"{number} by {os.getpid()}").touch()
    began = time.monotonic()
    while number >= GOES_AHEAD and not (folder / "go").exists():
        assert time.monotonic() - began < LONGEST_WAIT_S
        time.sleep(0.01)
    return number**2


def items_in(folder: Path, count: int = 8) -> list[tuple[str, int]]:
    return [(str(folder), number) for number in range(count)]


def computed_in(folder: Path) -> list[tuple[int, int]]:
    """Return (item, process) of every computation that was begun."""
    names = (path.name.split(" by ") for path in folder.glob("* by *"))
    return sorted((int(number), int(process)) for number, process in names)
