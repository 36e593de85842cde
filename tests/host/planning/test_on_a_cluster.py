"""A plan on a Dask cluster of two processes gives what this machine's cores give."""

import math
import subprocess

import numpy as np
from tests.host.sweep import test_cluster

from hexkey.planning.curves import draw_up
from hexkey.planning.protocols import Curve
from hexkey.planning.source import parse_source

scheduler, workers = test_cluster.scheduler, test_cluster.workers

Workers = list["subprocess.Popen[bytes]"]


def test_curves_are_the_same(scheduler: str, workers: Workers) -> None:
    source = parse_source("tapsin:improved")
    curves = [
        Curve(protocol="bb84", source=source, block_s=1.0),
        Curve(protocol="decoy", source=source, block_s=1.0),
        Curve(protocol="plob", source=source),
        Curve(protocol="repeater", memory_s=5e-3),
    ]
    losses = np.linspace(0, 30, 4)
    told: list[tuple[int, int]] = []
    far = draw_up(
        curves,
        losses,
        scheduler=scheduler,
        progress=lambda done, total: told.append((done, total)),
    )
    near = draw_up(curves, losses)
    for one, other in zip(far, near, strict=True):
        assert one.rate.tolist() == other.rate.tolist()
        assert one.settings == other.settings
        assert one.largest_loss_db == other.largest_loss_db
    assert math.isinf(near[2].rate[0])
    assert told[-1] == (4, 4)
