"""Corners that a bench must have visited, named before the stimulus is written."""


class Coverage:
    """Counts visits of corners.

    Parameters
    ----------
    corners : str
        All that there are.
    """

    def __init__(self, *corners: str) -> None:
        self._visits = dict.fromkeys(corners, 0)

    def visit(self, corner: str, condition: bool = True) -> None:
        """Count a visit if `condition` holds; KeyError for a corner that was not named."""
        self._visits[corner] += condition

    def check(self) -> None:
        """Raise AssertionError if a corner was never visited."""
        missed = [corner for corner, visits in self._visits.items() if not visits]
        assert not missed, f"the stimulus never visited: {', '.join(missed)}"
