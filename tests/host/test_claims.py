"""No pulse of a record makes key twice, whatever store it is served from."""

from pathlib import Path

import pytest

from hexkey.claims import RecordClaims
from hexkey.errors import InputError, StoreError
from hexkey.randomness import Seeded
from hexkey.store import Store, create_pair


class Anything:
    """Claims that remember nothing: a new store."""

    def claim_pulses(self, record_id: str, first: int, last: int) -> None:
        pass


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "alice.record"


def test_later_pulses_are_granted_and_earlier_ones_refused(record: Path) -> None:
    claims = RecordClaims(record, Anything())
    claims.claim_pulses("r", 0, 10)
    claims.claim_pulses("r", 11, 20)
    for first in (0, 10, 20):
        with pytest.raises(InputError, match="used before"):
            claims.claim_pulses("r", first, 30)


def test_a_new_store_finds_the_claims_of_the_old_one(record: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        create_pair(tmp_path / f"{name}.alice", tmp_path / f"{name}.bob", 9, Seeded(1))
    with Store.open(tmp_path / "one.alice") as store:
        RecordClaims(record, store).claim_pulses("r", 5, 10)
    with Store.open(tmp_path / "two.alice") as store:
        claims = RecordClaims(record, store)
        with pytest.raises(InputError, match="used before"):
            claims.claim_pulses("r", 10, 20)
        claims.claim_pulses("r", 11, 20)


def test_the_file_is_its_owners_alone(record: Path) -> None:
    RecordClaims(record, Anything()).claim_pulses("r", 0, 1)
    [path] = record.parent.iterdir()
    assert path.name == "alice.record.claims"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text", ["", "{", '{"record_id": "other", "last": 3}', "[]", '{"last": 3}']
)
def test_a_file_that_cannot_be_understood_grants_nothing(record: Path, text: str) -> None:
    record.with_name("alice.record.claims").write_text(text)
    with pytest.raises(InputError, match=r"alice\.record\.claims"):
        RecordClaims(record, Anything()).claim_pulses("r", 100, 200)


def test_a_claim_that_cannot_be_written_grants_nothing(tmp_path: Path) -> None:
    record = tmp_path / "gone" / "alice.record"
    with pytest.raises(StoreError, match="cannot be written"):
        RecordClaims(record, Anything()).claim_pulses("r", 0, 1)
