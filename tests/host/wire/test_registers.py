"""The register map and the document made from it."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.wire import registers
from hexkey.wire.registers import REGISTERS, Period, Register

DOCUMENT = Path(__file__).parents[3] / "docs" / "register-map.md"


def test_the_document_is_current() -> None:
    command = [sys.executable, "-W", "error", "-m", "hexkey.wire.registers"]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert DOCUMENT.read_text() == printed, "run: python -m hexkey.wire.registers > the document"


def test_addresses_are_distinct_and_found_again() -> None:
    seen = set()
    for row in REGISTERS:
        for detector in range(4) if row.per_detector else (None,):
            address = registers.address(row.name, detector)
            assert registers.find(address) == (row, detector)
            seen.add(address)
    assert len(seen) == sum(4 if row.per_detector else 1 for row in REGISTERS)
    assert registers.find(0x0C) is None
    assert registers.address("gate_start_ticks", detector=1) == 0x21


@pytest.mark.parametrize("period", [2500, 2**24 - 1])
def test_a_reset_value_is_within_its_limits(period: int) -> None:
    for row in REGISTERS:
        assert registers.in_range(row, registers.bound(row.reset, period), period), row.name


@pytest.mark.parametrize(
    ("name", "detector", "message"),
    [
        ("gain", None, "no register 'gain'"),
        ("run", 0, "common to all"),
        ("enable", None, "needs a detector"),
        ("enable", 4, "needs a detector from 0 to 3, not 4"),
    ],
)
def test_a_wrong_name_or_detector(name: str, detector: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        registers.address(name, detector)


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
