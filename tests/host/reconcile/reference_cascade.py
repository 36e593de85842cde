"""Cascade the slow way, with lists: what the fast one is held against.

`PlainAlice` answers the same queries from the written form of the messages alone. `Ledger` counts
how many of the parities asked were new. `textbook_cascade` is the protocol of 1994 with blocks of
0.73/Q, doubled in each of four passes, halved in the middle.
"""

import hashlib
import random
import struct

Bits = list[int]


def keystream(seed: bytes, number: int, n: int, size: int) -> bytes:
    header = b"hexkey cascade v2" + seed + struct.pack("<BI", number, n)
    return hashlib.shake_256(header).digest(size)


def plain_table(n: int) -> tuple[int, int]:
    """Return the rows and columns of the table that n bits are laid out in."""
    columns = 1
    while columns * columns < n:
        columns *= 2
    return -(-n // columns), columns


def plain_order(seed: bytes, number: int, n: int) -> list[int]:
    """Return which position each place of a shuffle holds; positions from n on hold zeros."""
    rows, columns = plain_table(n)
    if number == 0:
        return list(range(rows * columns))
    count = 2 * rows + columns
    words = struct.unpack(f"<{count}I", keystream(seed, number, n, 4 * count))
    first = [word * columns >> 32 for word in words[:rows]]
    again = [word * columns >> 32 for word in words[rows + columns :]]
    down: list[int] = []
    while len(down) < columns:
        shuffled: list[int] = []
        for i in range(min(rows, columns - len(down))):
            j = words[rows + len(down) + i] * (i + 1) >> 32
            shuffled.append(i)
            shuffled[i], shuffled[j] = shuffled[j], i
        down += shuffled
    order = [0] * (rows * columns)
    for position in range(rows * columns):
        r, c = divmod(position, columns)
        c = (c + first[r]) % columns
        r = (r + down[c]) % rows
        c = (c + again[r]) % columns
        order[r * columns + c] = position
    return order


def plain_subset(seed: bytes, number: int, n: int) -> list[int]:
    """Return 1 for each position of the table that is in a subset."""
    batch, k = divmod(number - 8, 14)
    raw = keystream(seed, 8 + batch, n, (n + 64 + 7) // 8)
    rows, columns = plain_table(n)
    chosen = [raw[(i + k) // 8] >> ((i + k) % 8) & 1 for i in range(n)]
    return chosen + [0] * (rows * columns - n)


def plain_parse(query: bytes) -> list[tuple[int, int, int]]:
    """Return (pass, first, end) of every range."""
    ranges, at = [], 0

    def number() -> int:
        nonlocal at
        value, shift = 0, 0
        while query[at] >= 128:
            value, shift, at = value | (query[at] - 128) << shift, shift + 7, at + 1
        at += 1
        return value | query[at - 1] << shift

    while at < len(query):
        number_of_pass, end, at = query[at], 0, at + 1
        for _ in range(number()):
            first = end + number()
            end = first + number()
            ranges.append((number_of_pass, first, end))
    return ranges


def plain_number(number: int) -> bytes:
    out = bytearray()
    while number >= 128:
        out.append(number % 128 | 128)
        number >>= 7
    return bytes([*out, number])


def plain_section(number: int, *ranges: tuple[int, int]) -> bytes:
    """Encode a section of a query about ranges given as (gap, length)."""
    numbers = b"".join(plain_number(gap) + plain_number(length) for gap, length in ranges)
    return bytes([number]) + plain_number(len(ranges)) + numbers


class PlainAlice:
    def __init__(self, bits: Bits, seed: bytes) -> None:
        self.bits = bits
        self.seed = seed
        self.disclosed = 0
        self.passes: dict[int, Bits] = {}

    def answer(self, query: bytes) -> bytes:
        ranges = plain_parse(query)
        packed = bytearray((len(ranges) + 7) // 8)
        for i, (number, first, end) in enumerate(ranges):
            if number not in self.passes:
                self.passes[number] = self._bits_of_pass(number)
            parity = sum(self.passes[number][first:end]) % 2
            packed[i // 8] |= parity << (i % 8)
            self.disclosed += 1
        return bytes(packed)

    def _bits_of_pass(self, number: int) -> Bits:
        n = len(self.bits)
        rows, columns = plain_table(n)
        bits = self.bits + [0] * (rows * columns - n)
        if number < 8:
            return [bits[position] for position in plain_order(self.seed, number, n)]
        return [a & b for a, b in zip(bits, plain_subset(self.seed, number, n), strict=True)]


class Ledger:
    """Which parities of a pass follow from others of it.

    The parity of places a to b links a and b: it is known already if a path of known ones does.
    The parity of the whole block is the same in every pass but the subsets.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        rows, columns = plain_table(n)
        self.places = rows * columns
        self.asked = 0
        self.new = 0
        self.total_known = False
        self.parents: dict[int, dict[int, int]] = {}

    def note(self, query: bytes) -> None:
        for number, first, end in plain_parse(query):
            self.asked += 1
            self.new += self._link(number, first, end)
        self.total_known |= any(
            self._root(number, 0) == self._root(number, self.n if number == 0 else self.places)
            for number in self.parents
            if number < 8
        )

    def _root(self, number: int, place: int) -> int:
        parent = self.parents.setdefault(number, {})
        while parent.setdefault(place, place) != place:
            place = parent[place]
        return place

    def _link(self, number: int, first: int, end: int) -> bool:
        if self.total_known and number < 8:
            whole = self.n if number == 0 else self.places
            self.parents.setdefault(number, {})[self._root(number, 0)] = self._root(number, whole)
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
