"""What Bob does when his detectors turn out not to be aligned."""

from fractions import Fraction
from typing import Any, cast

import pytest

from hexkey.errors import DeviceError
from hexkey.party.skew_watch import skew_facts, watched
from hexkey.receiver import Receiver
from hexkey.skew import Skew

ALIGNED, SKEWED = Skew((0, 1), 12.0, 20.0), Skew((2, 3), -510.0, 40.0)


class Histories:
    """A receiver that sees the skews of one list after another."""

    def __init__(self, *history: tuple[Skew, ...]) -> None:
        self._history = list(history)

    def skews(self, tick_ps: Fraction) -> tuple[Skew, ...]:
        return self._history.pop(0)


def watch(secret: bool, *history: tuple[Skew, ...]) -> tuple[list[int], list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    receiver = cast(Receiver, Histories(*history))
    chunks = watched(range(len(history)), receiver, Fraction(10), events.append, secret=secret)
    return list(chunks), events


def test_aligned_detectors_are_not_spoken_of() -> None:
    assert watch(True, (), (ALIGNED,), (ALIGNED,)) == ([0, 1, 2], [])


def test_a_demonstration_goes_on_and_says_it_once() -> None:
    chunks, events = watch(False, (ALIGNED, SKEWED), (ALIGNED, SKEWED))
    assert chunks == [0, 1]
    (event,) = (event for event in events if event["event"] == "skew")
    assert "detector 3 come -510 ps after those of detector 2" in event["message"]


def test_secret_keys_end_there() -> None:
    with pytest.raises(DeviceError, match="correct delay_ns"):
        watch(True, (ALIGNED,), (ALIGNED, SKEWED))


def test_a_report_has_the_skews() -> None:
    first, second = skew_facts((ALIGNED, SKEWED))
    assert first == {"detectors": [0, 1], "skew_ps": 12, "sigma_ps": 20, "alarm": False}
    assert second["alarm"]
