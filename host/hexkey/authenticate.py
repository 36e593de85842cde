"""Wegman–Carter tags of the public channel: a polynomial hash under a one-time mask.

The tag is H_r(message) XOR s with r and s from 32 bytes of shared key, used for one message only.
The hash is almost XOR-universal (`hexkey.gf128`) and the mask s uniform and used once: the tag of
a message that the forger sees tells him nothing about r. Another message m' with a tag t' is
accepted only if H_r(m') XOR H_r(m) equals the known t' XOR t, which at most L of the 2^128 points
satisfy; L belongs to the longer of the two messages. Without a message seen, a tag is right with
probability 2^-128.

Sources: M. N. Wegman & J. L. Carter, J. Comput. Syst. Sci. 22 (1981) 265 (hash and one-time mask);
H. Krawczyk, CRYPTO '94 (almost-XOR-universal is the property that the mask needs); V. Shoup,
CRYPTO '96 (polynomial evaluation in GF(2^n)); T. Krovetz & P. Rogaway, ICISC 2000 (strings of
different lengths under one polynomial hash).

Which key belongs to which message, and that none is used twice, is the pool's business.
"""

import hmac
from collections.abc import Sequence

import numpy as np

from hexkey.gf128 import Bytes, degree, polynomial_hash_of_parts

KEY_BYTES = 32
KEY_BITS = 8 * KEY_BYTES
TAG_BYTES = 16


def tag(message: Bytes | Sequence[Bytes], key: bytes) -> bytes:
    """Return the 16-byte tag of `message` under a `key` that is never used again.

    Parameters
    ----------
    message : bytes, bytearray or memoryview, or a sequence of them
        Of any length; of several parts all but the last are of whole blocks of 16 bytes.
    key : bytes
        32 uniform secret bytes: the hash's point, then the mask.

    Raises
    ------
    ValueError
        If `key` is not 32 bytes.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"key must be {KEY_BYTES} bytes, not {len(key)}")
    parts = [message] if isinstance(message, Bytes) else message
    digest = polynomial_hash_of_parts(parts, key[:TAG_BYTES])
    mask = np.frombuffer(key, dtype=np.uint8, offset=TAG_BYTES)
    return (np.frombuffer(digest, dtype=np.uint8) ^ mask).tobytes()


def verify(message: Bytes | Sequence[Bytes], received_tag: bytes, key: bytes) -> bool:
    """Whether `received_tag` is the tag of `message` under `key`, compared in constant time.

    A tag of another length is False, not an error: it came from the channel.

    Raises
    ------
    ValueError
        If `key` is not 32 bytes.
    """
    return hmac.compare_digest(tag(message, key), received_tag)


def epsilon(message_bytes: int) -> float:
    """Bound on the probability that one forgery attempt is accepted.

    Parameters
    ----------
    message_bytes : int
        The longest message that the verifier accepts: the forger chooses how long his is.

    Returns
    -------
    float
        (blocks + 1) / 2^128. Each further attempt against the same key costs as much again.

    Raises
    ------
    ValueError
        If `message_bytes` is negative.
    """
    if message_bytes < 0:
        raise ValueError(f"message_bytes must not be negative, not {message_bytes}")
    return degree(8 * message_bytes) / 2.0**128
