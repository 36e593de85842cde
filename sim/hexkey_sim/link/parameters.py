"""What the optical link is made of, as values with units in their names."""

from dataclasses import dataclass, field

from hexkey.statement import Protocol
from hexkey_sim.link.checks import check, finite
from hexkey_sim.link.receiver import Detector, Receiver, b92_receiver

PS_PER_S = 10**12

B92_STATES_DEG = (90.0, 45.0)  # V and D
BB84_STATES_DEG = (0.0, 90.0, 45.0, 135.0)  # H and V, D and A: state i fires detector i


@dataclass(frozen=True, slots=True)
class Modulator:
    """Alice's polarisation modulator: an angle that is a function of time.

    In every period the angle rests at the pulse's state from `flat_start_ps` to `flat_end_ps` after
    the trigger edge; from there to the next period's `flat_start_ps` it moves to the next pulse's
    state along a raised cosine. A photon emitted late passes the modulator when that carries the
    state of the pulse it lands in.

    Attributes
    ----------
    state_angles_deg : tuple of float
        Polarisation of each state, from the horizontal. Two in B92, of bit 0 and of bit 1 (V and D
        in the experiment); four in BB84, of bits 0 and 1 in the key basis, then in the test basis.
    key_basis_probability : float
        Alice's p_X, where there are two bases to choose from.
    """

    flat_start_ps: int = 500
    flat_end_ps: int = 10_500
    state_angles_deg: tuple[float, ...] = B92_STATES_DEG
    key_basis_probability: float = 1.0

    def __post_init__(self) -> None:
        check(
            "modulator",
            [
                (0 <= self.flat_start_ps <= self.flat_end_ps, "0 <= flat start <= flat end"),
                (len(self.state_angles_deg) in (2, 4), "two states (B92) or four (BB84)"),
                (all(finite(a, -360, 360) for a in self.state_angles_deg), "angles in degrees"),
                (finite(self.key_basis_probability, 0, 1), "key basis probability from 0 to 1"),
            ],
        )


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
        2e/(1 + 2e), that of BB84 is e.
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
    receiver: Receiver = field(default_factory=b92_receiver)
    trigger_jitter_ps: float = 0.0
    start_offset_pulses: int = 0

    def __post_init__(self) -> None:
        rate = self.pulse_rate_hz
        check(
            "setting",
            [
                (
                    isinstance(rate, int) and 0 < rate <= 10**10 and PS_PER_S % rate == 0,
                    "the pulse rate must divide 10^12, as 20, 40, 50 and 80 MHz do",
                ),
                (finite(self.lifetime_ps, 1, 1e9), "lifetime from 1 ps to 1 ms"),
                (finite(self.mean_photons, 0, 1), "mean photons from 0 to 1"),
                (finite(self.g2, 0, 1), "g2 from 0 to 1"),
                (
                    self.g2 * self.mean_photons <= 1,  # p1 = μ - g² μ² >= 0
                    "g2 times mean photons cannot exceed 1",
                ),
                (finite(self.polarisation_error, 0, 0.5), "polarisation error from 0 to 0.5"),
                (finite(self.channel_loss_db, 0), "channel loss from 0 dB"),
                (finite(self.extra_loss_db, 0), "extra loss from 0 dB"),
                (finite(self.receiver_efficiency, 0, 1), "receiver efficiency from 0 to 1"),
                (finite(self.trigger_jitter_ps, 0, 1e6), "trigger jitter from 0 to 1 us"),
                (0 <= self.start_offset_pulses <= 10**12, "start offset from 0 to 10^12 pulses"),
            ],
        )
        flat = self.modulator.flat_end_ps <= self.period_ps
        check("modulator", [(flat, "its flat part must lie within a period")])

    @property
    def period_ps(self) -> int:
        return PS_PER_S // self.pulse_rate_hz

    @property
    def protocol(self) -> Protocol:
        return "b92" if len(self.modulator.state_angles_deg) == 2 else "bb84"

    @property
    def detectors(self) -> tuple[Detector, ...]:
        return self.receiver.detectors

    @property
    def channel_transmission(self) -> float:
        """Probability that a photon at Alice's output comes to Bob's door."""
        return float(10 ** (-(self.channel_loss_db + self.extra_loss_db) / 10))

    @property
    def transmission(self) -> float:
        """Probability that a photon at Alice's output can be detected, before any analyser."""
        return self.channel_transmission * self.receiver_efficiency

    @property
    def photon_probabilities(self) -> tuple[float, float]:
        """Probabilities of one and of two photons a pulse at Alice's output."""
        two = self.g2 * self.mean_photons**2 / 2
        return self.mean_photons - 2 * two, two
