"""``hexkey keyrate``: one number of one model, for planning and for checking from outside."""

import json
import math
from typing import Annotated, Any

import typer

from hexkey.cli import app
from hexkey.cli.options import JsonOption
from hexkey.errors import ConfigurationError
from hexkey.keyrate.models import MODELS, answer

# What must be said with a number that is easily taken for more than it is.
_CAUTIONS = {
    "b92_key_sound": " bits, by the paper's equations, which are no security proof",
    "b92_key_conservative": " bits, by the paper's equations, which are no security proof",
    "b92_certified": " bits per sifted bit: proven for collective attacks and endless blocks only",
}


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

    A model without its inputs says which ones it takes; lists among them give lists. Formulas,
    units and assumptions are in docs/models.md. A result of zero comes with its reason; in JSON
    what is infinite is null.

    The models b92_key… follow the paper's equations, which are not a security proof
    (docs/security.md).
    """
    try:
        given = json.loads(inputs)
    except ValueError as error:
        raise ConfigurationError(f"--inputs is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise ConfigurationError("--inputs must be a JSON object of names and values")
    found = answer(model, given)
    if as_json:
        report = {
            "model": model,
            "inputs": given,
            "output": _finite(found.output),
            "reason": found.reason,
        }
        typer.echo(json.dumps(report))
        return
    typer.echo(f"{found.output!r}{_CAUTIONS.get(model, '')}")
    if found.reason and isinstance(found.reason, str):
        typer.echo(f"no key: {found.reason}")


def _finite(output: Any) -> Any:
    if isinstance(output, list):
        return [_finite(value) for value in output]
    return output if math.isfinite(output) else None
