"""The key store: one SQLite file a party, with its keys and its authentication pool.

Both live in one file because a block's commit and the refill of the pool from that block are one
transaction: no crash leaves the one without the other. The format is in docs/key-store.md.
"""

from hexkey.store.comparison import Comparison, compare
from hexkey.store.key import DemonstrationKey, Key, SecretKey
from hexkey.store.pair import create_pair
from hexkey.store.pool import RESERVE, TAG_KEY_BYTES
from hexkey.store.store import Store

__all__ = [
    "RESERVE",
    "TAG_KEY_BYTES",
    "Comparison",
    "DemonstrationKey",
    "Key",
    "SecretKey",
    "Store",
    "compare",
    "create_pair",
]
