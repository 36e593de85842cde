"""Counts that are read and set to 0 in one step."""


class BinCounts:
    """Counts that stop at their highest value.

    Parameters
    ----------
    rows : int
    count_bits : int
    """

    def __init__(self, rows: int, count_bits: int = 32) -> None:
        self._highest = (1 << count_bits) - 1
        self._counts = [0] * rows

    def add(self, row: int) -> None:
        self._counts[row] = min(self._counts[row] + 1, self._highest)

    def count(self, row: int) -> int:
        return self._counts[row]

    def take(self, row: int) -> int:
        """Return a row's count and set it to 0."""
        count, self._counts[row] = self._counts[row], 0
        return count

    def clear(self) -> None:
        self._counts = [0] * len(self._counts)
