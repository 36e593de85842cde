"""Detections of a BB84 link from a CSV file: sift, reconcile and verify between two local roles.

One row a detection, with the header

    qubit_id,tx_state,tx_basis,decoy_level,rx_state,rx_basis,matching_basis

`tx_state` and `rx_state` are the bits 0 or 1, bases 0 or 1 (the file's own meaning, such as Z and
X), `decoy_level` a number that names the intensity, `matching_basis` True or False. Other columns
are left alone. No secret length follows from such a file: it lacks the intensities, the
probabilities and the number of pulses sent.
"""

import csv
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import InputError
from hexkey.randomness import OperatingSystem, Randomness
from hexkey.session.block import BlockCounts, Session
from hexkey.session.block_alice import alice_correct
from hexkey.session.block_bob import bob_correct
from hexkey.session.channel import SocketChannel, local_pair
from hexkey.session.conversation import ALICE, BOB, Conversation, LiveConversation
from hexkey.session.parameters import MOST_BLOCK_BITS, SessionParameters
from hexkey.session.tally import REPORT_SCHEMA, Progress

COLUMNS = ("tx_state", "tx_basis", "decoy_level", "rx_state", "rx_basis", "matching_basis")
LEAST_BITS = 64
NO_LENGTH = (
    "no secret length is claimed: the file holds neither the intensities and their probabilities "
    "nor the number of pulses sent"
)


@dataclass(frozen=True, slots=True)
class Detections:
    """Detections of a link, arrays of shape (n,) uint8."""

    tx_state: NDArray[np.uint8]
    tx_basis: NDArray[np.uint8]
    decoy_level: NDArray[np.uint8]
    rx_state: NDArray[np.uint8]
    rx_basis: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.tx_state)

    @property
    def sifted(self) -> NDArray[np.bool_]:
        """Whether both parties chose the same basis."""
        return np.equal(self.tx_basis, self.rx_basis)


def is_detections_csv(path: Path) -> bool:
    with path.open("rb") as file:
        return b"tx_state" in file.readline(4096)


def read_detections(path: Path) -> Detections:
    """Read a file of the form above.

    Raises
    ------
    InputError
        A column is missing, or a row is not what the header says; the sentence names the line.
    """
    rows: list[tuple[int, ...]] = []
    try:
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(
                    f"{path} lacks the column {missing[0]!r}; see `hexkey distill --help`"
                )
            for row in reader:
                rows.append(_row(row, path, reader.line_num))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    if not rows:
        raise InputError(f"{path} holds no detections")
    table = np.array(rows, np.uint8)
    return Detections(*(table[:, column] for column in range(5)))


def _row(row: dict[str, Any], path: Path, line: int) -> tuple[int, ...]:
    try:
        values = tuple(int(row[name]) for name in COLUMNS[:-1])
        matching = {"True": True, "False": False}[row["matching_basis"]]
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}, line {line}: a value is missing or is no number") from None
    tx_state, tx_basis, decoy_level, rx_state, rx_basis = values
    if not {tx_state, tx_basis, rx_state, rx_basis} <= {0, 1} or not 0 <= decoy_level <= 255:
        raise InputError(f"{path}, line {line}: states and bases must be 0 or 1")
    if matching != (tx_basis == rx_basis):
        raise InputError(f"{path}, line {line}: matching_basis contradicts the two bases")
    return values


