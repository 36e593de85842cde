"""``hexkey tune``: which gate a recording would have liked best."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from hexkey.cli import app
from hexkey.cli.options import JsonOption
from hexkey.cli.tagger_options import (
    DeadTimeOption,
    DelayOption,
    DetectorsOption,
    HoldoffOption,
    PulseRateOption,
    TriggerChannelOption,
    TriggerDividerOption,
    tagger_of,
)
from hexkey.errors import ConfigurationError, HexkeyError, InputError

if TYPE_CHECKING:
    from hexkey.maps.bb84 import Stated
    from hexkey.maps.recorded import MakeWindows, RecordedCounts
    from hexkey.maps.report import Tuning


@app.command("tune")
def tune_gate(
    recording: Annotated[
        Path,
        typer.Argument(help="A recording, best of the whole period, or a time tagger's file."),
    ],
    alice_record: Annotated[Path, typer.Option("--alice", help="Alice's record of the same run.")],
    start_ns: Annotated[
        str, typer.Option(help="Starts t0 of the gates, ns: FIRST:LAST:STEP, or one number.")
    ] = "0:4:0.1",
    width_ns: Annotated[
        str, typer.Option(help="Widths Δt of the gates, ns: FIRST:LAST:STEP, or one number.")
    ] = "3:12:0.1",
    protocol: Annotated[
        str | None,
        typer.Option(
            help="b92 (the paper's equations, no proof), b92-certified (endless) or bb84; if not "
            "given, b92 or bb84, as the recording is."
        ),
    ] = None,
    untrusted_transmission: Annotated[
        float, typer.Option(help="For b92-certified: transmission an attacker could replace.")
    ] = 0.0,
    alice_config: Annotated[
        Path | None,
        typer.Option(help="For bb84: Alice's configuration, for what \\[source] states."),
    ] = None,
    bob_config: Annotated[
        Path | None,
        typer.Option(
            help="For bb84: Bob's configuration, for splitter, double clicks and \\[session]."
        ),
    ] = None,
    block_seconds: Annotated[
        float | None,
        typer.Option(
            help="Seconds of the link in a block of the secret rate; if not given, 1 with B92, and "
            "with BB84 what the session's block takes in the recorded gate."
        ),
    ] = None,
    best: Annotated[int, typer.Option(min=1, help="How many of the best gates to list.")] = 5,
    write: Annotated[
        Path | None, typer.Option(help="Put the best gate into this configuration of Bob's.")
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="Put the best gate onto the board at this port.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the maps into this file (.png, .pdf or .svg).")
    ] = None,
    detectors: DetectorsOption = None,
    trigger_channel: TriggerChannelOption = None,
    trigger_divider: TriggerDividerOption = None,
    pulse_rate_hz: PulseRateOption = None,
    delay_ns: DelayOption = None,
    holdoff_pulses: HoldoffOption = None,
    dead_time_ns: DeadTimeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sifted rate, QBER and secret rate of every gate, and the best gate with its uncertainty.

    Counts are exact: those of `hexkey distill`, had the gate been that one. A recording knows only
    what passed the board's own gate, so record the whole period for this:

    hexkey capture PORT run.recording --gate-start-ns 0 --gate-width-ns 25

    Example: hexkey tune run.recording --alice alice.record --plot map.png --write bob.toml
    """
    from hexkey.maps.grid import parse_grid, windows_in_ticks
    from hexkey.maps.picture import draw_map, require_picture
    from hexkey.maps.report import tune
    from hexkey.maps.stated import stated_in

    if plot is not None:
        require_picture(plot)
    starts = parse_grid(start_ns, "--start-ns")
    widths = parse_grid(width_ns, "--width-ns")
    wiring = {
        "channels": detectors,
        "trigger_channel": trigger_channel,
        "trigger_divider": trigger_divider,
        "pulse_rate_hz": pulse_rate_hz,
        "delay_ns": delay_ns,
        "holdoff_pulses": holdoff_pulses,
        "dead_time_ns": dead_time_ns,
    }
    stated = None
    if alice_config is not None or bob_config is not None:
        stated = stated_in(alice_config, bob_config)
    make_windows = partial(windows_in_ticks, starts, widths)
    with Console(stderr=True, highlight=False).status(f"tuning {recording}"):
        found = _count(recording, alice_record, make_windows, wiring, stated)
        tuning = tune(found, protocol, block_seconds, best, untrusted_transmission)
        if plot is not None:
            title = f"{recording.name}: {found.seconds:.1f} s of the link"
            alike = None if tuning.optimum is None else tuning.optimum.alike
            draw_map(tuning.rates, found.clicks, plot, title, secret=tuning.secret, alike=alike)
    if not as_json:
        _print(tuning)
    written = _put(tuning, write, port)
    if as_json:
        typer.echo(json.dumps({**tuning.report(), "written": written}))
        return
    for line in written:
        typer.echo(
            f"{line['where']} has the gate now: {line['start_ns']:g} ns for "
            f"{line['width_ns']:g} ns."
        )
    for damage in found.damage:
        typer.echo(f"hexkey: {recording}: {damage}.", err=True)
    if plot is not None:
        typer.echo(plot)


