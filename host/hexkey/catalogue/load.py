"""Reading the catalogue: unknown keys, wrong types and impossible values are refused by name."""

import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib import resources
from typing import Any, TypeVar, get_args, get_type_hints

from hexkey.catalogue.experiment import Epsilons, Experiment, NodeParameters, Range
from hexkey.errors import ConfigurationError, InputError

FORMAT = 1

Value = TypeVar("Value")


@cache
def experiments() -> tuple[Experiment, ...]:
    """Return every experiment of the catalogue, in the order of the papers' tables."""
    text = resources.files("hexkey.catalogue").joinpath("experiments.toml").read_text("utf-8")
    return parse(text)


def experiment(name: str) -> Experiment:
    """Return one experiment.

    Raises
    ------
    ConfigurationError
        If none has that name; the message lists those that are near.
    """
    found = {each.name: each for each in experiments()}
    if name not in found:
        near = [known for known in found if name.lower() in known] or list(found)
        raise ConfigurationError(f"no preset is called {name!r}: use {', '.join(near)}")
    return found[name]


def parse(text: str) -> tuple[Experiment, ...]:
    """Return the experiments of a catalogue in TOML (docs/planning.md).

    Raises
    ------
    InputError
        If it is not TOML, of another format, or an experiment is incomplete, has a key that is
        not known, a value of the wrong type or an impossible one, or a name that another has.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the catalogue is not TOML: {error}") from None
    if document.get("format") != FORMAT:
        raise InputError(
            f"the catalogue's format is {document.get('format')!r}, and only {FORMAT} is known"
        )
    unknown = set(document) - {"format", "experiment"}
    if unknown:
        raise InputError(f"the catalogue has an unknown key {min(unknown)!r}: remove it")
    rows = document.get("experiment", [])
    found = tuple(
        _made(Experiment, row, f"experiment {row.get('name', number)!r}")
        for number, row in enumerate(rows, 1)
    )
    for kind, keys in (
        ("name", [each.name for each in found]),
        ("table and row", [f"{each.table}, {each.row}" for each in found]),
    ):
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise InputError(f"two experiments have the {kind} {min(twice)!r}: change one")
    return found


def _made(kind: type[Value], row: Mapping[str, object], where: str) -> Value:
    """Return a dataclass from a table of TOML."""
    hints = get_type_hints(kind)
    unknown = set(row) - set(hints)
    if unknown:
        raise InputError(f"{where} has an unknown key {min(unknown)!r}: remove it")
    missing = [
        field.name
        for field in fields(kind)  # type: ignore[arg-type]
        if field.default is MISSING and field.name not in row
    ]
    if missing:
        raise InputError(f"{where} lacks {missing[0]!r}: add it")
    values = {name: _value(hints[name], value, name, where) for name, value in row.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise InputError(f"{where} cannot be: {error}") from None


def _value(hint: Any, value: object, name: str, where: str) -> object:
    wanted = set(get_args(hint)) if isinstance(hint, types.UnionType) else {hint}
    for nested in (Epsilons, NodeParameters):
        if nested in wanted and isinstance(value, dict):
            return _made(nested, value, f"{name} of {where}")
    if Range in wanted:
        ends: list[Any] = value if isinstance(value, list) else [value, value]
        if len(ends) == 2 and all(type(end) in (int, float) for end in ends):
            try:
                return Range(float(ends[0]), float(ends[1]))
            except ValueError as error:
                raise InputError(f"{name} of {where} cannot be: {error}") from None
    elif float in wanted and type(value) in (int, float):
        return float(value)  # type: ignore[arg-type]
    elif type(value) in wanted or (isinstance(value, str) and not wanted & {bool, float, int}):
        return value
    raise InputError(f"{name} of {where} cannot be {value!r}: give a value of its kind")
