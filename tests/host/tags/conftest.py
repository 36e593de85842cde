"""What all tests of readers do."""

import numpy as np

from hexkey.tags.stream import TagFile, Tags


def whole(file: TagFile) -> Tags:
    """Return all of a file at once, with the sums of what was left out."""
    parts = list(file.chunks())
    left_out: dict[str, int] = {}
    for part in parts:
        for name, count in part.left_out.items():
            left_out[name] = left_out.get(name, 0) + count
    none = np.empty(0, np.int64)
    ticks = [part.ticks for part in parts]
    pulses = [none if part.pulse is None else part.pulse for part in parts]
    return Tags(
        np.concatenate([np.empty(0, np.uint8), *(part.channel for part in parts)]),
        np.concatenate([none, *ticks]),
        np.concatenate([none, *pulses]) if file.pulsed else None,
        left_out,
    )
