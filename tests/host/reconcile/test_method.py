"""The choice between the methods, and keys longer than a frame."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from hexkey.errors import ProtocolError
from hexkey.reconcile import Method
from hexkey.reconcile import method as methods
from hexkey.reconcile.cascade_block import BlockAlice, BlockBob
from hexkey.reconcile.frames import FramesAlice, FramesBob, _split
from hexkey.reconcile.method import Speed, answering, asking, choose, speed

SEED = bytes(range(32))
SPEED = Speed(cascade_s=30e-9, ldpc_s=90e-9)
Bits = NDArray[np.uint8]


def key(n: int, error_rate: float, seed: int) -> tuple[Bits, Bits]:
    generator = np.random.default_rng(seed)
    alice = generator.integers(0, 2, n, dtype=np.uint8)
    return alice, alice ^ (generator.random(n) < error_rate).astype(np.uint8)


@pytest.mark.parametrize(
    ("round_trip_s", "arrival_s", "chosen"),
    [
        (0.0, 0.0, Method.CASCADE),
        (math.inf, 0.0, Method.CASCADE),  # not known yet
        (1e-4, 10.0, Method.CASCADE),
        (0.01, 10.0, Method.CASCADE),  # 2.4 s of talk in 10 s
        (0.1, 10.0, Method.LDPC),  # 24 s of talk in 10 s
        (0.01, 0.01, Method.LDPC),
    ],
)
def test_cascade_where_it_keeps_up(round_trip_s: float, arrival_s: float, chosen: Method) -> None:
    assert choose(1 << 16, 0.05, round_trip_s, arrival_s, SPEED) is chosen


def test_a_slow_decoder_speaks_for_cascade() -> None:
    assert choose(1 << 16, 0.05, 0.001, 0.01, SPEED) is Method.LDPC
    assert choose(1 << 16, 0.05, 0.001, 0.01, Speed(30e-9, 1e-5)) is Method.CASCADE


def test_what_would_leave_no_key_with_ldpc_is_corrected_by_cascade() -> None:
    """Near 11 % all is lost but for the best efficiency; small blocks are disclosed whole."""
    assert choose(1 << 16, 0.1065, 0.1, 10.0, SPEED) is Method.CASCADE
    assert choose(2_000, 0.05, 0.1, 1.0, SPEED) is Method.CASCADE


def test_this_processor_is_measured_once() -> None:
    assert speed() is speed()
    assert 1e-9 < speed().cascade_s < 1e-4
    assert 1e-9 < speed().ldpc_s < 1e-4


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("n", [1, 3000, 10_000])
def test_keys_of_any_length_are_corrected(
    method: Method, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods, "FRAME_BITS", 4096)
    alice_bits, bob_bits = key(n, 0.03, n)
    alice = answering(method, alice_bits, 0.03, SEED)
    bob = asking(method, bob_bits, 0.03, SEED)
    query: bytes | None = bob.start()
    while query is not None:
        answer = alice.answer(query)
        assert alice.disclosed_bits == bob.asked_bits
        query = bob.receive(answer)
    assert np.array_equal(bob.bits, alice_bits)
    assert bob.corrected == np.count_nonzero(alice_bits != bob_bits)
    assert bob.round_trips < (10 if method is Method.LDPC else 1000)


def frames() -> tuple[FramesAlice, FramesBob]:
    alice_bits, bob_bits = key(300, 0.05, 1)
    seeds = [bytes((k,)) * 32 for k in range(3)]
    pieces = zip(np.split(alice_bits, 3), np.split(bob_bits, 3), seeds, strict=True)
    roles = [(BlockAlice(a, 0.05, s), BlockBob(b, 0.05, s)) for a, b, s in pieces]
    return FramesAlice([a for a, _ in roles]), FramesBob([Adapter(b) for _, b in roles])


class Adapter:
    """A block of Cascade as a frame."""

    def __init__(self, block: BlockBob) -> None:
        self._block = block
        self.start, self.receive = block.start, block.receive

    @property
    def bits(self) -> Bits:
        return self._block.bits

    @property
    def corrected(self) -> int:
        return self._block.corrected

    @property
    def asked_bits(self) -> int:
        return self._block.parities_asked

    @property
    def round_trips(self) -> int:
        return self._block.round_trips


def test_frames_end_one_after_the_other() -> None:
    alice, bob = frames()
    query: bytes | None = bob.start()
    while query is not None:
        query = bob.receive(alice.answer(query))
    assert np.array_equal(bob.bits, key(300, 0.05, 1)[0])
    assert alice.disclosed_bits == bob.asked_bits
    assert bob.round_trips > 1


@pytest.mark.parametrize("message", [b"", b"\0" * 11, b"\0" * 13, b"\xff" * 12, bytes([9]) * 12])
def test_messages_that_are_not_made_of_frames_are_refused(message: bytes) -> None:
    alice, bob = frames()
    bob.start()
    with pytest.raises(ProtocolError, match="not made of 3 parts"):
        alice.answer(message)
    with pytest.raises(ProtocolError, match="not made of 3 parts"):
        bob.receive(message)


def test_an_answer_for_a_frame_that_is_done_is_refused() -> None:
    alice, bob = frames()
    query: bytes | None = bob.start()
    while all(bob._asking):
        assert query is not None
        query = bob.receive(alice.answer(query))
    done = bob._asking.index(False)
    assert query is not None
    parts = _split(alice.answer(query), 3)
    parts[done] = b"\1"
    with pytest.raises(ProtocolError, match="frame that is done"):
        bob.receive(b"".join(len(part).to_bytes(4, "little") + part for part in parts))
