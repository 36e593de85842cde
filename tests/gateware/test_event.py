"""What travels between blocks and on the wire, as the gateware sees it."""

import subprocess
import sys

import pytest

from hexkey.wire import NARROW, WIDE, RecordLayout
from hexkey_gateware.event import NARROW_RECORD, WIDE_RECORD, record_layout


@pytest.mark.parametrize(("layout", "record"), [(NARROW, NARROW_RECORD), (WIDE, WIDE_RECORD)])
def test_record_has_its_fields_where_the_host_looks(layout: RecordLayout, record: object) -> None:
    values = {name: layout.limit(name) // 2 + 1 for name, _ in layout.fields}
    word = sum(value << layout.shift(name) for name, value in values.items())
    assert record_layout(layout).const(values).as_bits() == word
    assert record_layout(layout) == record


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ((("phase", 13), ("flags", 2), ("advance", 13), ("mask", 4)), "fields phase, flags"),
        ((("phase_ticks", 13), ("flags", 2), ("advance", 12), ("mask", 4)), "31 bits in 3 bytes"),
        ((("mask", 4), ("phase_ticks", 13), ("flags", 2), ("advance", 13)), "no mask of 4"),
        ((("phase_ticks", 14), ("flags", 1), ("advance", 13), ("mask", 4)), "1 bits of flags"),
    ],
)
def test_layout_that_drifts_is_refused(fields: tuple[tuple[str, int], ...], problem: str) -> None:
    with pytest.raises(ValueError, match=f"layout 'drifted' has .*{problem}"):
        record_layout(RecordLayout("drifted", fields))


def test_package_imports_no_amaranth() -> None:
    script = "import sys, hexkey_gateware, hexkey_sim; sys.exit('amaranth' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
