"""The page's numbers in a terminal, for a session over ssh."""

import time
from itertools import pairwise, zip_longest

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hexkey.monitor.snapshot import G2View, GateView, Histogram, Snapshot

LEVELS = " ▁▂▃▄▅▆▇█"
LEAST_ROWS, MOST_ROWS = 3, 20  # of the histogram
AROUND_IT = 4  # a line above the histogram, its words, its gate and its axis
STALE_S = 3.0
NAME = 15  # characters, for the name of a number
TWO_COLUMNS = 72  # from this width on, short numbers stand beside each other
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SEVERITIES = {"critical": "bold white on red", "warning": "black on yellow"}


def render(
    snapshot: Snapshot, columns: int, rows: int, now_unix_s: float | None = None
) -> RenderableType:
    """Return a screen of a width and, as far as all the numbers fit, of a height."""
    now = time.time() if now_unix_s is None else now_unix_s
    parts: list[RenderableType] = [_title(snapshot, now)]
    if snapshot.message:
        parts.append(Text(f"{snapshot.message}.", "bold"))
    for alarm in snapshot.alarms:
        style = _SEVERITIES.get(alarm.severity, "reverse")
        age = _duration(max(0, now - alarm.since_unix_s))
        parts.append(Text(f" {alarm.severity.upper()} for {age}: {alarm.message}. ", style))
    parts += _numbers(snapshot, columns)
    if snapshot.histogram is not None:
        left = rows - len(Console(width=columns).render_lines(Group(*parts))) - AROUND_IT
        height = min(MOST_ROWS, max(LEAST_ROWS, left))
        parts.append(Text())
        parts += histogram_lines(snapshot.histogram, snapshot.gate, columns, height)
    return Group(*parts)


def histogram_lines(
    histogram: Histogram, gate: GateView | None, columns: int, rows: int
) -> list[Text]:
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
    heights = [round(count * rows * 8 / most) if most else 0 for count in counts]
    for row in reversed(range(rows)):
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
    """Return one line: what matters most stands first, and the board's name may be cut."""
    line = Text("hexkey  ", "bold", no_wrap=True, overflow="ellipsis")
    line.append(snapshot.state, "bold green" if snapshot.state == "receiving" else "bold red")
    line.append(f"  {_duration(snapshot.seconds)}  ")
    if now - snapshot.time_unix_s > STALE_S:
        line.append(f"no news for {_duration(now - snapshot.time_unix_s)}  ", "bold red")
    if not snapshot.makes_key:
        line.append("no session: the board alone is watched", "dim")
    elif snapshot.label == "secret":
        line.append("keys are secret", "bold")
    else:
        line.append(" DEMONSTRATION: keys are not secret ", "bold black on yellow")
    line.append(f"  {snapshot.board}", "dim")
    return line


def _numbers(snapshot: Snapshot, columns: int) -> list[RenderableType]:
    """Return short numbers two by two where there is room for that, and the long ones below."""
    every = [(f"{name:<{NAME}}", value) for name, value in numbers(snapshot)]
    half = columns // 2
    brief = [one for one in every if columns >= TWO_COLUMNS and len("".join(one)) < half]
    pairs = Table.grid()
    pairs.add_column(width=half)
    for two in zip_longest(brief[::2], brief[1::2]):
        pairs.add_row(*(Text.assemble((one[0], "dim"), one[1]) for one in two if one))
    rest = Table.grid()
    rest.add_column(width=NAME)
    for name, value in every:
        if (name, value) not in brief:
            rest.add_row(Text(name, "dim"), value)
    return [pairs, rest] if brief else [rest]


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
            rows.append(("last leak", f"{last.leak_bits:,}{limit} bit"))
        if snapshot.epsilon is not None:
            limit = f" of {power(snapshot.epsilon_limit)}" if snapshot.epsilon_limit else ""
            rows.append(("ε spent", power(snapshot.epsilon) + limit))
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


def power(value: float) -> str:
    """Return a small number as people write it: 5.8 × 10⁻⁹."""
    if not value:
        return "0"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}"


def _gate(gate: GateView) -> str:
    shown = _span(gate.start_ps, gate.width_ps)
    if gate.asked is not None:
        shown += f"; asked: {_span(*gate.asked)}, at the block's end"
    return shown


def _span(start_ps: float, width_ps: float) -> str:
    start, end = start_ps / 1000, (start_ps + width_ps) / 1000
    return f"{start:g} to {end:g} ns, {width_ps / 1000:g} ns wide"


def _g2(one: G2View) -> str:
    if one.value is None:
        return f"no coincidence yet; {one.verdict}"
    high = "∞" if one.high is None else f"{one.high:.3f}"
    shown = f"{one.value:.3f}, {one.low or 0:.3f} to {high}: {one.verdict}"
    return shown + (f", {_duration(one.needed_s)} still needed" if one.needed_s else "")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def _rate(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:,.0f} {unit}"


def _counts(counts: dict[str, int], before: str = "") -> str:
    return before * bool(counts) + ", ".join(
        f"{value:,} {name.replace('_', ' ')}" for name, value in counts.items() if value
    )
