"""The page's numbers in a terminal, for a session over ssh."""

import time
from itertools import pairwise

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hexkey.monitor.snapshot import G2View, GateView, Histogram, Snapshot

LEVELS = " ▁▂▃▄▅▆▇█"
ROWS = 8
STALE_S = 3.0
_SEVERITIES = {"critical": "bold white on red", "warning": "black on yellow"}


def render(snapshot: Snapshot, columns: int, now_unix_s: float | None = None) -> RenderableType:
    """Return a screen that is `columns` wide."""
    now = time.time() if now_unix_s is None else now_unix_s
    parts: list[RenderableType] = [_title(snapshot, now)]
    if snapshot.message:
        parts.append(Text(f"{snapshot.message}.", "bold"))
    for alarm in snapshot.alarms:
        style = _SEVERITIES.get(alarm.severity, "reverse")
        age = max(0, round(now - alarm.since_unix_s))
        parts.append(Text(f" {alarm.severity.upper()} for {age} s: {alarm.message}. ", style))
    parts.append(_numbers(snapshot))
    if snapshot.histogram is not None:
        parts.append(Text())
        parts += histogram_lines(snapshot.histogram, snapshot.gate, columns)
    return Group(*parts)


def histogram_lines(histogram: Histogram, gate: GateView | None, columns: int) -> list[Text]:
    """Return the arrivals as columns of blocks, the gate marked below them, and the axis."""
    bins = min(len(histogram.counts), max(10, columns - 2))
    counts = _merged(histogram.counts, bins)
    most = max(counts, default=0)
    step_ps = len(histogram.counts) * histogram.bin_ps / bins
    centres = [histogram.first_ps + (index + 0.5) * step_ps for index in range(bins)]
    inside = [gate is not None and _in_gate(at, gate, histogram.period_ps) for at in centres]
    bin_ns = histogram.bin_ps / 1000
    lines = [Text(f"arrivals, ungated; highest {most:,.0f} clicks in {bin_ns:.3g} ns")]
    # Eighths of a character, spread over the rows from the top down.
    heights = [round(count * ROWS * 8 / most) if most else 0 for count in counts]
    for row in reversed(range(ROWS)):
        line = Text()
        for height, gated in zip(heights, inside, strict=True):
            level = min(8, max(0, height - 8 * row))
            line.append(LEVELS[level], "bold cyan" if gated else "dim")
        lines.append(line)
    lines.append(Text("".join("▔" if gated else " " for gated in inside), "bold cyan"))
    last = f"{histogram.period_ps / 1000:g} ns"
    lines.append(Text("0 ns".ljust(bins - len(last)) + last))
    return lines


def _merged(counts: list[int], bins: int) -> list[float]:
    """Return the mean of the bins in each column: some columns hold one more than others."""
    edges = [-(-len(counts) * column // bins) for column in range(bins + 1)]
    return [sum(counts[low:high]) / (high - low) for low, high in pairwise(edges)]


def _in_gate(at_ps: float, gate: GateView, period_ps: float) -> bool:
    return (at_ps - gate.start_ps) % period_ps < gate.width_ps


def _title(snapshot: Snapshot, now: float) -> Text:
    line = Text(f"hexkey  {snapshot.board}  ", "bold")
    line.append(snapshot.state, "bold green" if snapshot.state == "receiving" else "bold red")
    line.append(f"  {snapshot.seconds:,.0f} s  ")
    if not snapshot.makes_key:
        line.append("no session: the board alone is watched", "dim")
    elif snapshot.label == "secret":
        line.append("keys are secret", "bold")
    else:
        line.append(" DEMONSTRATION: keys are not secret ", "bold black on yellow")
    if now - snapshot.time_unix_s > STALE_S:
        line.append(f"  no news for {now - snapshot.time_unix_s:.0f} s", "bold red")
    return line


def _numbers(snapshot: Snapshot) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in numbers(snapshot):
        table.add_row(Text(name, "dim"), value)
    return table


def numbers(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return what is known as names and values with units."""
    rows = []
    if snapshot.makes_key:
        qber = _percent(snapshot.qber)
        abort = f" (abort above {snapshot.qber_abort:.1%})" if snapshot.qber_abort else ""
        rows += [
            ("QBER", qber + abort),
            ("secret key", _rate(snapshot.secret_hz, "bit/s")),
            ("sifted", _rate(snapshot.sifted_hz, "bit/s")),
            (
                "blocks",
                f"{snapshot.blocks_ok:,} ok" + _counts(snapshot.blocks_dropped, "; dropped: "),
            ),
        ]
        if snapshot.blocks:
            last = snapshot.blocks[-1]
            limit = f" of at most {last.leak_limit_bits:,.0f}" if last.leak_limit_bits else ""
            rows.append(("leak of the last block", f"{last.leak_bits:,}{limit} bit"))
        if snapshot.epsilon is not None:
            limit = f" of {snapshot.epsilon_limit:.1e}" if snapshot.epsilon_limit else ""
            rows.append(("ε spent", f"{snapshot.epsilon:.1e}{limit}"))
    rows.append(("clicks", _rate(snapshot.clicks_hz, "/s")))
    rows.append(("events", _rate(snapshot.events_hz, "/s")))
    if snapshot.gate is not None:
        rows.append(("gate", _gate(snapshot.gate)))
    rows.append(("trigger", trigger_words(snapshot.trigger)))
    rows += [(f"g²(0) at {one.where}", _g2(one)) for one in snapshot.g2]
    if snapshot.keys:
        rows.append(("key store", _counts(snapshot.keys).strip()))
    rows.append(("lost", _counts(snapshot.losses).strip() or "nothing"))
    return rows


def trigger_words(trigger: dict[str, object]) -> str:
    """Return the trigger's state and the arrivals' centre in words."""
    if not trigger:
        return "–"
    words = "locked" if trigger.get("locked") else "not locked"
    for name in ("holdover", "no_trigger", "off_period"):
        if trigger.get(name):
            words += f", {name.replace('_', ' ')}"
    phase = trigger.get("phase_ps")
    return words + (
        f", arrivals centred at {phase / 1000:.3f} ns" if isinstance(phase, float) else ""
    )


def _gate(gate: GateView) -> str:
    shown = f"{gate.start_ps / 1000:g} ns + {gate.width_ps / 1000:g} ns"
    if gate.asked is not None:
        start, width = gate.asked
        shown += f" (asked: {start / 1000:g} ns + {width / 1000:g} ns, at the block's end)"
    return shown


def _g2(one: G2View) -> str:
    if one.value is None:
        return f"no coincidence yet; {one.verdict}"
    high = "∞" if one.high is None else f"{one.high:.3f}"
    shown = f"{one.value:.3f}, {one.low or 0:.3f} to {high}: {one.verdict}"
    return shown + (f", {one.needed_s:,.0f} s still needed" if one.needed_s else "")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def _rate(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:,.0f} {unit}"


def _counts(counts: dict[str, int], before: str = "") -> str:
    return before * bool(counts) + ", ".join(
        f"{value:,} {name.replace('_', ' ')}" for name, value in counts.items() if value
    )
