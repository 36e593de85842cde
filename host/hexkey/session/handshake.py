"""The first unit of a session: who is there, on what terms, and what the last session left open.

    Bob → Alice   HELLO, TAG      versions, pool, parameters, statement
    Alice → Bob   WELCOME, TAG    statement, ids of her pending keys
    Bob → Alice   SETTLE, TAG     which of them he committed

Bob decides over a block's key (he commits once he has verified Alice's last tag; security.md,
"Authentication and agreement"), so Alice keeps a pending key exactly if he says that he committed
it. Bob's own pending keys he drops before he says hello: he never saw Alice confirm them.
"""

import re
from dataclasses import asdict, dataclass
from typing import Any, NoReturn, Protocol

from hexkey import __version__
from hexkey.conditions import CIRCUMSTANCES, POOL, Circumstances, unmet
from hexkey.errors import ChannelError, ConfigurationError, ProtocolError
from hexkey.randomness import Randomness
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.block import Session
from hexkey.session.channel import Channel
from hexkey.session.conversation import Conversation, Pool
from hexkey.session.messages import Type, decode_json, encode_json, printable
from hexkey.session.parameters import (
    SESSION_VERSION,
    AliceStatement,
    BobStatement,
    SessionParameters,
    statement_from_json,
)

UNIT = "hexkey handshake"
REFUSAL_MOST = 1_000  # characters: names and values of a peer's are among them
SETTLE_MOST = (
    1_000  # pending keys a handshake settles; there is one at most unless disks were moved
)


class SessionStore(Pool, Protocol):
    """What the handshake needs of a store; `hexkey.store.Store` is one."""

    @property
    def pool_id(self) -> str: ...

    @property
    def kind(self) -> str: ...

    def pending_ids(self) -> list[str]: ...

    def state(self, key_id: str) -> str | None: ...

    def commit(self, key_id: str) -> None: ...

    def drop(self, key_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Greeting:
    """Outcome of a handshake on either side."""

    session: Session
    bob: BobStatement
    alice: AliceStatement
    settled: dict[str, str]  # key id -> "committed" or "dropped", keys a former session left open


def bob_handshake(
    talk: Conversation,
    store: SessionStore,
    parameters: SessionParameters,
    statement: BobStatement,
    nonce: bytes,
) -> Greeting:
    """Open a session as Bob.

    Raises
    ------
    ChannelError
        Alice refused; her sentence says why.
    AuthenticationError
        Her tag does not verify.
    """
    settled = {}
    for key_id in store.pending_ids():
        store.drop(key_id)
        settled[key_id] = "dropped"
    talk.begin(UNIT)
    talk.send(Type.HELLO, encode_json(_hello(store.pool_id, parameters, statement, nonce)))
    talk.send_tag(use_reserve=True)
    _, body = talk.expect(Type.WELCOME)
    talk.expect_tag()
    welcome = decode_json(body, Type.WELCOME)
    try:
        alice = statement_from_json(AliceStatement, welcome["statement"])
        alice_nonce, pending = _nonce(welcome["nonce"]), list(welcome["pending"])
        session = _session(nonce.hex(), alice_nonce, parameters, statement, alice, store.kind)
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"the peer's WELCOME makes no sense: {error}") from None
    committed = [str(key_id) for key_id in pending if store.state(str(key_id)) == "committed"]
    talk.send(Type.SETTLE, encode_json({"committed": committed}))
    talk.send_tag(use_reserve=True)
    return Greeting(session, statement, alice, settled)


def alice_handshake(
    talk: Conversation,
    channel: Channel,
    store: SessionStore,
    parameters: SessionParameters,
    statement: AliceStatement,
    randomness: Randomness,
) -> Greeting:
    """Answer a session as Alice. Nothing of hers is sent before Bob's tag has verified.

    Raises
    ------
    ChannelError
        Bob was refused, and told why: other versions, another pool, other parameters.
    AuthenticationError
        His tag does not verify.
    """
    talk.begin(UNIT)
    _, body = talk.expect(Type.HELLO)
    hello = decode_json(body, Type.HELLO)
    stranger = _stranger(hello, store)
    if stranger:
        talk.expect(Type.TAG)  # read, so that closing does not cut off the answer
        _refuse(channel, stranger)
    talk.expect_tag()
    theirs = hello.get("parameters")
    differences = parameters.differences(theirs if isinstance(theirs, dict) else {})
    if differences:
        _refuse(channel, printable(f"the session parameters differ: {differences}"[:REFUSAL_MOST]))
    try:
        bob = statement_from_json(BobStatement, hello["statement"])
        bob_nonce, nonce = _nonce(hello["nonce"]), randomness.bytes(16)
        session = _session(bob_nonce, nonce.hex(), parameters, bob, statement, store.kind)
    except ConfigurationError as error:
        _refuse(channel, printable(str(error)[:REFUSAL_MOST]))
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"the peer's HELLO makes no sense: {error}") from None
    pending = store.pending_ids()[:SETTLE_MOST]
    talk.send(
        Type.WELCOME,
        encode_json({"nonce": nonce.hex(), "pending": pending, "statement": asdict(statement)}),
    )
    talk.send_tag(use_reserve=True)
    _, body = talk.expect(Type.SETTLE)
    talk.expect_tag()
    settled = _settle(store, pending, decode_json(body, Type.SETTLE))
    return Greeting(session, bob, statement, settled)


