"""A board's state as facts, and as sentences about what is wrong with it."""

from typing import Any

from hexkey.board import Board
from hexkey.calibration import tables as files
from hexkey.calibration.procedure import channels_of, name_of, unit_of
from hexkey.diagnosis.run import Run, run_for
from hexkey.receiver import stream_facts
from hexkey.wire import Identification, Status
from hexkey.wire.registers import PERIOD_FRACTION_BITS, TrackerState

COUNTER_OF_CHANNEL = ("clicks_0", "clicks_1", "clicks_2", "clicks_3", "triggers")
LIVE = ("trigger_outliers", "trigger_missing", "tags_collided", "histogram_dropped", "marker_count")


def state_of(board: Board, seconds: float = 1.0) -> dict[str, Any]:
    """Return what a board is, does and sees, as JSON-able facts; it is stopped afterwards."""
    ident = board.identification
    seen = run_for(board, seconds)
    status = seen.statuses[-1]
    facts: dict[str, Any] = {
        "board": _identity(ident),
        "trigger": _trigger(board, ident),
        "tables": _tables(board),
        "live": {name: board.read(name) for name in LIVE},
        "link": stream_facts(board.statistics),
    }
    facts["inputs"] = {
        name_of(channel): {
            "level": status.levels >> channel & 1,
            "stuck_high": bool(_stuck(seen) >> channel & 1),
            "rate_hz": seen.rate_hz(COUNTER_OF_CHANNEL[channel]),
        }
        for channel in channels_of(ident)
    }
    facts["counters"] = {
        name: getattr(seen.total, name)
        for name in ("ignored_holdoff", "outside_gate", "repeats", "double_pulses", "events")
    }
    facts["losses"] = {
        "fifo_level": status.fifo_level,
        "fifo_dropped": seen.total.fifo_dropped,
        "tags_lost": any(each.tags_lost for each in seen.statuses),
        "bad_requests": seen.total.bad_requests,
    }
    facts["seconds"] = seen.seconds
    facts["problems"] = problems(facts, status)
    return facts


def _stuck(seen: Run) -> int:
    """Return the inputs that were high all the time."""
    stuck = 31
    for status in seen.statuses[1:]:  # the first may tell of a time before
        stuck &= status.stuck
    return stuck if len(seen.statuses) > 1 else 0


def _identity(ident: Identification) -> dict[str, Any]:
    return {
        "name": ident.board,
        "firmware": ident.firmware,
        "simulated": ident.simulated,
        "detectors": ident.detectors,
        "clock_hz": ident.clock_hz,
        "tick_ps": str(ident.tick_ps),
        "taps": ident.taps,
        "statistics": ident.statistics,
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
        name_of(channel): {
            "made": table.made,
            "refreshed": table.refreshed.made if table.refreshed else None,
            "tap_ps": table.current.tap_ps,
        }
        for channel, table in sorted(tables.channels.items())
    }
    return {"file": str(path), "channels": made}


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
