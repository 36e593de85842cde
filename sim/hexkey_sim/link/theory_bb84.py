"""What a BB84 link should give, in closed form; the model and its limits are those of `theory`."""

from dataclasses import dataclass

from hexkey_sim.link.parameters import PS_PER_S, LinkParameters
from hexkey_sim.link.theory import PAPER_GATE, Expectation, Gate, pairs_in_gate, photons_in_gate

KEY, TEST = (0, 1), (2, 3)  # detectors of the bases


@dataclass(frozen=True, slots=True)
class Bb84Expectation:
    """Sifted bits of either basis, and pulses with two clicks.

    Attributes
    ----------
    key, test : Expectation
        Pulses in which Alice and Bob chose that basis and one detector clicked.
    same_basis_hz, cross_basis_hz : float
        Pulses in which both detectors of one basis clicked, and detectors of either; whatever
        Alice's basis was.
    """

    key: Expectation
    test: Expectation
    same_basis_hz: float
    cross_basis_hz: float


def key_shares(parameters: LinkParameters) -> tuple[float, float]:
    """Return p_X of Alice and of Bob."""
    return parameters.modulator.key_basis_probability, parameters.receiver.arms[0].share


def bb84_in_window(parameters: LinkParameters, gate: Gate = PAPER_GATE) -> Bb84Expectation:
    """Return rates and QBERs of BB84.

    A photon in the arm of Alice's basis clicks at the right detector but for an error (probability
    e); half of the dark counts are wrong. Detectors may differ in efficiency and dark counts.
    """
    alice, bob = key_shares(parameters)
    photons, rate = photons_in_gate(parameters, gate), parameters.pulse_rate_hz
    e = parameters.polarisation_error
    found = []
    for detectors, choice, share in ((KEY, alice, bob), (TEST, 1 - alice, 1 - bob)):
        pair = [parameters.detectors[index] for index in detectors]
        light = photons * share * sum(detector.efficiency for detector in pair) / 2
        dark = sum(detector.dark_counts_hz for detector in pair) * gate.width_ps / PS_PER_S
        clicks = light + dark
        wrong = (light * e + dark / 2) / clicks if clicks else 0.5
        found.append(Expectation(rate * choice * clicks, wrong))
    same, cross = double_clicks_per_pulse(parameters, gate)
    return Bb84Expectation(found[0], found[1], rate * same, rate * cross)


def double_clicks_per_pulse(
    parameters: LinkParameters, gate: Gate = PAPER_GATE
) -> tuple[float, float]:
    """Return how often two detectors click in one pulse: of the same basis, of either basis.

    Each photon of a pair takes its own way at the splitter. In the arm of Alice's basis they part
    if one of them is wrong, 2e(1 - e); in the other they part half of the time. A dark count
    completes a photon's click, or another dark count's. All detectors are taken to be alike.
    """
    alice, bob = key_shares(parameters)
    e = parameters.polarisation_error
    dark = parameters.detectors[0].dark_counts_hz * gate.width_ps / PS_PER_S
    efficiency = parameters.detectors[0].efficiency
    pairs = pairs_in_gate(parameters, gate) * efficiency**2
    click = photons_in_gate(parameters, gate) * efficiency
    part = [own * 2 * e * (1 - e) + (1 - own) / 2 for own in (alice, 1 - alice)]
    same = pairs * (bob**2 * part[0] + (1 - bob) ** 2 * part[1]) + click * dark + 2 * dark**2
    cross = pairs * 2 * bob * (1 - bob) + 2 * click * dark + 4 * dark**2
    return same, cross
