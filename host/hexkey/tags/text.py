"""CSV files: a time and a channel a row, with a header or without; also those that hexkey exports.

Columns are found by their names (``time``, ``timestamp``, ``channel``, ``detector``, …), the unit
by what follows the name (``time_ps``, ``time (ns)``), or both are given. A file with a column
``pulse`` has times since the pulse's sync. Times are taken exactly, to the picosecond or, without a
unit but with a tick, to the tick. An export of hexkey says the tick of the recording it came from:
its picoseconds become these ticks again, so that a histogram has no bins between them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path

import numpy as np

from hexkey.errors import InputError
from hexkey.tags.hints import UNITS_PS, Hints
from hexkey.tags.pieces import Pieces, Waiting, unreadable
from hexkey.tags.stream import TagFile, Tags
from hexkey.tags.tttr import empty

_TIMES = ("time", "timestamp", "timetag", "tag", "t", "ticks")
_CHANNELS = ("channel", "chan", "ch", "detector", "channel_id")
_PULSES = ("pulse", "nsync", "sync")
_UNIT = f"({'|'.join(UNITS_PS)})"
_NAME = re.compile(rf"^(.*?)(?:[\s_]*[\[(]{_UNIT}[\])]|[\s_]+{_UNIT})?$")
_FACT = re.compile(r"(\w+)\s*=\s*(\S+)")
_USED = ("tick_ps", "sync_period_ps", "trigger_channel")
_TICK = re.compile(r"[1-9]\d*(/[1-9]\d*)?")
_LATEST = 1 << 62
_MOST_CHANNEL = 255
_HEAD_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class _Form:
    """How a row is read: the places of its columns, and by what times become ticks."""

    separator: str | None
    time: int
    channel: int
    pulse: int | None
    ticks_per_unit: int
    units_per_tick: int
    first_line: int


def looks_like_text(head: bytes) -> bool:
    """Return whether a file may be CSV: printable, with two columns in its last whole line."""
    try:
        lines = head.decode().splitlines()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # a character may be cut at the end
            return False
        lines = head[: error.start].decode().splitlines()
    whole = [line for line in lines if line.strip() and not line.startswith("#")]
    printable = all(character.isprintable() or character == "\t" for character in "".join(lines))
    if not whole or not printable:
        return False
    return any(sum(map(_is_number, _split(row, _separator(row)))) >= 2 for row in whole[-2:])


def open_text(path: Path, hints: Hints) -> TagFile:
    """Return the file as `TagFile`.

    Raises
    ------
    InputError
        Its columns or its unit cannot be told; reading raises it for a row that is not as the
        others, with its line.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(_HEAD_BYTES).splitlines()
    except OSError as error:
        raise unreadable(path, error) from None
    facts = dict(found for line in lines if line.startswith("#") for found in _FACT.findall(line))
    form, tick_ps = _form(path, lines, facts, hints)
    period = facts.get("sync_period_ps")
    trigger = facts.get("trigger_channel")
    return TagFile(
        path,
        f"CSV, {'T3' if form.pulse is not None else 'times and channels'}",
        tick_ps,
        form.pulse is not None,
        lambda follow: _read(path, form, hints.waiting if follow else None),
        sync_period_ps=float(period) if period and _is_number(period) else None,
        trigger_channel=int(trigger) if trigger and trigger.isdigit() else hints.trigger_channel,
        stated={name: value for name, value in facts.items() if name not in _USED},
    )


def _form(
    path: Path, lines: list[str], facts: dict[str, str], hints: Hints
) -> tuple[_Form, Fraction]:
    rows = [(number, line) for number, line in enumerate(lines) if line.strip() and line[0] != "#"]
    if not rows:
        raise InputError(f"{path} has no rows of numbers; a time and a channel a row are needed")
    first_line, first = rows[0]
    separator = _separator(rows[-1][1] if len(rows) < 3 else rows[1][1])
    fields = [field.strip().strip('"') for field in _split(first, separator)]
    header = not all(map(_is_number, fields))
    named = [_NAME.findall(field.lower())[0] if header else ("", "", "") for field in fields]
    names = [name for name, _, _ in named]
    time = _place(path, hints.time_column, fields, names, _TIMES, 0 if not header else None)
    channel = _place(path, hints.channel_column, fields, names, _CHANNELS, None if header else 1)
    pulse = next((i for i, name in enumerate(names) if name in _PULSES and i != time), None)
    unit = hints.time_unit or named[time][1] or named[time][2]
    per_unit, per_tick, tick_ps = 1, 1, hints.tick_ps
    stated = Fraction(facts["tick_ps"]) if _TICK.fullmatch(facts.get("tick_ps", "")) else None
    if unit:
        if unit not in UNITS_PS:
            raise InputError(f"{unit!r} is no unit of time: use one of {', '.join(UNITS_PS)}")
        per_unit, tick_ps = UNITS_PS[unit], Fraction(1)
        if per_unit == 1 and stated is not None and stated.denominator == 1:
            per_tick, tick_ps = stated.numerator, stated
    elif tick_ps is None:
        tick_ps = stated
    if tick_ps is None:
        raise InputError(
            f"{path} does not say the unit of its times: give it with --time-unit (ps, ns, us, ms "
            "or s) or, of a tagger's own steps, with --tick-ps"
        )
    return _Form(separator, time, channel, pulse, per_unit, per_tick, first_line + header), tick_ps


