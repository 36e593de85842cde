"""The link in the course of time: pulses in, clicks out, in stretches of any size.

Light from a pulse arrives after its edge, a cable may be short and jitter may make a click early:
so the simulation runs a little ahead of what it hands out. Three horizons, each a fixed margin
beyond the one before, make every click final before it is handed out::

    handed out  <  detectors have clicked  <  pulses have been emitted
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hexkey.record import CHUNK_PULSES, RecordWriter, Statement
from hexkey_sim.link.bits import AliceBits, SeededBits, neighbours
from hexkey_sim.link.detector import DetectorState, Times
from hexkey_sim.link.modulator import angles_rad
from hexkey_sim.link.parameters import LinkParameters
from hexkey_sim.link.receiver import MAX_SIGMA, analyse, jitter_ps
from hexkey_sim.link.source import emit

RUN_UP_PULSES = 64  # simulated before Bob's pulse 0 when Alice was already sending


@dataclass(frozen=True, slots=True)
class Clicks:
    """Clicks of Bob's detectors, ascending in time.

    Attributes
    ----------
    time_ps : (n,) int64
        Since the trigger edge of Bob's pulse 0, measured against the (jittering) edge of the
        click's own pulse. 63 bits of picoseconds last 106 days.
    detector : (n,) uint8
    """

    time_ps: NDArray[np.int64]
    detector: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.time_ps)


class OpticalLink:
    """A link that runs as far as it is asked to.

    Parameters
    ----------
    parameters : LinkParameters
    seed : int
        All of the link's chance comes from it. The same seed and the same stretches give the same
        clicks; other stretches give other clicks with the same statistics, and the same bits.
    alice_bits : AliceBits, optional
        Random bits from the seed, if not given.

    Attributes
    ----------
    alice_bits : AliceBits
        Bits of Alice's pulses by their numbers; Bob's pulse p is her pulse p + start offset.
    pulse : int
        Bob's next pulse.
    """

    def __init__(
        self, parameters: LinkParameters, seed: int, alice_bits: AliceBits | None = None
    ) -> None:
        self.parameters = parameters
        self.pulse = 0
        bit_seed, photon_seed, detector_seed, trigger_seed = np.random.SeedSequence(seed).spawn(4)
        self.alice_bits = SeededBits(bit_seed) if alice_bits is None else alice_bits
        self._generator = np.random.default_rng(photon_seed)
        self._trigger_key = trigger_seed.generate_state(1, np.uint64)[0]
        self._emitted = max(0, parameters.start_offset_pulses - RUN_UP_PULSES)  # Alice's number
        start_ps = self._edge_ps(self._emitted)
        self._detectors = [
            DetectorState(detector, np.random.default_rng(key), start_ps)
            for detector, key in zip(
                parameters.detectors, detector_seed.spawn(len(parameters.detectors)), strict=True
            )
        ]
        self._margin_ps, self._emission_margin_ps = _margins(parameters)
        self._waiting = Clicks(np.empty(0, np.int64), np.empty(0, np.uint8))

    @property
    def alice_pulse(self) -> int:
        """Alice's number of Bob's next pulse: how far her record has to reach by now."""
        return self.pulse + self.parameters.start_offset_pulses

    def advance(self, pulses: int) -> Clicks:
        """Return the clicks of Bob's next `pulses` pulses, as timed by Bob's trigger."""
        if pulses < 0:
            raise ValueError(f"pulses must not be negative, not {pulses}")
        self.pulse += pulses
        end_ps = self.pulse * self.parameters.period_ps
        final_ps = end_ps + self._margin_ps
        photons = self._photons_until(final_ps + self._emission_margin_ps)
        times = [self._waiting.time_ps]
        detectors = [self._waiting.detector]
        for index, state in enumerate(self._detectors):
            clicks = state.clicks_until(photons[index], final_ps)
            clicks = clicks + self.parameters.detectors[index].delay_ps
            times.append(clicks - self._trigger_jitter_ps(clicks))
            detectors.append(np.full(len(clicks), index, np.uint8))
        return self._hand_out(np.concatenate(times), np.concatenate(detectors), end_ps)

    def _hand_out(self, times: Times, detectors: NDArray[np.uint8], end_ps: int) -> Clicks:
        order = np.argsort(times, kind="stable")
        times, detectors = times[order], detectors[order]
        start, stop = np.searchsorted(times, [0, end_ps])  # before 0 the tagger was not running
        self._waiting = Clicks(times[stop:], detectors[stop:])
        return Clicks(times[start:stop], detectors[start:stop])

    def _edge_ps(self, alice_pulse: int) -> int:
        return (alice_pulse - self.parameters.start_offset_pulses) * self.parameters.period_ps

    def _photons_until(self, end_ps: int) -> list[Times]:
        """Emit all pulses whose edges are before `end_ps`; return arrivals for each detector."""
        period_ps = self.parameters.period_ps
        end = self.parameters.start_offset_pulses + -(-end_ps // period_ps)
        pulses, delays = emit(self.parameters, self._generator, self._emitted, max(end, 0))
        self._emitted = max(end, self._emitted)
        if len(pulses) == 0:
            return [np.empty(0, np.int64) for _ in self._detectors]
        lag = (delays // period_ps).astype(np.int64)
        landing = pulses + lag  # the pulse that the modulator is in by then
        phases = delays - lag * period_ps
        angles = angles_rad(self.parameters, phases, *neighbours(self.alice_bits, landing))
        reached = analyse(self.parameters, self._generator, angles)
        edges = (landing - self.parameters.start_offset_pulses) * period_ps
        arrivals = []
        for index, detector in enumerate(self.parameters.detectors):
            here = reached == index
            late = jitter_ps(self._generator, detector.jitter_ps, int(np.count_nonzero(here)))
            arrivals.append(edges[here] + np.floor(phases[here] + late).astype(np.int64))
        return arrivals

    def _trigger_jitter_ps(self, times: Times) -> Times:
        """Return the jitter of the edge before each time: a function of the pulse's number."""
        sigma_ps = self.parameters.trigger_jitter_ps
        if sigma_ps == 0:
            return np.zeros(len(times), np.int64)
        mixed = _mix((times // self.parameters.period_ps).view(np.uint64) ^ self._trigger_key)
        uniform = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53
        return np.asarray(np.rint(sigma_ps * ndtri(uniform)), dtype=np.int64)


def _margins(parameters: LinkParameters) -> tuple[int, int]:
    """Return how far detectors must be ahead of the tagger, and emission ahead of detectors."""
    delays = [detector.delay_ps for detector in parameters.detectors]
    early = max(0, -min(delays)) + int(MAX_SIGMA * parameters.trigger_jitter_ps) + 1
    jitter = max(detector.jitter_ps for detector in parameters.detectors)
    return early, int(MAX_SIGMA * jitter) + 1


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit numbers (the finaliser of SplitMix64, Steele et al. 2014)."""
    values = values * np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def record_statement(link: OpticalLink) -> Statement:
    """Return what Alice's record of a simulated link has to state."""
    bits = link.alice_bits
    return Statement(
        pulse_rate_hz=link.parameters.pulse_rate_hz,
        randomness=bits.randomness,
        source=bits.source,
        simulated=True,
        pattern=bits.pattern,
    )


def extend_record(writer: RecordWriter, bits: AliceBits, end_pulse: int) -> None:
    """Append Alice's bits up to her pulse `end_pulse` - 1, where the record does not have them.

    Call it before clicks are passed on, with ``link.alice_pulse`` after an advance: the record then
    holds the pulses before Bob's start as well. Does nothing for a pattern.
    """
    while bits.pattern is None and writer.end_pulse < end_pulse:
        count = min(end_pulse - writer.end_pulse, CHUNK_PULSES)
        writer.append(bits.packed(writer.end_pulse, count), count)
