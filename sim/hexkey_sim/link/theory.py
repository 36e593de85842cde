"""What the link should give, in closed form, without effects that have none.

A photon's phase is exponential, wrapped into a period; states are right inside the gate; no jitter,
dead time, afterpulses, hold-off or photon pairs. What those do to rate and QBER is in
`hexkey_sim.link.profile`, which integrates numerically; the two differ by less than 1 % at the
presets. This is what the two protocols share, and B92; `theory_bb84` has BB84.
"""

import math
from dataclasses import dataclass

from hexkey_sim.link.parameters import PS_PER_S, LinkParameters


@dataclass(frozen=True, slots=True)
class Gate:
    """Bob's window ``[start_ps, start_ps + width_ps)`` in the phase of his trigger."""

    start_ps: float = 500.0
    width_ps: float = 10_000.0

    @property
    def stop_ps(self) -> float:
        return self.start_ps + self.width_ps


PAPER_GATE = Gate()  # Tapşın et al.: t0 = 0.5 ns, and the widest window, 10 ns


@dataclass(frozen=True, slots=True)
class Expectation:
    """Sifted bits a second, and the share of them that is wrong."""

    sifted_hz: float
    qber: float


def window_fraction(gate: Gate, lifetime_ps: float, period_ps: float) -> float:
    """Return the share of photons whose phase falls into a gate that lies within a period.

    ``(e^(-t0/τ) - e^(-(t0+Δt)/τ)) / (1 - e^(-T/τ))``: photons later than a period are counted at
    the phase that they have in the pulse they land in.
    """
    start = math.exp(-gate.start_ps / lifetime_ps)
    stop = math.exp(-gate.stop_ps / lifetime_ps)
    return (start - stop) / -math.expm1(-period_ps / lifetime_ps)


def photons_in_gate(parameters: LinkParameters, gate: Gate = PAPER_GATE) -> float:
    """Return the mean photons a pulse that Bob could detect in the gate, before any analyser."""
    fraction = window_fraction(gate, parameters.lifetime_ps, parameters.period_ps)
    return parameters.mean_photons * parameters.transmission * fraction


def pairs_in_gate(parameters: LinkParameters, gate: Gate = PAPER_GATE) -> float:
    """Return the mean pairs of photons a pulse that Bob could detect in one gate.

    Both from one pulse of the source, or from two, one of them late.
    """
    survive = math.exp(-parameters.period_ps / parameters.lifetime_ps)
    first = window_fraction(gate, parameters.lifetime_ps, parameters.period_ps) * (1 - survive)
    same = first**2 / (1 - survive**2)  # both in one gate, for photons of the same pulse
    total = (first / (1 - survive)) ** 2
    light = parameters.mean_photons * parameters.transmission
    return light**2 * (parameters.g2 * same + total - same) / 2


def b92_in_window(parameters: LinkParameters, gate: Gate = PAPER_GATE) -> Expectation:
    """Return rate and QBER of B92 in the reference's model.

    Of the photons in the gate 1/4 are conclusive and right and e/2 conclusive and wrong: an error
    (probability e) moves a photon from the half that its state's own analyser blocks to the half
    where it passes for certain. Half of the dark counts are wrong.
    """
    photons = photons_in_gate(parameters, gate)
    wrong = photons * parameters.polarisation_error / 2
    dark = dark_per_pulse(parameters, gate.width_ps)
    sifted = photons / 4 + wrong + dark
    return Expectation(parameters.pulse_rate_hz * sifted, (wrong + dark / 2) / sifted)


def dark_per_pulse(parameters: LinkParameters, width_ps: float) -> float:
    """Return the dark counts of all detectors within `width_ps`: P_dc of Table II is that in 10 ns.

    (2 detectors × 40 Hz × 10 ns = 8e-7.)
    """
    rate = sum(detector.dark_counts_hz for detector in parameters.detectors)
    return rate * width_ps / PS_PER_S


def same_pulse_share(parameters: LinkParameters) -> float:
    """Return how likely the two photons of a pair land in the same pulse: tanh(T/2τ)."""
    return math.tanh(parameters.period_ps / parameters.lifetime_ps / 2)


def g2_of_periods(parameters: LinkParameters) -> float:
    """Return the g² that Alice would measure inside, over whole periods.

    Late photons of the pulse before meet those of the pulse itself, which makes it 1 - S (1 - g²)
    rather than the emitter's g². A pulse then holds several photons with g² μ²/2 at most.
    """
    return 1 - same_pulse_share(parameters) * (1 - parameters.g2)


def correlation_without_analysers(parameters: LinkParameters) -> float:
    """Return the expected ``<n0 n1> / <n0><n1>`` of raw clicks in the same pulse (Fig. 1, HBT).

    A pair lands in one pulse with probability S; so ``1 - ρ0 ρ1 S (1 - g²)``, where ρ is the share
    of photons among a detector's clicks. Exact for two detectors without analysers, dead time and
    afterpulses, and no jitter across the trigger edge. Dead time hides a detector's second click
    in a pulse from the denominator, which raises g² by its own order times the clicks a pulse.
    """
    dilution = 1.0
    for arm in parameters.receiver.arms:
        detector = parameters.detectors[arm.passes_to]
        light = parameters.mean_photons * parameters.transmission * arm.share
        dark = detector.dark_counts_hz / parameters.pulse_rate_hz
        dilution *= light / (light + dark)
    return 1 - dilution * same_pulse_share(parameters) * (1 - parameters.g2)


def double_clicks_per_pulse(parameters: LinkParameters, gate: Gate = PAPER_GATE) -> float:
    """Return how often both B92 detectors click in the gate of one pulse.

    Bob's random choice sends half of the pairs to different detectors; the one whose analyser is
    orthogonal to the state passes e of its photons, the other 1/2: e/4 of the pairs that reach the
    gate, be they from one pulse of the source or from two. A dark count completes a photon's click,
    or another dark count's.
    """
    e = parameters.polarisation_error
    click = photons_in_gate(parameters, gate) * (0.25 + e / 2)
    dark = dark_per_pulse(parameters, gate.width_ps) / 2
    return pairs_in_gate(parameters, gate) * e / 4 + click * dark + dark**2


def dead_time_rate_hz(events_hz: float, dead_time_ps: float) -> float:
    """Return the click rate for Poissonian events: λ/(1 + λ τ), a dead time not prolonged."""
    return events_hz / (1 + events_hz * dead_time_ps / PS_PER_S)


def afterpulsing_rate_hz(events_hz: float, probability: float) -> float:
    """Return the click rate with afterpulses (that afterpulse again), where events are rare."""
    return events_hz / (1 - probability)
