"""Parties whose session has maps: sifted bits with phases, and clicks outside the gate."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.host.session.harness import (
    BOB_KEY,
    CROSSES,
    OFFSET,
    SMALL_BB84,
    TINY,
    Parties,
    make_parties,
    measured,
)

from hexkey.placed import Outside
from hexkey.record import RecordReader
from hexkey.session.parameters import SessionParameters
from hexkey.sift_bb84 import CROSS, KEY

PARAMETERS_BB84 = replace(SMALL_BB84, block_bits=6_000, refill_to_alice=1, refill_to_bob=1, maps=1)
PARAMETERS = replace(TINY, block_bits=1_500, qber_abort=0.2, estimate_bits=150, maps=1)
PULSES = 20_000
OUTSIDE = 3_000  # clicks of a session
OUTSIDE_QBER = 0.3


@dataclass(frozen=True)
class Mapped:
    """The pair, and all clicks outside, with whether each is wrong.

    With BB84 that is the case where both bases are the same.
    """

    parties: Parties
    outside: Outside
    wrong: dict[int, bool]  # by pulse


def with_maps(parties: Parties, outside: int = OUTSIDE, seed: int = 3) -> Mapped:
    """Give sifted bits phases, and put clicks outside the gate into other pulses.

    Every phase is the pulse's own, so that a test knows a click by it.
    """
    rng = np.random.default_rng(seed)
    sifted = np.concatenate([chunk.pulses for chunk in parties.chunks])
    first = int(sifted[0]) // parties.pulses * parties.pulses  # of this session
    free = np.setdiff1d(np.arange(first, first + parties.pulses, dtype=np.uint64), sifted)
    pulses = np.sort(rng.choice(free, outside, replace=False))
    noise = rng.random(outside) < OUTSIDE_QBER
    bases = None
    with RecordReader(parties.record) as record:
        bits = (record.bits_at(pulses + np.uint64(OFFSET)) ^ noise).astype(np.uint8)
        if parties.parameters.protocol == "bb84":
            bases = (rng.random(outside) < BOB_KEY).astype(np.uint8) * np.uint8(KEY)
            bases[rng.random(outside) < CROSSES] = CROSS
            bits = measured(rng, bits, record.bases_at(pulses + np.uint64(OFFSET)), bases)
    found = Outside(pulses, bits, phases_of(pulses), bases)
    chunks, begin = [], 0
    for chunk in parties.chunks:
        end = int(np.searchsorted(pulses, chunk.pulses[-1]))
        part = found.take(slice(begin, end))
        chunks.append(replace(chunk, phases=phases_of(chunk.pulses), outside=part))
        begin = end
    verdicts = dict(zip(pulses.tolist(), noise.tolist(), strict=True))
    return Mapped(replace(parties, chunks=tuple(chunks)), found, verdicts)


def phases_of(pulses: Any) -> Any:
    return np.asarray(pulses, np.uint32)


def make_mapped(
    folder: Path,
    *,
    parameters: SessionParameters = PARAMETERS,
    outside: int = OUTSIDE,
    blocks: int = 1,
    **how: Any,
) -> Mapped:
    made = make_parties(folder, parameters=parameters, pulses=PULSES, blocks=blocks, **how)
    return with_maps(made, outside)
