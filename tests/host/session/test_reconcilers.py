"""Sessions with either reconciler, and with the choice left to Alice."""

import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.host.session.harness import SMALL, Outcome, Traffic, make_parties, run_session

from hexkey.errors import BlockDropped
from hexkey.reconcile import method
from hexkey.reconcile.ldpc import LdpcBob
from hexkey.reconcile.method import Speed
from hexkey.session import block_alice
from hexkey.session.channel import Channel
from hexkey.session.messages import Type
from hexkey.store import compare

LDPC = replace(SMALL, reconciler="ldpc", block_bits=8_000)
AUTO = replace(SMALL, reconciler="auto")


class Far:
    """A channel whose messages take a while."""

    def __init__(self, channel: Channel, delay_s: float) -> None:
        self._channel, self._delay_s = channel, delay_s
        self.close = channel.close

    def send(self, kind: Type, body: bytes) -> None:
        self._channel.send(kind, body)

    def receive(self, timeout_s: float) -> tuple[Type, bytes]:
        found = self._channel.receive(timeout_s)
        time.sleep(self._delay_s)
        return found


def agreed(outcome: Outcome) -> list[str]:
    """The reconciler of each block, after a look at both sides' accounts."""
    assert outcome.alice_error is None
    assert outcome.bob_error is None
    assert outcome.alice is not None
    assert outcome.bob is not None
    assert list(map(asdict, outcome.alice.blocks)) == list(map(asdict, outcome.bob.blocks))
    return [block.reconciler for block in outcome.bob.blocks]


def test_a_session_with_ldpc_makes_keys_and_counts_every_bit(tmp_path: Path) -> None:
    parties = make_parties(tmp_path, blocks=3, parameters=LDPC, qber=0.02)
    traffic = Traffic()
    outcome = run_session(parties, traffic=traffic)
    assert agreed(outcome) == ["ldpc"] * 3
    assert compare(parties.alice_store, parties.bob_store).common == 3
    assert outcome.bob is not None
    counted = sum(block.disclosed.reconcile for block in outcome.bob.blocks)
    frames = [body[4:] for _, kind, body in traffic.sent if kind is Type.ANSWER]
    assert 0 <= 8 * sum(map(len, frames)) - counted < 8 * len(frames)
    assert all(1 <= block.round_trips < 10 for block in outcome.bob.blocks)


def test_a_block_that_ldpc_gives_up_is_dropped_by_both_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gives_up(self: LdpcBob) -> NDArray[np.uint8] | None:
        if self.round_trips == 2:
            raise BlockDropped("reconciliation", "LDPC decoding did not find the errors")
        return None

    monkeypatch.setattr(LdpcBob, "_decode", gives_up)
    parties = make_parties(tmp_path, blocks=2, parameters=LDPC, qber=0.02)
    outcome = run_session(parties)
    assert agreed(outcome) == []
    for tally in outcome.tallies.values():
        assert tally.dropped == {"reconciliation": 2}
        assert tally.disclosed.reconcile > 0
    assert outcome.tallies[0].disclosed == outcome.tallies[1].disclosed
    assert compare(parties.alice_store, parties.bob_store).common == 0


@pytest.mark.parametrize(("delay_s", "chosen"), [(0.0, "cascade"), (0.02, "ldpc")])
def test_alice_chooses_by_how_fast_bob_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delay_s: float, chosen: str
) -> None:
    """Each block's pulses took 2 s: time for Cascade, but not over a link like this one.

    How far Bob is shows in the first block.
    """
    monkeypatch.setattr(block_alice, "speed", lambda: Speed(50e-9, 100e-9))
    slow = replace(AUTO, pulse_rate_hz=100_000)
    parties = make_parties(tmp_path, blocks=2, parameters=slow, qber=0.02)
    outcome = run_session(parties, wrap_alice=lambda channel: Far(channel, delay_s))
    assert agreed(outcome) == ["cascade", chosen]
    assert compare(parties.alice_store, parties.bob_store).common == 2
    assert method.CASCADE_ROUND_TRIPS * 0.02 > 400_000 / 100_000  # of both blocks
