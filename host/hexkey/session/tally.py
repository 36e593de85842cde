"""What a session has done so far, on one side: the numbers of its report."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from hexkey.assumptions import assumed
from hexkey.authenticate import KEY_BITS
from hexkey.errors import BlockDropped
from hexkey.keyrate import b92
from hexkey.keyrate.entropy import binary_entropy
from hexkey.session.align import Alignment
from hexkey.session.block import (
    ANNOUNCING_TAGS,
    BlockCounts,
    Disclosed,
    Session,
    epsilon_of_block,
)
from hexkey.session.conversation import EPSILON_TAG

Progress = Callable[[dict[str, Any]], None]

REPORT_SCHEMA = 1
BB84_SUMS = (
    *("clicks", "key_clicks", "test_clicks", "cross_clicks", "sent_key", "sent_test"),
    *("key_bits", "test_bits", "test_errors", "test_ones", "single_lower"),
)
HANDSHAKE_TAGS, ALIGNMENT_TAGS = 3, 2


def what_keys_are(session: Session) -> dict[str, Any]:
    """Return a session's label, the reasons for it and what is assumed: known before any key is."""
    return {
        "label": "secret" if session.secret else "demonstration",
        "reasons": list(session.reasons),
        "assumptions": list(assumed(session.parameters.protocol)),
    }


@dataclass(slots=True)
class Tally:
    """Sums over blocks. Bits disclosed for blocks that were dropped or broken off count too."""

    session: Session
    blocks: list[BlockCounts] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    alignments: list[Alignment] = field(default_factory=list)
    disclosed: Disclosed = field(default_factory=Disclosed)
    sifted_bits: int = 0
    errors: int = 0
    unused_sifted_bits: int = 0
    auth_bits_used: int = 0
    auth_bits_made: int = 0
    started: float = field(default_factory=time.monotonic)
    epsilon_before: float = 0.0  # of sessions that this one renews: its limit is theirs, too

    def aligned(self, alignment: Alignment) -> None:
        self.alignments.append(alignment)

    def spent(self, disclosed: Disclosed, auth_keys_used: int) -> None:
        """Count what a unit cost, whatever became of it; keys are those of the whole session."""
        self.disclosed.add(disclosed)
        self.auth_bits_used = KEY_BITS * auth_keys_used

    def finished(self, counts: BlockCounts) -> None:
        """Count a block that made a key."""
        self.blocks.append(counts)
        self.sifted_bits += counts.sifted_bits
        self.errors += counts.errors
        self.auth_bits_made += counts.refill_bits

    def dropped_block(self, drop: BlockDropped) -> None:
        self.dropped[drop.reason] += 1

    def _efficiency(self) -> float | None:
        """Return f: bits disclosed to correct over n h(Q), of the blocks that ended well."""
        entropy = 0.0
        for block in self.blocks:
            rest = block.sifted_bits - self.session.parameters.estimate_bits
            errors = block.errors - block.sample_errors
            entropy += rest * float(binary_entropy(errors / rest))
        disclosed = sum(block.disclosed.reconcile for block in self.blocks)
        return disclosed / entropy if entropy else None

    def _history(self, block: BlockCounts) -> dict[str, Any]:
        start_s, end_s = block.seconds(self.session.parameters.pulse_rate_hz)
        return {
            "start_s": start_s,
            "end_s": end_s,
            "sifted_bits": block.sifted_bits,
            "errors": block.errors,
            "secret_bits": block.secret_bits,
            "refill_bits": block.refill_bits,
            "auth_bits": block.auth_bits,
            "reconciler": block.reconciler,
            "round_trips": block.round_trips,
            "estimate": asdict(block.estimated) if block.estimated else None,
            "planned_bits": self._planned(block),
            "bb84": block.bb84.facts() if block.bb84 else None,
        }

    def _planned(self, block: BlockCounts) -> float | None:
        """Return what B92's Eqs. 5, 7, 8 give at a block's size and error rate; None with BB84."""
        if block.bb84 is not None:
            return None
        parameters = self.session.parameters
        return b92.key_length_planned_unproven(
            block.sifted_bits, block.qber, parameters.eps_pa, parameters.eps_cor
        )

    def _bb84(self) -> dict[str, Any] | None:
        """Return BB84's terms, and its counts summed over the blocks that made a key."""
        if self.session.bb84 is None:
            return None
        sums = {name: sum(getattr(block.bb84, name) for block in self.blocks) for name in BB84_SUMS}
        bits = sums["test_bits"]
        return {
            **self.session.bb84.to_json(),
            **sums,
            "test_qber": sums["test_errors"] / bits if bits else None,
            "test_ones_share": sums["test_ones"] / bits if bits else None,
        }

    @property
    def secret_bits(self) -> int:
        return sum(block.secret_bits for block in self.blocks)

    @property
    def epsilon(self) -> dict[str, float]:
        """Return the accumulated epsilon, by role; every tag that was verified counts."""
        roles = epsilon_of_block(self.session)
        sums = {role: sum(block.epsilon[role] for block in self.blocks) for role in roles}
        tags = HANDSHAKE_TAGS + ALIGNMENT_TAGS * len(self.alignments)
        # Every drop precedes confirmation.
        tags += ANNOUNCING_TAGS[self.session.parameters.protocol] * self.dropped.total()
        sums["auth"] += tags * EPSILON_TAG
        return sums

    @property
    def epsilon_total(self) -> float:
        """All of it, with that of the sessions that this one renews."""
        return self.epsilon_before + sum(self.epsilon.values())

    @property
    def epsilon_exhausted(self) -> bool:
        """Whether one more block would pass the session's epsilon limit."""
        after = self.epsilon_total + sum(epsilon_of_block(self.session).values())
        return after > self.session.parameters.epsilon_limit

    def report(self, losses: dict[str, Any]) -> dict[str, Any]:
        """Return the fields that every ``--json`` report of hexkey shares."""
        return {
            "schema": REPORT_SCHEMA,
            "protocol": self.session.parameters.protocol,
            "parameters": self.session.parameters.to_json(),
            **what_keys_are(self.session),
            "sifted_bits": self.sifted_bits,
            "errors": self.errors,
            "qber": self.errors / self.sifted_bits if self.sifted_bits else None,
            "efficiency": self._efficiency(),
            "disclosed_bits": asdict(self.disclosed),
            "secret_bits": self.secret_bits,
            "auth_bits": {"used": self.auth_bits_used, "made": self.auth_bits_made},
            "epsilon": {**self.epsilon, "total": self.epsilon_total},
            "blocks": {"ok": len(self.blocks), "dropped": dict(self.dropped)},
            "history": [self._history(block) for block in self.blocks],
            "alignments": [asdict(alignment) for alignment in self.alignments],
            "bb84": self._bb84(),
            "unused_sifted_bits": self.unused_sifted_bits,
            "losses": losses,
            "seconds": time.monotonic() - self.started,
        }