def _hello(
    pool_id: str, parameters: SessionParameters, statement: BobStatement, nonce: bytes
) -> dict[str, Any]:
    return {
        "version": SESSION_VERSION,
        "software": __version__,
        "pool": pool_id,
        "parameters": parameters.to_json(),
        "statement": asdict(statement),
        "nonce": nonce.hex(),
    }


def _nonce(found: Any) -> str:
    """Two nonces side by side name a session: of any length they could name two alike."""
    if not isinstance(found, str) or not re.fullmatch("[0-9a-f]{32}", found):
        raise ValueError("a nonce is 32 hexadecimal digits")
    return found


def _stranger(hello: dict[str, Any], store: SessionStore) -> str:
    """Return why this peer's tag cannot even be looked at, or an empty string."""
    version = hello.get("version")
    if version != SESSION_VERSION:
        theirs = version if isinstance(version, int) and 0 <= version < 1_000 else "unknown"
        return (
            f"session protocol version {theirs} is not known here, only {SESSION_VERSION}; run "
            "the same version of hexkey on both sides"
        )
    if hello.get("pool") != store.pool_id:
        return (
            "the authentication pools do not belong together; use the two stores that one "
            "`hexkey keys create` made"
        )
    return ""


def _refuse(channel: Channel, sentence: str) -> NoReturn:
    channel.send(Type.REFUSE, sentence.encode()[:4096])
    raise ChannelError(f"Bob was refused: {sentence}")


def _settle(store: SessionStore, pending: list[str], answer: dict[str, Any]) -> dict[str, str]:
    committed = answer.get("committed")
    if not isinstance(committed, list) or not all(key_id in pending for key_id in committed):
        raise ProtocolError(
            "the peer's SETTLE names keys that are not pending; the session was ended"
        )
    settled = {}
    for key_id in pending:
        if key_id in committed:
            store.commit(key_id)
            settled[key_id] = "committed"
        else:
            store.drop(key_id)
            settled[key_id] = "dropped"
    return settled


def _session(
    bob_nonce: str,
    alice_nonce: str,
    parameters: SessionParameters,
    bob: BobStatement,
    alice: AliceStatement,
    kind: str,
) -> Session:
    """Both sides come to the same session: its label follows from what both have stated.

    Raises
    ------
    ConfigurationError
        The stores are for secret keys, and a condition does not hold.
    ValueError
        The statements do not say what the protocol needs.
    """
    here = unmet(
        parameters.protocol,
        CIRCUMSTANCES,
        Circumstances(parameters.protocol, maps=bool(parameters.maps)),
    )
    reasons = tuple(dict.fromkeys((*here, *alice.reasons, *bob.reasons)))
    if kind == "secret" and reasons:
        raise ConfigurationError(
            f"the stores are for secret keys, and this session makes demonstrations: "
            f"{'; '.join(reasons)}"
        )
    if kind == "demonstration" and not reasons:
        reasons = (POOL,)
    return Session(
        f"{bob_nonce}{alice_nonce}",
        parameters,
        reasons,
        terms_of(alice, bob) if parameters.protocol == "bb84" else None,
        secret=kind == "secret",
        g2_limit=alice.g2_limit,
    )


def terms_of(alice: AliceStatement, bob: BobStatement) -> Bb84Terms:
    """Return BB84's terms; raises ValueError where a statement lacks its probability."""
    if not alice.key_basis_probability or not bob.key_basis_probability:
        raise ValueError("both statements of bb84 have a key_basis_probability")
    return Bb84Terms(
        alice.key_basis_probability,
        bob.key_basis_probability,
        alice.multiphoton_upper,
        alice.source_epsilon,
    )
