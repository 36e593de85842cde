"""The hole that a common dead time leaves around the origin, which looks like perfect antibunching.

Behind a router all detectors share one converter: after a detection of any, none is recorded for
its dead time, so that the correlation of two detectors is exactly zero there. It is told from
antibunching by three things together. The shortest time between detections is the same for one
detector as for two; it is far beyond an accident; and right behind it pairs of two detectors come
at the full rate of independent ones, which pulses of a slow source do not show.
"""

import numpy as np
from numpy.typing import NDArray

from hexkey.tags.finding import Finding
from hexkey.tags.stream import TagFile
from hexkey.tags.tally import GAP_BIN_PS, GAP_BINS, Tally

_LEAST_EXPECTED = 20
_BEHIND = 1.5  # times the hole: as far as pairs behind it are looked for


def dead_time_hole(file: TagFile, tally: Tally) -> list[Finding]:
    counts = tally.counts.astype(np.float64)
    if file.trigger_channel is not None:
        counts[file.trigger_channel] = 0
    total = float(counts.sum())
    if np.count_nonzero(counts) < 2 or tally.seconds == 0:
        return []
    same, other = tally.gaps
    hole = _first(other)
    if hole < 2 or hole >= GAP_BINS or abs(_first(same) - hole) > max(2, 0.05 * hole):
        return []
    rate_per_bin = total / tally.seconds * GAP_BIN_PS * 1e-12
    pairs_per_bin = (total**2 - float((counts**2).sum())) / total * rate_per_bin
    expected = pairs_per_bin * hole
    behind = slice(hole + 1, min(GAP_BINS, int(_BEHIND * hole) + 2))
    bins = np.arange(behind.stop - behind.start)
    expected_behind = pairs_per_bin * float(np.exp(-rate_per_bin * bins).sum())
    if expected < _LEAST_EXPECTED or other[behind].sum() < 0.5 * expected_behind:
        return []
    length_ns = hole * GAP_BIN_PS / 1000
    sentence = (
        f"no two detections are closer than {length_ns:g} ns, on whatever channels, where "
        f"{expected:,.0f} pairs of different ones were due: all share one converter, whose dead "
        "time looks like antibunching; give each detector its own for g²"
    )
    facts = {"hole_ns": length_ns, "expected_pairs": expected}
    return [Finding("dead_time_hole", "refused", sentence, facts, ("g2",))]


def _first(gaps: NDArray[np.int64]) -> int:
    """Return the first bin with a gap; one beyond the last if there is none."""
    found = np.flatnonzero(gaps)
    return int(found[0]) if len(found) else len(gaps)
