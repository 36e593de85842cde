"""``hexkey keyrate``: one number of one model, for planning and for checking from outside."""

import json
from typing import Annotated

import typer

from hexkey.cli import app
from hexkey.cli.options import JsonOption
from hexkey.errors import ConfigurationError
from hexkey.keyrate.models import MODELS, answer


@app.command()
def keyrate(
    model: Annotated[str, typer.Argument(help=f"One of {', '.join(MODELS)}.")],
    inputs: Annotated[
        str, typer.Option(help='Inputs as JSON, such as \'{"n": 17500, "Q": 0.0649, …}\'.')
    ] = "{}",
    as_json: JsonOption = False,
) -> None:
    """Evaluate a key-rate model.

    Example: hexkey keyrate h2 --inputs '{"x": 0.0649}'

    The B92 models follow the paper's equations, which are not a security proof (docs/security.md).
    """
    try:
        given = json.loads(inputs)
    except ValueError as error:
        raise ConfigurationError(f"--inputs is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise ConfigurationError("--inputs must be a JSON object of names and values")
    found = answer(model, given)
    if as_json:
        report = {"model": model, "inputs": given, "output": found.output, "reason": found.reason}
        typer.echo(json.dumps(report))
        return
    unproven = " bits, by the paper's equations, which are no security proof"
    typer.echo(f"{found.output!r}{unproven if model.startswith('b92_key') else ''}")
    if found.reason and isinstance(found.reason, str):
        typer.echo(f"no key: {found.reason}")
