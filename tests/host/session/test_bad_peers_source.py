"""An Alice that holds the pool and lies about what she counts at her source, or about saying it."""

import math
import struct
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from tests.host.session import bad_peers, test_bad_peers_bb84
from tests.host.session.harness import ALICE, BOB, Parties, make_parties, run_session
from tests.host.session.lies import Case, Lie, changed, raw, restated, says, silent
from tests.host.session.test_bad_peers import check
from tests.host.session.test_source import GOOD, says_limit

from hexkey.session.messages import Type
from hexkey.session.source import MOST_LAGS, SourceCounts
from hexkey.store import compare

PARAMETERS = {"b92": bad_peers.PARAMETERS, "bb84": test_bad_peers_bb84.PARAMETERS}
NEXT = {"b92": Type.SAMPLE, "bb84": Type.BASES}
MINUS_ONE = (1 << 64) - 1
NONSENSE = "SOURCE message makes no sense"
LIMITS = "g2_limit must be from 0 to below 1"


def counts(**other: Any) -> Lie:
    """Her counts with other numbers, as far as the layout holds them."""
    return says(Type.SOURCE, struct.pack("<QQQHdd", *(asdict(GOOD) | other).values()))


def twice(talk: Any, body: bytes) -> list[tuple[Type, bytes]]:
    return [(Type.SOURCE, body), (Type.SOURCE, body)]


SAYS: dict[str, tuple[Lie, str | None]] = {
    "nothing of it": (says(Type.SOURCE, b""), "SOURCE message has 0 bytes where 42"),
    "half of it": (changed(Type.SOURCE, lambda body: body[:21]), "has 21 bytes where 42"),
    "more of it": (changed(Type.SOURCE, lambda body: body + b"\0"), "43 bytes where 42"),
    "much of it": (raw(65, Type.SOURCE, bytes(65)), "65 bytes of SOURCE, more than"),
    "it twice": (twice, "sent SOURCE where"),
    "no word": (silent, "where SOURCE was due"),
    "only ones": (says(Type.SOURCE, b"\xff" * 42), NONSENSE),
    "minus one coincidence": (counts(coincidences=MINUS_ONE), NONSENSE),
    "minus one beside": (counts(others=MINUS_ONE), NONSENSE),
    "minus one pulse": (counts(pulses=MINUS_ONE), NONSENSE),
    "pulses of years": (counts(pulses=1 << 52), NONSENSE),
    "coincidences of no pulse": (counts(pulses=0), NONSENSE),
    "more than one a pulse": (counts(coincidences=40_000_001), NONSENSE),
    "more than one a lag": (counts(others=16 * 40_000_000 + 1), NONSENSE),
    "no other lag": (counts(lags=0), NONSENSE),
    "more lags than there are": (counts(lags=MOST_LAGS + 1), NONSENSE),
    "less than no time": (counts(seconds=-1.0), NONSENSE),
    "no number of seconds": (counts(seconds=math.nan), NONSENSE),
    "for ever": (counts(seconds=math.inf), NONSENSE),
    "less than no time to wait": (counts(needed_s=-1.0), NONSENSE),
    "no time to wait that is a number": (counts(needed_s=math.nan), NONSENSE),
    "an age to wait": (counts(needed_s=1e300), None),
    "no pulse at all": (
        says(Type.SOURCE, SourceCounts(0, 0, 0, 16, 0.0, 0.0).encode()),
        None,
    ),
    "the most there is": (
        counts(pulses=1 << 48, coincidences=1 << 48, others=MOST_LAGS << 48, lags=MOST_LAGS),
        None,
    ),
}
STATES: dict[str, tuple[float, str]] = {
    "a limit below zero": (-0.1, LIMITS),
    "no number for a limit": (math.nan, LIMITS),
    "any light for a limit": (1.0, LIMITS),
    "no limit": (0.0, "sent SOURCE where"),
}


@pytest.fixture(scope="module", params=PARAMETERS)
def origin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Parties:
    parameters = PARAMETERS[request.param]
    folder = tmp_path_factory.mktemp("origin")
    return make_parties(folder, qber=(0.02,), parameters=parameters, pulses=20_000)


def lies(case: Case, parties: Parties) -> None:
    check(case, parties, alice_says=says_limit(parties), source=lambda: GOOD)


def test_the_pair_works_without_a_liar(origin: Parties, tmp_path: Path) -> None:
    parties = origin.copy(tmp_path)
    outcome = run_session(parties, alice_says=says_limit(parties), source=lambda: GOOD)
    assert outcome.bob_error is None
    assert compare(parties.alice_store, parties.bob_store).common == 1


@pytest.mark.parametrize("name", SAYS)
def test_an_alice_who_says(origin: Parties, tmp_path: Path, name: str) -> None:
    lie, sentence = SAYS[name]
    lies(Case(ALICE, (Type.SOURCE, 0), lie, sentence), origin.copy(tmp_path))


@pytest.mark.parametrize("name", STATES)
def test_an_alice_who_states(origin: Parties, tmp_path: Path, name: str) -> None:
    limit, sentence = STATES[name]
    lie = changed(Type.WELCOME, restated(g2_limit=limit))
    lies(Case(ALICE, (Type.WELCOME, 0), lie, sentence), origin.copy(tmp_path))


def test_she_answers_before_she_says_it(origin: Parties, tmp_path: Path) -> None:
    parties = origin.copy(tmp_path)
    kind = NEXT[parties.parameters.protocol]
    lies(Case(ALICE, (Type.SOURCE, 0), says(kind, bytes(33)), f"{kind.name} where SOURCE"), parties)


def test_bob_speaks_of_it_instead(origin: Parties, tmp_path: Path) -> None:
    lie = says(Type.SOURCE, GOOD.encode())
    case = Case(BOB, (Type.SAMPLE_BITS, 0), lie, "sent SOURCE where SAMPLE_BITS was due")
    lies(case, origin.copy(tmp_path))


@pytest.mark.parametrize(
    ("first", "made"),
    [(replace(GOOD, needed_s=1.0), 2), (replace(GOOD, coincidences=10_000), 0)],
    ids=["waiting", "degraded"],
)
def test_what_is_not_known_yet_fails_a_block_and_what_is_known_all(
    origin: Parties, tmp_path: Path, first: SourceCounts, made: int
) -> None:
    parties = make_parties(tmp_path, blocks=3, qber=0.02, parameters=origin.parameters)
    course = iter([first, GOOD, GOOD])
    outcome = run_session(parties, alice_says=says_limit(parties), source=lambda: next(course))
    assert outcome.alice_error is outcome.bob_error is None
    assert outcome.alice is not None
    assert outcome.alice.dropped == {"source": 3 - made}
    assert compare(parties.alice_store, parties.bob_store).common == made
