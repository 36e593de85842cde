"""Settings of a role: one TOML file, the environment above it, the command line above both.

Keys carry their units (`gate_start_ns`), unknown keys are refused, and everything is checked once,
when it is read. Settings are plain frozen dataclasses, so code can take them from anywhere.
"""

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from hexkey.errors import ConfigurationError
from hexkey.events import DETECTORS
from hexkey.monitor.alarms import NAMES
from hexkey.session.parameters import SessionParameters
from hexkey.sift import BIT_OF_DETECTOR
from hexkey.sift_bb84 import DoubleClicks

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSettings:
    """Alarms (docs/alarms.md) that end the distillation of keys.

    Attributes
    ----------
    stop : tuple of str
        Their names: the block at hand makes no key, and the session ends.
    g2_limit : float
        Bob: what the g² of his own clicks is compared with, for people to see; 0 for nothing.
    """

    stop: tuple[str, ...] = ()
    g2_limit: float = 0.5

    def __post_init__(self) -> None:
        unknown = sorted(set(self.stop) - set(NAMES))
        if unknown:
            raise ConfigurationError(
                f"there is no alarm {unknown[0]!r} to stop for: choose of {', '.join(NAMES)}"
            )
        if self.g2_limit < 0:
            raise ConfigurationError(f"g2_limit must not be negative, as {self.g2_limit:g} is")


