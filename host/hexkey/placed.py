"""When in the period Bob's clicks came, in the gate and outside: what maps are made of.

Sifting needs no phase and no click outside the gate, and drops both. A session with maps keeps
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hexkey.events import Events
from hexkey.gate import Gate
from hexkey.sift import NO_BIT


@dataclass(frozen=True, slots=True)
class Outside:
    """Clicks outside the gate, in pulses that have no other click and no bit.

    Each of one detector, or with BB84 of detectors of both bases: a cross click.

    Attributes
    ----------
    pulses : (n,) uint64
        Ascending.
    bits : (n,) uint8
        What the detectors mean.
    phases : (n,) uint32
        In ticks.
    bases : (n,) uint8 or None
        `hexkey.sift_bb84.KEY`, `TEST` or `CROSS`; None with B92, which has no bases.
    """

    pulses: NDArray[np.uint64]
    bits: NDArray[np.uint8] = field(repr=False)
    phases: NDArray[np.uint32] = field(repr=False)
    bases: NDArray[np.uint8] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.pulses)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Outside":
        bases = None if self.bases is None else self.bases[chosen]
        return Outside(self.pulses[chosen], self.bits[chosen], self.phases[chosen], bases)

    @staticmethod
    def concatenate(parts: "Sequence[Outside]") -> "Outside":
        bases = [part.bases for part in parts if part.bases is not None]
        return Outside(
            np.concatenate([np.empty(0, np.uint64), *(part.pulses for part in parts)]),
            np.concatenate([np.empty(0, np.uint8), *(part.bits for part in parts)]),
            np.concatenate([np.empty(0, np.uint32), *(part.phases for part in parts)]),
            np.concatenate(bases) if bases else None,
        )


@dataclass(frozen=True, slots=True)
class DisclosedClicks:
    """Clicks of B92 whose bits were disclosed, in the gate and outside, as likely here as there.

    Attributes
    ----------
    phases : (n,) uint32
        In ticks; beyond the period in a gate that reaches past it.
    wrong : (n,) bool
        Whether the bit is not Alice's.
    """

    phases: NDArray[np.uint32] = field(repr=False)
    wrong: NDArray[np.bool_] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bb84Clicks:
    """All clicks of a block of BB84, and those outside its gate meanwhile.

    Attributes
    ----------
    phases : (n,) uint32
        As those of `DisclosedClicks`.
    bases : (n,) uint8
        Bob's, of `hexkey.sift_bb84`.
    matched : (n,) bool
        Whether it is Alice's, too.
    wrong : (n,) bool
        Whether then the bit is not hers.
    pulses : int
        That she sent since the last block, whether they clicked or not.
    """

    phases: NDArray[np.uint32] = field(repr=False)
    bases: NDArray[np.uint8] = field(repr=False)
    matched: NDArray[np.bool_] = field(repr=False)
    wrong: NDArray[np.bool_] = field(repr=False)
    pulses: int


MapClicks = DisclosedClicks | Bb84Clicks


class Placer:
    """Finds the phases of sifted pulses, and the clicks outside, of an epoch that comes in chunks.

    It keeps the events that a `hexkey.sift.Sifter` may still make pulses of, and agrees with it,
    whatever the chunks.

    Parameters
    ----------
    gate : Gate
        Of every detector.
    period_ticks : int
    bits : (16,) uint8
        What each mask means; `hexkey.sift.NO_BIT` for those that a map leaves out.
    bases : (16,) uint8, optional
        With BB84 the bases of the masks.
    """

    def __init__(
        self,
        gate: Gate,
        period_ticks: int,
        bits: NDArray[np.uint8],
        bases: NDArray[np.uint8] | None = None,
    ) -> None:
        self._gate = gate
        self._period_ticks = period_ticks
        self._reach_ticks = max(0, gate.end_ticks - period_ticks)  # into the period after
        self._bits, self._bases = bits, bases
        self._waiting = Events.empty()

    def push(
        self, events: Events, pulses: NDArray[np.uint64], watermark: int | None
    ) -> tuple[NDArray[np.uint32], Outside]:
        """Take the events that a sifter took, and the pulses that count of what came of them.

        Parameters
        ----------
        events : Events
        pulses : (n,) uint64
            Sifted now.
        watermark : int or None
            As the sifter's; None at the end of the epoch.

        Returns
        -------
        phases : (n,) uint32
            Of these pulses: of a pulse's first click.
        outside : Outside
            In the pulses that no later event can add to.
        """
        every = Events.concatenate([self._waiting, events])
        shared = every.pulse[1:] == every.pulse[:-1]  # none of a board, which resolves its events
        if shared.any():
            every = every.take(np.lexsort((every.phase_ticks, every.pulse)))
        cut = len(every)
        if watermark is not None:
            # A gate may reach into the pulse after: the one before the newest is still open.
            newest = max(watermark, int(every.pulse[-1]) if cut else 0)
            cut = int(np.searchsorted(every.pulse, np.uint64(max(newest, 1) - 1)))
        self._waiting = every.take(slice(cut, None))
        inside = every.phase_ticks - np.uint32(self._gate.start_ticks) < self._gate.width_ticks
        late = every.phase_ticks < self._reach_ticks
        bits = self._bits[every.mask]
        beside = (bits != NO_BIT) & ~(inside | late)
        beside[1:] &= ~shared
        beside[:-1] &= ~shared
        beside[cut:] = False
        if self._reach_ticks:
            beside &= ~np.isin(every.pulse, pulses)
        bases = None if self._bases is None else self._bases[every.mask[beside]]
        outside = Outside(every.pulse[beside], bits[beside], every.phase_ticks[beside], bases)
        return self._phases(every, inside, late, pulses), outside

    def _phases(
        self,
        events: Events,
        inside: NDArray[np.bool_],
        late: NDArray[np.bool_],
        pulses: NDArray[np.uint64],
    ) -> NDArray[np.uint32]:
        """Return each pulse's first phase; `late` events are in the gate of the pulse before."""
        gated = np.flatnonzero(inside | (late & (events.pulse > 0)))
        moved = late[gated]
        first = np.searchsorted(events.pulse[gated] - moved, pulses)
        phases = events.phase_ticks[gated] + moved * np.uint32(self._period_ticks)
        return np.asarray(phases[first], np.uint32)
