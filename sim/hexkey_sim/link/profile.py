"""What the link should give with everything in it: densities over the phase, integrated in cells.

All of a stationary link is periodic in the phase, so the density of clicks is computed on a grid of
one period: light through a moving modulator and the analysers, convolved with jitter; dark counts;
minus what dead time blocks; plus afterpulses. Exact to first order in the clicks per pulse (what is
left out is 1e-6 of a rate in the paper's links and 1e-4 in the bright one); to second order where
the first vanishes (double clicks, repeats).
"""

import itertools
import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.special import ndtr

from hexkey_sim.link.analysers import reaches
from hexkey_sim.link.modulator import angles_rad
from hexkey_sim.link.parameters import PS_PER_S, LinkParameters
from hexkey_sim.link.receiver import Detector
from hexkey_sim.link.theory import PAPER_GATE, Expectation, Gate, double_clicks_per_pulse
from hexkey_sim.link.theory_bb84 import KEY, TEST, Bb84Expectation, bb84_in_window

CELLS = 2500  # of a period: 10 ps at 40 MHz, a tick
AFTERPULSE_LIFETIMES = 25  # after these an afterpulse is forgotten
Density = NDArray[np.float64]  # per pulse and cell, shape (CELLS,)


@dataclass(frozen=True, slots=True)
class Profile:
    """Clicks of one detector by their phase, for pulses of each of Alice's states.

    Attributes
    ----------
    light : (states, CELLS) float
        Mean photons that arrive in a pulse of each of Alice's states, per cell.
    repeats : (states, CELLS) float
        Those of `light` that come too close behind another photon of their own pulse.
    clicks : (CELLS,) float
        Mean clicks per pulse and cell, of any state: what a histogram shows.
    afterpulses : (lags, CELLS) float
        Those of `clicks` that are afterpulses, by how many pulses before their cause was.
    dead : (CELLS,) float
        Probability that the detector is dead.
    """

    light: NDArray[np.float64]
    repeats: NDArray[np.float64]
    clicks: Density
    afterpulses: NDArray[np.float64]
    dead: Density


def profile(parameters: LinkParameters, index: int, pattern: str | None = None) -> Profile:
    """Return the profile of detector `index`, for random bits or for a repeated `pattern`."""
    detector = parameters.detectors[index]
    cell_ps = parameters.period_ps / CELLS
    weights = _state_weights(parameters, pattern)
    light = np.stack([_light(parameters, index, state, pattern) for state in range(len(weights))])
    arrivals = weights @ light + detector.dark_counts_hz * cell_ps / PS_PER_S
    # Dead time is worked out as if pulses held photons independently; within a pulse they do not.
    earlier = _earlier(detector, light, cell_ps)
    repeats = parameters.g2 * light * earlier
    excess = weights @ repeats - (weights @ light) * (weights @ earlier)
    kernel = _afterpulse_kernel(detector, cell_ps)
    clicks, afterpulses, dead = arrivals, np.zeros((1, CELLS)), np.zeros(CELLS)
    for _ in range(30):  # each sweep adds a generation of afterpulses and a correction of losses
        before = clicks
        afterpulses = _afterpulses(clicks, kernel)
        dead = _dead(detector, clicks, cell_ps)
        clicks = (arrivals + afterpulses.sum(axis=0)) * (1 - dead) - excess
        if np.max(np.abs(clicks - before)) <= 1e-12 * clicks.max():
            break
    return Profile(light, repeats, clicks, afterpulses, dead)


def in_gate(density: NDArray[np.float64], gate: Gate, period_ps: float) -> NDArray[np.float64]:
    """Return the sum over a gate (which may wrap) of densities, cells along the last axis."""
    cumulative = np.cumsum(density, axis=-1)
    total = cumulative[..., -1]

    def up_to(phase_ps: float) -> NDArray[np.float64]:
        turns, rest = divmod(phase_ps / period_ps * CELLS, CELLS)
        cell = int(rest)
        below = cumulative[..., cell - 1] if cell else np.zeros_like(total)
        return np.asarray(turns * total + below + (rest - cell) * density[..., cell])

    return up_to(gate.stop_ps) - up_to(gate.start_ps)


def clicks_hz(parameters: LinkParameters, pattern: str | None = None) -> list[float]:
    """Return the expected raw click rate of each detector."""
    rate = parameters.pulse_rate_hz
    return [
        float(rate * profile(parameters, index, pattern).clicks.sum())
        for index in range(len(parameters.detectors))
    ]


