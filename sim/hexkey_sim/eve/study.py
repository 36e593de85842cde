"""What each attack does to rate, error rate and secret, measured over the share that is attacked.

The links are those of the presets with a bright source and no loss but what is said, so that a
second of simulation counts a million clicks.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hexkey.keyrate.entropy import binary_entropy
from hexkey_sim.eve.intercept_resend import InterceptResend, with_errors, wrong_shares
from hexkey_sim.eve.photon_number import known_share
from hexkey_sim.eve.specification import parse_eve
from hexkey_sim.eve.unambiguous import UnambiguousDiscrimination, kept_rate
from hexkey_sim.link.presets import Preset, preset
from hexkey_sim.simulate import Simulation, run_simulation

SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
CLICKS = 250_000  # of a run, about
SEED = 7


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured, or is expected, at one share.

    Attributes
    ----------
    rate : float
        Sifted bits over those of the honest link.
    qber, test_qber : float
        In B92 there is but one.
    known : float
        Eve's information on a sifted bit of Alice's.
    guessed : float
        Share of the sifted bits of which she has a guess.
    """

    share: float
    rate: float
    qber: float
    test_qber: float | None
    known: float
    guessed: float = 0.0

    @property
    def taken_off(self) -> float:
        """What the error rate lets privacy amplification take off, h(QBER)."""
        seen = self.qber if self.test_qber is None else self.test_qber
        return float(binary_entropy(min(0.5, seen)))


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack on a link; `spec` may have ``{share}`` in it, `expected` is its closed form."""

    name: str
    link: Preset
    spec: str
    expected: Callable[[Preset, float], Point] | None = None

    @property
    def shares(self) -> tuple[float, ...]:
        return SHARES if "{share}" in self.spec else (1.0,)


def brightened(name: str, loss_db: float = 0.0) -> Preset:
    """Return a preset with 0.05 photons a pulse (BB84) or those of the bench, and a loss."""
    chosen = preset(name).with_channel_loss(loss_db)
    if chosen.parameters.protocol == "b92":
        return chosen
    return replace(chosen, parameters=replace(chosen.parameters, mean_photons=0.05))


def resend_expected(link: Preset, share: float) -> Point:
    """Return the closed form of intercept-resend in both bases evenly."""
    honest = link.parameters.polarisation_error
    of_key, _ = wrong_shares(InterceptResend(link.parameters, share))
    if link.parameters.protocol == "b92":
        honest = 2 * honest / (1 + 2 * honest)
        likely = 1 - float(binary_entropy(1 / 3))
        return Point(share, 1.0, with_errors(honest, of_key), None, share * (0.25 + 0.75 * likely))
    qber = with_errors(honest, of_key)
    return Point(share, 1.0, qber, qber, share / 2)


def usd_expected(link: Preset, share: float) -> Point:
    """Return the closed form of unambiguous discrimination."""
    honest = link.parameters.polarisation_error
    kept = min(1.0, kept_rate(UnambiguousDiscrimination(link.parameters)))
    rate = 1 - share + share * kept
    return Point(share, rate, 2 * honest / (1 + 2 * honest), None, share * kept / rate)


def splitting_expected(link: Preset, share: float) -> Point:
    """Return the closed form of photon-number splitting."""
    honest = link.parameters.polarisation_error
    return Point(share, 1.0, honest, honest, share * known_share(link.parameters))


ATTACKS = (
    Attack(
        "intercept-resend",
        brightened("bench"),
        "intercept-resend:share={share}",
        resend_expected,
    ),
    Attack("discrimination, 0 dB", brightened("bench"), "usd:share={share}", usd_expected),
    Attack("discrimination, 6 dB", brightened("bench", 6.0), "usd:share={share}", usd_expected),
    Attack("faked states", brightened("bench"), "faked-states"),
    Attack(
        "intercept-resend",
        brightened("bb84"),
        "intercept-resend:share={share}",
        resend_expected,
    ),
    Attack(
        "time shift, skew 0.5 ns, 6 dB", brightened("bb84-skewed", 6.0), "time-shift:share={share}"
    ),
    Attack(
        "photon-number splitting, 15 dB",
        brightened("bb84", 15.0),
        "photon-number-splitting:share={share}",
        splitting_expected,
    ),
    Attack("faked states", brightened("bb84"), "faked-states"),
)


def measure(attack: Attack) -> list[Point]:
    """Simulate an attack at each of its shares."""
    return [_measured(attack, share) for share in attack.shares]


def _measured(attack: Attack, share: float) -> Point:
    link = attack.link
    eve = parse_eve(attack.spec.format(share=share), link)
    with tempfile.TemporaryDirectory() as folder:
        run: Simulation = run_simulation(link, Path(folder) / "run", _seconds(link), SEED, eve=eve)
    assert run.knowledge is not None
    guessed = sum(kind.bits for kind in run.knowledge.kinds) / max(1, run.knowledge.bits)
    return Point(
        share,
        run.key.sifted_hz / run.key.expected_sifted_hz,
        run.key.qber,
        None if run.test is None else run.test.qber,
        run.knowledge.information,
        guessed,
    )


def _seconds(link: Preset) -> float:
    """Return how long the link takes for about `CLICKS` clicks; half of B92's photons make none."""
    parameters = link.parameters
    per_pulse = parameters.mean_photons * parameters.transmission
    per_pulse *= 0.25 if parameters.protocol == "b92" else 1.0
    return CLICKS / (per_pulse * parameters.pulse_rate_hz)
