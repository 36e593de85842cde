"""The register map and the document made from it."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.wire import registers
from hexkey.wire.registers import (
    MAX_PERIOD_TICKS,
    MIN_PERIOD_TICKS,
    REGISTERS,
    Period,
    Register,
)

DOCUMENT = Path(__file__).parents[3] / "docs" / "register-map.md"


def test_the_document_is_current() -> None:
    command = [sys.executable, "-W", "error", "-m", "hexkey.wire.registers"]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert DOCUMENT.read_text() == printed, "run: python -m hexkey.wire.registers > the document"


def test_addresses_are_distinct_and_found_again() -> None:
    seen = set()
    for row in REGISTERS:
        for channel in row.instances:
            address = registers.address(row.name, channel)
            assert registers.find(address) == (row, channel)
            seen.add(address)
    assert len(seen) == sum(row.channels or 1 for row in REGISTERS)
    assert registers.find(0x0F) is None
    assert registers.find(0x51) is None  # the trigger has no gate
    assert registers.address("gate_start_ticks", channel=1) == 0x21
    assert registers.address("delay_ticks", registers.TRIGGER) == 0x53


@pytest.mark.parametrize("period", [MIN_PERIOD_TICKS, 2500, MAX_PERIOD_TICKS])
def test_a_reset_value_is_within_its_limits(period: int) -> None:
    for row in REGISTERS:
        assert registers.in_range(row, registers.bound(row.reset, period), period), row.name


@pytest.mark.parametrize(
    ("name", "channel", "message"),
    [
        ("gain", None, "no register 'gain'"),
        ("run", 0, "common to all"),
        ("enable", None, "needs a channel"),
        ("enable", 5, "needs a channel from 0 to 4, not 5"),
        ("gate_start_ticks", 4, "needs a channel from 0 to 3, not 4"),
    ],
)
def test_a_wrong_name_or_channel(name: str, channel: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        registers.address(name, channel)


@given(st.sampled_from(REGISTERS), st.integers(0, 2**32 - 1))
def test_words_are_twos_complement_where_signed(row: Register, word: int) -> None:
    value = registers.from_word(row, word)
    assert value % 2**32 == word
    assert (value < 0) == (row.signed and word >= 2**31)
    assert registers.to_word(row, value) == word


def test_a_value_that_is_no_word_is_refused() -> None:
    for name, value in (("run", -1), ("run", 2**32), ("delay_ticks", 2**31)):
        with pytest.raises(ValueError, match=f"{name} must be between"):
            registers.to_word(registers.register(name), value)


def test_limits_that_depend_on_the_period() -> None:
    start = registers.register("gate_start_ticks")
    assert registers.in_range(start, 2499, 2500)
    assert not registers.in_range(start, 2500, 2500)
    assert str(Period(1)) == "period − 1"