def b92(
    parameters: LinkParameters,
    gate: Gate = PAPER_GATE,
    holdoff_pulses: int = 2,
    pattern: str | None = None,
) -> Expectation:
    """Return rate and QBER of B92 with all effects, double clicks discarded.

    Hold-off rejects pulses that follow a click of any detector within `holdoff_pulses`; whatever a
    detector's dead time could block in the gate it rejects too, if it lasts that long. Afterpulses
    sooner than that go the same way; later ones are taken to be wrong half of the time.

    Raises
    ------
    ValueError
        If the gate reaches past the period.
    """
    if gate.stop_ps > parameters.period_ps:
        raise ValueError("the expected QBER is only known for a gate within a period")
    any_click, right, wrong = 0.0, 0.0, 0.0
    for index in (0, 1):
        shape = profile(parameters, index, pattern)
        light, noise = _accepted(parameters, index, shape, gate, holdoff_pulses)
        light = _state_weights(parameters, pattern) * light
        any_click += float(shape.clicks.sum())
        right += float(light[1 - index]) + noise / 2  # detector 0 means bit 1
        wrong += float(light[index]) + noise / 2
    pairs = double_clicks_per_pulse(parameters, gate)  # each takes a right and a wrong click
    sifted = right + wrong - 2 * pairs
    survives = (1 - any_click) ** holdoff_pulses
    return Expectation(parameters.pulse_rate_hz * sifted * survives, (wrong - pairs) / sifted)


def bb84(
    parameters: LinkParameters, gate: Gate = PAPER_GATE, holdoff_pulses: int = 2
) -> Bb84Expectation:
    """Return rates and QBERs of BB84 with all effects; pulses with two clicks are not sifted.

    Hold-off as in `b92`.

    Raises
    ------
    ValueError
        If the gate reaches past the period.
    """
    if gate.stop_ps > parameters.period_ps:
        raise ValueError("the expected QBER is only known for a gate within a period")
    shapes = [profile(parameters, index) for index in range(4)]
    any_click = sum(float(shape.clicks.sum()) for shape in shapes)
    survives = (1 - any_click) ** holdoff_pulses
    weights, rate = _state_weights(parameters, None), parameters.pulse_rate_hz
    simple = bb84_in_window(parameters, gate)
    doubles = (simple.same_basis_hz + simple.cross_basis_hz) / rate
    accepted = [
        _accepted(parameters, index, shape, gate, holdoff_pulses)
        for index, shape in enumerate(shapes)
    ]
    in_gates = sum(float(weights @ light) + noise for light, noise in accepted)
    alone = 1 - 2 * doubles / in_gates  # two clicks fall upon all alike, to first order
    found = []
    for states in (KEY, TEST):
        choice = float(weights[list(states)].sum())
        clicks = wrong = 0.0
        for index, other in (states, states[::-1]):
            light, noise = weights * accepted[index][0], choice * accepted[index][1]
            clicks += float(light[index] + light[other]) + noise
            wrong += float(light[other]) + noise / 2
        found.append(Expectation(rate * clicks * alone * survives, wrong / clicks))
    return Bb84Expectation(
        found[0], found[1], simple.same_basis_hz * survives, simple.cross_basis_hz * survives
    )


def _accepted(
    parameters: LinkParameters, index: int, shape: Profile, gate: Gate, holdoff_pulses: int
) -> tuple[NDArray[np.float64], float]:
    """Return what hold-off leaves of a pulse's photons (by Alice's state) and noise in the gate."""
    detector, period_ps = parameters.detectors[index], parameters.period_ps
    awake = 1 - shape.dead if holdoff_pulses * period_ps < detector.dead_time_ps else 1.0
    light = in_gate((shape.light - shape.repeats) * awake, gate, period_ps)
    late = shape.afterpulses[holdoff_pulses + 1 :].sum(axis=0)
    dark = detector.dark_counts_hz * gate.width_ps / PS_PER_S
    return light, dark + float(in_gate(late, gate, period_ps))


def _state_weights(parameters: LinkParameters, pattern: str | None) -> NDArray[np.float64]:
    """Return how often Alice sends each of her states."""
    if pattern is not None:
        ones = pattern.count("1") / len(pattern)
        return np.array([1 - ones, ones])
    if parameters.protocol == "b92":
        return np.array([0.5, 0.5])
    key = parameters.modulator.key_basis_probability
    return np.array([key, key, 1 - key, 1 - key]) / 2


def _runs(
    parameters: LinkParameters, state: int, pattern: str | None
) -> list[tuple[tuple[int, ...], float]]:
    """Return the runs of five states with `state` in the middle, and their probabilities."""
    if pattern is None:
        weights = _state_weights(parameters, None)
        outer = itertools.product(range(len(weights)), repeat=4)
        return [
            ((a, b, state, c, d), math.prod(float(weights[other]) for other in (a, b, c, d)))
            for a, b, c, d in outer
        ]
    bits, size = [int(character) for character in pattern], len(pattern)
    runs = [tuple(bits[(i + k) % size] for k in range(5)) for i in range(size)]
    runs = [run for run in runs if run[2] == state]
    return [(run, 1 / len(runs)) for run in runs]


