"""``hexkey capture``: what comes off the wire, and what is said about it, into a file."""

from pathlib import Path
from typing import Annotated

import typer

from hexkey.cli import app
from hexkey.cli.display import Display
from hexkey.cli.interrupt import stop_on_signal
from hexkey.cli.options import JsonLinesOption, NoRefreshOption, StoreOption
from hexkey.cli.roles import run_to_the_end
from hexkey.config import BobSettings
from hexkey.errors import ConfigurationError


@app.command()
def capture(
    port: Annotated[str, typer.Argument(help="The board: a serial port, or tcp://HOST:PORT.")],
    out: Annotated[Path, typer.Argument(help="New recording to write (secret material).")],
    seconds: Annotated[
        float, typer.Option(min=0.01, help="Length of the recording in seconds.")
    ] = 10.0,
    gate_start_ns: Annotated[float, typer.Option(help="Start of the gate, ns.")] = 0.5,
    gate_width_ns: Annotated[float, typer.Option(help="Width of the gate, ns.")] = 10.0,
    holdoff_pulses: Annotated[int, typer.Option(help="Pulses ignored after any click.")] = 2,
    peer: Annotated[
        str | None, typer.Option(help="Alice's address: record a session with her, too.")
    ] = None,
    store: StoreOption = None,
    no_refresh: NoRefreshOption = False,
    json_lines: JsonLinesOption = False,
) -> None:
    """Record a board; with --peer and --store, the session and its public transcript as well.

    Distil it later: `hexkey distill OUT` gives a recorded session's keys once more,
    `hexkey distill OUT --record alice.record` makes fresh ones.

    Example: hexkey capture /dev/ttyUSB0 run.recording --seconds 60
    """
    if (peer is None) != (store is None):
        raise ConfigurationError("--peer and --store go together: a session needs both")
    if peer is not None and store is not None:
        settings = BobSettings(
            port=port,
            peer=peer,
            store=store,
            seconds=seconds,
            gate_start_ns=gate_start_ns,
            gate_width_ns=gate_width_ns,
            holdoff_pulses=holdoff_pulses,
            recording=out,
            refresh_tables=int(not no_refresh),
        )
        run_to_the_end(settings, as_json=False, json_lines=json_lines)
        return
    from hexkey.party.capture import record_wire

    with stop_on_signal() as stop, Display("capture", json_lines=json_lines) as display:
        facts = record_wire(
            port,
            out,
            seconds,
            gate_start_ns,
            gate_width_ns,
            holdoff_pulses,
            display,
            stop,
            refresh=not no_refresh,
        )
        display({"event": "report", "report": facts})
    if json_lines:
        return
    typer.echo(
        f"{out}: {facts['events']:,} events, {facts['sifted_bits']:,} sifted bits; "
        f"{facts['lost']:,} events lost."
    )
