"""What a party that holds the pool can do wrong, and how the other one calls it.

A case is a party, the place of a message (its type and how many came before), what is said instead,
and a pattern of the sentence in which the honest side ends; None where it drops the block.
"""

from dataclasses import replace

from tests.host.session.harness import ALICE, BOB, TINY
from tests.host.session.lies import (
    Case,
    align,
    announcement,
    changed,
    closes,
    dribbles,
    floods,
    raw,
    restated,
    sample,
    says,
    silent,
    verify,
    with_a_parameter,
)

from hexkey.session import messages
from hexkey.session.messages import Type, encode_count

PARAMETERS = replace(TINY, block_bits=1_500, qber_abort=0.2)
N = PARAMETERS.block_bits
# A query of Cascade for each bit of the block: its only entry, and in it one section of pass 0.
EVERYTHING = b"\0\xbb\x16" + b"\0\x9c\x0b" + b"\0\1" * (N - PARAMETERS.estimate_bits)
STEP = 16  # where an announcement says how long its steps are
ESCAPES = "\x1b[2J\u202eall is well\n"

FROM_BOB = {
    "states escape codes": (
        *(Type.HELLO, 0, changed(Type.HELLO, restated(reasons=[ESCAPES]))),
        "HELLO makes no sense: reasons must be a list of sentences",
    ),
    "states a novel": (
        *(Type.HELLO, 0, changed(Type.HELLO, restated(tick_ps="10" * 10_000))),
        "HELLO makes no sense: tick_ps is not printable, or too long",
    ),
    "has a parameter in escape codes": (
        *(Type.HELLO, 0, changed(Type.HELLO, with_a_parameter(ESCAPES, ESCAPES))),
        "parameters differ: .* is unknown at Alice",
    ),
    "has a parameter of a novel": (
        *(Type.HELLO, 0, changed(Type.HELLO, with_a_parameter("qber_abort", "x" * 50_000))),
        "parameters differ: qber_abort is 0.2 at Alice and xxx",
    ),
    "aligns with fewer bits": (Type.ALIGN, 0, says(Type.ALIGN, align(255, 9)), "255 bits for the"),
    "aligns with none": (Type.ALIGN, 0, says(Type.ALIGN, bytes(8)), "ALIGN message are cut"),
    "aligns over years": (
        *(Type.ALIGN, 0, says(Type.ALIGN, align(256, 2**32 - 1))),
        "at no offset",
    ),
    "aligns with a count that is none": (
        *(Type.ALIGN, 0, changed(Type.ALIGN, lambda body: body[:4] + b"\xff" * 4 + body[8:])),
        "ALIGN message has",
    ),
    "announces no pulse": (Type.ANNOUNCE, 0, says(Type.ANNOUNCE, bytes(8)), "pulses .* are cut"),
    "announces one pulse": (
        *(Type.ANNOUNCE, 0, says(Type.ANNOUNCE, announcement([5]))),
        f"announces block 0 with 1 pulses where block 0 with {N} was due",
    ),
    "announces one pulse less": (
        *(Type.ANNOUNCE, 0, changed(Type.ANNOUNCE, lambda body: body[: -body[STEP]])),
        f"block 0 with {N - 1} pulses where",
    ),
    "announces one pulse more": (
        *(Type.ANNOUNCE, 0, changed(Type.ANNOUNCE, lambda body: body + body[-body[STEP] :])),
        f"block 0 with {N + 1} pulses where",
    ),
    "announces four million pulses": (
        *(Type.ANNOUNCE, 0, says(Type.ANNOUNCE, b"\1" * (messages.MAX_BODY & ~3))),
        f"more than the {N} pulses of a block",
    ),
    "announces pulses that stand still": (
        *(
            Type.ANNOUNCE,
            0,
            changed(Type.ANNOUNCE, lambda body: body[: -body[STEP]] + bytes(body[STEP])),
        ),
        "do not rise",
    ),
    "announces another block": (
        *(Type.ANNOUNCE, 0, changed(Type.ANNOUNCE, lambda body: b"\1" + body[1:])),
        "announces block 1 with",
    ),
    "announces the end of time": (
        *(Type.ANNOUNCE, 0, changed(Type.ANNOUNCE, lambda body: body[:15] + b"\x7f" + body[16:])),
        "(Alice's record .* holds pulses|do not rise)",
    ),
    "discloses a bit less": (
        *(Type.SAMPLE_BITS, 0, says(Type.SAMPLE_BITS, bytes(7))),
        "SAMPLE_BITS message has 7 bytes where 64 bits were due",
    ),
    "discloses none": (Type.SAMPLE_BITS, 0, says(Type.SAMPLE_BITS, b""), "0 bytes where 64 bits"),
    "discloses the opposite": (
        *(
            Type.SAMPLE_BITS,
            0,
            changed(Type.SAMPLE_BITS, lambda body: bytes(b ^ 255 for b in body)),
        ),
        None,
    ),
    "asks nothing": (Type.QUERY, 0, says(Type.QUERY, b""), "QUERY|query"),
    "asks nonsense": (Type.QUERY, 0, says(Type.QUERY, b"\xff" * 500), "QUERY|query"),
    "asks for sixteen megabytes": (
        *(Type.QUERY, 0, says(Type.QUERY, bytes(messages.MAX_BODY))),
        "QUERY|query",
    ),
    "asks for everything, for ever": (
        *(Type.QUERY, 0, lambda talk, body: [(Type.QUERY, EVERYTHING)] * 400),
        "asks for more than the .* parities left",
    ),
    "asks nonsense for ever": (Type.QUERY, 3, floods(Type.QUERY, 3, 400), "QUERY|query"),
    "is done in the middle of an answer": (
        *(Type.QUERY, 5, lambda talk, body: [(Type.QUERY, body), (Type.CORRECTED, b"")]),
        "QUERY where VERIFIED or DROP was due",
    ),
    "counts more errors than bits": (
        *(Type.VERIFIED, 0, says(Type.VERIFIED, encode_count(N + 1))),
        "number of errors is impossible",
    ),
    "counts fewer errors than seen": (
        *(Type.VERIFIED, 0, says(Type.VERIFIED, encode_count(0))),
        "number of errors is impossible",
    ),
    "counts other errors": (
        *(Type.VERIFIED, 0, says(Type.VERIFIED, encode_count(200))),
        "CONFIRM|silent|closed",
    ),
    "drops for no reason": (Type.QUERY, 2, says(Type.DROP, b"mood"), "for no known reason"),
    "drops and goes on": (
        *(Type.QUERY, 2, lambda talk, body: [(Type.DROP, b"reconciliation"), (Type.QUERY, body)]),
        "QUERY where ALIGN or ANNOUNCE or BYE or RENEW was due",
    ),
    "drops in a long speech": (
        *(Type.QUERY, 2, raw(257, Type.DROP, b"x" * 257)),
        "257 bytes of DROP, more than the 256 allowed",
    ),
    "confirms before the order": (
        *(Type.VERIFIED, 0, lambda talk, body: [(Type.CONFIRM, b"")]),
        "CONFIRM where VERIFIED or DROP was due",
    ),
    "says goodbye in a block": (Type.QUERY, 4, says(Type.BYE, b""), "BYE where QUERY"),
    "is silent instead of asking": (Type.QUERY, 4, silent, "silent"),
    "is silent after the announcement": (Type.SAMPLE_BITS, 0, silent, "silent"),
    "is silent instead of verifying": (Type.VERIFIED, 0, silent, "silent"),
    "is silent instead of confirming": (Type.CONFIRM, 0, silent, "TAG where CONFIRM"),
    "says goodbye for now in a block": (Type.QUERY, 4, says(Type.RENEW, b""), "RENEW where QUERY"),
    "renews at length": (Type.QUERY, 4, raw(1, Type.RENEW, b"x"), "1 bytes of RENEW, more than"),
    "counts at a source of his own": (
        *(Type.QUERY, 0, says(Type.SOURCE, bytes(42))),
        "SOURCE where QUERY",
    ),
    "announces a source": (Type.ANNOUNCE, 0, says(Type.SOURCE, bytes(42)), "SOURCE where ALIGN or"),
    "closes in a block": (Type.QUERY, 4, closes, "closed the connection"),
    "dribbles": (Type.SAMPLE_BITS, 0, dribbles, "TAG where|silent"),
    "floods": (Type.SAMPLE_BITS, 0, floods(Type.SAMPLE_BITS, 8, 10_000), "SAMPLE_BITS where"),
    "floods with the longest": (
        *(Type.QUERY, 4, floods(Type.ANNOUNCE, messages.MAX_BODY, 12)),
        "ANNOUNCE where QUERY or CORRECTED or DROP was due",
    ),
    "speaks an unknown language": (Type.QUERY, 4, raw(0xFFFF_FFFF, 99), "unknown type 99"),
}
FROM_ALICE = {
    "states escape codes": (
        *(Type.WELCOME, 0, changed(Type.WELCOME, restated(record_id=ESCAPES))),
        "WELCOME makes no sense: record_id is not printable, or too long",
    ),
    "welcomes with nonsense": (Type.WELCOME, 0, says(Type.WELCOME, b"{}"), "WELCOME makes no"),
    "renews": (Type.SAMPLE, 0, says(Type.RENEW, b""), "RENEW where SAMPLE"),
    "counts without saying so": (
        *(Type.SAMPLE, 0, says(Type.SOURCE, bytes(42))),
        "SOURCE where SAMPLE",
    ),
    "finds an offset twice": (
        *(Type.OFFSET, 0, changed(Type.OFFSET, lambda body: b"\2" + body[1:])),
        "OFFSET message makes no sense",
    ),
    "finds half an offset": (
        *(Type.OFFSET, 0, changed(Type.OFFSET, lambda body: body[:-1])),
        "OFFSET message has 24 bytes where 25 were due",
    ),
    "is not sure at all": (
        *(Type.OFFSET, 0, changed(Type.OFFSET, lambda body: body[:-8] + b"\xff" * 8)),
        "OFFSET message makes no sense",
    ),
    "asks for one bit more": (
        *(Type.SAMPLE, 0, says(Type.SAMPLE, sample(1, N, 65))),
        "asks for 65 bits where 64 were agreed",
    ),
    "asks for every bit": (
        Type.SAMPLE,
        0,
        says(Type.SAMPLE, sample(1, N, N)),
        "asks for 1500 bits",
    ),
    "asks for none": (Type.SAMPLE, 0, says(Type.SAMPLE, sample(1, N, 0)), "asks for 0 bits"),
    "asks of a longer block": (
        *(Type.SAMPLE, 0, says(Type.SAMPLE, sample(1, N + 8, 64))),
        f"SAMPLE message has 189 bytes where {N} bits were due",
    ),
    "names a reconciler that is none": (
        *(Type.SAMPLE, 0, changed(Type.SAMPLE, lambda body: b"\7" + body[1:])),
        "names reconciler 7, which is not known here",
    ),
    "takes another reconciler than agreed": (
        *(Type.SAMPLE, 0, changed(Type.SAMPLE, lambda body: b"\2" + body[1:])),
        "reconciles by ldpc where cascade was agreed",
    ),
    "gives half a seed": (Type.SAMPLE, 0, says(Type.SAMPLE, bytes(16)), "SAMPLE message is cut"),
    "counts more errors than disclosed": (
        *(Type.ESTIMATE, 0, says(Type.ESTIMATE, encode_count(65))),
        "more errors than disclosed bits",
    ),
    "counts errors that are none": (
        *(Type.ESTIMATE, 0, says(Type.ESTIMATE, encode_count(64))),
        None,
    ),
    "answers with a parity less": (
        *(Type.ANSWER, 0, changed(Type.ANSWER, lambda body: body[:-1])),
        "(?i)answer",
    ),
    "answers with sixteen megabytes": (
        *(Type.ANSWER, 0, says(Type.ANSWER, bytes(messages.MAX_BODY))),
        "(?i)answer",
    ),
    "answers with set padding": (
        *(Type.ANSWER, 1, changed(Type.ANSWER, lambda body: body[:-1] + b"\xff")),
        "(?i)answer|verif",
    ),
    "verifies with nothing": (Type.VERIFY, 0, says(Type.VERIFY, verify(0, b"")), "another length"),
    "verifies with a bit": (Type.VERIFY, 0, says(Type.VERIFY, verify(1, b"\1")), "another length"),
    "verifies with too much": (
        *(Type.VERIFY, 0, says(Type.VERIFY, verify(255, bytes(32)))),
        "another length",
    ),
    "verifies with a cut tag": (
        *(Type.VERIFY, 0, changed(Type.VERIFY, lambda body: body[:-1])),
        "tag of another length",
    ),
    "verifies other bits": (
        *(Type.VERIFY, 0, changed(Type.VERIFY, lambda body: body[:-1] + bytes((body[-1] ^ 1,)))),
        None,
    ),
    "orders another length": (
        *(Type.AMPLIFY, 0, changed(Type.AMPLIFY, lambda body: b"\1\0\0\0" + body[4:])),
        "the peer fixes 1 bits where",
    ),
    "orders with a short seed": (
        *(Type.AMPLIFY, 0, changed(Type.AMPLIFY, lambda body: body[:-1])),
        "AMPLIFY message has",
    ),
    "orders nothing": (Type.AMPLIFY, 0, says(Type.AMPLIFY, b""), "AMPLIFY message is cut"),
    "is silent instead of a sample": (Type.SAMPLE, 0, silent, "silent"),
    "is silent instead of answering": (Type.ANSWER, 3, silent, "silent"),
    "is silent instead of verifying": (Type.VERIFY, 0, silent, "silent"),
    "closes in a block": (Type.ANSWER, 3, closes, "closed the connection|could not be reached"),
    "dribbles": (Type.ANSWER, 3, dribbles, "TAG where|silent"),
    "floods": (Type.ANSWER, 3, floods(Type.ESTIMATE, 4, 10_000), "ESTIMATE where"),
    "floods with the longest": (
        *(Type.ANSWER, 3, floods(Type.SAMPLE, messages.MAX_BODY, 12)),
        "SAMPLE where ANSWER",
    ),
    "refuses in escape codes": (
        *(Type.ANSWER, 3, says(Type.REFUSE, b"\x1b[2Jno\n")),
        "the peer refused: ",
    ),
    "refuses at length": (Type.ANSWER, 3, raw(4097, Type.REFUSE), "4097 bytes of REFUSE, more"),
}
CASES = {
    f"{('Alice', 'Bob')[liar]} {name}": Case(liar, (kind, number), lie, sentence)
    for liar, table in ((BOB, FROM_BOB), (ALICE, FROM_ALICE))
    for name, (kind, number, lie, sentence) in table.items()
}
