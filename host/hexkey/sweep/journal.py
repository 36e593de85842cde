"""The file of a sweep that can be resumed: a line of JSON for each result, as it comes.

    {"hexkey_sweep": 1, "function": "hexkey.….plan", "hexkey": "0.1.0"}
    {"item": "<SHA-256 of the function's name and the item>", "value": …}

A process that is killed leaves at most an unfinished last line, which the next one cuts off.
Nothing in the file is ever executed, as a pickle would be.
"""

import dataclasses
import enum
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from hexkey import __version__
from hexkey.errors import ConfigurationError, InputError, StoreError
from hexkey.sweep.work import name_of

VERSION = 1


class Journal:
    """Results of earlier runs of one sweep, and where to add new ones; a context manager.

    Raises
    ------
    InputError
        The file is another's: of another function, of other items, of another version of hexkey,
        or in use. Or it is damaged before its last line.
    StoreError
        It cannot be opened or written.
    ConfigurationError
        An item has no digest.
    """

    def __init__(self, path: Path, function: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self._path = path
        self._function = name_of(function)
        self._digests = [item_digest(self._function, item) for item in items]
        self._known: dict[str, str] = {}
        self._file = -1

    def __enter__(self) -> "Journal":
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise StoreError(
                f"{self._path}, to resume from, cannot be opened: {error.strerror}"
            ) from None
        try:
            self._begin()
        except BaseException:
            os.close(self._file)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def results(self) -> list[str | None]:
        """Return the JSON text of each item's result, None where it is still to be computed."""
        return [self._known.get(digest) for digest in self._digests]

    def append(self, place: int, text: str) -> None:
        """Add the result of item `place`."""
        self._write(f'{{"item": "{self._digests[place]}", "value": {text}}}\n')

    def _begin(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{self._path} is in use by another sweep; wait for it or give another file"
            ) from None
        with open(self._file, "rb", closefd=False) as file:
            data = file.read()
        head = {"hexkey_sweep": VERSION, "function": self._function, "hexkey": __version__}
        first = json.dumps(head) + "\n"
        if first.encode().startswith(data):  # new, or killed before the first line was whole
            os.ftruncate(self._file, 0)
            self._write(first)
            return
        end = data.rfind(b"\n") + 1
        lines = data[:end].splitlines()
        self._check_head(lines[0] if lines else b"", head)
        os.ftruncate(self._file, end)
        for number, line in enumerate(lines[1:], 2):
            item, value = self._parse(line, number)
            self._known[item] = json.dumps(value)
        if self._known and self._digests and self._known.keys().isdisjoint(self._digests):
            raise InputError(
                f"{self._path} holds results of {self._function} for other items; give another "
                "file to resume from"
            )

    def _check_head(self, line: bytes, mine: dict[str, Any]) -> None:
        head = _object(line)
        if "hexkey_sweep" not in head:
            raise InputError(
                f"{self._path} is not the file of a sweep; give another to resume from"
            )
        for key, what in (("hexkey_sweep", "format"), ("function", ""), ("hexkey", "hexkey")):
            if head.get(key) != mine[key]:
                raise InputError(
                    f"{self._path} is of a sweep of {f'{what} {head.get(key)}'.strip()}, not of "
                    f"{mine[key]}; give another file to resume from"
                )

    def _parse(self, line: bytes, number: int) -> tuple[str, Any]:
        entry = _object(line)
        if not isinstance(entry.get("item"), str) or "value" not in entry:
            raise InputError(
                f"line {number} of {self._path}, to resume from, is damaged: delete it, and its "
                "item is computed again"
            )
        return entry["item"], entry["value"]

    def _write(self, line: str) -> None:
        data = memoryview(line.encode())
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            raise StoreError(
                f"{self._path}, to resume from, cannot be written: {error.strerror}"
            ) from None


def item_digest(function: str, item: Any) -> str:
    """Return the SHA-256 of a function's name and an item, the same in every process.

    Raises
    ------
    ConfigurationError
        The item is of a kind whose text does not tell it from others.
    """
    try:
        text = json.dumps([function, item], sort_keys=True, default=_plain)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"a sweep over items such as {item!r} cannot be resumed ({error}): leave the file out"
        ) from None
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return what JSON cannot write as what it can, with its type."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return [name, {field.name: getattr(value, field.name) for field in fields}]
    if isinstance(value, enum.Enum):
        return [name, value.name]
    if isinstance(value, np.ndarray | np.generic):
        return [name, str(value.dtype), np.shape(value), value.tolist()]
    raise TypeError(f"{kind.__name__} is no value that is written as text")


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
