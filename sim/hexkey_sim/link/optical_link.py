"""The link in the course of time: pulses in, clicks out, in stretches of any size.

Light from a pulse arrives after its edge, a cable may be short and jitter may make a click early:
so the simulation runs a little ahead of what it hands out. Three horizons, each a fixed margin
beyond the one before, make every click final before it is handed out::

    handed out  <  detectors have clicked  <  pulses have been emitted
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hexkey.record import CHUNK_PULSES, RecordWriter, Statement
from hexkey_sim.link.analysers import MAX_SIGMA, analyse, jitter_ps
from hexkey_sim.link.bits import AliceBits, SeededBits, neighbours
from hexkey_sim.link.detector import DetectorState, Times
from hexkey_sim.link.light import Eavesdropper, Light, Notes
from hexkey_sim.link.modulator import angles_rad
from hexkey_sim.link.parameters import LinkParameters
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
    alice_bits, alice_bases : AliceBits, optional
        Random ones from the seed, if not given; there are no bases but with BB84.
    eve : Eavesdropper, optional
        Who acts on the light before it comes to Bob.
    notebook : list of Notes, optional
        Where her notes are put, of the photons that reached one of Bob's detectors; without it
        they are forgotten.

    Attributes
    ----------
    alice_bits : AliceBits
        Bits of Alice's pulses by their numbers; Bob's pulse p is her pulse p + start offset.
    alice_bases : AliceBits or None
        Her bases, 1 for the key basis; None where there is but one.
    pulse : int
        Bob's next pulse.
    """

    def __init__(
        self,
        parameters: LinkParameters,
        seed: int,
        alice_bits: AliceBits | None = None,
        *,
        alice_bases: AliceBits | None = None,
        eve: Eavesdropper | None = None,
        notebook: list[Notes] | None = None,
    ) -> None:
        self.parameters = parameters
        self.pulse = 0
        bit_seed, photon_seed, detector_seed, trigger_seed, basis_seed, eve_seed = (
            np.random.SeedSequence(seed).spawn(6)
        )
        self.alice_bits = SeededBits(bit_seed) if alice_bits is None else alice_bits
        self.alice_bases = _bases(parameters, basis_seed) if alice_bases is None else alice_bases
        self._eve = eve
        self._notebook = notebook
        self._eve_generator = np.random.default_rng(eve_seed)
        self._generator = np.random.default_rng(photon_seed)
        self._trigger_key = trigger_seed.generate_state(1, np.uint64)[0]
        self._emitted = max(0, parameters.start_offset_pulses - RUN_UP_PULSES)  # Alice's number
        start_ps = self._edge_ps(self._emitted)
        detectors = parameters.detectors
        if eve is not None and eve.blinds:
            detectors = tuple(
                replace(detector, dark_counts_hz=0.0, afterpulse_probability=0.0)
                for detector in detectors
            )
        self._detectors = [
            DetectorState(detector, np.random.default_rng(key), start_ps)
            for detector, key in zip(detectors, detector_seed.spawn(len(detectors)), strict=True)
        ]
        self._margin_ps, self._emission_margin_ps = _margins(parameters, eve)
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
        end = max(self.parameters.start_offset_pulses + -(-end_ps // period_ps), 0)
        first, self._emitted = self._emitted, max(end, self._emitted)
        light = self._light(first, end)
        reached = np.empty(0, np.int64)
        if len(light):
            reached = analyse(self.parameters, self._generator, light.angle_rad)
        if light.command is not None:
            reached = np.where(light.command >= 0, light.command, reached)
        if light.notes is not None and self._notebook is not None:
            self._notebook.append(light.notes.take(reached >= 0))
        edges = (light.pulse - self.parameters.start_offset_pulses) * period_ps
        arrivals = []
        for index, detector in enumerate(self.parameters.detectors):
            here = reached == index
            late = jitter_ps(self._generator, detector.jitter_ps, int(np.count_nonzero(here)))
            arrivals.append(edges[here] + np.floor(light.phase_ps[here] + late).astype(np.int64))
        return arrivals

    def _light(self, first: int, end: int) -> Light:
        """Return what comes to Bob's splitter, and would be detected, from a stretch of pulses."""
        eve, parameters = self._eve, self.parameters
        whole = eve is not None and eve.replaces_channel
        light = self._sent(first, end, 1.0 if whole else parameters.transmission)
        if eve is None:
            return light
        light = eve.act(light, first, end, self._eve_generator)
        if not whole:
            return light
        survives = self._eve_generator.random(len(light)) < parameters.receiver_efficiency
        return light.take(survives)

    def _sent(self, first: int, end: int, survives: float) -> Light:
        """Return a share of the photons that leave Alice in a stretch of pulses."""
        period_ps = self.parameters.period_ps
        source, delays = emit(self.parameters, self._generator, first, end, survives)
        lag = (delays // period_ps).astype(np.int64)
        pulse = source + lag  # the pulse that the modulator is in by then
        phase_ps = delays - lag * period_ps
        if len(pulse) == 0:
            return Light(source, pulse, phase_ps, np.empty(0))
        states = neighbours(self.alice_bits, self.alice_bases, pulse)
        return Light(source, pulse, phase_ps, angles_rad(self.parameters, phase_ps, *states))

    def _trigger_jitter_ps(self, times: Times) -> Times:
        """Return the jitter of the edge before each time: a function of the pulse's number."""
        sigma_ps = self.parameters.trigger_jitter_ps
        if sigma_ps == 0:
            return np.zeros(len(times), np.int64)
        mixed = _mix((times // self.parameters.period_ps).view(np.uint64) ^ self._trigger_key)
        uniform = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53
        return np.asarray(np.rint(sigma_ps * ndtri(uniform)), dtype=np.int64)


def _bases(parameters: LinkParameters, seed: np.random.SeedSequence) -> AliceBits | None:
    if parameters.protocol == "b92":
        return None
    return SeededBits(seed, parameters.modulator.key_basis_probability)


def _margins(parameters: LinkParameters, eve: Eavesdropper | None) -> tuple[int, int]:
    """Return how far detectors must be ahead of the tagger, and emission ahead of detectors."""
    delays = [detector.delay_ps for detector in parameters.detectors]
    early = max(0, -min(delays)) + int(MAX_SIGMA * parameters.trigger_jitter_ps) + 1
    jitter = max(detector.jitter_ps for detector in parameters.detectors)
    hurried = 0 if eve is None else eve.earliest_ps
    return early, int(MAX_SIGMA * jitter) + 1 + hurried


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit numbers (the finaliser of SplitMix64, Steele et al. 2014)."""
    values = values * np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def record_statement(link: OpticalLink) -> Statement:
    """Return what Alice's record of a simulated link has to state."""
    bits, parameters = link.alice_bits, link.parameters
    bb84 = parameters.protocol == "bb84"
    return Statement(
        pulse_rate_hz=parameters.pulse_rate_hz,
        randomness=bits.randomness,
        source=bits.source,
        simulated=True,
        pattern=bits.pattern,
        protocol=parameters.protocol,
        key_basis_probability=parameters.modulator.key_basis_probability if bb84 else None,
    )


def extend_record(writer: RecordWriter, link: OpticalLink) -> None:
    """Append Alice's bits and bases of the pulses that have passed, where the record lacks them.

    Call it after an advance, before clicks are passed on: the record then holds the pulses before
    Bob's start as well. Does nothing for a pattern.
    """
    bits, bases = link.alice_bits, link.alice_bases
    while bits.pattern is None and writer.end_pulse < link.alice_pulse:
        first = writer.end_pulse
        count = min(link.alice_pulse - first, CHUNK_PULSES)
        writer.append(
            bits.packed(first, count),
            count,
            None if bases is None else bases.packed(first, count),
        )
