"""Write session.json by hand: struct and json for the messages, integers for the tag.

Nothing of hexkey is imported. docs/session-protocol.md is what this follows. GF(2^128): the
product of two polynomials by schoolbook, reduced by long division; the hash as a sum of explicit
powers of the point. Run from any folder.
"""

import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

FIELD = 1 << 128 | 1 << 7 | 1 << 2 | 1 << 1 | 1
ALICE, BOB = 0, 1
SESSION = "000102030405060708090a0b0c0d0e0f" + "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
STEPS = [(1, "<B"), (2, "<H"), (4, "<I")]
PULSES = [1_000_000_007, 1_000_000_008, 1_000_002_056, 5_294_969_351]
FAR_APART = [5, 1_000_000_007, 1_000_000_008, 2**62 + 1]  # no steps, so any distance will do
BITS = [1, 0, 0, 1]
KEY_BASIS, BOTH_BASES = [1, 0, 0, 1], [0, 1, 0, 0]  # of the pulses: key, both, test, key
PARAMETERS = {
    "protocol": "b92",
    "pulse_rate_hz": 40_000_000,
    "block_bits": 40_000,
    "offset_sample_bits": 512,
    "estimate_bits": 1_600,
    "qber_expected": 0.05,
    "qber_abort": 0.11,
    "eps_pa": 1e-10,
    "eps_cor": 1e-15,
    "eps_smoothing": 1e-10,
    "epsilon_limit": 1e-6,
    "reconciler": "auto",
    "refill_to_alice": 4,
    "refill_to_bob": 2,
}
BOB_SAYS = {
    "run": 7,
    "tick_ps": "10",
    "gate_start_ticks": 50,
    "gate_width_ticks": 1000,
    "holdoff_pulses": 2,
    "reasons": ["the board simulates its photons"],
    "key_basis_probability": 0.5,
}
ALICE_SAYS = {
    "record_id": "ab" * 16,
    "randomness": "random",
    "reasons": [],
    "key_basis_probability": 0.9,
    "multiphoton_upper": 2.5e-05,
    "source_epsilon": 1e-12,
    "g2_limit": 0.25,
}
KEY_ID = "01234567-89ab-4cde-8f01-23456789abcd"


