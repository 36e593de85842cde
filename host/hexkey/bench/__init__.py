"""Benchmarks of the stages that must keep up with a detector: ``hexkey bench``.

A stage is a module with ``run() -> Measures``: names end in their unit, numbers may be grouped by
case, and an absolute rate stands beside a ratio to a plain baseline of the same run, which a
machine's speed does not change. Add a module's name to `STAGES`.
"""

from collections.abc import Mapping

Measures = Mapping[str, float | dict[str, float]]

STAGES = (
    "hexkey.bench.wire",
    "hexkey.bench.sift",
    "hexkey.bench.maps",
    "hexkey.bench.offset",
    "hexkey.bench.cascade",
    "hexkey.bench.ldpc",
    "hexkey.bench.gf128",
    "hexkey.bench.toeplitz",
    "hexkey.bench.chain",
    "hexkey.bench.binomial",
    "hexkey.bench.planning",
    "hexkey.bench.tags",
    "hexkey.bench.monitor",
)
