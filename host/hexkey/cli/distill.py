"""``hexkey distill``: the pipeline on files."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hexkey.cli import app
from hexkey.cli.display import Display, print_report, require_key
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
from hexkey.errors import ConfigurationError, InputError
from hexkey.session.parameters import SessionParameters


@app.command()
def distill(
    file: Annotated[
        Path,
        typer.Argument(help="A recording of hexkey, a time tagger's file, or a CSV of detections."),
    ],
    alice_record: Annotated[
        Path | None,
        typer.Option("--record", help="Alice's record: make a fresh key between two local roles."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the key stores (new ones are made there).")
    ] = Path("distilled"),
    figures: Annotated[Path | None, typer.Option(help="Write pictures into this folder.")] = None,
    detectors: DetectorsOption = None,
    trigger_channel: TriggerChannelOption = None,
    trigger_divider: TriggerDividerOption = None,
    pulse_rate_hz: PulseRateOption = None,
    delay_ns: DelayOption = None,
    holdoff_pulses: HoldoffOption = None,
    dead_time_ns: DeadTimeOption = None,
    gate_start_ns: Annotated[
        float | None, typer.Option(help="Start of the gate after the trigger, ns (tagger's file).")
    ] = None,
    gate_width_ns: Annotated[
        float | None, typer.Option(help="Width of the gate, ns (tagger's file).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Distil a recording or an imported file.

    A recording with its session and no --record: the live keys once more, bit for bit, into
    OUT/bob.store. With --record: a fresh demonstration key between two local roles.

    A time tagger's file (PicoQuant, quTAG, S-Fifteen, CSV) and --record: its tags are folded into
    pulses by the trigger's edges among them, and then distilled as a board's events are:

    hexkey distill run.ptu --record alice.record --detectors 0=1,1=2 --trigger-channel 5
    --trigger-divider 8

    A CSV with the columns tx_state, tx_basis, decoy_level, rx_state, rx_basis, matching_basis
    (BB84 detections): sifted, reconciled and verified between two roles; no key length is claimed.
    """
    from hexkey.party import detections_csv
    from hexkey.party import distill as recordings
    from hexkey.recording import is_recording
    from hexkey.tags import open_tags

    wiring = {
        "channels": detectors,
        "trigger_channel": trigger_channel,
        "trigger_divider": trigger_divider,
        "pulse_rate_hz": pulse_rate_hz,
        "delay_ns": delay_ns,
        "holdoff_pulses": holdoff_pulses,
        "dead_time_ns": dead_time_ns,
        "gate_start_ns": gate_start_ns,
        "gate_width_ns": gate_width_ns,
    }

    try:
        recorded = is_recording(file)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None
    with Display("distill", quiet=as_json) as display:
        if not recorded and detections_csv.is_detections_csv(file):
            if alice_record is not None:
                raise ConfigurationError("--record goes with a recording, not with a CSV file")
            parameters = replace(SessionParameters(), estimate_bits=1_000)
            report = detections_csv.distill_csv(file, parameters, display)
        elif not recorded:
            tags = open_tags(file)
            if alice_record is None:
                raise ConfigurationError(
                    f"{file} is a time tagger's file ({tags.format}): give Alice's record of the "
                    "same run with --record"
                )
            report = recordings.distill_tags(tags, tagger_of(wiring), alice_record, out, display)
        elif any(value is not None for value in wiring.values()):
            raise ConfigurationError(
                f"{file} says itself how it was recorded: leave the options of a tagger's file away"
            )
        elif alice_record is not None:
            report = recordings.distill(file, alice_record, out, display)
        else:
            report = recordings.replay(file, out, display)
    if figures is not None:
        from hexkey.plot import draw_report

        draw_report(report, figures)
    print_report(report, as_json)
    if not as_json:
        for damage in report.get("damage", ()):
            typer.echo(f"hexkey: {file}: {damage}.", err=True)
    require_key(report)
    if not report.get("equal", True):
        raise typer.Exit(1)
