"""Code density: how often each code of one channel's delay line came."""

from hexkey_sim.golden.bin_counts import BinCounts


class CodeDensity:
    """Counts the codes of the channel that was chosen last, from then on.

    Parameters
    ----------
    codes : int
    channels : int
    """

    def __init__(self, codes: int, channels: int) -> None:
        self._codes, self._counts = codes, BinCounts(codes)
        self.channel = channels  # nobody's

    def choose(self, channel: int) -> None:
        if channel != self.channel:
            self._counts.clear()
        self.channel = channel

    def add(self, channel: int, code: int) -> None:
        if channel == self.channel:
            self._counts.add(code)

    def take(self) -> list[int]:
        """Return the counts since the last call, and start at zero."""
        return [self._counts.take(code) for code in range(self._codes)]