def _place(
    path: Path,
    asked: str | None,
    fields: list[str],
    names: list[str],
    known: tuple[str, ...],
    otherwise: int | None,
) -> int:
    if asked is not None:
        if asked in fields:
            return fields.index(asked)
        if asked.isdigit() and int(asked) < len(fields):
            return int(asked)
        raise InputError(f"{path} has no column {asked!r}; it has {', '.join(fields)}")
    for name in known:
        if name in names:
            return names.index(name)
    if otherwise is not None and otherwise < len(fields):
        return otherwise
    raise InputError(
        f"{path} has no column called {' or '.join(known[:2])}: name the columns of time and "
        f"channel with --time-column and --channel-column; it has {', '.join(fields)}"
    )


def _read(path: Path, form: _Form, follow: Waiting | None) -> Iterator[Tags]:
    line, rest = 0, b""
    for piece in Pieces(path, 0, 1, follow=follow):
        whole, newline, rest = (rest + piece).rpartition(b"\n")
        if newline:
            lines = whole.decode("utf-8", "replace").split("\n")
            yield _tags(path, lines, line, form)
            line += len(lines)
    if rest and follow:
        yield empty(form.pulse is not None, {"cut": len(rest)})
    elif rest:
        yield _tags(path, [rest.decode("utf-8", "replace")], line, form)


def _tags(path: Path, lines: list[str], start: int, form: _Form) -> Tags:
    rows = [
        (number, line)
        for number, line in enumerate(lines, start)
        if number >= form.first_line and line.strip() and line[0] != "#"
    ]
    if not rows:
        return empty(form.pulse is not None, {})
    columns = [form.time, form.channel] + ([] if form.pulse is None else [form.pulse])
    try:  # whole numbers, as taggers write them
        found = np.loadtxt(
            [line for _, line in rows],
            np.int64,
            delimiter=form.separator,
            usecols=columns,
            ndmin=2,
            comments=None,
        ).reshape(-1, len(columns))
        fits = int(np.abs(found[:, 0]).max()) <= _LATEST // form.ticks_per_unit
        whole = found * ([form.ticks_per_unit] + [1] * (len(columns) - 1)) if fits else None
        if whole is not None and form.units_per_tick > 1:
            whole[:, 0], rest = np.divmod(whole[:, 0], form.units_per_tick)
            whole = None if rest.any() else whole
    except ValueError:
        whole = None
    if whole is None:
        whole = np.array(
            [_row(path, number, line, columns, form) for number, line in rows], np.int64
        ).reshape(-1, len(columns))
    channel = whole[:, 1]
    wrong = np.flatnonzero((channel < 0) | (channel > _MOST_CHANNEL))
    if len(wrong):
        raise InputError(
            f"{path}, line {rows[wrong[0]][0] + 1}: {channel[wrong[0]]} is no channel (0 to "
            f"{_MOST_CHANNEL}); export it without overflow and marker rows"
        )
    pulse = None if form.pulse is None else np.ascontiguousarray(whole[:, 2])
    return Tags(channel.astype(np.uint8), np.ascontiguousarray(whole[:, 0]), pulse)


def _row(path: Path, number: int, line: str, columns: list[int], form: _Form) -> list[int]:
    """Read one row exactly; InputError names its line."""
    fields = _split(line, form.separator)
    try:
        time, *others = (Decimal(fields[column].strip().strip('"')) for column in columns)
        found = [time * form.ticks_per_unit / form.units_per_tick, *others]
        whole = [int(value) for value in found]
    except (IndexError, InvalidOperation, ValueError, OverflowError):
        raise InputError(
            f"{path}, line {number + 1}: {line.strip()[:60]!r} is not a time and a channel; "
            "correct or remove it"
        ) from None
    if whole != found:
        raise InputError(
            f"{path}, line {number + 1}: {line.strip()[:60]!r} is finer than a tick, or has a part "
            "of a channel; round it, or give the tick with --tick-ps"
        )
    if abs(whole[0]) > _LATEST:
        raise InputError(f"{path}, line {number + 1}: the time is beyond 2⁶² ticks; check the unit")
    return whole


def _separator(row: str) -> str | None:
    """Return what separates the fields of a row; None for white space."""
    return next((mark for mark in ",;\t" if mark in row), None)


def _split(row: str, separator: str | None) -> list[str]:
    return row.strip().split(separator)


def _is_number(field: str) -> bool:
    try:
        return Decimal(field.strip().strip('"')).is_finite()
    except InvalidOperation:
        return False
