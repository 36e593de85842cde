"""``hexkey demo``, ``simulate``, ``figures`` and ``virtual-board``; see `cosim.command`, too."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import typer

from hexkey.cli.display import print_report, print_rows
from hexkey.cli.options import JsonLinesOption, JsonOption
from hexkey.errors import ConfigurationError
from hexkey.randomness import OperatingSystem
from hexkey_sim.cosim.command import cosim

if TYPE_CHECKING:
    from hexkey_sim.simulate import Simulation

PRESETS_HELP = (
    "Simulated link: table-ii, as-reported, bench (B92), bb84, bb84-improved or bb84-skewed."
)
PresetOption = Annotated[str, typer.Option("--preset", help=PRESETS_HELP)]
EveOption = Annotated[
    str | None,
    typer.Option(
        "--eve",
        help="Eavesdropper on the line, such as intercept-resend:share=0.3, "
        "photon-number-splitting, usd:photons=2, time-shift or faked-states "
        "(docs/eavesdroppers.md).",
    ),
]
LossOption = Annotated[
    float | None,
    typer.Option(
        "--channel-loss-db", min=0.0, help="Loss between Alice and Bob, instead of the preset's."
    ),
]
LARGEST_CHANCE_OFFSET = 10**8  # pulses: 2.5 s at 40 MHz, well within the ±10 s that are searched

SimulationSeed = Annotated[
    int | None,
    typer.Option(min=0, help="Seed of the simulated photons; a chance one if not given."),
]


def register(app: typer.Typer) -> None:
    """Add the simulator's commands to the application (the entry point)."""
    app.command()(demo)
    app.command()(simulate)
    app.command()(figures)
    app.command("virtual-board")(virtual_board)
    app.command()(cosim)


