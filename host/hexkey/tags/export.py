"""Detections into Parquet or CSV, piece by piece: what spreadsheets and data frames read."""

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError, StoreError
from hexkey.tags.stream import TagFile, Tags

SUFFIXES = (".parquet", ".csv")
Write = Callable[[dict[str, NDArray[Any]]], None]


def check_export(path: Path) -> None:
    """Raise an error before a long run, not after it.

    Raises
    ------
    ConfigurationError
        The ending is none of `SUFFIXES`, or pyarrow is not installed.
    StoreError
        The file exists.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigurationError(
            f"export {path} must end in {' or '.join(SUFFIXES)}, not {path.suffix or 'nothing'}"
        )
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise ConfigurationError(
            "Parquet needs pyarrow, which is not installed: pip install 'hexkey[parquet]'"
        )
    if path.exists():
        raise StoreError(f"export {path} exists already; choose another name")


def export(file: TagFile, path: Path, progress: Callable[[int], None] | None = None) -> int:
    """Write all detections in the order of the file; return their number.

    Columns are ``pulse`` (T3), ``time_ps`` (with T3 since the sync; ``ticks`` where these are no
    whole numbers of picoseconds) and ``channel``. What a reader needs besides is in the schema's
    metadata, in CSV in a first line that begins with ``#``.

    Raises
    ------
    ConfigurationError, StoreError
        As `check_export`, or the disk is full.
    InputError
        The file contradicts its own format.
    """
    check_export(path)
    opened = _parquet if path.suffix == ".parquet" else _csv
    written = 0
    try:
        with opened(path, _names(file), _facts(file)) as write:
            for tags in file.chunks():
                write(_columns(tags, file.tick_ps))
                written += len(tags)
                if progress:
                    progress(written)
    except OSError as error:
        raise StoreError(f"export {path} cannot be written: {error.strerror or error}") from None
    return written


def _names(file: TagFile) -> list[str]:
    time = "time_ps" if file.tick_ps.denominator == 1 else "ticks"
    return [*(["pulse"] if file.pulsed else []), time, "channel"]


def _facts(file: TagFile) -> dict[str, str]:
    facts = {"tick_ps": str(file.tick_ps)}
    if file.sync_period_ps is not None:
        facts["sync_period_ps"] = repr(file.sync_period_ps)
    if file.trigger_channel is not None:
        facts["trigger_channel"] = str(file.trigger_channel)
    return facts


def _columns(tags: Tags, tick_ps: Fraction) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {} if tags.pulse is None else {"pulse": tags.pulse}
    if tick_ps.denominator == 1:
        columns["time_ps"] = tags.ticks * np.int64(tick_ps.numerator)
    else:
        columns["ticks"] = tags.ticks
    return {**columns, "channel": tags.channel}


def _create(path: Path) -> int:
    """Open a new file that others cannot read: the detections of a link are the bits of its key."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


@contextmanager
def _parquet(path: Path, names: list[str], facts: dict[str, str]) -> Iterator[Write]:
    pa: Any = import_module("pyarrow")  # an extra, and without types
    writer_of: Any = import_module("pyarrow.parquet").ParquetWriter
    fields = [pa.field(name, pa.uint8() if name == "channel" else pa.int64()) for name in names]
    schema = pa.schema(fields, metadata={f"hexkey.{name}": value for name, value in facts.items()})
    with (
        os.fdopen(_create(path), "wb") as file,
        writer_of(file, schema, compression="zstd") as writer,
    ):
        yield lambda columns: writer.write_table(pa.table(columns, schema=schema))


@contextmanager
def _csv(path: Path, names: list[str], facts: dict[str, str]) -> Iterator[Write]:
    with os.fdopen(_create(path), "w", newline="", encoding="utf-8") as file:
        file.write(f"# {' '.join(f'{name}={value}' for name, value in facts.items())}\n")
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(names)

        def write(columns: dict[str, NDArray[Any]]) -> None:
            rows.writerows(zip(*(columns[name].tolist() for name in names), strict=True))

        yield write
