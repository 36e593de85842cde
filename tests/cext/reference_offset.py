"""Offset search the slow way: every candidate, bit by bit."""


def plain_search(
    record: list[int], position: list[int], bits: list[int], candidates: int, limit: int
) -> list[tuple[int, int]]:
    """Return (shift, mismatches) of every shift with at most `limit` mismatches."""
    counts = (
        (shift, sum(record[at + shift] != bit for at, bit in zip(position, bits, strict=True)))
        for shift in range(candidates)
    )
    return [(shift, count) for shift, count in counts if count <= limit]
