"""What a person sees while a role runs: a line that moves on a terminal, lines elsewhere."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from hexkey import logs
from hexkey.errors import HexkeyError

NAME_WIDTH = 22
MOVING = ("receiving", "density", "check", "coincidences", "tags")
"""Events that only move the line on a terminal."""

Event = dict[str, Any]


class Display:
    """Shows the events of a role.

    Parameters
    ----------
    role : str
        Stands before each line.
    json_lines : bool
        Write each event as JSON on standard output, for a program that watches.
    quiet : bool
        Show nothing (``--json`` prints the report alone).
    """

    def __init__(self, role: str, *, json_lines: bool = False, quiet: bool = False) -> None:
        self._role = role
        self._json_lines = json_lines
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None

    def __enter__(self) -> "Display":
        if not self._quiet and not self._json_lines and self._console.is_terminal:
            self._status = self._console.status(f"{self._role}: waiting")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, event: Event) -> None:
        logs.log_event(event)
        if self._json_lines:
            # One write a line: events come from more than one thread.
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()
        elif not self._quiet:
            self._show(event)

    def _show(self, event: Event) -> None:
        if event["event"] in MOVING:
            if self._status:
                self._status.update(f"{self._role}: {describe(event)}")
            return
        line = describe(event)
        if line:
            one_line = not self._console.is_terminal  # on one it is broken between words
            self._console.print(f"{self._role}: {line}", soft_wrap=one_line)


def describe(event: Event) -> str:
    """Return an event as a sentence, or nothing if it is not for people."""
    name = event["event"]
    if name == "receiving":
        return (
            f"{event['seconds']:.1f} s, {event['events']:,} events, "
            f"{event['sifted_bits']:,} {event['counted']}, {event['lost_events']:,} lost"
        )
    if name == "density":
        return f"measuring delay line {event['channel']}"
    if name == "check":
        return f"{event['name']}: {'FAILED' if event['passed'] is False else 'done'}"
    if name == "coincidences":
        return f"{event['pulses']:,} pulses compared"
    if name == "tags":
        return f"{event['seconds']:.1f} s, {event['tags']:,} tags"
    if name in ("tables", "tables-lost", "skew"):
        return str(event["message"])
    if name == "table-kept":
        return f"the table of the {event['channel']} stays as it is: {event['message']}"
    if name == "refresh-ended":
        return f"tables are not refreshed any more: {event['message']}"
    if name == "listening":
        return f"listening on {event['address']}"
    if name == "session":
        settled = event["settled"]
        opened = "session opened" + (f", {len(settled)} key(s) settled" if settled else "")
        kind = "secret" if event["label"] == "secret" else "for demonstration"
        return "\n".join(
            [
                f"{opened}; its keys are {kind}",
                *(f"    because {reason}" for reason in event["reasons"]),
                *(f"    assuming that {assumption}" for assumption in event["assumptions"]),
            ]
        )
    if name == "aligned":
        modulo = f" modulo {event['modulo']}" if event["modulo"] else ""
        return (
            f"pulse offset {event['offset']:,}{modulo} found from {event['disclosed_bits']} "
            f"disclosed bits (false match < {event['false_match_probability']:.0e})"
        )
    if name == "block":
        return (
            f"block {event['block']}: {event['sifted_bits']:,} sifted, QBER {event['qber']:.2%}, "
            f"{_test_basis(event['bb84'])}"
            f"{event['disclosed_bits']['reconcile']:,} disclosed to correct, "
            f"{event['secret_bits']:,} key bits"
        )
    if name == "corrected":
        return (
            f"{event['sifted_bits']:,} sifted, {event['errors']:,} errors ({event['qber']:.2%}), "
            f"{event['disclosed_bits']['reconcile']:,} disclosed to correct, "
            f"{event['disclosed_bits']['verify']:,} to verify"
        )
    if name == "dropped":
        return f"block {event['block']} dropped: {event['reason']}"
    if name == "failed":
        return f"session with {event['peer']} failed: {event['error']}"
    if name == "alarm":
        return f"ALARM ({event['severity']}), {event['name']}: {event['message']}"
    if name == "alarm-over":
        return f"the alarm {event['name']} is over"
    if name == "source-counting":
        return f"g² of the source is counted for {event['seconds']:g} s before peers are served"
    if name == "source-lost":
        return f"the source is not counted any more: {event['message']}"
    if name == "monitor":
        return f"the page is at {event['address']}"
    if name == "gate-asked":
        return (
            f"another gate was asked for: {event['width_ns']:g} ns from {event['start_ns']:g} ns; "
            "this session ends, and another begins with it"
        )
    if name == "gate-refused":
        return f"another gate was asked for, which cannot be: {event['message']}"
    if name == "epsilon-limit":
        return "the session's epsilon limit is reached: it ends here"
    return ""


def _test_basis(bb84: Event | None) -> str:
    if bb84 is None:
        return ""
    return f"in the test basis {bb84['test_qber']:.2%} of {bb84['test_bits']:,}, "


def print_report(report: Event, as_json: bool) -> None:
    """Print a report, as JSON or for people, on standard output."""
    if as_json:
        json.dump(report, sys.stdout, indent=2)
        print()
        return
    print_rows(summary(report))


def print_rows(rows: list[tuple[str, str]], width: int = NAME_WIDTH) -> None:
    """Print names and values; a terminal wraps values in their own column, nothing else does."""
    console = Console(highlight=False)
    if not console.is_terminal:
        for name, value in rows:
            console.print(f"  {name:<{width}}{value}", soft_wrap=True, markup=False)
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=width, style="dim")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(value))
    console.print(Padding(table, (0, 0, 0, 2)))


def require_key(report: Event) -> None:
    """Raise HexkeyError (exit code 1) with the reason if a report has no block that ended well."""
    if report["blocks"]["ok"]:
        return
    if dropped := report["blocks"]["dropped"]:
        why = ", ".join(f"{count} for {reason}" for reason, count in dropped.items())
        raise HexkeyError(f"no block made a key: dropped were {why}")
    raise HexkeyError(
        f"no block was filled: {report['unused_sifted_bits']:,} sifted bits are fewer than the "
        f"{report['parameters']['block_bits']:,} of a block; run longer or set block_bits lower"
    )


def summary(report: Event) -> list[tuple[str, str]]:
    """Return the lines of a report: a name and a value with its unit."""
    disclosed = report["disclosed_bits"]
    blocks = report["blocks"]
    dropped = ", ".join(f"{count} {why}" for why, count in blocks["dropped"].items())
    errors = "" if report["qber"] is None else f" ({report['errors']:,} errors)"
    lines = [
        ("sifted bits", f"{report['sifted_bits']:,} in {blocks['ok']} block(s)"),
        ("blocks dropped", dropped or "none"),
        ("QBER", "-" if report["qber"] is None else f"{report['qber']:.2%}{errors}"),
        (
            "disclosed bits",
            f"offset {disclosed['offset']:,}, estimate {disclosed['estimate']:,}, "
            f"reconcile {disclosed['reconcile']:,}, verify {disclosed['verify']:,}"
            + (f", outside the gate {disclosed['outside']:,}" if disclosed["outside"] else ""),
        ),
    ]
    if report["secret_bits"] is not None:
        auth, epsilon = report["auth_bits"], report["epsilon"]["total"]
        lines += [
            ("key bits", f"{report['secret_bits']:,}"),
            ("authentication bits", _authentication(auth, report["secret_bits"])),
            ("epsilon", f"{epsilon:.1e} in all"),
        ]
    if report.get("history"):
        lines.append(("rates", _rates(report)))
    if report.get("bb84"):
        lines += _bb84(report)
    if report.get("unused_sifted_bits"):
        what = "unused clicks" if report.get("bb84") else "unused sifted bits"
        lines.append((what, f"{report['unused_sifted_bits']:,}: no whole block"))
    if "equal" in report:
        what = "strings" if report["secret_bits"] is None else "keys"
        lines.append((f"{what} of both roles", "equal" if report["equal"] else "NOT equal"))
    if calibration := report.get("calibration"):
        lines.append(("delay lines", _delay_lines(calibration)))
    if skews := report.get("skew"):
        lines.append(("detectors' skew", "; ".join(map(_skew, skews))))
    losses = {name: count for name, count in report["losses"].items() if count}
    counts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in losses.items())
    lines.append(("counts", counts or "none"))
    lines.append(("label", report["label"]))
    lines += [
        ("  because" if i == 0 else "", f"- {why}") for i, why in enumerate(report["reasons"])
    ]
    lines += [
        ("assuming that" if i == 0 else "", f"- {what}")
        for i, what in enumerate(report.get("assumptions", ()))
    ]
    return lines


def _bb84(report: Event) -> list[tuple[str, str]]:
    """Return what BB84 has besides: bases, its test, and what the bounds have left."""
    found = report["bb84"]
    lines = [
        (
            "key basis",
            f"chosen with {found['alice_key_probability']:g} by Alice, with "
            f"{found['bob_key_probability']:g} at most by Bob's splitter",
        ),
        ("several photons", _source(found)),
    ]
    if found["clicks"]:
        lines.append(
            (
                "clicks",
                f"{found['clicks']:,}: {found['key_clicks']:,} in the key basis, "
                f"{found['test_clicks']:,} in the test basis, {found['cross_clicks']:,} in both",
            )
        )
    if found["test_bits"]:
        bounds = [block["bb84"]["phase_error_upper"] for block in report["history"]]
        lines += [
            (
                "test basis",
                f"QBER {found['test_qber']:.2%} of {found['test_bits']:,} bits "
                f"({found['test_errors']:,} errors), {found['test_ones_share']:.1%} of them ones",
            ),
            (
                "bounds",
                f"{found['single_lower']:,} bits at least of single photons, phase errors "
                f"{max(bounds):.2%} at most",
            ),
        ]
    if mismatch := report.get("mismatch"):
        ratio, limit = mismatch["efficiency_ratio"], mismatch["limit"]
        what = "not stated" if ratio is None else ratio
        what = f"{ratio:.3f}" if isinstance(ratio, float) else str(what)
        lines.append(("efficiencies", f"ratio of best to worst {what}, limit {limit:g}"))
    return lines


def _source(found: Event) -> str:
    if not found["source_epsilon"]:
        return "not bounded: no measurement of the source is stated"
    upper, epsilon = found["multiphoton_upper"], found["source_epsilon"]
    return f"in {upper:.2e} of the pulses at most; the chance that this is too low is {epsilon:.0e}"


def _skew(found: Event) -> str:
    first, second = found["detectors"]
    alarm = ": NOT aligned" if found["alarm"] else ""
    return f"{second} after {first} by {found['skew_ps']:.0f} ± {found['sigma_ps']:.0f} ps{alarm}"


def _authentication(auth: dict[str, int], secret_bits: int) -> str:
    said = f"{auth['used']:,} used, {auth['made']:,} made"
    if not auth["used"]:
        return said
    gain = (secret_bits + auth["made"]) / auth["used"]
    return f"{said}: {gain:.1f} secret bits out for each used"


def _delay_lines(calibration: Event) -> str:
    taps, growths = calibration["tap_ps"].values(), calibration["growth"].values()
    if not taps:
        return "no tables"
    kept = "".join(
        f"; {name} kept: {', '.join(why)}" for name, why in calibration["refused"].items()
    )
    return (
        f"mean tap {sum(taps) / len(taps):.2f} ps, {sum(growths) / len(growths):+.2%} since "
        f"calibrated; refreshed {calibration['refreshed']} table(s){kept}"
    )


def _rates(report: Event) -> str:
    """Return the rates over the blocks that ended well, per second of the link."""
    history = report["history"]
    seconds = sum(block["end_s"] - block["start_s"] for block in history)
    key = sum(block["secret_bits"] for block in history)
    f = report["efficiency"]
    efficiency = "-" if f is None else f"{f:.3f}"
    amplified = key + sum(block["refill_bits"] for block in history)
    return (
        f"{report['sifted_bits'] / seconds / 1000:.2f} kbit/s sifted, "
        f"{amplified / seconds / 1000:.2f} amplified, {key / seconds / 1000:.2f} key, in "
        f"{seconds:.1f} s of the link; correction f = {efficiency}"
    )
