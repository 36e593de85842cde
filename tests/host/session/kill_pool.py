"""Kill a party of a session within its store, start both again, and say what became of the pools.

Run as a program of its own, because it forks: ``kill_pool.py FOLDER MODE STRIDE [SHIM]``. A
session here is the real handshake and the real end of a block, over a socket pair: tag keys are
drawn, tags sent, verified and accepted, a key made pending and committed, the pools refilled. In
between there is nothing, so one takes milliseconds. MODE is where a party is killed with SIGKILL:

``statements``
    before its n-th SQL statement, for n = 1, 1 + STRIDE, …
``syscalls``
    within its n-th change of a file, a write torn in half (SHIM is preloaded)
``recoveries``
    likewise, and once more within the first changes when it is started again
``moments``
    whenever: STRIDE times after some milliseconds, one party or both

Each party reports a tag key when it holds it, before it makes the tag, and a number it accepted
when that has returned. One line of JSON a case; nothing is judged here.
"""

import ctypes
import hashlib
import json
import os
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tests.host.session.harness import ALICE, BOB, BOB_SAYS, TINY, Parties, pools_agree
from tests.host.store.crash import arm_statements

from hexkey.errors import HexkeyError, PoolError
from hexkey.randomness import Seeded
from hexkey.session import block_alice, block_bob
from hexkey.session.block import BlockCounts, Harvest, key_id
from hexkey.session.channel import SocketChannel
from hexkey.session.conversation import LiveConversation
from hexkey.session.handshake import Greeting, alice_handshake, bob_handshake
from hexkey.session.parameters import AliceStatement
from hexkey.store import DemonstrationKey, Store, create_pair

ALICE_SAYS = AliceStatement("r", "random", ("a test",))
BLOCKS = 2
REFILL_BYTES = 32 * 4  # a direction and block: about what two blocks and a handshake spend
TAG_KEYS = 40
RECOVERY = 9  # changes of files from opening a store on, within which it is killed a second time
DRAWN, ACCEPTED = 0, 1
REPORT = struct.Struct("<BBQ32s")  # who, DRAWN or ACCEPTED, the key's number, its digest
Arm = Callable[[], Any]


@dataclass
class Telling:
    """A store that tells of its tag keys on a socket, since a socket is no file to be torn."""

    store: Store
    party: int
    telling: socket.socket

    def draw_send_key(self, use_reserve: bool = False) -> tuple[int, bytes]:
        number, secret = self.store.draw_send_key(use_reserve)
        self._tell(DRAWN, number, secret)
        return number, secret

    def receive_key(self, index: int) -> bytes:
        self._secret = self.store.receive_key(index)
        return self._secret

    def accept(self, index: int) -> None:
        self.store.accept(index)
        self._tell(ACCEPTED, index, self._secret)

    def _tell(self, what: int, number: int, secret: bytes) -> None:
        digest = hashlib.sha256(secret).digest()
        self.telling.sendall(REPORT.pack(self.party, what, number, digest))


def crop(greeting: Greeting, block: int) -> Harvest:
    """What a block of this session yields, the same at both parties."""
    name = key_id(greeting.session, block)
    made = hashlib.shake_256(name.encode()).digest(64 + 2 * REFILL_BYTES)
    bits = np.unpackbits(np.frombuffer(made[:64], np.uint8))
    key = DemonstrationKey.fresh(name, bits, ("a test",), {}, 1e-10)
    return Harvest(key, made[64 : 64 + REFILL_BYTES], made[64 + REFILL_BYTES :])


def be_alice(path: Path, channel: SocketChannel, nonce: bytes, telling: socket.socket) -> None:
    with Store.open(path) as store:
        talk = LiveConversation(channel, Telling(store, ALICE, telling), ALICE)
        random = Seeded(int.from_bytes(nonce, "big"))
        greeting = alice_handshake(talk, channel, store, TINY, ALICE_SAYS, random)
        for block in range(BLOCKS):
            talk.begin(greeting.session.session_id)
            counts = BlockCounts(block, 1)
            block_alice._confirm(talk, crop(greeting, block), store, counts)


def be_bob(path: Path, channel: SocketChannel, nonce: bytes, telling: socket.socket) -> None:
    with Store.open(path) as store:
        talk = LiveConversation(channel, Telling(store, BOB, telling), BOB)
        greeting = bob_handshake(talk, store, TINY, BOB_SAYS, nonce)
        for block in range(BLOCKS):
            talk.begin(greeting.session.session_id)
            block_bob._confirm(talk, crop(greeting, block), store, BlockCounts(block, 1))


@dataclass
class Ledger:
    """What both parties told of tag keys, over all sessions of a pair of stores."""

    told: list[tuple[int, int, int, bytes]] = field(default_factory=list)

    def numbers(self, party: int, what: int) -> list[int]:
        return [number for who, said, number, _ in self.told if (who, said) == (party, what)]

    def reused(self) -> int:
        """Keys that were handed out twice, by number or by content."""
        drawn = [(who, number) for who, what, number, _ in self.told if what == DRAWN]
        secrets = [digest for _, what, _, digest in self.told if what == DRAWN]
        return 2 * len(drawn) - len(set(drawn)) - len(set(secrets))

    def accepted_twice(self) -> int:
        """Numbers that do not rise at the side that accepted them."""
        runs = (self.numbers(party, ACCEPTED) for party in (ALICE, BOB))
        return sum(b <= a for run in runs for a, b in pairwise(run))

    def accepted_of_nobody(self) -> int:
        """Accepted keys that the other party never held."""
        drawn = {(1 - who, number, key) for who, what, number, key in self.told if what == DRAWN}
        accepted = {(who, number, key) for who, what, number, key in self.told if what == ACCEPTED}
        return len(accepted - drawn)


