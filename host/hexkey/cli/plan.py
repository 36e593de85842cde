"""``hexkey plan``: key rates over loss or fibre, and what published experiments should give."""

from pathlib import Path
from typing import Annotated

import typer

from hexkey.cli import app
from hexkey.cli.options import JsonOption
from hexkey.errors import ConfigurationError

DEFAULT_PROTOCOLS = ["bb84", "decoy", "repeater", "plob"]
DEFAULT_SOURCES = ["tapsin:baseline", "tapsin:improved"]


@app.command()
def plan(
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            help="bb84, decoy, decoy-hoeffding, decoy-one, b92-unproven, b92-certified, gllp, "
            "bbm92, e91, repeater or plob; may be given again."
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="A preset with its source and receiver, changed at will: "
            "'tapsin:improved,g2=0.05,pulse_rate_hz=1e8'; may be given again."
        ),
    ] = None,
    block_s: Annotated[
        list[str] | None,
        typer.Option(help="Seconds of sending in a block, or inf; may be given again."),
    ] = None,
    memory_ms: Annotated[
        list[float] | None,
        typer.Option(help="T2 of the repeater's memories, ms; may be given again."),
    ] = None,
    loss_db: Annotated[str, typer.Option(help="Losses of the channel, FROM:TO in dB.")] = "0:40",
    fibre_km: Annotated[
        str | None, typer.Option(help="Lengths of fibre, FROM:TO in km, in place of losses.")
    ] = None,
    db_per_km: Annotated[float, typer.Option(help="Attenuation of that fibre.")] = 0.2,
    points: Annotated[int, typer.Option(min=2, max=100_000, help="Losses to compute.")] = 61,
    per_pulse: Annotated[
        bool,
        typer.Option(
            "--per-pulse", help="Bits a pulse, or a channel use of the repeater; not a second."
        ),
    ] = False,
    preset: Annotated[
        str | None, typer.Option(help="Predict one published experiment; see --list.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Predict every published experiment, beside its report.")
    ] = False,
    listing: Annotated[
        bool, typer.Option("--list", help="List the published experiments and the protocols.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the curves into this PNG file.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the curves into this CSV file.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler, for what is too large for this machine."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="File that keeps what was computed: an interrupted plan goes on there."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Plan a link: key rates against loss, where each ends and where one overtakes another.

    Example: hexkey plan --protocol bb84 --protocol decoy --block-s 1 --block-s 100 --loss-db 0:35

    Every protocol is computed for every source and every block; a protocol without a finite length
    has its endless one. Rates are bits a second, of the source's own clock, or a pulse. Losses are
    the channel's alone. Planning puts expected counts for observed ones: docs/planning.md.

    Example: hexkey plan --preset tapsin:b92
    """
    from hexkey.cli import plan_curves, plan_presets

    if sum((preset is not None, everything, listing)) > 1:
        raise ConfigurationError("--preset, --all and --list exclude each other: give one")
    if listing:
        plan_presets.show_list(as_json)
    elif everything:
        plan_presets.show_all(as_json)
    elif preset is not None:
        plan_presets.show_one(preset, as_json)
    else:
        request = plan_curves.Request(
            protocols=protocol or DEFAULT_PROTOCOLS,
            sources=source or DEFAULT_SOURCES,
            blocks_s=block_s or ["inf"],
            memories_ms=memory_ms or [5.0, 10.0],
            losses=loss_db,
            fibre=fibre_km,
            db_per_km=db_per_km,
            points=points,
            per_second=not per_pulse,
        )
        plan_curves.show(request, plot, csv, scheduler, resume, as_json)
