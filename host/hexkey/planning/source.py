"""Sources that curves are drawn for: a complete row of the catalogue, with values of one's own."""

from dataclasses import dataclass
from typing import Any

from hexkey.catalogue import Experiment, experiment, experiments
from hexkey.errors import ConfigurationError
from hexkey.keyrate import domain
from hexkey.keyrate.b92_experiment import Expected, expected
from hexkey.keyrate.b92_experiment import Experiment as Experiment92
from hexkey.keyrate.bb84_single import SinglePhotonLink
from hexkey.keyrate.decoy import Receiver
from hexkey.keyrate.gllp import Extrapolation

NEEDED = (
    "pulse_rate_hz",
    "mean_photons",
    "g2",
    "misalignment",
    "dark_probability",
    "receiver_efficiency",
)
"""What a curve needs of an experiment: the fields of `SinglePhotonLink`."""

SETTABLE = (
    *NEEDED,
    "lifetime_ns",
    "gate_start_ns",
    "gate_width_ns",
    "sifting",
    "attenuation_db_per_km",
    "error_correction",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source with its receiver.

    Attributes
    ----------
    name : str
        As asked for, changes included.
    link : SinglePhotonLink
    lifetime_ns : float, optional
        Decay of the emitter; B92's curves need it.
    gate_start_ns, gate_width_ns : float
        Window of arrival times, which `link.dark_probability` belongs to.
    sifting : float
        Share of clicks in matched bases, for `gllp`.
    attenuation_db_per_km : float
        Of the fibre, to turn loss into length.
    error_correction : float
        f of `gllp`.
    """

    name: str
    link: SinglePhotonLink
    lifetime_ns: float | None = None
    gate_start_ns: float = 0.5
    gate_width_ns: float = 10.0
    sifting: float = 0.5
    attenuation_db_per_km: float = 0.2
    error_correction: float = 1.16

    def __post_init__(self) -> None:
        for name in ("gate_width_ns", "attenuation_db_per_km"):
            domain.positive(name, getattr(self, name))
        if self.lifetime_ns is not None:
            domain.positive("lifetime_ns", self.lifetime_ns)
        domain.non_negative("gate_start_ns", self.gate_start_ns)
        domain.probability("sifting", self.sifting)
        domain.at_least_one("error_correction", self.error_correction)

    @property
    def receiver(self) -> Receiver:
        """The same receiver, for other sources before it."""
        return Receiver(
            self.link.receiver_efficiency, self.link.misalignment, self.link.dark_probability
        )


def extrapolation(source: Source) -> Extrapolation:
    """Return the source as the review's model takes it."""
    link = source.link
    return Extrapolation(
        pulse_rate_hz=link.pulse_rate_hz,
        mean_photons=link.mean_photons,
        g2=link.g2,
        sifting=source.sifting,
        optics_transmission=link.receiver_efficiency,
        detector_efficiency=1.0,
        detection_error=link.misalignment,
        dark_probability=link.dark_probability,
        attenuation_db_per_km=source.attenuation_db_per_km,
        error_correction=source.error_correction,
    )


def b92_sifted(source: Source, transmission: float = 1.0) -> Expected:
    """Return B92's sifted bits and errors of arrival times in the gate, behind a channel.

    Raises
    ------
    ConfigurationError
        If the source's lifetime is not known.
    """
    if source.lifetime_ns is None:
        raise ConfigurationError(
            f"B92 needs the decay of the source {source.name}: add lifetime_ns=… to it"
        )
    link = source.link
    through = Experiment92(
        pulse_rate_hz=link.pulse_rate_hz,
        mean_photons=link.mean_photons,
        receiver_efficiency=link.receiver_efficiency * transmission,
        misalignment=link.misalignment,
        dark_counts_hz=link.dark_probability / (source.gate_width_ns * 1e-9),
        lifetime_ns=source.lifetime_ns,
    )
    try:
        return expected(source.gate_start_ns, source.gate_width_ns, through)
    except ValueError as error:
        raise ConfigurationError(f"the source {source.name} cannot be used: {error}") from None


def missing(found: Experiment) -> list[str]:
    """Return what an experiment does not say of what a curve needs."""
    return [name for name in NEEDED if getattr(found, name) is None]


def complete_names() -> list[str]:
    """Return the names of the experiments that curves can be drawn for."""
    return [each.name for each in experiments() if not missing(each)]


def source_of(found: Experiment) -> Source:
    """Return the source of an experiment; a range of g² counts with its upper end.

    Raises
    ------
    ConfigurationError
        If the experiment does not say all that is needed.
    """
    return _source(found.name, found, {})


def parse_source(text: str) -> Source:
    """Return a source from ``NAME`` or ``NAME,key=value,…``.

    Raises
    ------
    ConfigurationError
        If there is no such experiment or key, or a value is impossible or missing.
    """
    name, *changes = text.split(",")
    changed = {}
    for change in changes:
        key, equals, value = (part.strip() for part in change.partition("="))
        if key not in SETTABLE or not equals:
            raise ConfigurationError(
                f"{change.strip()!r} in the source {text!r} cannot be set: write key=value with "
                f"one of {', '.join(SETTABLE)}"
            )
        try:
            changed[key] = float(value)
        except ValueError:
            raise ConfigurationError(
                f"{key} in the source {text!r} must be a number, not {value!r}"
            ) from None
    return _source(text, experiment(name.strip()), changed)


def _source(text: str, found: Experiment, changed: dict[str, float]) -> Source:
    values: dict[str, float | None] = {
        **{name: getattr(found, name) for name in SETTABLE},
        "g2": found.g2.high if found.g2 is not None else None,
        **changed,
    }
    lacking = [name for name in NEEDED if values[name] is None]
    if lacking:
        raise ConfigurationError(
            f"{found.name} does not say {', '.join(lacking)}: add {lacking[0]}=… to the source, or "
            f"choose one of {', '.join(complete_names())}"
        )
    others: dict[str, Any] = {
        name: value for name, value in values.items() if name not in NEEDED and value is not None
    }
    try:
        link = SinglePhotonLink(**{name: values[name] for name in NEEDED})  # type: ignore[arg-type]
        return Source(name=text, link=link, **others)
    except ValueError as error:
        raise ConfigurationError(f"the source {text!r} cannot be: {error}") from None
