"""What ``hexkey plan`` says of published experiments: one, all of them, or their list."""

import dataclasses
import json
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hexkey.catalogue import Experiment, Range, experiment, experiments
from hexkey.cli.display import print_rows
from hexkey.cli.units import quantity
from hexkey.planning.predict import Prediction, Value, predict
from hexkey.planning.protocols import PROTOCOLS

WIDTH = 32  # of the names of values

_SHOWN = {
    "protocol": "protocol",
    "source": "source",
    "coding": "coding",
    "medium": "medium",
    "pulse_rate_hz": "clock",
    "wavelength_nm": "wavelength, nm",
    "lifetime_ns": "lifetime, ns",
    "g2": "g²(0)",
    "mean_photons": "mean photons a pulse",
    "misalignment": "misalignment",
    "dark_probability": "dark clicks a pulse",
    "receiver_efficiency": "receiver efficiency",
    "loss_db": "loss, dB",
    "distance_km": "distance, km",
    "qber": "QBER",
    "sifted_bps": "sifted",
    "secret_bps": "secret",
    "reference": "reference",
    "note": "note",
}


def show_one(name: str, as_json: bool) -> None:
    """Print an experiment and its prediction."""
    found = predict(experiment(name))
    if as_json:
        typer.echo(json.dumps(as_document(found), indent=2, ensure_ascii=False))
        return
    typer.echo(f"{name}: {found.experiment.table}, row {found.experiment.row}")
    rows = [
        (words, _plain(key, value))
        for key, words in _SHOWN.items()
        if (value := getattr(found.experiment, key)) not in (None, "")
    ]
    print_rows(rows, WIDTH)
    typer.echo(f"\nPrediction: {found.model or 'none'}")
    print_rows(
        [
            *((value.name, _beside(value)) for value in found.values),
            *(("assumed", words) for words in found.assumed),
            *(("cannot say", words) for words in found.unpredicted),
        ],
        WIDTH,
    )


def show_all(as_json: bool) -> None:
    """Print every experiment's prediction beside its report."""
    predictions = [predict(found) for found in experiments()]
    if as_json:
        documents = [as_document(found) for found in predictions]
        typer.echo(json.dumps(documents, indent=2, ensure_ascii=False))
        return
    why = list(dict.fromkeys(words for found in predictions for words in found.unpredicted))
    table = Table()
    table.add_column("experiment", no_wrap=True)
    for column in ("predicted", "reported", "why not more"):
        table.add_column(column)
    for found in predictions:
        numbers = ", ".join(str(why.index(words) + 1) for words in found.unpredicted)
        table.add_row(
            found.experiment.name,
            Text("\n".join(_named(value) for value in _telling(found)) or "–"),
            Text(_report(found)),
            numbers or "–",
        )
    console = Console(highlight=False, markup=False)
    console.print(table)
    console.print("What could not be predicted:")
    print_rows([(str(number), words) for number, words in enumerate(why, 1)], 4)
    console.print(
        "B92 by the paper's equations is no security proof. `hexkey plan --preset NAME` has all "
        "values and what is assumed."
    )


def _telling(found: Prediction) -> list[Value]:
    """The values that a table has room for: the first one, and those that have a report."""
    return [
        value
        for place, value in enumerate(found.values)
        if place == 0 or value.reported is not None or value.name.startswith("sifted bits that")
    ]


def show_list(as_json: bool) -> None:
    """Print the experiments, and the protocols of curves."""
    if as_json:
        listed = {
            "presets": {found.name: found.source for found in experiments()},
            "protocols": {name: each.assumes for name, each in PROTOCOLS.items()},
        }
        typer.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    from hexkey.planning.source import complete_names

    complete = complete_names()
    table = Table("preset", "table", "protocol", "source", "curves")
    for found in experiments():
        drawn = "yes" if found.name in complete else ""
        table.add_row(found.name, found.table, found.protocol or "–", found.source, drawn)
    Console().print(table)
    protocols = Table("protocol", "blocks", "assumes")
    for name, each in PROTOCOLS.items():
        protocols.add_row(name, "any" if each.finite else "endless", Text(each.assumes))
    Console().print(protocols)


def as_document(found: Prediction) -> dict[str, Any]:
    """Return a prediction with its experiment as JSON values; what is not printed is left out."""
    return {
        "experiment": {
            key: value for key, value in _bare(found.experiment).items() if value not in (None, "")
        },
        "model": found.model,
        "values": [
            {
                "name": value.name,
                "value": _json(value.value),
                "reported": None if value.reported is None else _json(value.reported),
                "unit": value.unit,
            }
            for value in found.values
        ],
        "assumed": list(found.assumed),
        "unpredicted": list(found.unpredicted),
    }


def _bare(found: Experiment) -> dict[str, Any]:
    values = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return {key: _json(value) for key, value in values.items()}


def _json(value: Any) -> Any:
    if isinstance(value, Range):
        return value.low if value.low == value.high else [value.low, value.high]
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value  # type: ignore[arg-type]


_UNITS = {"pulse_rate_hz": "Hz", "qber": "", "sifted_bps": "bit/s", "secret_bps": "bit/s"}


def _plain(key: str, value: Any) -> str:
    if key in _UNITS:
        return _ranged(value if isinstance(value, Range) else Range(value, value), _UNITS[key])
    return f"{value:g}" if isinstance(value, float) else str(value)


def _ranged(value: Range, unit: str) -> str:
    if value.low == value.high:
        return quantity(value.low, unit)
    return f"{quantity(value.low, unit)} to {quantity(value.high, unit)}"


def _named(value: Value) -> str:
    return f"{_ranged(value.value, value.unit)}  {value.name}"


def _beside(value: Value) -> str:
    shown = _ranged(value.value, value.unit)
    if value.reported is None:
        return shown
    return f"{shown}; reported {_ranged(value.reported, value.unit)}"


def _report(found: Prediction) -> str:
    each = found.experiment
    lines = []
    if each.secret_bps is not None:
        kind = f" {each.secret_kind}" if each.secret_kind else ""
        lines.append(f"{_ranged(each.secret_bps, 'bit/s')}  secret{kind}")
    if each.max_loss_db is not None:
        lines.append(f"{each.max_loss_db:g} dB  greatest loss")
    if each.max_distance_km is not None:
        lines.append(f"{each.max_distance_km:g} km  greatest distance")
    if each.sifted_bps is not None and each.secret_bps is None:
        lines.append(f"{_ranged(each.sifted_bps, 'bit/s')}  sifted")
    return "\n".join(lines) or "–"
