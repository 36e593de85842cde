"""A board's state as facts, and as sentences about what is wrong with it."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from hexkey.board import Board
from hexkey.calibration import tables as files
from hexkey.calibration.procedure import channels_of, name_of, unit_of
from hexkey.receiver import stream_facts
from hexkey.wire import Counters, Frame, Identification, Kind, Status
from hexkey.wire.registers import PERIOD_FRACTION_BITS, TrackerState

LIVE = ("trigger_outliers", "trigger_missing", "tags_collided", "histogram_dropped", "marker_count")


@dataclass(frozen=True, slots=True)
class Watched:
    """What a board said in some time.

    Attributes
    ----------
    first, last : Counters
        At both ends of `seconds` of the board's own time.
    stuck : int
        Inputs that were high in every status.
    status : Status
        The last one.
    """

    seconds: float
    first: Counters
    last: Counters
    status: Status
    stuck: int

    def rate_hz(self, name: str) -> float:
        """Return how fast a counter grew."""
        return float(getattr(self.last, name) - getattr(self.first, name)) / self.seconds


COUNTERS_S = 0.1  # between two COUNTERS frames, by the board's clock


def watch(board: Board, seconds: float = 1.0) -> Watched | None:
    """Let the board run for some time; return what it said, None if that was too little.

    It works with the settings that it has, and its run is nobody's.
    """
    board.arm(secrets.randbelow(2**32 - 1) + 1)
    frames: list[Frame] = []
    deadline = time.monotonic() + 3 * seconds + 2
    wanted = round(seconds / COUNTERS_S) + 1
    while time.monotonic() < deadline:
        frames += board.frames(0.1)
        if sum(frame.header.kind is Kind.COUNTERS for frame in frames) >= wanted:
            break
    board.stop()
    counters = [Counters.decode(each.body) for each in frames if each.header.kind is Kind.COUNTERS]
    statuses = [Status.decode(each.body) for each in frames if each.header.kind is Kind.STATUS]
    if len(counters) < 2 or not statuses:
        return None
    stuck = 31
    for status in statuses[1:]:  # the first may tell of a time before
        stuck &= status.stuck
    passed = COUNTERS_S * (len(counters) - 1)
    return Watched(passed, counters[0], counters[-1], statuses[-1], stuck)


def state_of(board: Board, seconds: float = 1.0) -> dict[str, Any]:
    """Return what a board is, does and sees, as JSON-able facts; it is stopped afterwards."""
    ident = board.identification
    seen = watch(board, seconds)
    facts: dict[str, Any] = {
        "board": _identity(ident),
        "trigger": _trigger(board, ident),
        "tables": _tables(board),
        "live": {name: board.read(name) for name in LIVE},
        "link": stream_facts(board.statistics),
    }
    if seen is None:
        facts["problems"] = ["the board sends no counters: reset it"]
        return facts
    facts["inputs"] = {
        name_of(channel): {
            "level": seen.status.levels >> channel & 1,
            "stuck_high": bool(seen.stuck >> channel & 1),
            "rate_hz": _input_rate(seen, channel),
        }
        for channel in channels_of(ident)
    }
    facts["counters"] = {
        name: getattr(seen.last, name) - getattr(seen.first, name)
        for name in ("ignored_holdoff", "outside_gate", "repeats", "double_pulses", "events")
    }
    facts["losses"] = {
        "fifo_level": seen.status.fifo_level,
        "fifo_dropped": seen.last.fifo_dropped - seen.first.fifo_dropped,
        "tags_lost": seen.status.tags_lost,
        "bad_requests": seen.last.bad_requests,
    }
    facts["seconds"] = seen.seconds
    facts["problems"] = problems(facts, seen.status)
    return facts


def _identity(ident: Identification) -> dict[str, Any]:
    return {
        "name": ident.board,
        "firmware": ident.firmware,
        "simulated": ident.simulated,
        "detectors": ident.detectors,
        "clock_hz": ident.clock_hz,
        "tick_ps": str(ident.tick_ps),
        "taps": ident.taps,
        "fifo_depth": ident.fifo_depth,
    }


def _trigger(board: Board, ident: Identification) -> dict[str, Any]:
    tick_ns = float(ident.tick_ps) / 1000
    measured = board.read("trigger_period") / (1 << PERIOD_FRACTION_BITS)
    return {
        "state": TrackerState(board.read("tracker_state")).name.lower(),
        "configured_period_ns": ident.period_ticks * tick_ns,
        "measured_period_ns": measured * tick_ns if measured else None,
        "measured_rate_hz": 1e9 / (measured * tick_ns) if measured else None,
        "divider": board.read("trigger_divider"),
    }


def _tables(board: Board) -> dict[str, Any] | None:
    ident = board.identification
    if not ident.taps:
        return None
    path = files.path_of(ident, unit_of(board.name))
    if not path.exists():
        return {"file": str(path), "channels": {}}
    tables = files.load(path, ident)
    made = {
        name_of(channel): {"made": table.made, "tap_ps": table.tap_ps}
        for channel, table in sorted(tables.channels.items())
    }
    return {"file": str(path), "channels": made}


def _input_rate(seen: Watched, channel: int) -> float:
    names = ("clicks_0", "clicks_1", "clicks_2", "clicks_3", "triggers")
    return seen.rate_hz(names[channel])


def problems(facts: dict[str, Any], status: Status) -> list[str]:
    """Return what is wrong, a sentence each, the most likely cause of others first."""
    trigger = facts["trigger"]
    found = []
    if status.no_trigger or trigger["state"] == "no_trigger":
        found.append("no trigger: no edge comes at its input; check cable, level and edge")
    elif status.off_period:
        found.append(
            f"the trigger is not of the configured period of {trigger['configured_period_ns']:g} "
            f"ns (divided by {trigger['divider']}), or too fast: check source, divider and period"
        )
    elif not status.trigger_locked:
        found.append("the trigger is not locked: check that its edges are regular")
    elif status.holdover:
        found.append("edges of the trigger are missing, its pulses are predicted (holdover)")
    for name, seen in facts["inputs"].items():
        if seen["stuck_high"]:
            found.append(
                f"the input of {name} is stuck high: a detector that hangs there looks dark; check "
                "its level and its 50 ohm"
            )
    losses = facts["losses"]
    if losses["fifo_dropped"]:
        found.append(
            f"{losses['fifo_dropped']:,} events were lost in {facts['seconds']:.1f} s because the "
            "link was too slow for them"
        )
    if losses["tags_lost"]:
        found.append("clicks were lost before the FIFO: they came closer than the tagger can tell")
    if any(facts["link"].values()):
        lost = ", ".join(f"{count:,} {name}" for name, count in facts["link"].items() if count)
        found.append(f"the link damaged what it carried ({lost}): check the cable")
    if facts["tables"] is not None and not facts["tables"]["channels"]:
        found.append("the board is not calibrated: run `hexkey board calibrate`")
    return found
