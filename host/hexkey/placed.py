"""When in the period Bob's clicks came, in the gate and outside: what maps are made of.

Sifting needs no phase and no click outside the gate, and drops both. A session with maps keeps
them, of B92 alone, where one detector means one bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hexkey.events import DETECTORS, Events
from hexkey.gate import Gate, apply_gate, resolve
from hexkey.sift import NO_BIT, Sifted, bits_of_masks


@dataclass(frozen=True, slots=True)
class Outside:
    """Clicks of one detector outside the gate, in pulses that have no other click and no bit.

    Attributes
    ----------
    pulses : (n,) uint64
        Ascending.
    bits : (n,) uint8
        What the detectors mean.
    phases : (n,) uint32
        In ticks.
    """

    pulses: NDArray[np.uint64]
    bits: NDArray[np.uint8] = field(repr=False)
    phases: NDArray[np.uint32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.pulses)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Outside":
        return Outside(self.pulses[chosen], self.bits[chosen], self.phases[chosen])

    @staticmethod
    def concatenate(parts: "Sequence[Outside]") -> "Outside":
        return Outside(
            np.concatenate([np.empty(0, np.uint64), *(part.pulses for part in parts)]),
            np.concatenate([np.empty(0, np.uint8), *(part.bits for part in parts)]),
            np.concatenate([np.empty(0, np.uint32), *(part.phases for part in parts)]),
        )


@dataclass(frozen=True, slots=True)
class DisclosedClicks:
    """Clicks whose bits were disclosed, in the gate and outside, each with the same probability.

    Attributes
    ----------
    phases : (n,) uint32
        In ticks; beyond the period in a gate that reaches past it.
    wrong : (n,) bool
        Whether the bit is not Alice's.
    """

    phases: NDArray[np.uint32] = field(repr=False)
    wrong: NDArray[np.bool_] = field(repr=False)


class Placer:
    """Finds the phases of sifted pulses, and the clicks outside, of an epoch that comes in chunks.

    It keeps the events that a `hexkey.sift.Sifter` may still make pulses of, and agrees with it,
    whatever the chunks.

    Parameters
    ----------
    gates : sequence of at most 4 Gate
    period_ticks : int
    bit_of_detector : sequence of 0 and 1
    """

    def __init__(
        self, gates: Sequence[Gate], period_ticks: int, bit_of_detector: Sequence[int]
    ) -> None:
        self._gates = gates
        self._period_ticks = period_ticks
        self._table = bits_of_masks(bit_of_detector)
        self._waiting = Events.empty()

    def push(
        self, events: Events, sifted: Sifted, watermark: int | None
    ) -> tuple[NDArray[np.uint32], Outside]:
        """Take the events that a sifter took, and what came of them.

        Parameters
        ----------
        events : Events
        sifted : Sifted
        watermark : int or None
            As the sifter's; None at the end of the epoch.

        Returns
        -------
        phases : (n,) uint32
            Of the sifted pulses: of a pulse's first click.
        outside : Outside
            In the pulses that no later event can add to.
        """
        every = Events.concatenate([self._waiting, events])
        cut = len(every)
        if watermark is not None:
            # A gate may reach into the pulse after: the one before the newest is still open.
            newest = max(watermark, int(every.pulse[-1]) if cut else 0)
            cut = int(np.searchsorted(every.pulse, np.uint64(max(newest, 1) - 1)))
        self._waiting = every.take(slice(cut, None))
        gated = resolve(apply_gate(every, self._gates, self._period_ticks).events)
        at = np.searchsorted(gated.events.pulse, sifted.pulse)
        return gated.events.phase_ticks[at], self._outside(every.take(slice(cut)), sifted)

    def _outside(self, events: Events, sifted: Sifted) -> Outside:
        bits = self._table[events.mask]
        chosen = (bits != NO_BIT) & ~self._in_gate(events)
        again = events.pulse[1:] == events.pulse[:-1]
        chosen[1:] &= ~again
        chosen[:-1] &= ~again
        chosen &= ~np.isin(events.pulse, sifted.pulse)
        return Outside(events.pulse[chosen], bits[chosen], events.phase_ticks[chosen])

    def _in_gate(self, events: Events) -> NDArray[np.bool_]:
        """Tell of events of one detector whether they are in its gate, or in that of before."""
        inside = np.zeros(len(events), bool)
        for detector in range(DETECTORS):
            gate = self._gates[detector] if detector < len(self._gates) else Gate(0, 0)
            phase = events.phase_ticks.astype(np.int64)
            there = (gate.start_ticks <= phase) & (phase < gate.end_ticks)
            there |= phase < gate.end_ticks - self._period_ticks
            inside |= there & (events.mask == 1 << detector)
        return inside
