"""The firmware string names what was built."""

import re

from hexkey_gateware.bitstream.firmware import board_firmware, firmware, sources
from hexkey_gateware.boards import find_board


def test_fits_into_the_identification_and_is_the_same_each_time() -> None:
    name = firmware("something")
    assert re.fullmatch(r"\d+\.\d+ [0-9a-f]{8}", name)
    assert len(name.encode()) <= 16
    assert firmware("something") == name


def test_differs_by_board_and_seed_since_lines_are_elsewhere_then() -> None:
    large, small = find_board("ulx3s-85f"), find_board("ulx3s-25f")
    names = {board_firmware(large, 1), board_firmware(large, 2), board_firmware(small, 1)}
    assert len(names) == 3


def test_covers_gateware_and_wire() -> None:
    names = {f"{path.parent.name}/{path.name}" for path in sources()}
    assert {"wire/registers.py", "hexkey/events.py", "tagger/lowerings.py"} <= names
    assert "tagger/tdl_ccu2c.v" in names
