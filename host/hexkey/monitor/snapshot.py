"""What a page, a terminal view, the metrics and `--json` show of a run: one value, made afresh.

Sums over detectors, disclosed numbers and where errors were corrected only (docs/security.md): a
snapshot may be shown while key is made.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Histogram:
    """Arrivals since the run began, ungated, summed over detectors."""

    first_ps: float
    bin_ps: float
    period_ps: float
    counts: list[int]


@dataclass(frozen=True, slots=True)
class GateView:
    """The gate as the board has it.

    `asked` is one that waits for the end of the block, `refused` why the last one that was asked
    for cannot be.
    """

    start_ps: float
    width_ps: float
    asked: tuple[float, float] | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class BlockView:
    """One block: what was disclosed of it, and what came of it."""

    block: int
    end_s: float
    sifted_bits: int
    qber: float | None
    secret_bits: int
    leak_bits: int
    leak_limit_bits: float | None
    dropped: str | None = None


@dataclass(frozen=True, slots=True)
class G2View:
    """g²(0) with its band, and what is still to be waited for.

    Attributes
    ----------
    where : str
        ``alice`` (in situ, carried over the authenticated channel) or ``bob`` (a diagnostic).
    value, low, high : float or None
        Estimate and confidence band.
    coincidences : int
        Within a pulse.
    needed_s : float or None
        Time until a verdict; 0 once there is one.
    verdict : str
        ``waiting``, ``single photons``, ``degraded``.
    """

    where: str
    value: float | None
    low: float | None
    high: float | None
    coincidences: int
    needed_s: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something a person should look at.

    Attributes
    ----------
    name : str
        ``source``, ``saturated``, ``blinded``, ``phase``, ``trigger``, ``qber``, ``skew``,
        ``board``, ``link``, ``store``, ``epsilon``.
    severity : str
        ``warning`` or ``critical``.
    since_unix_s : float
    message : str
        One sentence: what, and what to do.
    """

    name: str
    severity: str
    since_unix_s: float
    message: str


@dataclass(frozen=True, slots=True)
class MapView:
    """Maps of the gates, updated while the board's gate is open over the whole period.

    `sigma_qber` is one standard deviation; `disclosed` clicks are what the QBERs are of, with BB84
    those of the key basis that were compared. `unproven` tells that no proof stands behind the
    secret rates.
    """

    start_ns: list[float]
    width_ns: list[float]
    sifted_hz: list[list[float]]
    qber: list[list[float | None]]
    sigma_qber: list[list[float | None]]
    secret_hz: list[list[float]]
    seconds: float
    disclosed: int
    unproven: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment.

    Attributes
    ----------
    state : str
        ``starting``, ``receiving``, ``board gone``, ``ended``.
    makes_key : bool
        Whether a session runs; else the board alone is watched.
    label : str or None
        ``secret`` or ``demonstration``, of the session's keys.
    clicks_hz, events_hz : float or None
        Of all detectors, over the last seconds.
    losses : dict
        By cause, since the run began.
    trigger : dict
        ``locked``, ``holdover``, ``no_trigger``, ``off_period``: bool, and ``phase_ps``: the centre
        of the arrivals, or None.
    sifted_hz, secret_hz : float or None
        Over the blocks that are shown.
    keys : dict
        ``stored``, ``pending``: numbers of keys; ``bits``; empty without a store.
    control : bool
        Whether the page may change the gate.
    """

    time_unix_s: float
    state: str
    makes_key: bool
    seconds: float
    board: str
    protocol: str | None = None
    label: str | None = None
    message: str | None = None
    clicks_hz: float | None = None
    events_hz: float | None = None
    losses: dict[str, int] = field(default_factory=dict)
    trigger: dict[str, Any] = field(default_factory=dict)
    histogram: Histogram | None = None
    gate: GateView | None = None
    blocks: tuple[BlockView, ...] = ()
    blocks_ok: int = 0
    blocks_dropped: dict[str, int] = field(default_factory=dict)
    qber: float | None = None
    qber_abort: float | None = None
    sifted_hz: float | None = None
    secret_hz: float | None = None
    epsilon: float | None = None
    epsilon_limit: float | None = None
    g2: tuple[G2View, ...] = ()
    keys: dict[str, int] = field(default_factory=dict)
    alarms: tuple[Alarm, ...] = ()
    maps: MapView | None = None
    control: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON's types; None where a number is not finite, which JSON cannot say."""
        return {"schema": SCHEMA, **_finite(asdict(self))}


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return value