def text(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def packed(bits: list[int]) -> bytes:
    number = sum(bit << place for place, bit in enumerate(bits))
    return number.to_bytes((len(bits) + 7) // 8, "little")


def pulses(numbers: list[int]) -> bytes:
    steps = [later - earlier for earlier, later in pairwise(numbers)]
    width, form = next(each for each in STEPS if max(steps) < 1 << 8 * each[0])
    return struct.pack("<QB", numbers[0], width) + b"".join(struct.pack(form, s) for s in steps)


def messages() -> list[dict[str, Any]]:
    """Name, number, what it says, and its body."""
    seed32, seed16 = bytes(range(32)), bytes(range(16, 32))
    hello = {
        "version": 4,
        "software": "0.1.0",
        "pool": "5a" * 16,
        "parameters": PARAMETERS,
        "statement": BOB_SAYS,
        "nonce": SESSION[:32],
    }
    welcome = {"nonce": SESSION[32:], "pending": [KEY_ID], "statement": ALICE_SAYS}
    sentence = "the session parameters differ: qber_abort is 0.11 here and 0.09 there."
    amplification = [int(n % 3 == 0) for n in range(21)]
    tag = bytes(range(0xA0, 0xB0))
    found: list[tuple[str, int, dict[str, Any], bytes]] = [
        ("HELLO", 1, hello, text(hello)),
        ("WELCOME", 2, welcome, text(welcome)),
        ("SETTLE", 3, {"committed": [KEY_ID]}, text({"committed": [KEY_ID]})),
        ("REFUSE", 4, {"sentence": sentence}, sentence.encode()),
        ("BYE", 5, {}, b""),
        ("TAG", 6, {"index": 258, "tag": tag.hex()}, struct.pack("<Q", 258) + tag),
        ("RENEW", 7, {}, b""),
        (
            "ALIGN",
            16,
            {"epoch": 3, "pulses": PULSES, "bits": BITS},
            struct.pack("<II", 3, 4) + packed(BITS) + pulses(PULSES),
        ),
        (
            "OFFSET",
            17,
            {"found": True, "offset": -12_345, "modulo": 0, "probability": 2**-40},
            struct.pack("<Bqqd", 1, -12_345, 0, 2**-40),
        ),
        (
            "ALIGN_BB84",
            18,
            {"epoch": 3, "pulses": PULSES, "bits": BITS, "bases": KEY_BASIS},
            struct.pack("<II", 3, 4) + packed(BITS) + packed(KEY_BASIS) + pulses(PULSES),
        ),
        (
            "ANNOUNCE",
            32,
            {"block": 9, "epoch": 3, "pulses": PULSES},
            struct.pack("<II", 9, 3) + pulses(PULSES),
        ),
        (
            "SAMPLE",
            33,
            {
                "reconciler": "ldpc",
                "seed": seed32.hex(),
                "chosen": [0, 1, 0, 0, 1, 0, 0, 0, 1],
            },
            bytes([2]) + seed32 + packed([0, 1, 0, 0, 1, 0, 0, 0, 1]),
        ),
        ("SAMPLE_BITS", 34, {"bits": [1, 1, 0]}, packed([1, 1, 0])),
        ("ESTIMATE", 35, {"count": 77}, struct.pack("<I", 77)),
        (
            "QUERY",
            36,
            {"sections": [[0, [0, 25], [25, 50]], [8, [10], [11]]]},
            bytes([0, 2, 0, 25, 0, 25]) + bytes([8, 1, 10, 1]),
        ),
        ("ANSWER", 37, {"parities": [1, 0, 1]}, packed([1, 0, 1])),
        ("CORRECTED", 38, {}, b""),
        (
            "VERIFY",
            39,
            {"seed": seed16.hex(), "tag_bits": 60, "tag": "0102030405060708"},
            seed16 + struct.pack("<B", 60) + bytes(range(1, 9)),
        ),
        ("VERIFIED", 40, {"count": 2_466}, struct.pack("<I", 2_466)),
        (
            "AMPLIFY",
            41,
            {"length": 8, "seed": amplification},
            struct.pack("<I", 8) + packed(amplification),
        ),
        ("CONFIRM", 42, {}, b""),
        ("COMMIT", 43, {}, b""),
        ("DROP", 44, {"reason": "verification"}, b"verification"),
        (
            "ANNOUNCE_BB84",
            48,
            {"block": 9, "epoch": 3, "pulses": PULSES, "bases": [1, 2, 0, 1]},
            struct.pack("<III", 9, 3, 4) + packed(KEY_BASIS) + packed(BOTH_BASES) + pulses(PULSES),
        ),
        (
            "BASES",
            49,
            {"sent_key": 3_600_000_000, "sent_test": 400_000_001, "bases": [1, 1, 0, 1, 0]},
            struct.pack("<QQ", 3_600_000_000, 400_000_001) + packed([1, 1, 0, 1, 0]),
        ),
        (
            "SOURCE",
            64,
            {
                "pulses": 2_400_000_000,
                "coincidences": 7_345,
                "others": 488_021,
                "lags": 16,
                "seconds": 60.5,
                "needed_s": 0.0,
            },
            struct.pack("<QQQHdd", 2_400_000_000, 7_345, 488_021, 16, 60.5, 0.0),
        ),
        (
            "OUTSIDE",
            80,
            {"pulses": FAR_APART, "bits": BITS},
            struct.pack("<IQQQQ", 4, *FAR_APART) + packed(BITS),
        ),
        ("VERDICTS", 81, {"wrong": [0, 1, 0, 1, 0, 0, 1]}, packed([0, 1, 0, 1, 0, 0, 1])),
    ]
    return [
        {
            "name": name,
            "type": number,
            "says": says,
            "body": body.hex(),
            "on_the_wire": (struct.pack("<IB", len(body), number) + body).hex(),
        }
        for name, number, says, body in found
    ]


def times(a: int, b: int) -> int:
    product = 0
    for place in range(b.bit_length()):
        if b >> place & 1:
            product ^= a << place
    while product.bit_length() > 128:
        product ^= FIELD << (product.bit_length() - 129)
    return product


def power(a: int, exponent: int) -> int:
    result = 1
    for _ in range(exponent):
        result = times(result, a)
    return result


def tag(message: bytes, key: bytes) -> bytes:
    padded = message + bytes(-len(message) % 16) + struct.pack("<QQ", 8 * len(message), 0)
    blocks = [int.from_bytes(padded[k : k + 16], "little") for k in range(0, len(padded), 16)]
    point, mask = int.from_bytes(key[:16], "little"), int.from_bytes(key[16:], "little")
    digest = 0
    for place, block in enumerate(blocks):
        digest ^= times(block, power(point, len(blocks) - place))
    return (digest ^ mask).to_bytes(16, "little")


def transcript() -> dict[str, Any]:
    """An alignment, unit 1 of the session: ALIGN, its tag, OFFSET, and the tag over all of it."""
    bodies = {each["name"]: bytes.fromhex(each["body"]) for each in messages()}
    bob_key = bytes((7 * n + 3) % 256 for n in range(32))
    alice_key = bytes((11 * n + 5) % 256 for n in range(32))
    name = f"{SESSION}/1".encode()
    covered = struct.pack("<I", len(name)) + name
    crossed = []

    def cross(sender: int, kind: str, number: int, body: bytes) -> None:
        nonlocal covered
        covered += struct.pack("<BBI", sender, number, len(body)) + body
        crossed.append({"sender": sender, "name": kind, "body": body.hex()})

    cross(BOB, "ALIGN", 16, bodies["ALIGN"])
    cross(BOB, "TAG", 6, struct.pack("<Q", 40) + tag(covered, bob_key))
    cross(ALICE, "OFFSET", 17, bodies["OFFSET"])
    final = tag(covered, alice_key)
    return {
        "session": SESSION,
        "unit": 1,
        "crossed": crossed,
        "transcript": covered.hex(),
        "bob_key": {"index": 40, "key": bob_key.hex()},
        "alice_key": {"index": 17, "key": alice_key.hex()},
        "alice_tag": final.hex(),
    }


def main() -> None:
    document = {"messages": messages(), "transcript": transcript()}
    file = Path(__file__).with_name("session.json")
    file.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
