"""What a row of the catalogue may say: every field, its unit and the values that are possible."""

from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np

from hexkey.keyrate import domain
from hexkey.keyrate.repeater import Node

Table = Literal["T I", "T II", "T III", "V 1", "V 3.2"]
"""Tapşın et al., Tables I to III; Vajner et al., Table 1 and section 3.2."""
Protocol = Literal["B92", "BB84", "E91", "BBM92", "repeater"]
Medium = Literal["free space", "fibre"]
Coding = Literal["polarisation", "phase"]
SecretKind = Literal["finite", "asymptotic"]


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`; one printed value has both the same."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"a range must not fall, as from {self.low!r} to {self.high!r}")

    def __str__(self) -> str:
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Epsilons:
    """Failure probabilities, as printed; ε̄ = (ε/8)² is `smoothing`."""

    privacy_amplification: float
    smoothing: float
    error_correction: float
    parameter_estimation: float
    correctness: float

    def __post_init__(self) -> None:
        for name in self.__slots__:
            domain.epsilon(name, getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParameters:
    """A repeater node but for its memory time: the fields of `hexkey.keyrate.repeater.Node`."""

    preparation_efficiency: float
    preparation_s: float
    coupling_efficiency: float
    detection_efficiency: float
    bell_ideality: float
    bell_success: float
    misalignment_alice: float
    misalignment_bob: float
    attenuation_length_km: float

    def __post_init__(self) -> None:
        self.with_memory(memory_s=1.0)

    def with_memory(self, memory_s: float, error_correction: float = 1.16) -> Node:
        """Return the node with memories that dephase within T2 = `memory_s`; f is [T]'s."""
        return Node(memory_s, error_correction=error_correction, **asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One row of one table. None, or an empty text, is what is not printed.

    Attributes
    ----------
    name : str
        ``paper:row``, unique.
    table, row : str, int
        Where it stands.
    protocol, coding, source, medium : str
        `source` is the emitter in words.
    active_encoding, room_temperature : bool
        Whether states are made by a modulator; whether the source runs without a cryostat.
    pulse_rate_hz, wavelength_nm, lifetime_ns : float
        The clock, the photons, their decay.
    gate_start_ns, gate_width_ns : float
        Window of arrival times that is kept.
    g2 : Range
        g²(0).
    collection_efficiency, transmitter_efficiency : float
        From the emitter to Alice, and from there to her output: their product is `mean_photons`.
    mean_photons : float
        μ, photons a pulse at Alice's output.
    misalignment : float
        Probability that a photon clicks as the wrong bit.
    dark_probability : float
        Dark clicks a pulse inside the gate, of all detectors.
    receiver_efficiency : float
        From Bob's input to a click.
    sifting : float
        Share of clicks in matched bases.
    error_correction : float
        f, disclosed bits over n h(Q).
    attenuation_db_per_km, loss_db, distance_km : float
        The channel that `secret_bps` was reported for.
    max_loss_db, max_distance_km : float
        Greatest ones with a key, as reported.
    qber, sifted_bps, secret_bps : Range
        As reported.
    secret_kind : str
        Whether `secret_bps` is of a finite or of an endless block.
    epsilons, node : Epsilons, NodeParameters
        Security parameters, and those of a repeater.
    reference, year, note : str, int, str
        The source as printed, and what could not be read.
    """

    name: str
    table: Table
    row: int
    source: str
    protocol: Protocol | None = None
    coding: Coding | None = None
    medium: Medium | None = None
    active_encoding: bool | None = None
    room_temperature: bool | None = None
    pulse_rate_hz: float | None = None
    wavelength_nm: float | None = None
    lifetime_ns: float | None = None
    gate_start_ns: float | None = None
    gate_width_ns: float | None = None
    g2: Range | None = None
    collection_efficiency: float | None = None
    transmitter_efficiency: float | None = None
    mean_photons: float | None = None
    misalignment: float | None = None
    dark_probability: float | None = None
    receiver_efficiency: float | None = None
    sifting: float | None = None
    error_correction: float | None = None
    attenuation_db_per_km: float | None = None
    loss_db: float | None = None
    distance_km: float | None = None
    max_loss_db: float | None = None
    max_distance_km: float | None = None
    qber: Range | None = None
    sifted_bps: Range | None = None
    secret_bps: Range | None = None
    secret_kind: SecretKind | None = None
    epsilons: Epsilons | None = None
    node: NodeParameters | None = None
    reference: str = ""
    year: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("table", "protocol", "coding", "medium", "secret_kind"):
            value = getattr(self, name)
            if value is not None:
                domain.choice(name, value, get_args(_CHOICES[name]))
        for names, low, high in _POSSIBLE:
            for name in names:
                value = getattr(self, name)
                ends = (value.low, value.high) if isinstance(value, Range) else (value,)
                for end in ends:
                    if end is not None:
                        domain.within(name, end, low, high)


_CHOICES = {
    "table": Table,
    "protocol": Protocol,
    "coding": Coding,
    "medium": Medium,
    "secret_kind": SecretKind,
}

_TINY = np.nextafter(0.0, 1.0)
_POSSIBLE: tuple[tuple[tuple[str, ...], float, float], ...] = (
    (("pulse_rate_hz",), _TINY, 1e12),
    (("wavelength_nm",), 100.0, 10_000.0),
    (("lifetime_ns", "gate_width_ns"), _TINY, 1e9),
    (("gate_start_ns",), 0.0, 1e9),
    (("g2",), 0.0, 2.0),
    (
        (
            "collection_efficiency",
            "transmitter_efficiency",
            "mean_photons",
            "receiver_efficiency",
            "sifting",
        ),
        _TINY,
        1.0,
    ),
    (("misalignment", "dark_probability", "qber"), 0.0, 0.5),
    (("error_correction",), 1.0, 10.0),
    (("attenuation_db_per_km",), _TINY, 100.0),
    (("loss_db", "max_loss_db"), 0.0, 400.0),
    (("distance_km", "max_distance_km"), 0.0, 20_000.0),
    (("sifted_bps", "secret_bps"), 0.0, 1e12),
    (("row",), 1, 1000),
    (("year",), 1984, 2100),
)
