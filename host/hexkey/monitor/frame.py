"""A snapshot as the page gets it: a JSON header, then its large arrays as plain numbers.

Layout, little-endian: ``HKM1``, the header's length in bytes as uint32, the header (UTF-8, padded
with spaces to a multiple of 4), the arrays one after the other. The header is ``{"snapshot": …,
"arrays": [{"path": …, "type": …, "shape": …}]}``; in the snapshot null stands where an array
belongs. Types are ``uint32`` and ``float32`` (nan where there is no value), and ``float64`` for
counts beyond 32 bits. See docs/monitor.md.
"""

import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.monitor.snapshot import Snapshot

MAGIC = b"HKM1"
_HEAD = struct.Struct("<4sI")
_FLOATS = ("start_ns", "width_ns", "sifted_hz", "qber", "sigma_qber", "secret_hz")


def encode(snapshot: Snapshot) -> bytes:
    """Return the frame of a snapshot."""
    arrays: dict[str, NDArray[Any]] = {}
    light = snapshot  # without the lists: they are not turned into JSON only to be thrown away
    if snapshot.histogram is not None:
        arrays["histogram.counts"] = _counts(snapshot.histogram.counts)
        light = replace(light, histogram=replace(snapshot.histogram, counts=[]))
    if snapshot.maps is not None:
        for name in _FLOATS:
            values = np.array(getattr(snapshot.maps, name), "<f4")
            arrays[f"maps.{name}"] = np.where(np.isfinite(values), values, np.float32(np.nan))
        none: dict[str, Any] = {name: [] for name in _FLOATS}
        light = replace(light, maps=replace(snapshot.maps, **none))
    shown = light.to_json()
    for path in arrays:
        part, name = path.split(".")
        shown[part][name] = None
    header = {
        "snapshot": shown,
        "arrays": [
            {"path": path, "type": array.dtype.name, "shape": array.shape}
            for path, array in arrays.items()
        ],
    }
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return b"".join(
        [_HEAD.pack(MAGIC, len(text)), text, *(array.tobytes() for array in arrays.values())]
    )


def _counts(counts: list[int]) -> NDArray[Any]:
    wide = max(counts, default=0) >= 2**32
    return np.array(counts, "<f8" if wide else "<u4")
