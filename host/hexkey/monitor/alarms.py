"""What a person should look at, from what a run shows; with hysteresis, so that nothing flaps.

Rules are functions from a `View` to findings, looked at some times a second. `Alarms` raises a
finding that has held for a while, and clears an alarm whose finding has stayed away for a while.
docs/alarms.md has them for people.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hexkey.monitor.rates import Recent
from hexkey.monitor.snapshot import Alarm, BlockView, Snapshot

NAMES = (
    *("source", "saturated", "blinded", "phase", "trigger", "qber", "skew", "board", "link"),
    *("store", "epsilon"),
)
RISE_S = {"saturated": 2.0, "blinded": 1.0, "trigger": 0.3}  # others rise at once
FALL_S = 5.0
OF_A_SESSION = ("source", "qber", "skew", "link")  # what of these stays the matter rises anew
SATURATED_SHARE = 0.5  # of the time that a detector is blind, or of the clicks that hold-off drops
LEAST_CLICKS = 400  # of the other detectors, before one that is silent is missed
LEAST_SHARE = 0.05  # of the clicks: a detector that had fewer is not missed
PHASE_STEP_PS = 300.0
EPSILON_NEAR = 0.9
FEW_TAG_KEYS = 3.0  # reserves


@dataclass(frozen=True, slots=True)
class View:
    """A snapshot, and what alarms may look at but nobody is shown.

    Attributes
    ----------
    snapshot : Snapshot
        Without alarms.
    recent : Recent or None
        Counts of the last seconds.
    totals : tuple of int
        Clicks of each detector since the run began.
    stuck : int
        Inputs that stay high, as in `hexkey.wire.Status`.
    dead_time_ps : float
        Of the slowest detector; 0 if not known.
    moved_ps : float
        By how much the centre of the arrivals has moved.
    skew : str or None
        What was said of detectors that are not aligned.
    tag_keys, reserve : int or None
        Tag keys left to send with, and how many of those are kept.
    block_age_s, block_due_s : float or None
        Since the last block (or since blocks could begin), and when one is overdue.
    ended : str or None
        Why the run ended before its time.
    last : BlockView or None
        The session's last block: a block of an earlier one is not held against it.
    """

    snapshot: Snapshot
    recent: Recent | None = None
    totals: tuple[int, ...] = ()
    stuck: int = 0
    dead_time_ps: float = 0.0
    moved_ps: float = 0.0
    skew: str | None = None
    tag_keys: int | None = None
    reserve: int = 0
    block_age_s: float | None = None
    block_due_s: float | None = None
    ended: str | None = None
    last: BlockView | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """An alarm that could be."""

    name: str
    severity: str
    message: str


def findings(view: View) -> Iterator[Finding]:
    """Return all that is the matter now."""
    for rule in (_source, _detectors, _timing, _key, _supplies):
        yield from rule(view)


def _source(view: View) -> Iterator[Finding]:
    for one in view.snapshot.g2:
        if one.verdict == "degraded" and one.where == "alice":
            high = "anything" if one.high is None else f"as high as {one.high:.3g}"
            yield Finding(
                "source",
                "critical",
                f"g² at Alice's source may be {high}, above what her keys count on: look at the "
                "source, or count for longer, before making more key",
            )
        elif one.verdict == "degraded" and one.low is not None:
            yield Finding(
                "source",
                "warning",
                f"g² of Bob's clicks is at least {one.low:.3g}: compare it with Alice's, since "
                "stray light at Bob raises it, too",
            )
    if view.last is not None and view.last.dropped == "source":
        yield Finding(
            "source",
            "critical",
            "the last block was dropped for what was counted at Alice's source: look at the source",
        )


def _detectors(view: View) -> Iterator[Finding]:
    recent = view.recent
    if view.stuck & 15:
        yield Finding(
            "blinded",
            "critical",
            "a detector's input stays high: check its output stage, and whether bright light "
            "comes in",
        )
    if recent is None:
        return
    blind = max(recent.clicks) / recent.seconds * view.dead_time_ps * 1e-12
    held = recent.ignored_holdoff / max(1, sum(recent.clicks))
    if blind > SATURATED_SHARE or held > SATURATED_SHARE:
        yield Finding(
            "saturated",
            "critical",
            f"{held:.0%} of the clicks fall into hold-off and the busiest detector is blind for "
            f"{blind:.0%} of the time: attenuate the light, or look for light that is not Alice's",
        )
    silent = _silent(view.totals, recent)
    if silent is not None:
        which = "a detector" if view.snapshot.makes_key else f"detector {silent}"
        yield Finding(
            "blinded",
            "critical",
            f"{which} is silent while the others count: check its bias and its cable, and whether "
            "bright light blinds it",
        )


def _silent(totals: tuple[int, ...], recent: Recent) -> int | None:
    """Return a detector that used to count and does not, while the others do."""
    for detector, clicks in enumerate(recent.clicks):
        used_to = totals[detector] if detector < len(totals) else 0
        others = sum(recent.clicks) - clicks
        if not clicks and others >= LEAST_CLICKS and used_to > LEAST_SHARE * sum(totals):
            return detector
    return None


def _timing(view: View) -> Iterator[Finding]:
    if abs(view.moved_ps) > PHASE_STEP_PS:
        yield Finding(
            "phase",
            "critical",
            f"clicks arrive {view.moved_ps:+.0f} ps from where they did when the run began: check "
            "the trigger's cable and delay, or somebody shifts the light in time",
        )
    if view.skew is not None:
        yield Finding("skew", "critical", view.skew)
    trigger = view.snapshot.trigger
    if view.snapshot.state != "receiving" or not trigger:
        return
    if trigger.get("no_trigger"):
        yield Finding(
            "trigger", "critical", "no trigger arrives: check its cable, level and threshold"
        )
    elif trigger.get("off_period"):
        yield Finding(
            "trigger",
            "critical",
            "the trigger is not of the configured period: check pulse_rate_hz and trigger_divider",
        )
    elif not trigger.get("locked"):
        yield Finding(
            "trigger", "critical", "the board has not locked to the trigger: wait, or check it"
        )
    elif trigger.get("holdover"):
        yield Finding(
            "trigger",
            "warning",
            "edges of the trigger are missing and are predicted: check its cable and level",
        )


def _key(view: View) -> Iterator[Finding]:
    shown = view.snapshot
    last, limit = view.last, shown.qber_abort
    if last is not None and limit is not None:
        over = last.qber is not None and last.qber > limit
        if over or last.dropped == "qber":
            seen = "" if last.qber is None else f" of {last.qber:.2%}"
            yield Finding(
                "qber",
                "critical",
                f"the QBER{seen} is above the {limit:.2%} at which blocks are dropped: check the "
                "polarisation and the gate, or somebody listens",
            )
    if shown.epsilon is not None and shown.epsilon_limit:
        used = shown.epsilon / shown.epsilon_limit
        if used >= EPSILON_NEAR:
            yield Finding(
                "epsilon",
                "warning",
                f"{used:.0%} of the session's epsilon limit is used: the session will end; begin a "
                "new one once that is acceptable",
            )
    if view.block_due_s is not None and view.block_age_s is not None:
        if view.block_age_s > view.block_due_s:
            yield Finding(
                "link",
                "warning",
                f"no block has ended for {view.block_age_s:.0f} s, where one was due after "
                f"{view.block_due_s:.0f} s: check the count rate and the peer",
            )


def _supplies(view: View) -> Iterator[Finding]:
    if view.snapshot.state == "board gone":
        yield Finding("board", "critical", "the board is gone: check its cable and its power")
    elif view.ended is not None:
        yield Finding("link", "critical", f"the session ended: {view.ended}")
    if view.tag_keys is not None and view.tag_keys <= FEW_TAG_KEYS * view.reserve:
        yield Finding(
            "store",
            "critical" if view.tag_keys <= view.reserve else "warning",
            f"{view.tag_keys} tag keys are left to send with, {view.reserve} of them kept for "
            "settling: raise the refill, or create a new pair of stores",
        )


@dataclass(slots=True)
class _Course:
    """How a finding has been going."""

    began_s: float
    last_s: float
    finding: Finding
    alarm: Alarm | None = None


@dataclass(slots=True)
class Alarms:
    """The alarms of a run. One of each name: of several findings the first critical one."""

    _courses: dict[str, _Course] = field(default_factory=dict)

    def update(self, found: list[Finding], now_s: float, unix_s: float) -> tuple[Alarm, ...]:
        """Return the alarms at `now_s` (of a clock that does not go back)."""
        first: dict[str, Finding] = {}
        for one in sorted(found, key=lambda one: one.severity):  # "critical" before "warning"
            first.setdefault(one.name, one)
        for name, one in first.items():
            course = self._courses.setdefault(name, _Course(now_s, now_s, one))
            course.last_s, course.finding = now_s, one
        for name, course in list(self._courses.items()):
            self._follow(name, course, now_s, unix_s)
        raised = {name: course.alarm for name, course in self._courses.items() if course.alarm}
        return tuple(raised[name] for name in NAMES if name in raised)

    def forget(self, names: tuple[str, ...]) -> None:
        """Clear alarms at once, as if they had never been raised."""
        for name in names:
            self._courses.pop(name, None)

    def _follow(self, name: str, course: _Course, now_s: float, unix_s: float) -> None:
        away_s = now_s - course.last_s
        if course.alarm is None:
            if away_s > 0:
                del self._courses[name]  # it did not hold
            elif now_s - course.began_s >= RISE_S.get(name, 0.0):
                one = course.finding
                course.alarm = Alarm(name, one.severity, unix_s, one.message)
        elif away_s >= FALL_S:
            del self._courses[name]
        elif away_s == 0:
            one = course.finding
            course.alarm = replace(course.alarm, severity=one.severity, message=one.message)
