"""Bob's receiver: a splitter, an analyser in each arm, detectors behind them.

B92 and BB84 differ in nothing but the arms. An analyser passes one polarisation to a detector; what
it does not pass goes to another detector (a polarising beam splitter) or nowhere (a polariser)::

    B92    splitter 50:50 ─┬─ polariser H ─────► detector 0   (excludes V: bit 1)
                           └─ polariser A ─────► detector 1   (excludes D: bit 0)

    BB84   splitter p_X ───┬─ beam splitter H/V ► detectors 0, 1  (key basis, bits 0 and 1)
                           └─ beam splitter D/A ► detectors 2, 3  (test basis, bits 0 and 1)
"""

from dataclasses import dataclass

from hexkey_sim.link.checks import check, finite


@dataclass(frozen=True, slots=True)
class Detector:
    """One single-photon detector.

    Attributes
    ----------
    efficiency : float
        Of this detector, relative to the receiver's.
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

    efficiency: float = 1.0
    dark_counts_hz: float = 40.0
    dead_time_ps: int = 22_000
    afterpulse_probability: float = 0.0
    afterpulse_lifetime_ps: float = 40_000.0
    jitter_ps: float = 0.0
    delay_ps: int = 0

    def __post_init__(self) -> None:
        check(
            "detector",
            [
                (finite(self.efficiency, 0, 1), "efficiency from 0 to 1"),
                (finite(self.dark_counts_hz, 0, 1e9), "dark counts from 0 to 1e9 a second"),
                (0 <= self.dead_time_ps <= 10**9, "dead time from 0 to 1 ms"),
                (finite(self.afterpulse_probability, 0, 0.9), "afterpulsing from 0 to 0.9"),
                (finite(self.afterpulse_lifetime_ps, 1, 1e9), "afterpulse lifetime to 1 ms"),
                (finite(self.jitter_ps, 0, 1e6), "jitter from 0 to 1 us"),
                (abs(self.delay_ps) <= 10**9, "delay within 1 ms"),
            ],
        )


@dataclass(frozen=True, slots=True)
class Arm:
    """One output of the splitter.

    Attributes
    ----------
    share : float
        Share of the light that the splitter sends here.
    angle_deg : float or None
        Polarisation that the analyser passes, from the horizontal; None: there is no analyser.
    passes_to : int
        Detector of what the analyser passes, or of everything.
    reflects_to : int or None
        Detector of the orthogonal polarisation; None: it is absorbed.
    """

    share: float
    angle_deg: float | None
    passes_to: int
    reflects_to: int | None = None

    def __post_init__(self) -> None:
        angle = self.angle_deg
        check(
            "receiver",
            [
                (finite(self.share, 0, 1), "an arm's share of the light from 0 to 1"),
                (angle is None or finite(angle, -360, 360), "analyser angle in degrees or none"),
            ],
        )


@dataclass(frozen=True, slots=True)
class Receiver:
    """Arms and detectors; an arm names its detectors by their place in `detectors`."""

    arms: tuple[Arm, ...]
    detectors: tuple[Detector, ...]

    def __post_init__(self) -> None:
        ends = {arm.passes_to for arm in self.arms} | {arm.reflects_to for arm in self.arms}
        check(
            "receiver",
            [
                (1 <= len(self.detectors) <= 4, "one to four detectors"),
                (len(self.arms) > 0, "at least one arm"),
                (
                    sum(arm.share for arm in self.arms) <= 1 + 1e-9,
                    "the arms' shares of the light add up to more than 1",
                ),
                (
                    ends - {None} <= set(range(len(self.detectors))),
                    "an arm ends at a detector that is not there",
                ),
            ],
        )


def b92_receiver(*detectors: Detector) -> Receiver:
    """Return Bob's B92 receiver: detector 0 behind H (orthogonal to V), 1 behind A (to D).

    One detector given stands for both.
    """
    return Receiver((Arm(0.5, 0.0, 0), Arm(0.5, 135.0, 1)), _filled(detectors, 2))


def bb84_receiver(*detectors: Detector, key_basis_probability: float = 0.5) -> Receiver:
    """Return Bob's passive BB84 receiver: detectors 0, 1 are the key basis, 2, 3 the test basis.

    The splitter makes his choice of basis; its ratio fixes his p_X. One detector given stands for
    all.
    """
    arms = (
        Arm(key_basis_probability, 0.0, 0, 1),
        Arm(1 - key_basis_probability, 45.0, 2, 3),
    )
    return Receiver(arms, _filled(detectors, 4))


def hbt_receiver(*detectors: Detector, shares: tuple[float, float] = (0.5, 0.5)) -> Receiver:
    """Return a Hanbury Brown-Twiss receiver: a splitter and two detectors, no analysers."""
    return Receiver((Arm(shares[0], None, 0), Arm(shares[1], None, 1)), _filled(detectors, 2))


def _filled(detectors: tuple[Detector, ...], count: int) -> tuple[Detector, ...]:
    if not detectors:
        return (Detector(),) * count
    return detectors * count if len(detectors) == 1 else detectors