def demo(
    protocol: Annotated[
        Literal["b92", "bb84"] | None,
        typer.Option(help="b92 (as-reported) or bb84; a preset has its own."),
    ] = None,
    preset_name: Annotated[
        str | None, typer.Option("--preset", help=f"{PRESETS_HELP} By the protocol if not given.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Length of the run in seconds.")] = 15.0,
    block_bits: Annotated[
        int | None,
        typer.Option(help="Sifted bits in a block (BB84: clicks); 40,000 or 200,000."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for all that it makes.")] = Path("hexkey-demo"),
    eve: EveOption = None,
    channel_loss_db: LossOption = None,
    seed: SimulationSeed = None,
    as_json: JsonOption = False,
) -> None:
    """Photons become a key, on this machine: the whole chain with a simulated link.

    A virtual board on a pseudo-terminal, Bob's and Alice's hosts as two processes that talk over
    TCP, and a third that compares the keys they stored.
    """
    from hexkey_sim.dashboard import Dashboard
    from hexkey_sim.demo import DemoSettings, run_demo
    from hexkey_sim.eve.specification import parse_eve
    from hexkey_sim.link import preset

    name = preset_name or {None: "as-reported", "b92": "as-reported", "bb84": "bb84"}[protocol]
    chosen = preset(name).with_channel_loss(channel_loss_db)
    link = chosen.parameters
    if protocol not in (None, link.protocol):
        raise ConfigurationError(f"the preset {name!r} is of {link.protocol}, not of {protocol}")
    if eve:
        parse_eve(eve, chosen)  # refused here rather than in one of the processes
    settings = DemoSettings(chosen, seconds, out, block_bits, seed, eve, channel_loss_db)
    title = (
        f"hexkey demo: {name}, {seconds:g} s of a simulated {link.protocol.upper()} link at "
        f"{link.pulse_rate_hz / 1e6:g} MHz"
    )
    with Dashboard(title, seconds, quiet=as_json) as dashboard:
        outcome = run_demo(settings, dashboard)
    if as_json:
        found = {"equal": outcome.equal, "alice": outcome.alice, "bob": outcome.bob}
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo("\nBob's report")
        print_report(outcome.bob, as_json=False)
        typer.echo("\nA third process compared the two stores")
        pictures = ", ".join(str(path) for path in sorted(out.glob("*.png")))
        print_rows(
            [
                ("keys", outcome.comparison),
                ("pictures", pictures or "none: pip install 'hexkey[plot]'"),
                ("everything else", f"{out}/: stores, Alice's record, a recording, reports"),
            ]
        )
    if not outcome.equal or not outcome.bob["secret_bits"]:
        raise typer.Exit(1)


def simulate(
    out: Annotated[Path, typer.Argument(help="New folder for the recording and Alice's record.")],
    preset_name: PresetOption = "as-reported",
    seconds: Annotated[float, typer.Option(min=0.01, help="Seconds of the link.")] = 10.0,
    measurement: Annotated[
        bool,
        typer.Option(
            "--measurement",
            help="Alice sends the public pattern 1-0-1-0: a measurement, no secret.",
        ),
    ] = False,
    whole: Annotated[
        bool, typer.Option("--whole-period", help="A gate of the whole period, for `hexkey tune`.")
    ] = False,
    tags: Annotated[
        bool,
        typer.Option("--tags", help="Write OUT/run.qutag, too: the same clicks by a tagger."),
    ] = False,
    eve: EveOption = None,
    channel_loss_db: LossOption = None,
    seed: SimulationSeed = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a link faster than real time, and compare it with the closed forms.

    Writes OUT/run.recording and OUT/alice.record, as a board and Alice would have, for
    `hexkey distill OUT/run.recording --record OUT/alice.record`. With an eavesdropper it also says
    what she knows of the sifted bits. With --tags there is OUT/run.qutag, too, as of a laboratory's
    time tagger: detectors on channels 1 to 4, on 5 the trigger, divided by 8 and filtered.
    """
    from hexkey_sim.eve.specification import parse_eve
    from hexkey_sim.link import preset, whole_period
    from hexkey_sim.simulate import run_simulation

    chosen = preset(preset_name).with_channel_loss(channel_loss_db)
    if whole:
        chosen = whole_period(chosen)
    found = run_simulation(
        chosen,
        out,
        seconds,
        _chance(seed),
        measurement=measurement,
        eve=parse_eve(eve, chosen) if eve else None,
        tags=tags,
    )
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        _print_simulation(found, out)


def _print_simulation(found: "Simulation", out: Path) -> None:
    typer.echo(f"{'':<28}{'simulated':>12}{'honest link':>14}")
    for basis, one in (("", found.key), ("test basis: ", found.test)):
        if one is not None:
            rates = f"{one.sifted_hz:>12,.0f}{one.expected_sifted_hz:>14,.0f}"
            typer.echo(f"{basis + 'sifted, bit/s':<28}{rates}")
            typer.echo(f"{basis + 'QBER':<28}{one.qber:>12.2%}{one.expected_qber:>14.2%}")
    typer.echo(f"{'double clicks /s':<28}{found.same_basis_hz + found.cross_basis_hz:>12,.1f}")
    if found.knowledge is not None:
        for kind in found.knowledge.kinds:
            if kind.bits:
                typer.echo(
                    f"Eve, {kind.kind}: {kind.bits / found.knowledge.bits:.1%} of the sifted bits, "
                    f"{kind.right / kind.bits:.1%} of them Alice's, "
                    f"{kind.same_as_bob / kind.bits:.1%} Bob's"
                )
        typer.echo(f"Eve knows {found.knowledge.information:.3f} of a sifted bit of Alice's.")
    typer.echo(
        f"{found.seconds:g} s of the link took {found.elapsed_s:.1f} s; "
        f"{found.events:,} events are in {out}/run.recording."
    )


def figures(
    out: Annotated[Path, typer.Argument(metavar="OUTDIR", help="Folder for the pictures.")],
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="One of fig3, fig4, fig5, review, decoys and stated; may be given again. All if "
            "not given."
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, help="Seconds of the link that Fig. 3 is simulated from.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of those photons.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Draw the papers' figures, with what they state beside what is computed.

    Fig. 3 comes from simulated clicks through the whole receiver, Figs. 4 and 5, the review's
    extrapolation and the comparison with decoy states from the key-rate models. OUTDIR/figures.md
    has every picture with its caption, which says what does not follow from the papers' equations,
    and the table; OUTDIR/figures.json the same for programs. It takes about a minute.

    Example: hexkey figures pictures --only fig4 --only stated
    """
    from rich.console import Console
    from rich.table import Table

    from hexkey.figures.figure import as_document
    from hexkey_sim.figures import NAMES, draw_figures

    with Console(stderr=True).status("drawing") as status:
        drawn = draw_figures(out, only or NAMES, seconds=seconds, seed=seed, progress=status.update)
    if as_json:
        typer.echo(json.dumps(as_document(drawn.figures, drawn.claims), ensure_ascii=False))
        return
    if drawn.claims:
        table = Table("claim", "where", "stated", "computed", "follows")
        for claim in drawn.claims:
            follows = "yes" if claim.follows else "NO"
            table.add_row(claim.claim, claim.where, claim.stated, claim.computed, follows)
        Console(markup=False).print(table)
    for path in drawn.files:
        typer.echo(path)


def virtual_board(
    preset_name: PresetOption = "as-reported",
    record: Annotated[
        Path | None, typer.Option(help="Write Alice's record to this new file.")
    ] = None,
    port: Annotated[
        str, typer.Option(help="pty for a pseudo-terminal, tcp or tcp:PORT for loopback.")
    ] = "pty",
    seconds: Annotated[
        float | None,
        typer.Option(
            help="How long there is light; after it, or 10 s after a host that has stopped the "
            "board, it ends. If not given it runs until Ctrl-C."
        ),
    ] = None,
    mode: Annotated[str, typer.Option(help="fast, or exact: click by click.")] = "fast",
    baud: Annotated[
        int, typer.Option(help="Rate of the link; 0 for as fast as the host reads.")
    ] = 3_000_000,
    measurement: Annotated[
        bool, typer.Option("--measurement", help="Alice sends the public pattern 1-0-1-0.")
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="Fault to play, such as flip-bits:rate=1e-6; may be repeated."),
    ] = None,
    source_tap: Annotated[
        bool,
        typer.Option(
            "--source-tap",
            help="The board of \\[source_monitor]: two detectors behind a splitter inside Alice.",
        ),
    ] = False,
    g2: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="g2 of the source at the tap.")
    ] = None,
    g2_from: Annotated[
        list[str] | None,
        typer.Option(help="Another g2 at the tap from some second on, as 5:0.9; may be repeated."),
    ] = None,
    eve: EveOption = None,
    channel_loss_db: LossOption = None,
    seed: SimulationSeed = None,
    json_lines: JsonLinesOption = False,
) -> None:
    """A receiver board without hardware: a simulated link behind a real port.

    Prints the port that `hexkey bob --port` opens, and runs until interrupted, or as --seconds
    says. Photons are always simulated; without a seed Alice's bits are the operating system's.
    """
    from hexkey_sim.board_runner import BoardOptions, run_virtual_board
    from hexkey_sim.eve.specification import parse_eve
    from hexkey_sim.faults import parse_faults
    from hexkey_sim.link import preset
    from hexkey_sim.source_course import parse_changes

    chosen = preset(preset_name).with_channel_loss(channel_loss_db)
    if source_tap:
        chosen = chosen.at_source(g2)
    elif g2 is not None or g2_from:
        raise ConfigurationError(
            "--g2 and --g2-from are of the source at its tap: give --source-tap, too"
        )
    if source_tap and (record is not None or eve is not None):
        raise ConfigurationError("a tap inside Alice has no record and no eavesdropper of its own")
    chance = _chance(seed)
    link = chosen.link(
        chance,
        measurement=measurement,
        start_offset_pulses=_chance_offset(chance),
        fresh_bits=seed is None,
        eve=parse_eve(eve, chosen) if eve else None,
    )
    options = BoardOptions(
        port=port,
        mode=_mode(mode),
        baud=baud or None,
        faults=parse_faults(fault or []),
        seed=chance,
        duration_s=seconds,
        record=record,
        changes=parse_changes(g2_from or []),
    )

    def announce(name: str) -> None:
        if json_lines:
            print(json.dumps({"event": "port", "port": name}), flush=True)
        else:
            typer.echo(f"{chosen.name}: {chosen.explanation}.")
            if eve:
                typer.echo(f"On the line: {eve}.")
            typer.echo(f"The board is at {name}")

    run_virtual_board(link, options, announce)


def _mode(text: str) -> Literal["fast", "exact"]:
    if text == "fast":
        return "fast"
    if text == "exact":
        return "exact"
    raise typer.BadParameter(f"mode {text!r}: use fast or exact")


def _chance(seed: int | None) -> int:
    return int.from_bytes(OperatingSystem().bytes(4), "little") if seed is None else seed


def _chance_offset(seed: int) -> int:
    return int(np.random.default_rng(seed).integers(LARGEST_CHANCE_OFFSET))
