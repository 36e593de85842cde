"""Kill one of two processes at one message of a session, start both again, and say what is left.

Run as a program of its own, because it forks: ``kill.py FOLDER first|all|twice``, and with a third
word ``bb84`` for that protocol. Alice and Bob are
two processes that talk over TCP. For every message of a session, at either end, the one that sends
or receives it is killed with SIGKILL when it has; then both start anew with later pulses. One line
of JSON for each case says how it went; nothing is judged here.
"""

import json
import os
import signal
import struct
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tests.host.session.harness import (
    ALICE,
    BOB,
    SMALL_BB84,
    TINY,
    Parties,
    Traffic,
    alice_side,
    bob_side,
    make_parties,
    pools_agree,
    run_session,
)

from hexkey.errors import HexkeyError
from hexkey.session.channel import Channel, SocketChannel, connect, listen
from hexkey.session.messages import Type
from hexkey.store import Store

PARAMETERS = replace(TINY, block_bits=1_500, refill_to_alice=1, refill_to_bob=1)
PARAMETERS_BB84 = replace(SMALL_BB84, block_bits=6_000, refill_to_alice=1, refill_to_bob=1)
PULSES = 20_000
REPLY_TIMEOUT_S = 20.0
When = Literal["would send", "sent", "received"]
Side = Callable[[Parties, Channel, bytes], object]


@dataclass(frozen=True)
class Point:
    """The `number`-th message of `kind` that `sender` sends: before, after, or at its receiver."""

    sender: int
    kind: Type
    number: int
    when: When

    @property
    def victim(self) -> int:
        return 1 - self.sender if self.when == "received" else self.sender

    def __str__(self) -> str:
        return f"{('Alice', 'Bob')[self.victim]} {self.when} {self.kind.name} {self.number}"


class Mortal:
    """A channel on which its user dies once a message has passed; notes what was sent."""

    def __init__(self, channel: Channel, point: Point | None, user: int, log: int) -> None:
        self._channel = channel
        self._point = point
        self._user = user
        self._log = log
        self._seen: Counter[When] = Counter()

    def send(self, kind: Type, body: bytes) -> None:
        self._live_or_die(self._user, kind, "would send")
        # Noted before it is said: a tag that was made counts as used, wherever its maker dies.
        os.write(self._log, struct.pack("<BBI", self._user, kind, len(body)) + body)
        self._channel.send(kind, body)
        self._live_or_die(self._user, kind, "sent")

    def receive(self, timeout_s: float) -> tuple[Type, bytes]:
        kind, body = self._channel.receive(timeout_s)
        self._live_or_die(1 - self._user, kind, "received")
        return kind, body

    def close(self) -> None:
        self._channel.close()

    def _live_or_die(self, sender: int, kind: Type, when: When) -> None:
        point = self._point
        if point and (point.sender, point.kind, point.when) == (sender, kind, when):
            self._seen[when] += 1
            if self._seen[when] == point.number + 1:
                os.kill(os.getpid(), signal.SIGKILL)


def run_alice(parties: Parties, channel: Channel, nonce: bytes) -> None:
    alice_side(parties, channel, reply_timeout_s=REPLY_TIMEOUT_S)


def run_bob(parties: Parties, channel: Channel, nonce: bytes) -> None:
    bob_side(parties, channel, nonce=nonce, reply_timeout_s=REPLY_TIMEOUT_S)


def start(
    side: Side, user: int, parties: Parties, opened: Callable[[], SocketChannel], **how: Any
) -> int:
    """Fork one party; its exit status is 0, 1 for an error of hexkey's, 2 for any other."""
    pid = os.fork()
    if pid:
        return pid
    status = 2
    try:
        log = os.open(parties.folder / "traffic", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        with opened() as channel:
            side(parties, Mortal(channel, how["point"], user, log), how["nonce"])
        status = 0
    except HexkeyError as error:
        status = 1 if str(error).isprintable() else 2
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def session(parties: Parties, point: Point | None, nonce: bytes) -> tuple[int, int]:
    """Run Alice and Bob as processes over TCP; return their exit statuses, -9 for killed."""
    with listen("127.0.0.1:0") as server:
        address = "{}:{}".format(*server.getsockname())

        def accept() -> SocketChannel:
            return SocketChannel(server.accept()[0])

        alice = start(run_alice, ALICE, parties, accept, point=point, nonce=nonce)
    bob = start(run_bob, BOB, parties, lambda: connect(address), point=point, nonce=nonce)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in (alice, bob)]
    return statuses[0], statuses[1]