def session(
    parties: Parties, nonce: bytes, ledger: Ledger, arms: dict[int, Arm], kill_after_s: float = 0
) -> list[int]:
    """Run both parties, `arms` armed or killed after a time; return their exit statuses."""
    channels, (reading, writing) = socket.socketpair(), socket.socketpair()
    pids = []
    for party, path in ((ALICE, parties.alice_store), (BOB, parties.bob_store)):
        pid = os.fork()
        if pid == 0:
            channels[1 - party].close()
            reading.close()
            arms.get(party, lambda: None)()
            os._exit(status_of(party, path, SocketChannel(channels[party]), nonce, writing))
        pids.append(pid)
    for each in (*channels, writing):
        each.close()
    if kill_after_s:
        time.sleep(kill_after_s)
        for party in arms:
            os.kill(pids[party], signal.SIGKILL)  # not reaped yet: the number is still its own
    told = b""
    while part := reading.recv(1 << 16):
        told += part
    reading.close()
    ledger.told += list(REPORT.iter_unpack(told[: len(told) // REPORT.size * REPORT.size]))
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def status_of(
    party: int, path: Path, channel: SocketChannel, nonce: bytes, telling: socket.socket
) -> int:
    try:
        with channel:
            (be_alice if party == ALICE else be_bob)(path, channel, nonce, telling)
    except HexkeyError:
        return 1
    except BaseException:
        traceback.print_exc()
        return 2
    return 0


def refused(parties: Parties, ledger: Ledger) -> bool:
    """Whether the parties, started again, take none of the numbers that they accepted before."""
    for party, path in ((ALICE, parties.alice_store), (BOB, parties.bob_store)):
        with Store.open(path) as store:
            for number in ledger.numbers(party, ACCEPTED):
                for use in (store.receive_key, store.accept):
                    with suppress(PoolError):
                        use(number)
                        return False
    return True


def nonce(number: int, run: int) -> bytes:
    return struct.pack(">QQ", run, number)


def case(
    parties: Parties,
    ledger: Ledger,
    number: int,
    arms: dict[int, Arm],
    again: dict[int, Arm] | None = None,
    kill_after_s: float = 0,
) -> dict[str, Any]:
    """A session with a kill in it, then one without: how both went, and what is left."""
    killed = session(parties, nonce(number, 1), ledger, arms, kill_after_s)
    if again:
        session(parties, nonce(number, 2), ledger, again)
    stays_refused = refused(parties, ledger)
    last = session(parties, nonce(number, 3), ledger, {})
    stores = [Store.open(path, read_only=True) for path in (parties.alice_store, parties.bob_store)]
    keys = [{key.key_id: key.bits for key in store.keys()} for store in stores]
    pending = sum(len(store.pending_ids()) for store in stores)
    for store in stores:
        store.close()
    return {
        "killed": killed,
        "last": last,
        "used_numbers_refused": stays_refused,
        "reused": ledger.reused(),
        "accepted_twice": ledger.accepted_twice(),
        "accepted_of_nobody": ledger.accepted_of_nobody(),
        "drawn": sum(what == DRAWN for _, what, _, _ in ledger.told),
        "keys": len(keys[0]),
        "equal": keys[0] == keys[1],
        "pending": pending,
        "pools_agree": pools_agree(parties),
    }


def at_points(
    origin: Parties, folder: Path, arm: Callable[[int], Any], stride: int, twice: bool
) -> Iterator[dict[str, Any]]:
    """Each party at each point, on stores of its own, until it gets to the end unharmed."""
    for victim in (ALICE, BOB):
        for point in range(1, sys.maxsize, stride):
            place = folder / f"{victim}-{point}"
            place.mkdir()
            parties = copied(origin, place)
            later: Arm = partial(arm, 1 + point // stride % RECOVERY)
            first: Arm = partial(arm, point)
            again = {victim: later} if twice else None
            found = case(parties, Ledger(), 0, {victim: first}, again)
            yield {"victim": victim, "point": point, **found}
            if found["killed"][victim] != -signal.SIGKILL:
                break


def at_moments(origin: Parties, times: int) -> Iterator[dict[str, Any]]:
    """The same pair of stores through all of it, so that the harm of each kill would add up."""
    rng = np.random.default_rng(8)
    ledger = Ledger()
    for number in range(times):
        victims = [(ALICE,), (BOB,), (ALICE, BOB)][number % 3]
        after_s = float(rng.uniform(0.001, 0.030))
        arms: dict[int, Arm] = {victim: lambda: None for victim in victims}
        yield case(origin, ledger, number, arms, kill_after_s=after_s)


def copied(origin: Parties, folder: Path) -> Parties:
    for path in (origin.alice_store, origin.bob_store):
        (folder / path.name).write_bytes(path.read_bytes())
        (folder / path.name).chmod(0o600)
    return Parties(folder, ())


def main(folder: Path, mode: str, stride: int, shim: str | None) -> None:
    origin = Parties(folder, ())
    create_pair(origin.alice_store, origin.bob_store, TAG_KEYS, Seeded(5))
    if mode == "moments":
        cases = at_moments(origin, stride)
    else:
        arm = arm_statements if mode == "statements" else ctypes.CDLL(shim).arm
        cases = at_points(origin, folder, arm, stride, twice=mode == "recoveries")
    for each in cases:
        print(json.dumps(each), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4] if sys.argv[4:] else None)
