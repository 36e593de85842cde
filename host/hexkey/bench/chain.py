"""The whole chain of a session, from sifted bits to a stored key: both roles, on one core.

Announce, estimate, reconcile (by Cascade), verify, amplify, authenticate and store, as `hexkey
alice` and `hexkey bob` do it, with real stores on disk; only the socket is replaced by two queues.
Each case runs in a process of its own, so that its peak memory is its own, and on one core: on two
the roles, which take turns, would wake each other across them hundreds of times in a block.
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hexkey.keyrate.entropy import binary_entropy
from hexkey.memory import keep_freed
from hexkey.randomness import OperatingSystem
from hexkey.session.block import BlockCounts, Session
from hexkey.session.block_alice import alice_block, receive_announcement
from hexkey.session.block_bob import SiftedBlock, bob_block
from hexkey.session.conversation import ALICE, BOB, LiveConversation
from hexkey.session.messages import Type
from hexkey.session.parameters import SessionParameters
from hexkey.store import Store, create_pair

# Sifted bits of a block, error rate, blocks.
CASES = {
    "250 k at 6.49 %": (250_000, 0.0649, 7),
    "1 M at 6.49 %": (1_000_000, 0.0649, 5),
    "4 M at 6.49 %": (4_000_000, 0.0649, 7),
    "4 M at 1 %": (4_000_000, 0.01, 7),
}
SHUFFLES = 10
TIMEOUT_S = 600.0


def run(cases: dict[str, tuple[int, float, int]] = CASES) -> dict[str, dict[str, float]]:
    """Return, for each case, what a block took.

    ``megabits_per_second`` are sifted bits over the processor time of Alice and Bob together, from
    bits in memory to a committed key, the median of the blocks; ``ratio_to_shuffles`` compares with
    numpy shuffling as many places ten times. ``peak_bytes_per_bit`` is the most memory that both
    roles together had beyond what the process had before. ``auth_bits`` are the bits of
    authentication key that a block spends, whatever its size, and ``secret_bits_per_auth_bit`` what
    it yields for each.
    """
    return {name: _apart(*case) for name, case in cases.items()}


def _apart(block_bits: int, qber: float, blocks: int) -> dict[str, float]:
    command = [sys.executable, "-m", __name__, str(block_bits), str(qber), str(blocks)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode:
        raise RuntimeError(f"the chain failed: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


_Queue = queue.SimpleQueue[tuple[Type, bytes]]


class _Queues:
    """A channel between two threads."""

    def __init__(
        self,
        out: _Queue,
        into: _Queue,
    ) -> None:
        self._out, self._into = out, into

    def send(self, kind: Type, body: bytes) -> None:
        self._out.put((kind, body))

    def receive(self, timeout_s: float) -> tuple[Type, bytes]:
        return self._into.get(timeout=timeout_s)

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Pair:
    session: Session
    alice: LiveConversation
    bob: LiveConversation
    alice_store: Store
    bob_store: Store


def measure(block_bits: int, qber: float, blocks: int) -> dict[str, float]:
    """Distil blocks here and now; see `run`."""
    generator = np.random.default_rng(block_bits)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        pair = _open(Path(folder), block_bits, qber)
        with pair.alice_store, pair.bob_store:
            before = _peak_bytes()
            for number in range(blocks):
                key = generator.integers(0, 2, block_bits, dtype=np.uint8)
                errors = (generator.random(block_bits) < qber).astype(np.uint8)
                pulses = np.cumsum(generator.integers(1, 2000, block_bits)).astype(np.uint64)
                start = time.process_time()
                counts = _distil(pair, SiftedBlock(number, 0, pulses, key ^ errors), key)
                seconds.append(time.process_time() - start)
    places = np.arange(block_bits, dtype=np.uint32)
    start = time.process_time()
    for _ in range(SHUFFLES):
        generator.shuffle(places)
    shuffling = time.process_time() - start
    median = float(np.median(seconds))
    spent = 256 * pair.bob.auth_keys_used / blocks
    return {
        "megabits_per_second": block_bits / median / 1e6,
        "ratio_to_shuffles": shuffling / median,
        "peak_bytes_per_bit": (_peak_bytes() - before) / block_bits,
        "secret_fraction": counts.secret_bits / block_bits,
        "efficiency": counts.disclosed.reconcile
        / ((block_bits - pair.session.parameters.estimate_bits) * binary_entropy(counts.qber)),
        "auth_bits": spent,
        "secret_bits_per_auth_bit": (counts.secret_bits + counts.refill_bits) / spent,
    }


def _open(folder: Path, block_bits: int, qber: float) -> _Pair:
    parameters = SessionParameters(
        block_bits=block_bits, qber_abort=min(0.25, 1.5 * qber + 0.02), reconciler="cascade"
    )
    session = Session("benchmark", parameters, ("a benchmark",))
    paths = folder / "alice.store", folder / "bob.store"
    create_pair(*paths, 100, OperatingSystem())
    alice_store, bob_store = (Store.open(path) for path in paths)
    there, back = _Queue(), _Queue()
    return _Pair(
        session,
        LiveConversation(_Queues(back, there), alice_store, ALICE),
        LiveConversation(_Queues(there, back), bob_store, BOB),
        alice_store,
        bob_store,
    )


def _distil(pair: _Pair, block: SiftedBlock, key: NDArray[np.uint8]) -> BlockCounts:
    """Distil one block with Alice in a second thread; the two take turns."""
    counts = BlockCounts(block.number, len(block.bits))
    failed: list[BaseException] = []
    alice = threading.Thread(target=_alice, args=(pair, block.number, key, failed))
    alice.start()
    bob_block(pair.bob, pair.session, block, pair.bob_store, counts)
    alice.join()
    if failed:
        raise failed[0]
    return counts


def _alice(pair: _Pair, number: int, key: NDArray[np.uint8], failed: list[BaseException]) -> None:
    try:
        pair.alice.begin(pair.session.session_id)
        _, announced = pair.alice.expect(Type.ANNOUNCE)
        receive_announcement(pair.alice, pair.session, number, announced, -1)
        counts = BlockCounts(number, len(key))
        alice_block(pair.alice, pair.session, key, OperatingSystem(), pair.alice_store, counts)
    except BaseException as error:
        failed.append(error)


def _peak_bytes() -> int:
    """Return the most memory yet; getrusage would count what the parent had before it forked."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    keep_freed()  # as the roles' commands do
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    block_bits_, qber_, blocks_ = sys.argv[1:]
    print(json.dumps(measure(int(block_bits_), float(qber_), int(blocks_))))
