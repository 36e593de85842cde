"""``hexkey alice`` and ``hexkey bob``: the live roles."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hexkey.cli import app
from hexkey.cli.display import Display, print_report, require_key
from hexkey.cli.interrupt import stop_on_signal
from hexkey.cli.options import (
    BlockOption,
    ConfigOption,
    JsonLinesOption,
    JsonOption,
    MapsOption,
    NoRefreshOption,
    SeedOption,
    StoreOption,
)
from hexkey.config import AliceSettings, BobSettings, load
from hexkey.memory import keep_freed
from hexkey.session.parameters import SessionParameters


@app.command()
def alice(
    alice_record: Annotated[
        Path | None, typer.Option("--record", help="Alice's record of the bits she sent.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option(help="Address to listen on, HOST:PORT; port 0 takes a free one.")
    ] = None,
    store: StoreOption = None,
    sessions: Annotated[
        int | None, typer.Option(help="End after this many sessions; 0 serves for ever.")
    ] = None,
    block_bits: BlockOption = None,
    maps: MapsOption = False,
    seed: SeedOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    json_lines: JsonLinesOption = False,
) -> None:
    """Serve Alice's side: answer Bob from her record, and store the keys.

    Example: hexkey alice --record alice.record --store alice.store --listen 127.0.0.1:7392
    """
    from hexkey.party.alice import serve

    keep_freed()
    settings = load(
        AliceSettings,
        config,
        {
            "alice_record": alice_record,
            "listen": listen,
            "store": store,
            "sessions": sessions,
            "seed": seed,
        },
    )
    session = with_options(settings.session, block_bits, maps=maps)
    settings = replace(settings, session=session)
    with Display("alice", json_lines=json_lines, quiet=as_json) as display:
        reports = serve(settings, display)
    if as_json:
        for report in reports:
            print_report(report, as_json=True)


@app.command()
def bob(
    port: Annotated[
        str | None, typer.Option(help="The board: a serial port, or tcp://HOST:PORT.")
    ] = None,
    peer: Annotated[str | None, typer.Option(help="Alice's address, HOST:PORT.")] = None,
    store: StoreOption = None,
    seconds: Annotated[
        float | None, typer.Option(help="Length of the run in seconds; 0 runs until interrupted.")
    ] = None,
    gate_start_ns: Annotated[
        float | None, typer.Option(help="Start of the gate after the trigger, ns.")
    ] = None,
    gate_width_ns: Annotated[float | None, typer.Option(help="Width of the gate, ns.")] = None,
    holdoff_pulses: Annotated[
        int | None, typer.Option(help="Pulses ignored after any click.")
    ] = None,
    untrusted_transmission: Annotated[
        float | None,
        typer.Option(help="Transmission an attacker could replace, 0 to 1, if known."),
    ] = None,
    recording: Annotated[
        Path | None, typer.Option(help="Write a recording of wire and session to this new file.")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Write pictures into this folder at the end.")
    ] = None,
    no_refresh: NoRefreshOption = False,
    monitor: Annotated[
        str | None,
        typer.Option(
            help="Serve a page that shows the run at this HOST:PORT; HEXKEY_MONITOR_TOKEN gives "
            "its token."
        ),
    ] = None,
    control: Annotated[
        bool, typer.Option("--control", help="Let the page change the gate.")
    ] = False,
    block_bits: BlockOption = None,
    maps: MapsOption = False,
    seed: SeedOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    json_lines: JsonLinesOption = False,
) -> None:
    """Run Bob's side: read the board, distil keys with Alice, store them.

    Example: hexkey bob --port /dev/ttyUSB0 --peer alice.lab:7392 --store bob.store
    """
    overrides = {
        "port": port,
        "peer": peer,
        "store": store,
        "seconds": seconds,
        "gate_start_ns": gate_start_ns,
        "gate_width_ns": gate_width_ns,
        "holdoff_pulses": holdoff_pulses,
        "untrusted_transmission": untrusted_transmission,
        "recording": recording,
        "figures": figures,
        "refresh_tables": 0 if no_refresh else None,
        "monitor": monitor,
        "control": 1 if control else None,
        "seed": seed,
    }
    settings = load(BobSettings, config, overrides)
    session = with_options(settings.session, block_bits, maps=maps)
    settings = replace(settings, session=session)
    run_to_the_end(settings, as_json=as_json, json_lines=json_lines)


def with_options(
    parameters: SessionParameters, block_bits: int | None, *, maps: bool
) -> SessionParameters:
    """Return what the command line changes of ``[session]``."""
    return replace(
        parameters,
        block_bits=parameters.block_bits if block_bits is None else block_bits,
        maps=1 if maps else parameters.maps,
    )


def run_to_the_end(settings: BobSettings, *, as_json: bool, json_lines: bool) -> None:
    """Run Bob, draw his pictures, print his report, and only then say what went wrong."""
    from hexkey import plot
    from hexkey.party.bob import run

    keep_freed()
    if settings.figures is not None:
        plot.require()
    with stop_on_signal() as stop, Display("bob", json_lines=json_lines, quiet=as_json) as display:
        outcome = run(settings, display, stop)
        if settings.figures is not None:
            plot.draw_report(outcome.report, settings.figures)
        display({"event": "report", "report": outcome.report})
    if not json_lines:
        print_report(outcome.report, as_json)
    if outcome.ended_by is not None:
        raise outcome.ended_by
    require_key(outcome.report)
