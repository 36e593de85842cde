"""Fault specifications, and the damage they do to bytes."""

import pytest

from hexkey.errors import ConfigurationError
from hexkey_sim.faults import FORMS, ByteFaults, Faults, Interval, parse_faults


def test_every_form_that_the_messages_show_is_understood() -> None:
    assert parse_faults(list(FORMS.values())) == Faults(
        lose_bytes_rate=1e-5,
        flip_bits_rate=1e-6,
        overflow=(Interval(2.0, 2.1),),
        lose_trigger=(Interval(3.0, 3.05),),
        drop_replies=1,
        vanish_at_s=4.0,
        garbage=True,
        wrong_version=True,
    )


def test_intervals_are_half_open_and_add_up() -> None:
    overflow = parse_faults(["overflow:at=0,for=500us", "overflow: for=1s, at=5s"]).overflow
    assert [overflow[0].holds(time_s) for time_s in (0.0, 0.0004, 0.0005)] == [True, True, False]
    assert overflow[1] == Interval(5.0, 6.0)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("loose-bytes:rate=1", "unknown"),
        ("lose-bytes", "must give rate"),
        ("lose-bytes:rate=1,seed=2", "must give rate"),
        ("lose-bytes:rate=often", "no number"),
        ("flip-bits:rate=2", "outside of 0 to 1"),
        ("overflow:at=2s", "must give at and for"),
        ("lose-trigger:at=-1s,for=1s", "negative"),
        ("vanish:at=2 minutes", "no number of s"),
        ("drop-reply:count=0.5", "not a whole number"),
        ("garbage:much=1", "must give no values"),
    ],
)
def test_wrong_specification_is_named_with_the_form_to_use(spec: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        parse_faults([spec])
    assert repr(spec) in str(caught.value)
    assert FORMS.get(spec.partition(":")[0], "lose-bytes:rate=1e-5") in str(caught.value)


def test_damage_has_its_rate_and_its_seed() -> None:
    data = bytes(100_000)
    lost = ByteFaults(Faults(lose_bytes_rate=0.1), seed=3).damage(data)
    assert abs(len(data) - len(lost) - 10_000) < 5 * 95  # five standard deviations
    flipped = ByteFaults(Faults(flip_bits_rate=0.01), seed=3).damage(data)
    assert len(flipped) == len(data)
    assert abs(sum(byte.bit_count() for byte in flipped) - 8_000) < 5 * 89
    assert flipped == ByteFaults(Faults(flip_bits_rate=0.01), seed=3).damage(data)
    assert ByteFaults(Faults(), seed=3).damage(data) == data
