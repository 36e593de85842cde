"""A man in the middle at what Alice says of her source: every byte of it is under a tag."""

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.host.session import test_tamper, test_tamper_bb84
from tests.host.session.harness import ALICE, BOB, Parties, Traffic, make_parties, run_session
from tests.host.session.test_source import GOOD, says_limit
from tests.host.session.test_tamper import (
    Earlier,
    Message,
    Spoil,
    Spoiler,
    Spot,
    attack,
    drop,
    duplicate,
    flip,
    forge,
    name,
    swap,
    truncate,
)

from hexkey.errors import AuthenticationError, HexkeyError, ProtocolError
from hexkey.session.messages import Type
from hexkey.session.source import SourceCounts
from hexkey.store import compare

PATIENCE_S = 1.5
PARAMETERS = {"b92": test_tamper.PARAMETERS, "bb84": test_tamper_bb84.PARAMETERS}
SPOT: Spot = (ALICE, Type.SOURCE, 0)
FIELDS = {"pulses": 0, "coincidences": 8, "others": 16, "lags": 24, "seconds": 26, "needed_s": 34}
WIDTH = {"lags": 2}


@pytest.fixture(scope="module", params=PARAMETERS)
def earlier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    """Of the session before the counts differ, so that a replay of them is another message."""
    parameters = PARAMETERS[request.param]
    folder, traffic = tmp_path_factory.mktemp("earlier"), Traffic()
    parties = make_parties(folder, parameters=parameters, tag_keys=20, pulses=20_000)
    before = replace(GOOD, coincidences=GOOD.coincidences + 1)
    outcome = run_session(parties, traffic=traffic, **counting(parties, before))
    assert outcome.bob_error is None
    assert compare(parties.alice_store, parties.bob_store).common == 1
    return Earlier(parties.later(), traffic)


def counting(parties: Parties, counts: SourceCounts = GOOD) -> dict[str, Any]:
    return {"alice_says": says_limit(parties), "source": lambda: counts}


def no_key_and_how(
    earlier: Earlier, folder: Path, spoil: Spoil, spot: Spot = SPOT
) -> tuple[HexkeyError | None, ...]:
    """Attack; see that no key came of it. Returns what ended Alice and Bob."""
    how = counting(earlier.parties)
    parties, outcome = attack(earlier, folder, spot, spoil, PATIENCE_S, **how)
    assert compare(parties.alice_store, parties.bob_store).common == 1
    errors = outcome.alice_error, outcome.bob_error
    assert all(error is None or isinstance(error, HexkeyError) for error in errors)
    return errors  # type: ignore[return-value]  # as just asserted


def changed_at(place: int, bit: int) -> Spoil:
    def spoil(spoiler: Spoiler, message: Message) -> list[Message]:
        kind, body = message
        return [(kind, body[:place] + bytes((body[place] ^ bit,)) + body[place + 1 :])]

    return spoil


@pytest.mark.parametrize("byte", [0, -1], ids=["low", "high"])
@pytest.mark.parametrize("field", FIELDS)
def test_a_changed_byte_of_any_field_makes_no_key(
    earlier: Earlier, tmp_path: Path, field: str, byte: int
) -> None:
    place = FIELDS[field] + byte % WIDTH.get(field, 8)
    errors = no_key_and_how(earlier, tmp_path, changed_at(place, 1))
    assert any(isinstance(error, (AuthenticationError, ProtocolError)) for error in errors), errors


@pytest.mark.parametrize("better", [{"coincidences": 0}, {"others": 10**6}, {"pulses": 10**9}])
def test_a_source_made_better_on_the_way_makes_no_key(
    earlier: Earlier, tmp_path: Path, better: dict[str, int]
) -> None:
    """Nothing of it is odd, so that only a tag can tell."""
    errors = no_key_and_how(earlier, tmp_path, forge(Type.SOURCE, replace(GOOD, **better).encode()))
    assert any(isinstance(error, AuthenticationError) for error in errors), errors


def test_a_source_made_worse_on_the_way_makes_no_key(earlier: Earlier, tmp_path: Path) -> None:
    worse = replace(GOOD, coincidences=100_000)
    errors = no_key_and_how(earlier, tmp_path, forge(Type.SOURCE, worse.encode()))
    assert any(errors)


@pytest.mark.parametrize("spoil", [flip, drop, duplicate, swap, truncate])
def test_a_spoilt_message_makes_no_key(earlier: Earlier, tmp_path: Path, spoil: Spoil) -> None:
    assert any(no_key_and_how(earlier, tmp_path, spoil))


def test_the_counts_of_an_earlier_session_are_not_taken(earlier: Earlier, tmp_path: Path) -> None:
    [old] = earlier.traffic.bodies(ALICE, Type.SOURCE)
    assert old != GOOD.encode()
    assert any(no_key_and_how(earlier, tmp_path, forge(Type.SOURCE, old)))


@pytest.mark.parametrize(
    "spot", [(ALICE, Type.WELCOME, 0), (ALICE, Type.OFFSET, 0), (ALICE, Type.VERIFY, 0)], ids=name
)
def test_counts_at_a_wrong_time_are_not_taken(earlier: Earlier, tmp_path: Path, spot: Spot) -> None:
    _, bobs = no_key_and_how(earlier, tmp_path, forge(Type.SOURCE, GOOD.encode()), spot)
    assert isinstance(bobs, ProtocolError)
    assert f"SOURCE where {spot[1].name}" in str(bobs)


@pytest.mark.parametrize("kind", [Type.TAG, Type.SAMPLE_BITS])
def test_counts_come_from_alice_alone(earlier: Earlier, tmp_path: Path, kind: Type) -> None:
    number = 3 if kind is Type.TAG else 0
    hers, _ = no_key_and_how(
        earlier, tmp_path, forge(Type.SOURCE, GOOD.encode()), (BOB, kind, number)
    )
    assert isinstance(hers, ProtocolError)
    assert f"SOURCE where {kind.name} was due" in str(hers)


def test_the_fields_are_where_they_are_spoilt() -> None:
    body = struct.pack("<QQQHdd", 1, 2, 3, 4, 5.0, 6.0)
    numbers = dict(zip(FIELDS, struct.unpack("<QQQHdd", body), strict=True))
    assert SourceCounts(**numbers).encode() == body
    assert [FIELDS[field] + WIDTH.get(field, 8) for field in FIELDS] == [
        *list(FIELDS.values())[1:],
        len(body),
    ]
