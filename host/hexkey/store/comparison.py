"""Are the keys of two stores equal? Answered without showing a bit."""

import hmac
import os
from dataclasses import dataclass
from pathlib import Path

from hexkey.errors import InputError
from hexkey.store.key import Key
from hexkey.store.store import Store


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two stores have in common.

    Attributes
    ----------
    equal : bool
        The same identifiers on both sides, and equal bits under each. True for two stores without
        keys: look at `common`.
    common : int
        Number of keys that both have, equal or not.
    only_a, only_b : list of str
        Identifiers of keys that one side lacks.
    differing : list of str
        Identifiers under which the two sides hold different bits.
    bits : int
        Total length of the keys that are equal.
    """

    equal: bool
    common: int
    only_a: list[str]
    only_b: list[str]
    differing: list[str]
    bits: int


def compare(path_a: str | Path, path_b: str | Path) -> Comparison:
    """Compare the committed keys of two stores.

    Raises
    ------
    InputError
        Both paths lead to one file.
    StoreError
        A store cannot be read, or a session has it open.
    """
    keys_a, keys_b = _keys(path_a), _keys(path_b)
    if os.path.samefile(path_a, path_b):
        raise InputError(f"{path_a} and {path_b} are one file: give the stores of both parties")
    common = [key_id for key_id in keys_a if key_id in keys_b]
    differing = [key_id for key_id in common if not _equal(keys_a[key_id], keys_b[key_id])]
    only_a = [key_id for key_id in keys_a if key_id not in keys_b]
    only_b = [key_id for key_id in keys_b if key_id not in keys_a]
    return Comparison(
        equal=not (only_a or only_b or differing),
        common=len(common),
        only_a=only_a,
        only_b=only_b,
        differing=differing,
        bits=sum(keys_a[key_id].length_bits for key_id in common if key_id not in differing),
    )


def _keys(path: str | Path) -> dict[str, Key]:
    with Store.open(path, read_only=True) as store:
        return {key.key_id: key for key in store.keys()}


def _equal(a: Key, b: Key) -> bool:
    return a.length_bits == b.length_bits and hmac.compare_digest(a.bits, b.bits)
