"""B92's rule by hand-made examples; the property tests are in tests/cext/test_sift.py."""

import numpy as np
import pytest

from hexkey.bench import sift as bench
from hexkey.errors import ConfigurationError
from hexkey.events import Events
from hexkey.gate import Gate
from hexkey.sift import Sifter, gate_and_sift, sift_b92


def as_events(*masks: int) -> Events:
    count = len(masks)
    return Events(
        np.arange(10, 10 + count, dtype=np.uint64),
        np.full(count, 100, np.uint32),
        np.array(masks, np.uint8),
        np.zeros(count, np.uint8),
    )


def test_detector_0_excludes_v_and_means_1() -> None:
    sifted = sift_b92(as_events(0b01, 0b10, 0b01))
    assert sifted.pulse.tolist() == [10, 11, 12]
    assert sifted.bit.tolist() == [1, 0, 1]


def test_more_than_one_detector_and_detectors_without_a_bit_are_counted() -> None:
    sifted = sift_b92(as_events(0b11, 0b100, 0b1000, 0b101, 0b1111, 0b01, 0))
    assert (sifted.pulse.tolist(), sifted.bit.tolist()) == ([15], [1])
    assert (sifted.doubles, sifted.other) == (3, 2)


def test_the_meaning_of_the_detectors_can_be_given() -> None:
    assert sift_b92(as_events(1, 2, 4, 8), (0, 1, 1, 0)).bit.tolist() == [0, 1, 1, 0]
    assert sift_b92(as_events(1, 2, 4, 8), ()).other == 4


@pytest.mark.parametrize("bits", [(1, 2), (-1,), (0, 1, 0, 1, 0)])
def test_what_is_not_a_bit_is_refused(bits: tuple[int, ...]) -> None:
    with pytest.raises(ConfigurationError, match="bit_of_detector must"):
        sift_b92(as_events(1), bits)
    with pytest.raises(ConfigurationError, match="bit_of_detector must"):
        Sifter([Gate(0, 1)], 10, bits)


def test_events_that_share_a_pulse_are_not_sifted_silently() -> None:
    events = as_events(1, 2)
    events.pulse[1] = events.pulse[0]
    with pytest.raises(ValueError, match="resolve the events first"):
        sift_b92(events)
    with pytest.raises(ConfigurationError, match="gate of detector 0"):
        gate_and_sift(events, [Gate(10, 1)], 10)


def test_the_benchmark_measures_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "EVENTS", 20_000)
    sifted = gate_and_sift(bench.random_events(20_000), bench.GATES, bench.PERIOD_TICKS)
    assert 0.47 < len(sifted) / 20_000 < 0.52  # half of all, less 1 % of double clicks
    assert all(value > 0 for value in bench.run().values())
