"""Files from before `.ptu`: what was written comes back, a real one is as its reference says."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.host.tags import writers
from tests.host.tags.conftest import whole

from hexkey.errors import InputError
from hexkey.tags import open_tags
from hexkey.tags.tttr import SYNC

CLICKS = [(0, 3, 17), (1, 3, 18), (3, 65536, 4000), (0, 1_000_000, 0), (2, 1_000_001, 4095)]
TIMES = [(1, 0), (0, 5), (4, 210_698_240 + 9), (1, 1_000_000_000_000)]


@pytest.mark.parametrize("image", [0, 3])
def test_pt3(image: int, tmp_path: Path) -> None:
    path = writers.pico_file(tmp_path / "x.pt3", writers.pico_t3(CLICKS), 3, image=image)
    file = open_tags(path)
    found = whole(file)
    assert found.pulse is not None
    rows = zip(found.channel.tolist(), found.pulse.tolist(), found.ticks.tolist(), strict=True)
    assert list(rows) == CLICKS
    assert (file.tick_ps, file.sync_period_ps, file.seconds_stated) == (Fraction(8), 25_000, 1.5)
    assert file.stated["input rates, Hz"] == [1234]
    assert file.records_stated == len(found) + found.left_out["overflows"]


def test_pt2(tmp_path: Path) -> None:
    file = open_tags(writers.pico_file(tmp_path / "x.pt2", writers.pico_t2(TIMES), 2))
    found = whole(file)
    assert list(zip(found.channel.tolist(), found.ticks.tolist(), strict=True)) == TIMES
    assert (file.tick_ps, file.pulsed, file.trigger_channel) == (Fraction(4), False, None)
    assert file.sync_period_ps is None  # its input is channel 0
    assert file.stated["input rates, Hz"] == [40_000_000, 1234]


def test_ht3(tmp_path: Path) -> None:
    file = open_tags(writers.hydra_file(tmp_path / "x.ht3", writers.hydra_t3(CLICKS), 3))
    found = whole(file)
    assert found.pulse is not None
    rows = zip(found.channel.tolist(), found.pulse.tolist(), found.ticks.tolist(), strict=True)
    assert list(rows) == CLICKS
    assert (file.tick_ps, file.sync_period_ps, file.seconds_stated) == (Fraction(4), 12_500, 2.5)
    assert file.stated["input rates, Hz"] == [100, 200, 300]


def test_ht2_given_under_another_name_is_still_t2(tmp_path: Path) -> None:
    """A reader that went by the name would take times for pulses and delays."""
    words = writers.hydra_t2([(9, 4), (2, 40), (0, 2**40)], sync=9)
    file = open_tags(writers.hydra_file(tmp_path / "x.ht3", words, 2))
    found = whole(file)
    assert (file.pulsed, file.tick_ps, file.trigger_channel) == (False, Fraction(1), SYNC)
    assert found.channel.tolist() == [SYNC, 2, 0]
    assert found.ticks.tolist() == [4, 40, 2**40]


def test_first_version_has_single_overflows(tmp_path: Path) -> None:
    rolled = 1 << 31 | 63 << 25 | 5  # the second version means five by this
    file = open_tags(writers.hydra_file(tmp_path / "x.ht2", [rolled, 7], 2, version="1.0"))
    assert whole(file).ticks.tolist() == [33_552_000 + 7]
    assert file.tick_ps == Fraction(1, 2)  # of the picosecond that the header states
    file = open_tags(writers.hydra_file(tmp_path / "x.ht3", [rolled, 7], 3, version="1.0"))
    pulse = whole(file).pulse
    assert pulse is not None
    assert pulse.tolist() == [1024 + 7]


def test_real_ht3_is_as_its_reference(recording: Callable[[str], Path]) -> None:
    file = open_tags(recording("libpicoquant/v20.ht3"))
    found = whole(file)
    lines = recording("libpicoquant/v20.ht3.data").read_text().split()
    reference = np.array([line.split(",") for line in lines], np.int64)
    assert found.pulse is not None
    rows = np.stack([found.channel, found.pulse, found.ticks * int(file.tick_ps)], axis=1)
    np.testing.assert_array_equal(rows[: len(reference)], reference)
    assert len(found) == 44_141
    facts = dict(
        line.split(" = ")
        for line in recording("libpicoquant/v20.ht3.header").read_text().splitlines()
    )
    assert file.records_stated == int(facts["NumRecords"])
    assert float(file.tick_ps) == float(facts["Resolution"])
    assert file.stated["sync rate, Hz"] == int(facts["SyncRate"])
    assert file.stated["input rates, Hz"] == [int(facts[f"InputRate[{i}]"]) for i in range(4)]


@pytest.mark.parametrize(
    ("version", "mode", "bits", "sentence"),
    [
        ("3.0", 3, 32, r"version '3.0' of its format; known are 1.0, 2.0"),
        ("2.0", 0, 32, "measurement mode 0 with 32 bits a record"),
        ("2.0", 3, 64, "measurement mode 3 with 64 bits a record"),
    ],
)
def test_other_kinds_are_refused(
    version: str, mode: int, bits: int, sentence: str, tmp_path: Path
) -> None:
    path = writers.hydra_file(tmp_path / "x.ht3", [1], mode, version=version, bits=bits)
    with pytest.raises(InputError, match=sentence):
        open_tags(path)


def test_header_that_ends_early_is_a_sentence(tmp_path: Path) -> None:
    path = writers.pico_file(tmp_path / "x.pt3", [1], 3)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(InputError, match="ends within its header: copy it anew"):
        open_tags(path)
