"""Headers with any bytes changed: a file is read, or refused with a sentence, and nothing else."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from tests.host.tags import writers
from tests.host.tags.test_own import events_of, frames, record

from hexkey.errors import InputError
from hexkey.tags import open_tags
from hexkey.tags.examine import examine


def sample(kind: str, path: Path) -> tuple[bytes, int]:
    """Return a file's bytes and the length of its header."""
    pulsed = [(place % 2, 300 * place, 40) for place in range(60)]
    free = [(1 + place % 3, 10**6 * place) for place in range(60)]
    if kind == "ptu":
        more = [
            ("TTResult_SyncRate", writers.INT, 80_000_000),
            ("TTResult_StopAfter", writers.INT, 5),
            ("TTResult_InputRate", writers.INT, [10, 20]),
        ]
        words = writers.hydra_t3(pulsed)
        writers.ptu(path, writers.HYDRA2_T3, words, tick_s=16e-12, period_s=1.25e-8, more=more)
        return path.read_bytes(), path.stat().st_size - 4 * len(words)
    if kind == "pt3":
        return writers.pico_file(path, writers.pico_t3(pulsed), 3).read_bytes(), 728
    if kind == "ht3":
        return writers.hydra_file(path, writers.hydra_t3(pulsed), 3).read_bytes(), 796
    if kind == "qutag":
        return writers.qutag(path, free).read_bytes(), 640
    if kind == "csv":
        rows = ["# tick_ps=4 sync_period_ps=12.5", "ticks,channel"]
        path.write_text("\n".join([*rows, *(f"{time},{channel}" for channel, time in free)]))
        return path.read_bytes(), 600
    data = record(path, frames(events_of(list(range(1, 60)), [1] * 59))).read_bytes()
    return data, len(data)


@pytest.mark.parametrize("kind", ["ptu", "pt3", "ht3", "qutag", "csv", "own"])
def test_any_damage_is_a_sentence_or_survived(kind: str, tmp_path: Path) -> None:
    data, header = sample(kind, tmp_path / "whole")
    generator = np.random.default_rng(1)
    path = tmp_path / "damaged"
    for _ in range(400):
        damaged = bytearray(data)
        for _ in range(int(generator.integers(1, 5))):
            damaged[int(generator.integers(header))] = int(generator.integers(256))
        path.write_bytes(damaged[: int(generator.integers(header // 2, len(data) + 1))])
        with suppress(InputError):
            examine(open_tags(path)).to_json()