def _light(parameters: LinkParameters, index: int, state: int, pattern: str | None) -> Density:
    """Return the density of photons that fire detector `index` in a pulse of Alice's `state`.

    Light is laid out over the pulse before, the pulse and the next, since jitter and delay carry
    clicks across the edge into a pulse of another state.
    """
    period_ps, tau = parameters.period_ps, parameters.lifetime_ps
    edges = np.linspace(0, period_ps, CELLS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    emitted = -np.diff(np.exp(-edges / tau)) / -np.expm1(-period_ps / tau)
    runs = _runs(parameters, state, pattern)
    passing = np.zeros((3, CELLS))
    for segment in range(3):
        triples: Counter[tuple[int, ...]] = Counter()
        for run, weight in runs:
            triples[run[segment : segment + 3]] += weight  # type: ignore[assignment]
        for triple, weight in triples.items():
            states = np.array(triple, np.uint8)[:, None]
            angles = angles_rad(parameters, middle, *states)
            passing[segment] += weight * reaches(parameters, index, angles)
    level = parameters.mean_photons * parameters.transmission
    return _blurred(level * emitted * passing, parameters, parameters.detectors[index])


def _blurred(light: NDArray[np.float64], parameters: LinkParameters, detector: Detector) -> Density:
    """Convolve three periods with jitter and delay; return the middle one."""
    cell_ps = parameters.period_ps / CELLS
    sigma_ps = float(np.hypot(detector.jitter_ps, parameters.trigger_jitter_ps))
    if sigma_ps == 0 and detector.delay_ps == 0:
        return np.asarray(light[1])
    reach = int(np.ceil((9 * sigma_ps + abs(detector.delay_ps)) / cell_ps)) + 1
    if reach > CELLS:
        raise ValueError("delay and jitter must be within a period")
    borders = (np.arange(-reach, reach + 2) - 0.5) * cell_ps - detector.delay_ps
    if sigma_ps == 0:
        kernel = np.clip(1 - np.abs(borders[:-1] + cell_ps / 2) / cell_ps, 0, 1)
    else:
        kernel = np.diff(ndtr(borders / sigma_ps))
    blurred = fftconvolve(light.ravel(), kernel, mode="full")
    return np.asarray(blurred[CELLS + reach : 2 * CELLS + reach])


def _afterpulse_kernel(detector: Detector, cell_ps: float) -> NDArray[np.float64]:
    """Return the probability of an afterpulse by its delay in cells, for whole periods."""
    if detector.afterpulse_probability == 0:
        return np.zeros(CELLS)
    last_ps = detector.dead_time_ps + AFTERPULSE_LIFETIMES * detector.afterpulse_lifetime_ps
    periods = int(np.ceil(last_ps / (CELLS * cell_ps)))
    borders = (np.arange(periods * CELLS + 1) - 0.5) * cell_ps - detector.dead_time_ps
    survive = np.exp(-np.maximum(borders, 0) / detector.afterpulse_lifetime_ps)
    return np.asarray(-np.diff(survive) * detector.afterpulse_probability)


def _afterpulses(clicks: Density, kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return afterpulses by pulses since their cause and by phase, shape (lags, CELLS)."""
    if not kernel.any():
        return np.zeros((1, CELLS))
    spread = np.zeros(len(kernel) + CELLS)
    spread[:-1] = fftconvolve(clicks, kernel)
    return np.maximum(spread, 0).reshape(-1, CELLS)


def _dead(detector: Detector, clicks: Density, cell_ps: float) -> Density:
    """Return the probability that the detector is dead: its mean clicks within the dead time."""
    turns, rest = divmod(round(detector.dead_time_ps / cell_ps), CELLS)
    cumulative = np.cumsum(np.concatenate([clicks, clicks]))
    now = np.arange(CELLS, 2 * CELLS)
    return np.asarray(turns * clicks.sum() + cumulative[now - 1] - cumulative[now - 1 - rest])


def _earlier(detector: Detector, light: NDArray[np.float64], cell_ps: float) -> NDArray[np.float64]:
    """Return the light that came earlier in the same pulse, but within the dead time."""
    reach = round(detector.dead_time_ps / cell_ps)
    cumulative = np.cumsum(light, axis=-1) - light / 2
    earlier = cumulative.copy()
    if reach < CELLS:
        earlier[..., reach:] -= cumulative[..., : CELLS - reach]
    return earlier
