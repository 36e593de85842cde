"""How `hexkey board` shows what it found: tables on standard output."""

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from hexkey.cli.display import print_rows

if TYPE_CHECKING:
    from hexkey.diagnosis.registers import Held
    from hexkey.diagnosis.selftest import Check

VERDICTS = {True: "[green]pass[/green]", False: "[red]FAIL[/red]", None: "-"}


def show_state(facts: dict[str, Any]) -> None:
    """Print the facts of `hexkey.diagnosis.state.state_of`."""
    board, trigger, losses = facts["board"], facts["trigger"], facts["losses"]
    simulated = ", simulated" if board["simulated"] else ""
    print_rows(
        [
            ("board", f"{board['name']}, firmware {board['firmware']}{simulated}"),
            ("tagger", _tagger(board, facts["tables"])),
            ("trigger", _trigger(trigger)),
        ]
    )
    table = _table("input", "level", "rate", "", numbers=(2,))
    for name, seen in facts["inputs"].items():
        note = "stuck high" if seen["stuck_high"] else ""
        table.add_row(name, "high" if seen["level"] else "low", _rate(seen["rate_hz"]), note)
    _console().print(table)
    counts = ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in facts["counters"].items())
    lost = {**facts["live"], **facts["link"], "fifo_dropped": losses["fifo_dropped"]}
    lost.pop("marker_count")
    print_rows(
        [
            (f"in {facts['seconds']:.1f} s", counts),
            ("FIFO", f"{losses['fifo_level']:,} of {board['fifo_depth']:,} events waiting"),
            ("losses", _named(lost) or "none"),
            ("markers", f"{facts['live']['marker_count']:,}"),
        ]
        + [("problem", each) for each in facts["problems"]]
    )


def _tagger(board: dict[str, Any], tables: dict[str, Any] | None) -> str:
    clock = f"{board['clock_hz'] / 1e6:g} MHz, ticks of {board['tick_ps']} ps"
    if tables is None:
        return f"{clock}, no delay lines"
    if not tables["channels"]:
        return f"{clock}, {board['taps']} taps, not calibrated"
    made = min(table["made"] for table in tables["channels"].values())
    return f"{clock}, {board['taps']} taps, calibrated {made}"


def _trigger(trigger: dict[str, Any]) -> str:
    configured = f"configured {trigger['configured_period_ns']:g} ns"
    divided = f", divided by {trigger['divider']}" if trigger["divider"] > 1 else ""
    measured = trigger["measured_period_ns"]
    if measured is None:
        return f"{trigger['state'].replace('_', ' ')}; {configured}{divided}"
    rate = f"{trigger['measured_rate_hz'] / 1e6:.6f} MHz"
    return f"{trigger['state']}; {measured:.5f} ns ({rate}); {configured}{divided}"


def show_registers(held: "list[Held]") -> None:
    """Print registers and what they hold."""
    table = _table("address", "register", "value", "unit", "what it does", numbers=(2,))
    for each in held:
        value = "-" if each.value is None else f"{each.value}"
        address = f"0x{each.row.address + 16 * (each.channel or 0):02x}"
        table.add_row(address, each.name, value, each.row.unit, each.row.description)
    _console().print(table)


def show_lines(facts: dict[str, Any]) -> None:
    """Print what came of a calibration."""
    if facts["lines"]:
        table = _table(
            "line", "length", "tap", "widest", "DNL", "INL", "rms", "", numbers=range(1, 7)
        )
        for name, line in facts["lines"].items():
            if line.get("refused"):
                table.add_row(name, *[""] * 6, f"[red]refused[/red]: {line['refused']}")
                continue
            table.add_row(
                name,
                f"{line['length_ps'] / 1000:.2f} ns",
                f"{line['tap_ps']:.1f} ps",
                f"{line['widest_ps']:.0f} ps",
                f"{line['dnl']:.2f}",
                f"{line['inl_ps']:.0f} ps",
                f"{line['quantisation_ps']:.1f} ps",
                "",
            )
        _console().print(table)
    print_rows([("tables", facts["message"])])


def show_checks(checks: "list[Check]") -> None:
    """Print the table of a self-test, and the verdict."""
    table = _table("check", "", "found")
    for check in checks:
        table.add_row(check.name, VERDICTS[check.passed], check.detail)
    _console().print(table)
    failed = sum(check.passed is False for check in checks)
    verdict = "the board works" if not failed else f"{failed} check(s) FAILED"
    print_rows([("verdict", verdict)])


def show_g2(facts: dict[str, Any]) -> None:
    """Print coincidences by lag, as bars."""
    table = _table("lag", "coincidences", "", numbers=(0, 1))
    most = max([*facts["coincidences"].values(), 1])
    for lag, count in facts["coincidences"].items():
        table.add_row(f"{lag}", f"{count:,}", "█" * round(40 * count / most))
    _console().print(table)
    value = "-" if facts["g2"] is None else f"{facts['g2']:.4f} ± {facts['g2_error']:.4f}"
    first, second = facts["pair"]
    print_rows(
        [
            (f"detectors {first} and {second}", f"{facts['pulses']:,} pulses"),
            ("g² at lag 0", f"{value} against the mean of the other lags"),
        ]
    )


def _table(*heads: str, numbers: Any = ()) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, head in enumerate(heads):
        justify: Any = "right" if index in numbers else "left"
        table.add_column(head, justify=justify, overflow="fold")
    return table


def _console() -> Console:
    return Console(highlight=False)


def _rate(rate_hz: float) -> str:
    for unit, scale in (("MHz", 1e6), ("kHz", 1e3)):
        if rate_hz >= scale:
            return f"{rate_hz / scale:.3f} {unit}"
    return f"{rate_hz:.0f} Hz"


def _named(counts: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in counts.items() if n)
