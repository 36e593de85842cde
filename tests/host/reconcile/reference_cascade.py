"""Cascade the slow way, with lists: what the fast one is held against.

`PlainAlice` answers the same queries from the written form of the messages alone. `Ledger` counts
how many of the parities asked were new. `textbook_cascade` is the protocol of 1994 with blocks of
0.73/Q, doubled in each of four passes, halved in the middle.
"""

import hashlib
import random
import struct

Bits = list[int]


def plain_order(seed: bytes, number: int, n: int) -> list[int]:
    stream = hashlib.shake_256(b"hexkey cascade v1" + seed + struct.pack("<BI", number, n))
    if number >= 8:
        raw = stream.digest((n + 7) // 8)
        chosen = [raw[i // 8] >> (i % 8) & 1 for i in range(n)]
        return [i for i in range(n) if chosen[i]] + [i for i in range(n) if not chosen[i]]
    words = struct.unpack(f"<{n}Q", stream.digest(8 * n))
    return sorted(range(n), key=lambda i: (words[i] >> 20, i))


def plain_parse(query: bytes) -> list[tuple[int, int, int]]:
    """Return (pass, first, end) of every range."""
    ranges = []
    while query:
        number, count = struct.unpack_from("<BI", query)
        places = struct.unpack_from(f"<{2 * count}I", query, 5)
        ranges += [(number, places[i], places[count + i]) for i in range(count)]
        query = query[5 + 8 * count :]
    return ranges


class PlainAlice:
    def __init__(self, bits: Bits, seed: bytes) -> None:
        self.bits = bits
        self.seed = seed
        self.disclosed = 0
        self.orders: dict[int, list[int]] = {}

    def answer(self, query: bytes) -> bytes:
        ranges = plain_parse(query)
        packed = bytearray((len(ranges) + 7) // 8)
        for i, (number, first, end) in enumerate(ranges):
            if number not in self.orders:
                self.orders[number] = plain_order(self.seed, number, len(self.bits))
            parity = sum(self.bits[at] for at in self.orders[number][first:end]) % 2
            packed[i // 8] |= parity << (i % 8)
            self.disclosed += 1
        return bytes(packed)


class Ledger:
    """Which parities of a pass follow from others of it.

    The parity of places a to b links a and b: it is known already if a path of known ones does.
    The parity of the whole block is the same in every pass.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.asked = 0
        self.new = 0
        self.total_known = False
        self.parents: dict[int, dict[int, int]] = {}

    def note(self, query: bytes) -> None:
        for number, first, end in plain_parse(query):
            self.asked += 1
            self.new += self._link(number, first, end)
        if any(self._root(number, 0) == self._root(number, self.n) for number in self.parents):
            self.total_known = True

    def _root(self, number: int, place: int) -> int:
        parent = self.parents.setdefault(number, {})
        while parent.setdefault(place, place) != place:
            place = parent[place]
        return place

    def _link(self, number: int, first: int, end: int) -> bool:
        if self.total_known:
            self.parents.setdefault(number, {})[self._root(number, 0)] = self._root(number, self.n)
        a, b = self._root(number, first), self._root(number, end)
        self.parents[number][a] = b
        return a != b


def textbook_cascade(alice: Bits, bob: Bits, qber: float, seed: int) -> tuple[Bits, int]:
    """Return Bob's corrected bits and the number of parities that Alice disclosed."""
    n, shuffler, asked = len(alice), random.Random(seed), 0
    bob = list(bob)
    passes: list[list[list[int]]] = []

    def odd(block: list[int]) -> bool:
        return sum(alice[i] ^ bob[i] for i in block) % 2 == 1

    def bisect(block: list[int]) -> int:
        nonlocal asked
        while len(block) > 1:
            left = block[: (len(block) + 1) // 2]
            asked += 1
            block = left if odd(left) else block[len(left) :]
        return block[0]

    for number in range(4):
        order = list(range(n))
        shuffler.shuffle(order)
        size = max(1, round(0.73 / qber)) * 2**number
        passes.append([order[i : i + size] for i in range(0, n, size)])
        asked += len(passes[-1]) - (number > 0)
        while wrong := [block for blocks in passes for block in blocks if odd(block)]:
            bob[bisect(min(wrong, key=len))] ^= 1
    return bob, asked
