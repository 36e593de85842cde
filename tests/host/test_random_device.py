"""A hardware generator's bytes: added to the system's, and watched."""

import os
from pathlib import Path

import pytest

from hexkey.errors import DeviceError
from hexkey.random_device import MOST_IN_A_ROW, MOST_IN_A_WINDOW, WINDOW_BYTES, RandomDevice
from hexkey.randomness import Seeded


def piped(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_generators_bytes_are_added_to_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "urandom", lambda count: bytes(range(count)))
    source = RandomDevice(piped(tmp_path / "device", Seeded(5).bytes(64)))
    expected = bytes(
        a ^ b for a, b in zip(Seeded(5).bytes(64), [*range(40), *range(24)], strict=True)
    )
    assert source.bytes(40) + source.bytes(24) == expected
    assert source.reason_for_demonstration is None


def test_a_healthy_generator_passes(tmp_path: Path) -> None:
    source = RandomDevice(piped(tmp_path / "device", Seeded(6).bytes(300_000)))
    assert len(source.bytes(300_000)) == 300_000


def half_of_it(byte: int, rest: bytes) -> bytes:
    return bytes(value for each in rest for value in (byte, each))


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (b"\x00" + b"\x55" * MOST_IN_A_ROW, MOST_IN_A_ROW + 1),
        (half_of_it(0x55, bytes(range(80))), 2 * MOST_IN_A_WINDOW - 1),
    ],
    ids=["stuck", "biased"],
)
def test_a_generator_that_repeats_itself_is_refused(tmp_path: Path, data: bytes, at: int) -> None:
    """The byte before the cut-off passes, however the reads are cut."""
    device = piped(tmp_path / "device", data)
    whole, cut = RandomDevice(device), RandomDevice(device)
    whole.bytes(at - 1)
    for _ in range(at - 1):
        cut.bytes(1)
    for source in (whole, cut):
        with pytest.raises(DeviceError, match="repeats itself"):
            source.bytes(1)


def test_a_biased_byte_is_judged_in_its_window_alone(tmp_path: Path) -> None:
    """Half of what is over in one window, half in the next."""
    half = half_of_it(0x55, bytes(range(MOST_IN_A_WINDOW // 2 + 1)))
    rest = Seeded(7).bytes(WINDOW_BYTES - len(half))
    both = half + rest + half
    assert len(RandomDevice(piped(tmp_path / "device", both)).bytes(len(both))) == len(both)


def test_a_generator_that_ends_or_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="gives no more bytes"):
        RandomDevice(piped(tmp_path / "device", b"123")).bytes(4)
    with pytest.raises(DeviceError, match="cannot be opened"):
        RandomDevice(tmp_path / "nothing")
