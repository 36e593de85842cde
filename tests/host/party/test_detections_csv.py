"""Detections from a CSV file: counts that are known, rows that are wrong, and a real link."""

import os
from pathlib import Path

import numpy as np
import pytest

from hexkey.errors import InputError
from hexkey.party.detections_csv import distill_csv, is_detections_csv, read_detections
from hexkey.session.parameters import SessionParameters

HEADER = "qubit_id,tx_state,tx_basis,decoy_level,rx_state,rx_basis,matching_basis"
PARAMETERS = SessionParameters(estimate_bits=500)
SHARED = Path(os.environ.get("HEXKEY_SHARED", Path(__file__).parents[3] / ".." / "shared"))
REAL = SHARED / "data" / "qkd_3state_1decoy" / "parsed_qkd_data_partial.csv"


def silent(event: dict[str, object]) -> None:
    pass


def write(path: Path, rows: list[str], header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def synthetic(tmp_path: Path) -> Path:
    """3000 detections in one basis, 1000 in the other, 500 in neither; 60 and 40 errors."""
    generator = np.random.default_rng(8)
    rows: list[str] = []
    for count, errors, bases, level in (
        (3000, 60, "00", 0),
        (1000, 40, "11", 1),
        (500, 0, "01", 0),
    ):
        for place in range(count):
            sent = int(generator.integers(2))
            got = sent ^ (place < errors)
            same = bases[0] == bases[1]
            rows.append(f"{len(rows)},{sent},{bases[0]},{level},{got},{bases[1]},{same}")
    generator.shuffle(rows)
    return write(tmp_path / "synthetic.csv", rows)


def test_known_counts_come_out(synthetic: Path) -> None:
    events: list[dict[str, object]] = []
    report = distill_csv(synthetic, PARAMETERS, events.append)
    assert (report["detections"], report["sifted_bits"], report["errors"]) == (4500, 4000, 100)
    assert report["qber"] == 100 / 4000
    assert report["losses"] == {"other_basis": 500}
    assert report["equal"]
    assert report["disclosed_bits"]["estimate"] == 500
    assert report["disclosed_bits"]["reconcile"] > 100
    assert report["disclosed_bits"]["verify"] > 40
    assert report["secret_bits"] is None
    assert [event["event"] for event in events] == ["corrected"]
    bits = {(row["basis"], row["decoy_level"]): row["sifted_bits"] for row in report["by_class"]}
    errors = {(row["basis"], row["decoy_level"]): row["errors"] for row in report["by_class"]}
    assert bits == {(0, 0): 3000, (0, 1): 0, (1, 0): 0, (1, 1): 1000}
    assert errors == {(0, 0): 60, (0, 1): 0, (1, 0): 0, (1, 1): 40}


def test_columns_may_come_in_any_order_beside_others(tmp_path: Path) -> None:
    header = "note,matching_basis,rx_basis,rx_state,tx_basis,tx_state,decoy_level"
    found = read_detections(write(tmp_path / "a.csv", ["x,False,1,0,0,1,3"], header))
    assert (found.tx_state[0], found.tx_basis[0], found.rx_state[0]) == (1, 0, 0)
    assert (found.rx_basis[0], found.decoy_level[0], found.sifted[0]) == (1, 3, False)


@pytest.mark.parametrize("name", HEADER.split(",")[1:])
def test_missing_column_is_named(name: str, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [], HEADER.replace(name, "other"))
    with pytest.raises(InputError, match=f"a.csv lacks the column '{name}'"):
        read_detections(file)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("0,1,0,0,1,0", "a value is missing"),
        ("0,1,0,0,1,0,", "a value is missing"),
        ("0,one,0,0,1,0,True", "is no number"),
        ("0,2,0,0,1,0,True", "must be 0 or 1"),
        ("0,1,0,0,1,3,False", "must be 0 or 1"),
        ("0,1,0,256,1,0,True", "must be 0 or 1"),
        ("0,1,0,0,1,1,True", "contradicts"),
        ("0,1,0,0,1,0,False", "contradicts"),
    ],
)
def test_bad_row_is_named_by_its_line(row: str, words: str, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", ["0,1,0,0,1,0,True", row])
    with pytest.raises(InputError, match=f"a.csv, line 3: .*{words}"):
        read_detections(file)


def test_files_without_detections_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no detections"):
        read_detections(write(tmp_path / "a.csv", []))
    binary = tmp_path / "b.csv"
    binary.write_bytes(HEADER.encode() + b"\n\xff\xfe\x00\n")
    with pytest.raises(InputError, match=r"b\.csv"):
        read_detections(binary)
    with pytest.raises(InputError, match="cannot be read"):
        read_detections(tmp_path / "nothing.csv")


def test_too_few_sifted_bits_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", ["0,1,0,0,1,0,True"] * 900)
    with pytest.raises(InputError, match="900 sifted bits, too few for a sample of 500"):
        distill_csv(file, PARAMETERS, silent)


def test_only_files_with_the_header_are_taken_for_detections(tmp_path: Path) -> None:
    assert is_detections_csv(write(tmp_path / "a.csv", []))
    assert not is_detections_csv(write(tmp_path / "b.csv", [], "a,b,c"))


@pytest.mark.skipif(not REAL.exists(), reason="the shared data set is not on this machine")
def test_real_link_is_reconciled() -> None:
    report = distill_csv(REAL, SessionParameters(estimate_bits=1000), silent)
    assert report["detections"] == 40_000
    assert (report["sifted_bits"], report["errors"]) == (22_159, 184)
    assert report["equal"]
    assert sum(row["errors"] for row in report["by_class"]) == 184
    # At 0.8 % errors, no more than 1.3 times the Shannon limit of what is left after the sample.
    qber = 184 / 22_159
    limit = -(qber * np.log2(qber) + (1 - qber) * np.log2(1 - qber)) * 21_159
    assert 0.7 * limit < report["disclosed_bits"]["reconcile"] < 1.3 * limit
    assert report["secret_bits"] is None
    assert report["label"] == "no key"
