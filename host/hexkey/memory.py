"""What a block has used stays with the process for the next one.

Arrays of megabytes come from the kernel page by page, zeroed, and go back when they are freed: at a
block of a million bits that is a quarter of what the block takes. A process that distils block
after block keeps them instead, as much as its largest block needed.
"""

import ctypes

# glibc's mallopt: sizes from which on memory is mapped apart, and above which it is given back; and
# how many heaps there are, of which a thread would begin with one of its own.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_MOST_MAPPED, _MOST_KEPT = 1 << 30, (1 << 31) - 1


def keep_freed() -> None:
    """Keep freed memory from here on; does nothing where the C library is not glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(_MMAP_THRESHOLD, _MOST_MAPPED)
    mallopt(_TRIM_THRESHOLD, _MOST_KEPT)
    mallopt(_ARENA_MAX, 1)
