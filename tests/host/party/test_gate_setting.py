"""A gate is put into a configuration without touching anything else."""

import tomllib
from pathlib import Path

import pytest

from hexkey.errors import ConfigurationError
from hexkey.party.gate_setting import write_to_configuration


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "gate_start_ns = 0.3\ngate_width_ns = 11.25\n"),
        (
            "# Bob\ngate_width_ns = 10.0  # wide\nport = 'x'\n  gate_start_ns=0.5 # early\n",
            "# Bob\ngate_width_ns = 11.25  # wide\nport = 'x'\n  gate_start_ns=0.3 # early\n",
        ),
        (
            'port = "x"\n\n# terms\n[session]\nblock_bits = 1000\n',
            'port = "x"\n\n# terms\ngate_start_ns = 0.3\ngate_width_ns = 11.25\n'
            "[session]\nblock_bits = 1000\n",
        ),
        ("gate_start_ns = 1", "gate_start_ns = 0.3\ngate_width_ns = 11.25\n"),
        (
            "gate_start_ns = 1\r\ngate_width_ns = 2\r\n",
            "gate_start_ns = 0.3\r\ngate_width_ns = 11.25\r\n",
        ),
    ],
)
def test_two_values_change_and_nothing_else(before: str, after: str, tmp_path: Path) -> None:
    path = tmp_path / "bob.toml"
    path.write_bytes(before.encode())
    write_to_configuration(path, 0.3, 11.25)
    assert path.read_bytes().decode() == after
    assert tomllib.loads(after) == tomllib.loads(before) | {
        "gate_start_ns": 0.3,
        "gate_width_ns": 11.25,
    }


def test_a_link_and_a_mode_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "real.toml", tmp_path / "link.toml"
    path.write_text("gate_start_ns = 1\n")
    path.chmod(0o640)
    link.symlink_to(path)
    write_to_configuration(link, 0.3, 11.25)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert "gate_start_ns = 0.3" in path.read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.toml", "real.toml"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gate_start_ns = ", "is not TOML"),
        ('note = """\ngate_start_ns = 1\n"""\n', "cannot be edited here"),
        ("gate_start_ns = [\n1.0]\n", "cannot be edited here"),
    ],
)
def test_what_cannot_be_edited_stays_as_it_was(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "bob.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=sentence):
        write_to_configuration(path, 0.3, 11.25)
    assert path.read_text() == text


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / "bob.toml"
    write_to_configuration(path, 0.3, 11.25)
    assert path.read_text() == "gate_start_ns = 0.3\ngate_width_ns = 11.25\n"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"bob\.toml cannot be written: No such file"):
        write_to_configuration(tmp_path / "none" / "bob.toml", 0.3, 11.25)


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read: Is a directory"):
        write_to_configuration(tmp_path, 0.3, 11.25)
