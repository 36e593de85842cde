"""What all pools have in common: an attempt at one item, and what comes of it."""

import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hexkey import __version__
from hexkey.errors import HexkeyError


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item has no result; the traceback is for those who write the function."""

    why: str
    traceback: str = ""


class Future(Protocol):
    def add_done_callback(self, callback: Callable[[Any], object], /) -> None: ...

    def result(self) -> Any: ...


class Pool(Protocol):
    """Processes that work on items."""

    def submit(self, function: Callable[[Any], Any], item: Any) -> Future: ...

    def outcome(self, future: Any) -> str | Failure:
        """Return what came of a finished item; raises HexkeyError where the pool is at fault."""

    def check(self) -> None:
        """Raise HexkeyError if nothing will come any more."""


def attempt(function: Callable[[Any], Any], item: Any, version: str) -> str | Failure:
    """Return the result's JSON text. Never raises: not every exception survives being sent."""
    if version != __version__:
        return Failure(f"its worker has hexkey {__version__}, not {version}")
    try:
        return json.dumps(function(item))
    except Exception as error:
        why = str(error) if isinstance(error, HexkeyError) else f"{type(error).__name__}: {error}"
        return Failure(why, traceback.format_exc())


def name_of(function: Callable[[Any], Any]) -> str:
    """Return a function's full name, with the file of a script's: every script is ``__main__``."""
    module = function.__module__
    if module == "__main__":
        module = str(Path(getattr(sys.modules[module], "__file__", module)).resolve())
    return f"{module}.{function.__qualname__}"
