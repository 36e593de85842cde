"""The benchmarks of the stream run, and the plain loops find what the kernels do."""

import numpy as np
import pytest

from hexkey.bench import sift, wire
from hexkey.sift import gate_and_sift
from hexkey.wire import Burst, StreamParser


def test_the_plain_loop_sifts_the_same() -> None:
    events = sift.random_events(5000)
    expected = gate_and_sift(events, sift.GATES, sift.PERIOD_TICKS)
    kernel, plain, outputs = sift.c_calls(events)
    for call in (kernel, plain):
        outputs.pulse[:] = 0
        count = call()
        assert outputs.pulse[:count].tolist() == expected.pulse.tolist()
        assert outputs.bit[:count].tolist() == expected.bit.tolist()


def test_half_of_the_events_are_rejected_and_none_of_the_friendly_ones() -> None:
    random = gate_and_sift(sift.random_events(5000), sift.GATES, sift.PERIOD_TICKS)
    assert 0.48 < random.outside / 5000 < 0.53
    friendly = sift.random_events(5000, sift.GATES[0].end_ticks)
    assert gate_and_sift(friendly, sift.GATES, sift.PERIOD_TICKS).outside == 0


def test_the_plain_loop_decodes_the_same() -> None:
    events = wire.poisson_events(np.random.default_rng(2), 5000)
    data = wire.stream(events)
    bursts = [item for item in StreamParser().feed_decoded(data) if isinstance(item, Burst)]
    call, found = wire.plain_c(data, 5000)
    assert call() == sum(len(burst.events) for burst in bursts) == 5000
    for name in ("pulse", "phase_ticks", "mask", "flags"):
        expected = getattr(events, name)
        np.testing.assert_array_equal(getattr(found, name)[:5000], expected)
        np.testing.assert_array_equal(
            np.concatenate([getattr(burst.events, name) for burst in bursts]), expected
        )


def test_what_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sift, "EVENTS", 2000)
    monkeypatch.setattr(wire, "_EVENTS", 2400)
    assert all(value > 0 for value in sift.run().values())
    assert all(value > 0 for value in wire.run().values())
