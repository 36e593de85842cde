"""From events to Bob's sifted bits by the rule of B92: a pulse in which one detector clicked.

Alice sends V for bit 0 and D for bit 1. Detector 0 stands behind the analyser orthogonal to V, so
that its click excludes V and means 1; detector 1, orthogonal to D, means 0 (Bennett, Phys. Rev.
Lett. 68, 3121, 1992). Discarding double clicks is a rule for demonstrations.

`sift_b92` is the readable last step after `hexkey.gate`; `gate_and_sift` and `Sifter` do gate,
resolver and sifting in one pass of the C kernel. BB84 takes gate and resolver from here, and sifts
the masks that come out (`Sifter.of_masks`, `hexkey.sift_bb84`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hexkey._native import ffi, lib
from hexkey.errors import ConfigurationError
from hexkey.events import DETECTORS, Events
from hexkey.gate import Gate, check_gates, check_masks

BIT_OF_DETECTOR = (1, 0)
NO_BIT = 2  # of detectors beyond `bit_of_detector`, and of several at once
_LARGEST_PULSE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SiftedPulses:
    """Pulses with a bit, in ascending order.

    Attributes
    ----------
    pulse : (n,) uint64
        Pulse numbers, which Bob may announce.
    bit : (n,) uint8
        Bob's bits, 0 or 1, which he may not.
    doubles, other : int
        Pulses discarded because more than one detector clicked, or one that has no bit.
    """

    pulse: NDArray[np.uint64]
    bit: NDArray[np.uint8]
    doubles: int
    other: int


@dataclass(frozen=True, slots=True)
class Sifted:
    """What one pass over events gave, or what one chunk of them added.

    Attributes
    ----------
    pulse : (n,) uint64
        Pulse numbers, ascending, which Bob may announce.
    bit : (n,) uint8
        Bob's bits, 0 or 1, which he may not; or masks, from a `Sifter.of_masks`.
    events : int
        Events that came in.
    outside, before_first, repeats : int
        Clicks dropped: outside their detector's gate, in a gate that opened before pulse 0, of a
        detector that had clicked in the pulse.
    doubles, other : int
        Pulses discarded: more than one detector clicked, or one that has no bit.
    """

    pulse: NDArray[np.uint64]
    bit: NDArray[np.uint8]
    events: int
    outside: int
    before_first: int
    repeats: int
    doubles: int
    other: int

    def __len__(self) -> int:
        return len(self.pulse)

    @staticmethod
    def concatenate(parts: "Sequence[Sifted]") -> "Sifted":
        """Return successive chunks as one."""
        return Sifted(
            np.concatenate([np.empty(0, np.uint64), *(part.pulse for part in parts)]),
            np.concatenate([np.empty(0, np.uint8), *(part.bit for part in parts)]),
            sum(part.events for part in parts),
            sum(part.outside for part in parts),
            sum(part.before_first for part in parts),
            sum(part.repeats for part in parts),
            sum(part.doubles for part in parts),
            sum(part.other for part in parts),
        )


def sift_b92(events: Events, bit_of_detector: Sequence[int] = BIT_OF_DETECTOR) -> SiftedPulses:
    """Sift gated and resolved events.

    Parameters
    ----------
    events : Events
        No two of one pulse, ascending.
    bit_of_detector : sequence of 0 and 1
        Bit that a click of detector i means; clicks of detectors beyond it are `other`.

    Raises
    ------
    ValueError
        Two events share a pulse, or pulses descend.
    """
    check_masks(events.mask)
    if np.any(events.pulse[1:] <= events.pulse[:-1]):
        raise ValueError("pulses must ascend and not repeat: resolve the events first")
    bit_of_event = bits_of_masks(bit_of_detector)[events.mask]
    sifted = bit_of_event != NO_BIT
    double = (events.mask & (events.mask - np.uint8(1))) != 0
    other = ~(sifted | double) & (events.mask != 0)
    return SiftedPulses(
        events.pulse[sifted], bit_of_event[sifted], int(double.sum()), int(other.sum())
    )


def bits_of_masks(bit_of_detector: Sequence[int] = BIT_OF_DETECTOR) -> NDArray[np.uint8]:
    """Return what each mask means, shape ``(16,)``: a bit, or `NO_BIT`."""
    table = np.full(1 << DETECTORS, NO_BIT, np.uint8)
    for detector, bit in enumerate(check_bits(bit_of_detector)):
        table[1 << detector] = bit
    return table


class Sifter:
    """Gate, resolver and sifting of a stream of events that comes in chunks.

    A pulse is given out once nothing can add to it any more: a gate that reaches past the period's
    end takes clicks of the next pulse, and a chunk can end within a pulse. Whatever the chunks,
    their results together equal `gate_and_sift` of all events.

    Parameters
    ----------
    gates : sequence of at most 4 Gate
        Detector i has gate i; a detector without one has all its clicks outside.
    period_ticks : int
        Period of the pulses.
    bit_of_detector : sequence of 0 and 1
        Bit that a click of detector i means; clicks of detectors beyond it are `other`.

    Raises
    ------
    ConfigurationError
        The gates do not fit the period, or a bit is not 0 or 1.
    """

    def __init__(
        self,
        gates: Sequence[Gate],
        period_ticks: int,
        bit_of_detector: Sequence[int] = BIT_OF_DETECTOR,
    ) -> None:
        check_gates(gates, period_ticks)
        bits = list(check_bits(bit_of_detector))
        self._settings = ffi.new("hexkey_sift_settings *")
        self._settings.start = [gate.start_ticks for gate in gates]
        self._settings.width = [gate.width_ticks for gate in gates]
        self._settings.period = period_ticks
        self._settings.bit = bits + [NO_BIT] * (DETECTORS - len(bits))
        self._state = ffi.new("hexkey_sift_state *")

    @classmethod
    def of_masks(cls, gates: Sequence[Gate], period_ticks: int) -> Self:
        """Return one that keeps every pulse with a click: `Sifted.bit` is then its mask.

        Raises
        ------
        ConfigurationError
            The gates do not fit the period.
        """
        sifter = cls(gates, period_ticks, ())
        sifter._settings.keep_masks = 1
        return sifter

    def push(self, events: Events, watermark: int = 0) -> Sifted:
        """Take the next events of the epoch and return the pulses that are now complete.

        Parameters
        ----------
        events : Events
            Pulses ascend, here and from chunk to chunk; equal ones are merged.
        watermark : int
            No later event has a pulse below it; 0 where nothing is known.

        Raises
        ------
        ValueError
            A pulse is below an earlier one or below an earlier watermark; nothing was taken.
        """
        if max(_last_pulse(events), watermark) > _LARGEST_PULSE:
            raise ValueError(f"pulses must be at most {_LARGEST_PULSE}")
        return self._run(events, watermark)

    def push_last(self, events: Events) -> Sifted:
        """Do `push` and `flush` in one: `events` are the last of the epoch.

        Raises
        ------
        ValueError
            As `push`.
        """
        last = _last_pulse(events)
        if last > _LARGEST_PULSE:
            raise ValueError(f"pulses must be at most {_LARGEST_PULSE}")
        rest = self._run(events, max(last, self._state.pulse) + 2)
        self._state = ffi.new("hexkey_sift_state *")
        return rest

    def flush(self) -> Sifted:
        """Return the pulses held back: the epoch has ended, and the next may begin."""
        return self.push_last(Events.empty())

    def _run(self, events: Events, watermark: int) -> Sifted:
        count = len(events)
        pulse, bit = np.empty(2 * count + 2, np.uint64), np.empty(2 * count + 2, np.uint8)
        before = _counts(self._state)
        written = lib.hexkey_sift(
            self._settings,
            self._state,
            count,
            _pointer(events.pulse, np.uint64, "uint64_t[]", count),
            _pointer(events.phase_ticks, np.uint32, "uint32_t[]", count),
            _pointer(events.mask, np.uint8, "uint8_t[]", count),
            watermark,
            ffi.from_buffer("uint64_t[]", pulse, require_writable=True),
            ffi.from_buffer("uint8_t[]", bit, require_writable=True),
        )
        if written == lib.HEXKEY_SIFT_DISORDER:
            raise ValueError("pulses must ascend, and none may be below an earlier watermark")
        if written == lib.HEXKEY_SIFT_MASK:
            check_masks(events.mask)
        added = [now - then for now, then in zip(_counts(self._state), before, strict=True)]
        # Shrunk in place: a slice would keep the whole buffer alive, and a copy costs as much as
        # the sifting. Nothing else refers to the arrays any more.
        pulse.resize(written, refcheck=False)
        bit.resize(written, refcheck=False)
        return Sifted(pulse, bit, count, *added)


def gate_and_sift(
    events: Events,
    gates: Sequence[Gate],
    period_ticks: int,
    bit_of_detector: Sequence[int] = BIT_OF_DETECTOR,
) -> Sifted:
    """Gate, resolve and sift all events of an epoch in one pass.

    The same as `apply_gate`, `resolve` and `sift_b92` in turn.

    Raises
    ------
    ConfigurationError
        The gates do not fit the period, or a bit is not 0 or 1.
    ValueError
        Pulses descend, or a mask names a detector that cannot exist.
    """
    return Sifter(gates, period_ticks, bit_of_detector).push_last(events)


def check_bits(bit_of_detector: Sequence[int]) -> Sequence[int]:
    """Return the bits, or raise ConfigurationError if they are not of at most 4 detectors."""
    if len(bit_of_detector) > DETECTORS or not set(bit_of_detector) <= {0, 1}:
        raise ConfigurationError(
            f"bit_of_detector must give 0 or 1 for at most {DETECTORS} detectors, not "
            f"{tuple(bit_of_detector)}"
        )
    return bit_of_detector


def _last_pulse(events: Events) -> int:
    return int(events.pulse[-1]) if len(events) else 0


def _counts(state: Any) -> tuple[int, int, int, int, int]:
    return state.outside, state.before_first, state.repeats, state.doubles, state.other


def _pointer(array: NDArray[Any], dtype: type[np.generic], kind: str, count: int) -> Any:
    if array.dtype != dtype or array.shape != (count,):
        raise TypeError(f"arrays of events must be ({count},) {dtype.__name__}, not {array.dtype}")
    return ffi.from_buffer(kind, np.require(array, requirements=["C", "A"]))
