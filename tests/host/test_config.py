"""Settings: a file, the environment above it, the command line above both; all checked once."""

from pathlib import Path
from typing import Any

import pytest

from hexkey.config import AliceSettings, BobSettings, load
from hexkey.errors import ConfigurationError

NEEDED = {"port": "/dev/ttyUSB0", "peer": "alice:7392", "store": Path("bob.store")}


def load_bob(
    file: Path | None = None, environment: dict[str, str] | None = None, **overrides: Any
) -> BobSettings:
    return load(BobSettings, file, {**NEEDED, **overrides}, environment or {})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bob.toml"


def test_defaults_are_those_of_the_class() -> None:
    assert load_bob() == BobSettings(**NEEDED)  # type: ignore[arg-type]


def test_command_line_is_above_environment_above_file(file: Path) -> None:
    file.write_text("seconds = 1\ngate_start_ns = 1.5\nholdoff_pulses = 3\n")
    found = load_bob(
        file, {"HEXKEY_SECONDS": "2", "HEXKEY_GATE_START_NS": "2.5", "HOME": "/"}, seconds=3.0
    )
    assert (found.seconds, found.gate_start_ns, found.holdoff_pulses) == (3.0, 2.5, 3)


def test_option_that_was_not_given_overrides_nothing(file: Path) -> None:
    file.write_text("seconds = 1\n")
    assert load_bob(file, seconds=None).seconds == 1.0


def test_every_kind_of_value_is_read_from_a_file(file: Path) -> None:
    file.write_text(
        'recording = "run.recording"\ndelay_ns = [0, 1.5, 0, -2]\nbit_of_detector = [0, 1]\n'
        "seed = 7\nrefresh_tables = 0\n[session]\nblock_bits = 5000\nestimate_bits = 300\n"
    )
    found = load_bob(file)
    assert found.recording == Path("run.recording")
    assert found.delay_ns == (0.0, 1.5, 0.0, -2.0)
    assert found.bit_of_detector == (0, 1)
    assert found.seed == 7
    assert found.refresh_tables == 0
    assert (found.session.block_bits, found.session.estimate_bits) == (5000, 300)


def test_tuples_are_read_from_the_environment() -> None:
    found = load_bob(environment={"HEXKEY_DELAY_NS": "0,0.5,0,0", "HEXKEY_SEED": "12"})
    assert found.delay_ns == (0.0, 0.5, 0.0, 0.0)
    assert found.seed == 12


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gate_start = 1", "unknown key 'gate_start'"),
        ("[session]\nblocks = 1", "unknown key 'blocks'"),
        ("[sesion]\nblock_bits = 5000", "unknown key 'sesion'"),
        ("session = 5", "'session'"),
        ("session = 'small'", "'session'"),
        ("seconds = true", "'seconds'"),
        ("seconds = nan", "'seconds'"),
        ("seconds = -1", "seconds must not be negative"),
        ("holdoff_pulses = 2.5", "'holdoff_pulses'"),
        ("holdoff_pulses = inf", "'holdoff_pulses'"),
        ("holdoff_pulses = true", "'holdoff_pulses'"),
        ("delay_ns = 5", "'delay_ns'"),
        ("delay_ns = [0, 'late', 0, 0]", "'delay_ns'"),
        ("delay_ns = [0, 0]", "delay_ns must have 4 values"),
        ("bit_of_detector = [0, 2]", "bit_of_detector must be"),
        ("bit_of_detector = []", "bit_of_detector must be"),
        ("refresh_tables = 2", "refresh_tables must be 0 or 1"),
        ("untrusted_transmission = 1.5", "untrusted_transmission must be from 0 to 1"),
        ("seed = -1", "seed must not be negative"),
        ("baud = 'fast'", "'baud'"),
        ("recording = 5", "'recording'"),
    ],
)
def test_values_that_cannot_be_used_are_refused_by_name(text: str, words: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=words.replace("[", r"\[")):
        load_bob(file)


def test_missing_setting_says_where_to_give_it() -> None:
    with pytest.raises(ConfigurationError, match=r"'alice_record' is missing.*HEXKEY_ALICE_RECORD"):
        load(AliceSettings, None, {"store": Path("a.store")}, {})


def test_sessions_of_alice_are_not_negative() -> None:
    words = {"alice_record": Path("a"), "store": Path("b"), "sessions": -1}
    with pytest.raises(ConfigurationError, match="sessions"):
        load(AliceSettings, None, words, {})


def test_a_seed_and_a_random_device_exclude_each_other() -> None:
    wanted = {"alice_record": "r", "store": "s", "seed": 1, "random_device": "/dev/hwrng"}
    with pytest.raises(ConfigurationError, match="both seed and random_device /dev/hwrng"):
        load(AliceSettings, None, wanted, {})


def test_token_of_the_page_is_of_the_environment_and_shown_by_nothing(file: Path) -> None:
    found = load_bob(environment={"HEXKEY_MONITOR_TOKEN": "a-token-for-tests-only"})
    assert found.monitor_token == "a-token-for-tests-only"
    assert "a-token" not in repr(found)
    file.write_text("monitor_token = 123456789012345678\n")
    with pytest.raises(ConfigurationError, match="'monitor_token'") as error:
        load_bob(file)
    assert "1234" not in str(error.value)