@dataclass(frozen=True, slots=True, kw_only=True)
class BobSettings:
    """Bob's side: the board, the gate, the peer, the store.

    Attributes
    ----------
    port : str
        The board: a serial port such as ``/dev/ttyUSB0``, or ``tcp://host:port``.
    peer : str
        Alice's address, ``host:port``.
    store : Path
        Bob's key store.
    seconds : float
        Length of the run; 0 for no end.
    gate_start_ns, gate_width_ns : float
        The gate of every detector, from the tracked trigger edge; half-open.
    holdoff_pulses : int
        Pulses in which every detector is ignored after any click.
    dead_time_ns : float
        The longest dead time of the detectors; a shorter hold-off is refused.
    delay_ns : tuple of float
        Skew correction of each detector.
    falling_edge : tuple of int
        For each detector: 1 if a click is a falling edge.
    trigger_divider : int
        Pulses of the source for each edge of the trigger.
    trigger_delay_ns : float
        Added to the time of every edge of the trigger.
    trigger_falling_edge : int
        1 if the trigger's edges are falling ones.
    loop_shift : int
        Each edge of the trigger corrects 2^-loop_shift of the tracker's error: higher is steadier,
        and slower to follow.
    holdover_ppm : float
        How far off the prediction may be while the trigger's edges are missing.
    bit_of_detector : tuple of int
        The B92 bit that a click of each detector stands for. (With BB84 detectors 0 and 1 are the
        key basis with bits 0 and 1, 2 and 3 the test basis.)
    baud : int
        Rate of a serial port.
    refresh_tables : int
        0 leaves the tables of the board's delay lines as they were when calibrated; 1 lets them
        follow the temperature while the board runs.
    key_basis_probability : float
        BB84: an upper bound of the share of the light that Bob's splitter sends into the key basis,
        1/2 or more.
    double_clicks : {"random", "discard"}
        BB84: both detectors of a basis clicked; discarding such pulses makes demonstrations.
    efficiency : tuple of float
        BB84: measured efficiencies of the four detectors for light that arrives at some time, in
        any unit, then for the next time, and so on across the gate; none if not measured, and then
        keys are demonstrations.
    efficiency_ratio_limit : float
        BB84: keys are demonstrations if at any of these times the best is better than the worst by
        more.
    untrusted_transmission : float
        B92: transmission between the source and the clicks that an attacker could replace, if
        known: 0 for unknown. Below 1 - 1/sqrt(2) B92 gives no secret at all, and the label says so.
    recording : Path or None
        Write a recording of wire and transcript here.
    figures : Path or None
        Write pictures into this folder.
    random_device : Path or None
        A hardware generator whose bytes are added to the operating system's.
    seed : int or None
        Make the session reproducible instead of secret.
    monitor : str
        Serve a page that shows the run here, ``host:port``; empty for none.
    monitor_token : str
        What the page's address needs to show; empty draws one. Prefer its variable to a file.
    control : int
        1 lets the page change the gate: the session then ends, and another begins.
    alarms : AlarmSettings
    """

    port: str
    peer: str
    store: Path
    seconds: float = 0.0
    gate_start_ns: float = 0.5
    gate_width_ns: float = 10.0
    holdoff_pulses: int = 2
    dead_time_ns: float = 24.0
    delay_ns: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    falling_edge: tuple[int, ...] = (0, 0, 0, 0)
    trigger_divider: int = 1
    trigger_delay_ns: float = 0.0
    trigger_falling_edge: int = 0
    loop_shift: int = 6
    holdover_ppm: float = 1.0
    bit_of_detector: tuple[int, ...] = BIT_OF_DETECTOR
    key_basis_probability: float = 0.5
    double_clicks: str = "random"
    efficiency: tuple[float, ...] = ()
    efficiency_ratio_limit: float = 1.05
    baud: int = 3_000_000
    refresh_tables: int = 1
    untrusted_transmission: float = 0.0
    recording: Path | None = None
    figures: Path | None = None
    random_device: Path | None = None
    seed: int | None = None
    monitor: str = ""
    monitor_token: str = field(default="", repr=False)
    control: int = 0
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    session: SessionParameters = field(default_factory=SessionParameters)

    def __post_init__(self) -> None:
        if self.control and not self.monitor:
            raise ConfigurationError("control needs monitor: say where the page is served")
        if self.control and self.recording:
            raise ConfigurationError(
                "control and recording exclude each other: a recording is of one session, and "
                "another gate begins another"
            )
        if self.seconds < 0:
            raise ConfigurationError(f"seconds must not be negative, as {self.seconds:g} is")
        if not 0 <= self.untrusted_transmission <= 1:
            raise ConfigurationError(
                f"untrusted_transmission must be from 0 to 1, not {self.untrusted_transmission:g}"
            )
        for name, values in (("delay_ns", self.delay_ns), ("falling_edge", self.falling_edge)):
            if len(values) != DETECTORS:
                raise ConfigurationError(
                    f"{name} must have {DETECTORS} values, one for each detector input, not "
                    f"{len(values)}"
                )
        if not {*self.falling_edge, self.trigger_falling_edge} <= {0, 1}:
            raise ConfigurationError("falling_edge and trigger_falling_edge are of 0 and 1")
        if self.refresh_tables not in (0, 1):
            raise ConfigurationError(f"refresh_tables must be 0 or 1, not {self.refresh_tables}")
        if self.holdover_ppm < 0:
            raise ConfigurationError(
                f"holdover_ppm must not be negative, as {self.holdover_ppm:g} is"
            )
        bits = self.bit_of_detector
        if not 1 <= len(bits) <= DETECTORS or not set(bits) <= {0, 1}:
            raise ConfigurationError(
                f"bit_of_detector must be one to {DETECTORS} values of 0 or 1, not {bits}"
            )
        self._check_bb84()
        _check_randomness(self.seed, self.random_device)

    @property
    def efficiency_ratio(self) -> float | None:
        """The best detector's efficiency over the worst's, at the worst time; None if unknown."""
        rows = [
            self.efficiency[i : i + DETECTORS] for i in range(0, len(self.efficiency), DETECTORS)
        ]
        ratios = [max(row) / min(row) if min(row) else math.inf for row in rows if max(row)]
        return max(ratios, default=None)

    def _check_bb84(self) -> None:
        if not 0.5 <= self.key_basis_probability < 1:
            raise ConfigurationError(
                "key_basis_probability must be from 0.5 to below 1, not "
                f"{self.key_basis_probability:g}: make the basis that gets more light the key's"
            )
        if self.double_clicks not in get_args(DoubleClicks):
            raise ConfigurationError(
                f"double_clicks must be {' or '.join(get_args(DoubleClicks))}, not "
                f"{self.double_clicks!r}"
            )
        if len(self.efficiency) % DETECTORS or min(self.efficiency, default=0.0) < 0:
            raise ConfigurationError(
                f"efficiency must have {DETECTORS} values for each time, one for each detector, "
                "none of them negative"
            )
        if not self.efficiency_ratio_limit >= 1:
            raise ConfigurationError(
                f"efficiency_ratio_limit must be at least 1, not {self.efficiency_ratio_limit:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """BB84: what was measured of Alice's source, inside her laboratory; all of it, or nothing.

    Attributes
    ----------
    mean_photons_upper, g2_upper : float
        Upper confidence bounds of the mean photon number of a pulse at her output, and of g2 (exact
        binomial, background not subtracted, over the whole period, normalised to long delays).
    epsilon : float
        Chance that one of the two is too low.
    """

    mean_photons_upper: float = 0.0
    g2_upper: float = 0.0
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        stated = (self.mean_photons_upper, self.g2_upper, self.epsilon)
        if min(stated) < 0 or (any(stated) and not all(stated)):
            raise ConfigurationError(
                "[source] has mean_photons_upper, g2_upper and epsilon, all of them above 0"
            )
        if self.multiphoton_upper >= 1 or self.epsilon >= 1:
            raise ConfigurationError("[source] gives probabilities of 1 or more")

    @property
    def measured(self) -> bool:
        return self.epsilon > 0

    @property
    def multiphoton_upper(self) -> float:
        """g2 μ²/2, an upper bound of the probability that a pulse has several photons."""
        return self.g2_upper * self.mean_photons_upper**2 / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMonitorSettings:
    """A second board, at Alice, that counts coincidences at a tap of her source.

    Attributes
    ----------
    port : str
        The board; empty where nothing is counted.
    seconds : float
        How long is counted for a verdict.
    g2_limit : float
        What the upper bound of g² must stay below for a block to make a key; 0 takes the
        ``g2_upper`` of ``[source]``, which it must not exceed.
    delay_ns : tuple of float
        Skew correction of each of the two detectors.
    trigger_divider : int
        Pulses of the source for each edge of the trigger.
    baud : int
        Rate of a serial port.
    """

    port: str = ""
    seconds: float = 60.0
    g2_limit: float = 0.0
    delay_ns: tuple[float, ...] = (0.0, 0.0)
    trigger_divider: int = 1
    baud: int = 3_000_000

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ConfigurationError(
                f"[source_monitor] seconds must be positive, not {self.seconds:g}"
            )
        if not 0 <= self.g2_limit < 1:
            raise ConfigurationError(
                f"[source_monitor] g2_limit must be from 0 to below 1, not {self.g2_limit:g}"
            )
        if len(self.delay_ns) != 2:
            raise ConfigurationError(
                "[source_monitor] delay_ns must have two values, one for each detector, not "
                f"{len(self.delay_ns)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AliceSettings:
    """Alice's side: her record, where she listens, the store.

    Attributes
    ----------
    alice_record : Path
        Her record of what was sent (docs/alice-record.md); it may still be growing.
    listen : str
        ``host:port`` to listen on; port 0 takes a free one and says which.
    store : Path
        Alice's key store.
    sessions : int
        Sessions to serve; 0 for no end.
    source : SourceSettings
        What is known of her source; BB84 counts pulses of several photons by it.
    source_monitor : SourceMonitorSettings
        A board that counts coincidences at her source while it runs.
    alarms : AlarmSettings
    random_device : Path or None
        A hardware generator whose bytes are added to the operating system's.
    seed : int or None
        Make the session reproducible instead of secret.
    """

    alice_record: Path
    listen: str = "127.0.0.1:7392"
    store: Path
    sessions: int = 0
    random_device: Path | None = None
    seed: int | None = None
    source: SourceSettings = field(default_factory=SourceSettings)
    source_monitor: SourceMonitorSettings = field(default_factory=SourceMonitorSettings)
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    session: SessionParameters = field(default_factory=SessionParameters)

    @property
    def g2_limit(self) -> float:
        """What the g² counted at the source must stay below; 0 where none is counted."""
        if not self.source_monitor.port:
            return 0.0
        return self.source_monitor.g2_limit or self.source.g2_upper

    def __post_init__(self) -> None:
        limit, stated = self.source_monitor.g2_limit, self.source.g2_upper
        if self.source_monitor.port and not 0 < self.g2_limit < 1:
            raise ConfigurationError(
                "[source_monitor] needs a g2_limit, or the g2_upper of [source], from 0 to below 1"
            )
        if stated and limit > stated:
            raise ConfigurationError(
                f"[source_monitor] g2_limit must be at most the g2_upper of [source], {stated:g}, "
                f"by which pulses of several photons are counted, not {limit:g}"
            )
        if self.sessions < 0:
            raise ConfigurationError(f"sessions must not be negative, as {self.sessions} is")
        _check_randomness(self.seed, self.random_device)


def _check_randomness(seed: int | None, device: Path | None) -> None:
    if seed is not None and seed < 0:
        raise ConfigurationError(f"seed must not be negative, as {seed} is")
    if seed is not None and device is not None:
        raise ConfigurationError(
            f"both seed and random_device {device} are given: choose one, the seed for runs that "
            "repeat, the device for keys"
        )


def load(
    kind: type[Settings],
    path: Path | None,
    overrides: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Build settings from a file, ``HEXKEY_<KEY>`` variables and overrides that are not None.

    Raises
    ------
    ConfigurationError
        An unknown or missing key, or a value of the wrong type; the sentence names both.
    """
    found = _from_file(path) if path else {}
    every = fields(kind)  # type: ignore[arg-type]
    refuse_unknown(found, {each.name for each in every}, f"configuration {path}")
    for name in (each.name for each in every if not is_dataclass(each.type)):
        text = (os.environ if environment is None else environment).get(f"HEXKEY_{name.upper()}")
        if text is not None:
            found[name] = text
    found.update({name: value for name, value in overrides.items() if value is not None})
    return _build(kind, found, str(path or "the command line"))


def refuse_unknown(found: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(found) - known)
    if unknown:
        raise ConfigurationError(
            f"{where} has the unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}"
        )


def _from_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(f"configuration {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"configuration {path} is not TOML: {error}") from None


def _build(kind: type[Settings], found: dict[str, Any], where: str) -> Settings:
    every = fields(kind)  # type: ignore[arg-type]
    values = {
        each.name: _convert(each, found[each.name], where) for each in every if each.name in found
    }
    for each in every:
        required = each.default is MISSING and each.default_factory is MISSING
        if required and each.name not in values:
            raise ConfigurationError(
                f"the setting {each.name!r} is missing; give it in {where}, as "
                f"HEXKEY_{each.name.upper()} or as an option"
            )
    return kind(**values)


def _convert(each: "Field[Any]", value: Any, where: str) -> Any:
    if is_dataclass(each.type) and isinstance(value, dict):
        refuse_unknown(
            value, {part.name for part in fields(each.type)}, f"[{each.name}] in {where}"
        )
        return _build(each.type, value, f"[{each.name}] in {where}")  # type: ignore[arg-type]
    try:
        return _scalar(str(each.type), value)
    except (OverflowError, TypeError, ValueError):
        shown = repr(value) if each.repr else "what it is"  # a secret stays out
        raise ConfigurationError(
            f"the setting {each.name!r} in {where} must be {_name(each.type)}, not {shown}"
        ) from None


def _scalar(kind: str, value: Any) -> Any:
    if "Path" in kind:
        return Path(value)
    if kind.startswith("tuple"):
        parts = value.split(",") if isinstance(value, str) else value
        if "str" in kind:
            return tuple(_scalar("<class 'str'>", part) for part in parts)
        number = int if "int" in kind else _finite
        return tuple(number(part) for part in parts)
    if "int" in kind:
        if isinstance(value, bool) or (isinstance(value, float) and value != int(value)):
            raise ValueError
        return int(value)
    if "float" in kind:
        return _finite(value)
    if kind != "<class 'str'>" or not isinstance(value, str):
        raise TypeError
    return value


def _finite(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError
    return number


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", None) or str(kind)
