"""``hexkey capture``: what comes off the wire, into a file."""

from pathlib import Path
from typing import Annotated

import typer

from hexkey.cli import app
from hexkey.cli.display import Display
from hexkey.cli.options import JsonLinesOption


@app.command()
def capture(
    port: Annotated[str, typer.Argument(help="The board: a serial port, or tcp://HOST:PORT.")],
    out: Annotated[Path, typer.Argument(help="New recording to write (secret material).")],
    seconds: Annotated[float, typer.Option(help="Length of the recording in seconds.")] = 10.0,
    gate_start_ns: Annotated[float, typer.Option(help="Start of the gate, ns.")] = 0.5,
    gate_width_ns: Annotated[float, typer.Option(help="Width of the gate, ns.")] = 10.0,
    holdoff_pulses: Annotated[int, typer.Option(help="Pulses ignored after any click.")] = 2,
    json_lines: JsonLinesOption = False,
) -> None:
    """Record a board without a peer; distil it later with `hexkey distill OUT --record ...`.

    To record a live session with its public transcript, use `hexkey bob --record OUT`.
    """
    from hexkey.party.capture import record_wire

    with Display("capture", json_lines=json_lines) as display:
        facts = record_wire(
            port, out, seconds, gate_start_ns, gate_width_ns, holdoff_pulses, display
        )
    typer.echo(
        f"{out}: {facts['events']:,} events, {facts['sifted_bits']:,} sifted bits in "
        f"{seconds:g} s; {facts['lost']:,} events lost."
    )