def distill_csv(path: Path, parameters: SessionParameters, progress: Progress) -> dict[str, Any]:
    """Sift the file's detections and correct Bob's string by talking to Alice's role.

    Raises
    ------
    InputError
        The file is unusable, or holds too few sifted bits.
    BlockDropped
        The strings could not be made equal.
    """
    began = time.monotonic()
    detections = read_detections(path)
    chosen = detections.sifted
    alice_bits, bob_bits = detections.tx_state[chosen], detections.rx_state[chosen]
    _check_size(path, len(bob_bits), parameters.estimate_bits)
    randomness = OperatingSystem()
    session = Session(randomness.bytes(32).hex(), parameters, (NO_LENGTH,))
    counts = BlockCounts(0, len(bob_bits), expected_qber=parameters.qber_expected)
    equal = _correct(session, alice_bits, bob_bits, randomness, counts)
    progress({"event": "corrected", **counts.facts()})
    return {
        "schema": REPORT_SCHEMA,
        "protocol": "bb84",
        "label": "no key",
        "reasons": [NO_LENGTH],
        "mode": "csv",
        "detections": len(detections),
        "sifted_bits": counts.sifted_bits,
        "errors": counts.errors,
        "qber": counts.qber,
        "by_class": _by_class(detections),
        "equal": equal,
        "disclosed_bits": asdict(counts.disclosed),
        "secret_bits": None,
        "auth_bits": {"used": 0, "made": 0},
        "epsilon": {"cor": parameters.eps_cor},
        "blocks": {"ok": 1, "dropped": {}},
        "losses": {"other_basis": int(np.count_nonzero(~chosen))},
        "seconds": time.monotonic() - began,
    }


def _check_size(path: Path, sifted: int, sample: int) -> None:
    if sifted < max(2 * sample, LEAST_BITS):
        what = f"a sample of {sample}" if sample else f"a block: give {LEAST_BITS} or more"
        raise InputError(f"{path} holds {sifted} sifted bits, too few for {what}")
    if sifted > MOST_BLOCK_BITS:
        raise InputError(
            f"{path} holds {sifted} sifted bits, more than the {MOST_BLOCK_BITS} of a block: "
            "split it"
        )


def _by_class(detections: Detections) -> list[dict[str, Any]]:
    """Return sifted bits and errors for each basis and intensity."""
    classes = []
    wrong = detections.tx_state != detections.rx_state
    for basis in (0, 1):
        for level in np.unique(detections.decoy_level):
            here = detections.sifted & (detections.tx_basis == basis)
            here &= detections.decoy_level == level
            bits = int(np.count_nonzero(here))
            errors = int(np.count_nonzero(here & wrong))
            classes.append(
                {
                    "basis": basis,
                    "decoy_level": int(level),
                    "sifted_bits": bits,
                    "errors": errors,
                    "qber": errors / bits if bits else None,
                }
            )
    return classes


class _NoPool:
    """Nothing is authenticated between two roles of one process, and no key comes of it."""

    def draw_send_key(self, use_reserve: bool = False) -> tuple[int, bytes]:
        raise AssertionError("a correction sends no tag")

    def receive_key(self, index: int) -> bytes:
        raise AssertionError("a correction expects no tag")

    def accept(self, index: int) -> None:
        raise AssertionError("a correction expects no tag")


def _correct(
    session: Session,
    alice_bits: NDArray[np.uint8],
    bob_bits: NDArray[np.uint8],
    randomness: Randomness,
    counts: BlockCounts,
) -> bool:
    """Run both roles; return whether their strings are equal at last."""
    ours, theirs = local_pair()
    outcome: list[NDArray[np.uint8] | BaseException] = []

    def talk_over(channel: SocketChannel, role: int) -> Conversation:
        return LiveConversation(channel, _NoPool(), role)

    def alice() -> None:
        try:
            with theirs:
                talk = talk_over(theirs, ALICE)
                her_counts = BlockCounts(
                    0, len(alice_bits), expected_qber=session.parameters.qber_expected
                )
                outcome.append(alice_correct(talk, session, alice_bits, randomness, her_counts))
        except BaseException as error:  # carried over to Bob's thread
            outcome.append(error)

    thread = threading.Thread(target=alice, name="alice", daemon=True)
    thread.start()
    with ours:
        corrected = bob_correct(talk_over(ours, BOB), session, bob_bits, counts)
        thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return bool(np.array_equal(corrected, outcome[0]))
