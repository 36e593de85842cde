"""Clicks of known pulses, written as a free-running tagger with a trigger input would."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.tags.stream import TagFile, Tags

TRIGGER = 9
PERIOD_PS = 25_000.0


@dataclass(frozen=True)
class Known:
    """Clicks with their true pulses and phases, ascending in time."""

    pulse: NDArray[np.int64]
    phase_ps: NDArray[np.int64]
    detector: NDArray[np.uint8]


def known(random: np.random.Generator, count: int, pulses: int, period_ps: float) -> Known:
    """Return random clicks; often several in a pulse or within a hold-off."""
    pulse = np.sort(random.integers(0, pulses, count))
    phase = random.integers(0, int(period_ps), count)
    order = np.lexsort((phase, pulse))
    return Known(pulse, phase[order], random.integers(0, 2, count, dtype=np.uint8))


def written(
    clicks: Known,
    edges_ps: NDArray[Any],
    begins_ps: NDArray[Any],
    channels: tuple[int, ...] = (3, 5),
) -> Tags:
    """Return tags of 1 ps: each click after its pulse's beginning, the edges among them."""
    times = np.rint(np.concatenate([begins_ps + clicks.phase_ps, edges_ps])).astype(np.int64)
    channel = np.concatenate(
        [np.array(channels, np.uint8)[clicks.detector], np.full(len(edges_ps), TRIGGER, np.uint8)]
    )
    order = np.argsort(times, kind="stable")
    return Tags(channel[order], times[order])


def tag_file(tags: Tags, piece: int = 10_000, tick_ps: Fraction = Fraction(1)) -> TagFile:
    def read(follow: bool) -> Iterator[Tags]:
        for first in range(0, len(tags), piece):
            yield tags.take(slice(first, first + piece))

    return TagFile(Path("made.tags"), "made for a test", tick_ps, tags.pulse is not None, read)
