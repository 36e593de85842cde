"""BB84's rules for clicks against a slow reference, from the stream of events to bits and bases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from tests.cext.test_sift import Click, as_events

from hexkey.errors import ConfigurationError
from hexkey.gate import Gate, apply_gate, resolve
from hexkey.randomness import OperatingSystem, Recorded, Seeded, Witnessed
from hexkey.rule import Bb84Rule
from hexkey.sift import Sifter
from hexkey.sift_bb84 import CROSS, KEY, TEST, sift_bb84


def slow(
    masks: list[int], drawn: bytes, discard: bool
) -> tuple[list[int], list[int], list[int], int, int]:
    """Places kept, their bits and bases, double clicks and cross clicks."""
    places: list[int] = []
    bits: list[int] = []
    bases: list[int] = []
    doubles = crosses = 0
    left = list(drawn)
    for place, mask in enumerate(masks):
        clicked = [detector for detector in range(4) if mask >> detector & 1]
        of_key = [detector for detector in clicked if detector < 2]
        of_test = [detector for detector in clicked if detector >= 2]
        if of_key and of_test:
            crosses += 1
            places, bits, bases = [*places, place], [*bits, 0], [*bases, CROSS]
            continue
        basis = KEY if of_key else TEST
        if len(clicked) == 2:
            doubles += 1
            if discard:
                continue
            bit = left.pop(0) % 2
        else:
            bit = clicked[0] % 2
        places, bits, bases = [*places, place], [*bits, bit], [*bases, basis]
    return places, bits, bases, doubles, crosses


@settings(max_examples=300, deadline=None)
@given(
    masks=st.lists(st.integers(1, 15), max_size=40),
    drawn=st.binary(min_size=40, max_size=40),
    discard=st.booleans(),
)
def test_masks_become_bits_and_bases_as_in_the_reference(
    masks: list[int], drawn: bytes, discard: bool
) -> None:
    pulse = np.arange(7, 7 + len(masks), dtype=np.uint64)
    found = sift_bb84(
        pulse, np.array(masks, np.uint8), Recorded(drawn), "discard" if discard else "random"
    )
    places, bits, bases, doubles, crosses = slow(masks, drawn, discard)
    assert (found.pulse - np.uint64(7)).tolist() == places
    assert (found.bit.tolist(), found.basis.tolist()) == (bits, bases)
    assert (found.doubles, found.crosses) == (doubles, crosses)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Click], list[Gate], int, list[int]]:
    """Clicks close together, gates that wrap, and where the stream is cut."""
    period = draw(st.integers(1, 12))
    gate = st.builds(Gate, st.integers(0, period - 1), st.integers(0, period))
    click = st.tuples(st.integers(0, 3), st.integers(0, 2 * period), st.integers(0, 15))
    steps = draw(st.lists(click, max_size=30))
    pulses = np.cumsum([0, *(step for step, _, _ in steps)])[1:].tolist()
    clicks = sorted((pulse, step[1], step[2]) for pulse, step in zip(pulses, steps, strict=True))
    cuts = sorted(draw(st.lists(st.integers(0, len(clicks)), max_size=4)))
    return clicks, draw(st.lists(gate, min_size=4, max_size=4)), period, cuts


@settings(max_examples=300, deadline=None)
@given(streams())
def test_the_kernel_keeps_every_clicked_pulse_however_the_stream_is_cut(
    stream: tuple[list[Click], list[Gate], int, list[int]],
) -> None:
    clicks, gates, period, cuts = stream
    events = as_events(clicks)
    resolved = resolve(apply_gate(events, gates, period).events).events
    expected = resolved.take(resolved.mask != 0)
    sifter, parts = Sifter.of_masks(gates, period), []
    for start, end in zip([0, *cuts], [*cuts, len(clicks)], strict=True):
        parts.append(sifter.push(events.take(slice(start, end))))
    parts.append(sifter.flush())
    assert np.concatenate([part.pulse for part in parts]).tolist() == expected.pulse.tolist()
    assert np.concatenate([part.bit for part in parts]).tolist() == expected.mask.tolist()
    assert sum(part.doubles + part.other for part in parts) == 0


def test_the_bits_of_double_clicks_are_drawn_evenly_and_do_not_depend_on_chunks() -> None:
    """Both values as often as fair bits allow, but for a chance of 1e-9; the seed is fixed."""
    count = 20_000
    pulse, mask = np.arange(count, dtype=np.uint64), np.full(count, 0b1100, np.uint8)
    whole = sift_bb84(pulse, mask, Seeded(3))
    ones = int(whole.bit.sum())
    assert binom.ppf(5e-10, count, 0.5) <= ones <= binom.isf(5e-10, count, 0.5)
    drawn = bytearray()
    seen = sift_bb84(pulse, mask, Witnessed(Seeded(3), drawn.extend))
    again = Recorded(bytes(drawn))
    parts = np.array_split(np.arange(count), 7)
    cut = [sift_bb84(pulse[part], mask[part], again).bit for part in parts]
    assert np.array_equal(seen.bit, np.concatenate(cut))


def test_discarding_is_a_rule_by_its_name_alone() -> None:
    with pytest.raises(ConfigurationError, match="random or discard, not 'ignore'"):
        sift_bb84(
            np.zeros(1, np.uint64),
            np.ones(1, np.uint8),
            OperatingSystem(),
            "ignore",  # type: ignore[arg-type]
        )


def test_the_rule_counts_every_kind() -> None:
    events = as_events([(1, 0, 1), (2, 0, 3), (3, 0, 12), (4, 0, 5), (5, 0, 8), (6, 9, 1)])
    rule = Bb84Rule(Seeded(1))
    sifted = rule.sifter([Gate(0, 5)] * 4, 10).push_last(events)
    clicks = rule.read(sifted)
    assert clicks.basis is not None
    assert clicks.basis.tolist() == [KEY, KEY, TEST, CROSS, TEST]
    assert (clicks.bit[0], clicks.bit[3], clicks.bit[4]) == (0, 0, 1)
    assert (clicks.doubles, clicks.crosses, clicks.other, sifted.outside) == (2, 1, 0, 1)
