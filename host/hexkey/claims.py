"""Which pulses of Alice's record were used, kept beside the record itself.

The store keeps claims too, but a new pair of stores knows nothing of the old one's: the file
``<record>.claims`` goes with the record, so that its pulses make key once, whoever serves them.
"""

import json
import os
from pathlib import Path
from typing import Protocol

from hexkey.errors import InputError, StoreError


class PulseClaims(Protocol):
    """Remembers the highest pulse used of a record."""

    def claim_pulses(self, record_id: str, first: int, last: int) -> None:
        """Claim pulses `first` to `last`, durably, before they are used.

        Raises
        ------
        InputError
            `first` is at or below the highest pulse claimed before.
        """


class RecordClaims:
    """Claims in a file beside a record, and in whatever else keeps them.

    Parameters
    ----------
    record : Path
    beside : PulseClaims
        `hexkey.store.Store` is one. Told second: killed in between, pulses are lost, not reused.
    """

    def __init__(self, record: Path, beside: PulseClaims) -> None:
        self._path = record.with_name(record.name + ".claims")
        self._beside = beside

    def claim_pulses(self, record_id: str, first: int, last: int) -> None:
        highest = self._highest(record_id)
        if first <= highest:
            raise InputError(
                f"pulses up to {highest} of this record were used before (says {self._path}): the "
                "same pulses are never distilled twice"
            )
        self._write(record_id, last)
        self._beside.claim_pulses(record_id, first, last)

    def _highest(self, record_id: str) -> int:
        try:
            found = json.loads(self._path.read_text())
            if found["record_id"] != record_id:
                raise ValueError("it is of another record")
            return int(found["last"])
        except FileNotFoundError:
            return -1
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self._path}, which says what of this record was used, cannot be read ({error}); "
                "take another record"
            ) from None

    def _write(self, record_id: str, last: int) -> None:
        """Replace the file whole, and not return before the disk has it."""
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(number, "w") as file:
                json.dump({"record_id": record_id, "last": last}, file)
                file.flush()
                os.fsync(number)
            fresh.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StoreError(
                f"{self._path} cannot be written: {error.strerror}; without it no pulse is used"
            ) from None
