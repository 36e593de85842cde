"""What the optical link is made of, as values with units in their names."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from hexkey.errors import ConfigurationError

PS_PER_S = 10**12


def _check(what: str, checks: Iterable[tuple[bool, str]]) -> None:
    for passed, rule in checks:
        if not passed:
            raise ConfigurationError(f"the {what} of the simulated link is unusable: {rule}")


def _finite(value: float, low: float, high: float = math.inf) -> bool:
    return math.isfinite(value) and low <= value <= high


@dataclass(frozen=True, slots=True)
class Modulator:
    """Alice's polarisation modulator: an angle that is a function of time.

    In every period the angle rests at the pulse's state from `flat_start_ps` to `flat_end_ps` after
    the trigger edge; from there to the next period's `flat_start_ps` it moves to the next pulse's
    state along a raised cosine. A photon emitted late passes the modulator when that carries the
    state of the pulse it lands in.

    Attributes
    ----------
    state_angles_deg : (float, float)
        Polarisation of bit 0 and of bit 1, from the horizontal: V and D in the B92 experiment.
    """

    flat_start_ps: int = 500
    flat_end_ps: int = 10_500
    state_angles_deg: tuple[float, float] = (90.0, 45.0)

    def __post_init__(self) -> None:
        _check(
            "modulator",
            [
                (0 <= self.flat_start_ps <= self.flat_end_ps, "0 <= flat start <= flat end"),
                (all(_finite(a, -360, 360) for a in self.state_angles_deg), "angles in degrees"),
            ],
        )


@dataclass(frozen=True, slots=True)
class Detector:
    """One single-photon detector with the analyser in front of it.

    Attributes
    ----------
    analyser_deg : float or None
        Angle of the polariser from the horizontal; None: no polariser (Hanbury Brown-Twiss).
    light_share : float
        Share of the light that the splitter sends here.
    dark_counts_hz : float
    dead_time_ps : int
        After a click; not prolonged by photons that arrive meanwhile.
    afterpulse_probability : float
        That a click leaves a trapped charge, which fires the detector `dead_time_ps` plus an
        exponential time of mean `afterpulse_lifetime_ps` later (unless it is dead just then).
    jitter_ps : float
        Standard deviation of a click's time.
    delay_ps : int
        Of this detector's cable, against the trigger.
    """

    analyser_deg: float | None
    light_share: float = 0.5
    dark_counts_hz: float = 40.0
    dead_time_ps: int = 22_000
    afterpulse_probability: float = 0.0
    afterpulse_lifetime_ps: float = 40_000.0
    jitter_ps: float = 0.0
    delay_ps: int = 0

    def __post_init__(self) -> None:
        angle = self.analyser_deg
        _check(
            "detector",
            [
                (angle is None or _finite(angle, -360, 360), "analyser angle in degrees or none"),
                (_finite(self.light_share, 0, 1), "light share from 0 to 1"),
                (_finite(self.dark_counts_hz, 0, 1e9), "dark counts from 0 to 1e9 a second"),
                (0 <= self.dead_time_ps <= 10**9, "dead time from 0 to 1 ms"),
                (_finite(self.afterpulse_probability, 0, 0.9), "afterpulsing from 0 to 0.9"),
                (_finite(self.afterpulse_lifetime_ps, 1, 1e9), "afterpulse lifetime to 1 ms"),
                (_finite(self.jitter_ps, 0, 1e6), "jitter from 0 to 1 us"),
                (abs(self.delay_ps) <= 10**9, "delay within 1 ms"),
            ],
        )


def b92_detectors(**common: float) -> tuple[Detector, Detector]:
    """Return Bob's B92 detectors: 0 behind H (orthogonal to V), 1 behind A (orthogonal to D)."""
    return Detector(0.0, **common), Detector(135.0, **common)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class LinkParameters:
    """The whole link. The values given here are Table II of Tapşın et al. and an ideal receiver.

    Attributes
    ----------
    pulse_rate_hz : int
        Must divide 10^12: the simulator keeps time in whole picoseconds.
    lifetime_ps : float
        Of the emitter, which decays exponentially from the trigger edge on.
    mean_photons : float
        μ, photons a pulse at Alice's output.
    g2 : float
        g²(0): a pulse holds two photons with probability g² μ²/2, and never more.
    polarisation_error : float
        Probability e, for each photon, that its polarisation is turned by 90°. The QBER of B92 is
        2e/(1 + 2e).
    channel_loss_db : float
        Between Alice and Bob.
    extra_loss_db : float
        Any other loss, kept apart because it belongs to nobody: what the "as reported" preset
        needs to explain the measured rate.
    receiver_efficiency : float
        Of Bob's optics and detectors together.
    trigger_jitter_ps : float
        Standard deviation of the edge against which a pulse's clicks are timed; all clicks of a
        pulse share it.
    start_offset_pulses : int
        Bob's pulse 0 is this pulse of Alice's.

    Raises
    ------
    ConfigurationError
        For values that no link can have.
    """

    pulse_rate_hz: int = 40_000_000
    lifetime_ps: float = 4580.0
    mean_photons: float = 0.0131
    g2: float = 0.24
    modulator: Modulator = field(default_factory=Modulator)
    polarisation_error: float = 0.0176
    channel_loss_db: float = 0.0
    extra_loss_db: float = 0.0
    receiver_efficiency: float = 0.42
    detectors: tuple[Detector, ...] = field(default_factory=b92_detectors)
    trigger_jitter_ps: float = 0.0
    start_offset_pulses: int = 0

    def __post_init__(self) -> None:
        rate = self.pulse_rate_hz
        shares = sum(detector.light_share for detector in self.detectors)
        _check(
            "setting",
            [
                (
                    isinstance(rate, int) and 0 < rate <= 10**10 and PS_PER_S % rate == 0,
                    "the pulse rate must divide 10^12, as 20, 40, 50 and 80 MHz do",
                ),
                (_finite(self.lifetime_ps, 1, 1e9), "lifetime from 1 ps to 1 ms"),
                (_finite(self.mean_photons, 0, 1), "mean photons from 0 to 1"),
                (_finite(self.g2, 0, 1), "g2 from 0 to 1"),
                (
                    self.g2 * self.mean_photons <= 1,  # p1 = μ - g² μ² >= 0
                    "g2 times mean photons cannot exceed 1",
                ),
                (_finite(self.polarisation_error, 0, 0.5), "polarisation error from 0 to 0.5"),
                (_finite(self.channel_loss_db, 0), "channel loss from 0 dB"),
                (_finite(self.extra_loss_db, 0), "extra loss from 0 dB"),
                (_finite(self.receiver_efficiency, 0, 1), "receiver efficiency from 0 to 1"),
                (1 <= len(self.detectors) <= 4, "one to four detectors"),
                (shares <= 1 + 1e-9, "the detectors' shares of the light add up to more than 1"),
                (_finite(self.trigger_jitter_ps, 0, 1e6), "trigger jitter from 0 to 1 us"),
                (0 <= self.start_offset_pulses <= 10**12, "start offset from 0 to 10^12 pulses"),
            ],
        )
        flat = self.modulator.flat_end_ps <= self.period_ps
        _check("modulator", [(flat, "its flat part must lie within a period")])

    @property
    def period_ps(self) -> int:
        return PS_PER_S // self.pulse_rate_hz

    @property
    def transmission(self) -> float:
        """Probability that a photon at Alice's output can be detected, before any analyser."""
        loss_db = self.channel_loss_db + self.extra_loss_db
        return float(10 ** (-loss_db / 10)) * self.receiver_efficiency

    @property
    def photon_probabilities(self) -> tuple[float, float]:
        """Probabilities of one and of two photons a pulse at Alice's output."""
        two = self.g2 * self.mean_photons**2 / 2
        return self.mean_photons - 2 * two, two