def delivered(parties: Parties) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What an application could fetch on either side at this moment."""
    found = []
    for path in (parties.alice_store, parties.bob_store):
        with Store.open(path, read_only=True) as store:
            found.append({key.key_id: key.bits for key in store.keys()})
    return found[0], found[1]


def read_traffic(folder: Path) -> Traffic:
    data = (folder / "traffic").read_bytes()
    traffic, position = Traffic(), 0
    while position < len(data):
        sender, kind, length = struct.unpack_from("<BBI", data, position)
        position += 6
        traffic.sent.append((sender, Type(kind), data[position : position + length]))
        position += length
    return traffic


def case(origin: Parties, folder: Path, points: list[Point]) -> dict[str, Any]:
    """Run a session for every point, killed there, and one that is left alone."""
    folder.mkdir()
    parties = origin.copy(folder)
    statuses, before = [], []
    for number, point in enumerate(points):
        statuses.append(session(parties, point, bytes((number,)) * 16))
        before.append(delivered(parties))
        parties = parties.later()
    last = session(parties, None, b"\xff" * 16)
    alice, bob = delivered(parties)
    pending = []
    for path in (parties.alice_store, parties.bob_store):
        with Store.open(path, read_only=True) as store:
            pending += store.pending_ids()
    traffic = read_traffic(folder)
    tags = {sender: traffic.tag_numbers(sender) for sender in (ALICE, BOB)}
    return {
        "points": [str(point) for point in points],
        "killed": [status[point.victim] for point, status in zip(points, statuses, strict=True)],
        "survivor": [
            status[1 - point.victim] for point, status in zip(points, statuses, strict=True)
        ],
        "last": last,
        "equal": alice == bob,
        "keys": len(alice),
        "kept": all(
            hers.items() <= alice.items() and his.items() <= bob.items() for hers, his in before
        ),
        "pending": len(pending),
        "pools_agree": pools_agree(parties),
        "tags_used_twice": sum(len(numbers) - len(set(numbers)) for numbers in tags.values()),
    }


def points(traffic: Traffic, first_only: bool) -> Iterator[Point]:
    seen: dict[tuple[int, Type], int] = {}
    for sender, kind, _ in traffic.sent:
        number = seen.get((sender, kind), 0)
        seen[sender, kind] = number + 1
        if number == 0 or kind is Type.TAG or not first_only:
            yield Point(sender, kind, number, "sent")
            yield Point(sender, kind, number, "received")
        if kind in (Type.CONFIRM, Type.COMMIT) or not first_only:
            yield Point(sender, kind, number, "would send")


def chosen(traffic: Traffic, mode: str) -> Iterator[list[Point]]:
    if mode != "twice":
        for point in points(traffic, first_only=mode == "first"):
            yield [point]
        return
    # Once when the key is Bob's and not yet Alice's, then again while that is being settled.
    final_at_bob = Point(BOB, Type.COMMIT, 0, "would send")
    settling = [(BOB, Type.HELLO, 0), (ALICE, Type.WELCOME, 0), (BOB, Type.SETTLE, 0)]
    settling += [(BOB, Type.TAG, 1), (BOB, Type.ALIGN, 0), (ALICE, Type.CONFIRM, 0)]
    for place in settling:
        yield [final_at_bob, Point(*place, "sent")]
        yield [final_at_bob, Point(*place, "received")]


def main(folder: Path, mode: str, protocol: str = "b92") -> None:
    parameters = PARAMETERS if protocol == "b92" else PARAMETERS_BB84
    origin = make_parties(folder, parameters=parameters, tag_keys=40, pulses=PULSES)
    traffic = Traffic()
    (folder / "model").mkdir()
    run_session(origin.copy(folder / "model"), traffic=traffic)
    for number, each in enumerate(chosen(traffic, mode)):
        print(json.dumps(case(origin, folder / str(number), each)), flush=True)


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main(Path(sys.argv[1]), *sys.argv[2:])
