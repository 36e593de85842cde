"""What is shown of a run's parts: of a receiver, of a source that is counted, of a block."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hexkey.measure.g2_counts import g2_band
from hexkey.monitor.snapshot import BlockView, G2View, Histogram
from hexkey.receiver import Receiver
from hexkey.session.source import CONFIDENCE, SourceCounts, judge
from hexkey.wire import LAGS

LEAST_EXPECTED = 20  # coincidences that light at the limit would show: fewer say nothing at Bob


@dataclass(frozen=True, slots=True)
class About:
    """What of a run does not change.

    Attributes
    ----------
    board : str
        The board's name; empty at Alice.
    protocol : str or None
        Of the session, or of Alice's record that maps are made with; None if it is not known.
    tick_ps, period_ps : float
    dead_time_ps : float
        Of the slowest detector; 0 if not known.
    qber_abort, epsilon_limit : float or None
    block_bits : int
        Of the session; 0 without one.
    g2_limit : float
        What g² is judged against; 0 shows no diagnostic of Bob's own clicks.
    control : bool
        Whether who watches may change the gate.
    """

    board: str
    protocol: str | None = None
    tick_ps: float = 1.0
    period_ps: float = 0.0
    dead_time_ps: float = 0.0
    qber_abort: float | None = None
    epsilon_limit: float | None = None
    block_bits: int = 0
    g2_limit: float = 0.0
    control: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a receiver is shown, and what alarms may look at."""

    histogram: Histogram | None = None
    lost: dict[str, int] = field(default_factory=dict)  # in this run
    losses: dict[str, int] = field(default_factory=dict)  # with those since the board was opened
    trigger: dict[str, bool] = field(default_factory=dict)
    totals: tuple[int, ...] = ()
    stuck: int = 0
    g2: G2View | None = None

    @staticmethod
    def of(receiver: Receiver, losses: Mapping[str, int], about: About) -> "Seen":
        histogram, status, counts = receiver.histogram, receiver.status, receiver.counts
        counters = receiver.counters
        lost = {
            # The board's own gate, and with maps the host's behind it.
            "outside_gate": counts.outside_gate + (counters.outside_gate if counters else 0),
            "holdoff": counters.ignored_holdoff if counters else 0,
            "repeats": counters.repeats if counters else counts.repeats,
            "double_pulses": counts.double_pulses,
            "board": counts.board_lost,
            "trigger_losses": counts.trigger_losses,
        }
        return Seen(
            None
            if histogram is None
            else Histogram(
                histogram[0] * about.tick_ps,
                histogram[1] * about.tick_ps,
                about.period_ps,
                histogram[2].tolist(),
            ),
            lost,
            {**lost, **losses},
            {}
            if status is None
            else {
                "locked": status.trigger_locked,
                "holdover": status.holdover,
                "no_trigger": status.no_trigger,
                "off_period": status.off_period,
            },
            counters.clicks if counters else (),
            status.stuck if status else 0,
            _bobs_g2(receiver, about),
        )


def _bobs_g2(receiver: Receiver, about: About) -> G2View | None:
    """Return g² of Bob's own clicks: a diagnostic, since Eve may have stripped photons on the way.

    None with B92, where the two detectors see different states of polarisation: what they count
    together is their error rate.
    """
    if receiver.g2 is None or not about.g2_limit or about.protocol == "b92":
        return None
    counts = receiver.g2.coincidences
    within = int(counts[-LAGS[0]])
    others, lags = int(counts.sum()) - within, len(LAGS) - 1
    if not others:
        return G2View("bob", None, None, None, within, None, "waiting")
    band = g2_band(within, others, lags, CONFIDENCE)
    expected = about.g2_limit * others / lags
    seconds = receiver.g2.pulses * about.period_ps * 1e-12
    needed_s = max(0.0, seconds * (LEAST_EXPECTED / expected - 1))
    verdict = "waiting"
    if not needed_s and band.low > about.g2_limit:
        verdict = "degraded"
    elif not needed_s and band.high <= about.g2_limit:
        verdict = "single photons"
    return G2View("bob", band.value, band.low, band.high, within, needed_s, verdict)


def source_view(counts: SourceCounts, limit: float) -> G2View:
    found = judge(counts, limit)
    band = found.value, found.low, found.high
    return G2View("alice", *band, counts.coincidences, found.needed_s, found.word)


def covers(histogram: Histogram) -> bool:
    reach_ps = histogram.bin_ps * len(histogram.counts)
    return abs(reach_ps - histogram.period_ps) <= histogram.bin_ps


def good_block(event: Mapping[str, Any], end_s: float) -> BlockView:
    """A block that made a key: with a leak larger by the key and the refill it would not have."""
    disclosed = event["disclosed_bits"]
    leak = disclosed["reconcile"] + disclosed["verify"]
    return BlockView(
        event["block"],
        end_s,
        event["sifted_bits"],
        event["qber"],
        event["secret_bits"],
        leak,
        leak + event["secret_bits"] + event["refill_bits"],
    )


def bad_block(event: Mapping[str, Any], end_s: float, block_bits: int) -> BlockView:
    return BlockView(
        event["block"], end_s, block_bits, event.get("qber"), 0, 0, None, event["reason"]
    )