def _count(
    path: Path,
    alice_record: Path,
    windows: "MakeWindows",
    wiring: dict[str, Any],
    stated: "Stated | None",
) -> "RecordedCounts":
    from hexkey.maps.recorded import count_recording, count_tags
    from hexkey.recording import is_recording
    from hexkey.tags import open_tags

    try:
        recorded = is_recording(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if not recorded:
        return count_tags(open_tags(path), tagger_of(wiring), alice_record, windows, stated)
    if any(value is not None for value in wiring.values()):
        raise ConfigurationError(
            f"{path} says itself how it was recorded: leave the options of a tagger's file away"
        )
    return count_recording(path, alice_record, windows, stated)


def _put(tuning: "Tuning", write: Path | None, port: str | None) -> list[dict[str, Any]]:
    """Put the best gate where it was asked for; return what was done."""
    from hexkey.party.gate_setting import write_to_board, write_to_configuration

    if write is None and port is None:
        return []
    if not tuning.has_key:
        raise HexkeyError("no gate of the grid gives a key: nothing was written")
    gate = tuning.best[0]
    at = {"start_ns": gate["start_ns"], "width_ns": gate["width_ns"]}
    done: list[dict[str, Any]] = []
    if write is not None:
        write_to_configuration(write, **at)
        done.append({"where": str(write), **at})
    if port is not None:
        held = write_to_board(port, **at)
        done.append({"where": f"the board at {port}", **at, "registers": held})
    return done


def _print(tuning: "Tuning") -> None:
    found, rates = tuning.found, tuning.rates
    out = Console(highlight=False)
    out.soft_wrap = not out.is_terminal  # on one, lines are broken between words
    out.print(
        f"{rates.qber.size:,} gates, {int(found.clicks.sum()):,} events in {found.seconds:.1f} s "
        f"of the link; blocks of {rates.block_s:.3g} s"
    )
    out.print(_table(tuning))
    for sentence in (*_certainty(tuning), *tuning.sentences):
        out.print(sentence)
    if found.short_epochs:
        out.print(f"{found.short_epochs} epoch(s) were too short to be found in Alice's record.")
    if found.unknown_pulses:
        out.print(f"{found.unknown_pulses:,} events lie outside Alice's record and were left out.")


def _certainty(tuning: "Tuning") -> list[str]:
    lines = []
    optimum = tuning.optimum
    if optimum is not None:
        said = optimum.facts(tuning.rates.start_ns, tuning.rates.width_ns)
        (first, last), (least, most) = said["alike_start_ns"], said["alike_width_ns"]
        lines.append(
            f"Best: t0 = {said['start_ns']:g} ns, Δt = {said['width_ns']:g} ns, "
            f"{optimum.secret_hz:,.0f} ± {optimum.sigma_hz:,.0f} bit/s; chosen by one half of the "
            f"data, {optimum.held_out_hz:,.0f} bit/s in the other."
        )
        lines.append(
            f"Within two standard deviations of it, itself included: {said['alike_gates']:,} "
            f"gate(s), t0 from {first:g} to {last:g} ns, Δt from {least:g} to {most:g} ns."
        )
    elif tuning.has_key:
        lines.append("The recording is too short to say how sure the best gate is.")
    if tuning.at_the_edge:
        lines.append(
            "The best gate is at the edge of the grid: beyond it there may be a better one."
        )
    return lines


def _table(tuning: "Tuning") -> Table:
    table = Table(title="best gates", title_justify="left")
    columns = [
        ("t0, ns", "start_ns", "{:g}"),
        ("Δt, ns", "width_ns", "{:g}"),
        ("sifted, bit/s", "sifted_hz", "{:,.0f}"),
        ("QBER", "qber", "{:.2%}"),
    ]
    if tuning.protocol == "bb84":
        columns.append(("test", "test_qber", "{:.2%}"))
        columns.append(("phase ≤", "phase_error_upper", "{:.2%}"))
    columns.append(("secret, bit/s", "secret_hz", "{:,.0f}"))
    if tuning.protocol == "b92":
        columns.append(("with union bound", "union_secret_hz_unproven", "{:,.0f}"))
    for name, _, _ in columns:
        table.add_column(name, justify="right")
    for gate in tuning.best:
        values = [(gate[key], text) for _, key, text in columns]
        table.add_row(*("-" if value is None else text.format(value) for value, text in values))
    return table
