"""Coincidences counted at Alice's source while it runs: what she sends of them, and what follows.

A tap of her source goes to two detectors of her own (Hanbury Brown and Twiss). What is sent is
counts, not a value: Bob draws the same conclusion from them as she does.
"""

import math
import struct
from dataclasses import dataclass

from hexkey.errors import ProtocolError
from hexkey.measure.g2_counts import g2_band
from hexkey.wire import LAGS

CONFIDENCE = 1 - 2e-6  # of the band: either end is wrong with 10^-6

_SOURCE = struct.Struct("<QQQHdd")
_MOST_COUNTS = 1 << 48  # of pulses, weeks of them; a float holds what is counted beside, too
MOST_LAGS = len(LAGS) - 1


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """Coincidences of a stretch of pulses, the last ones that Alice counted.

    Attributes
    ----------
    pulses : int
        In which coincidences were counted.
    coincidences : int
        Within a pulse.
    others : int
        Between pulses at other lags, all of them together.
    lags : int
        How many other lags there are.
    seconds : float
        Length of the stretch.
    needed_s : float
        How much longer she counts before anything is concluded; 0 once it is long enough.
    """

    pulses: int
    coincidences: int
    others: int
    lags: int
    seconds: float
    needed_s: float

    def encode(self) -> bytes:
        return _SOURCE.pack(
            self.pulses, self.coincidences, self.others, self.lags, self.seconds, self.needed_s
        )

    @staticmethod
    def decode(body: bytes) -> "SourceCounts":
        if len(body) != _SOURCE.size:
            raise ProtocolError(
                f"a SOURCE message has {len(body)} bytes where {_SOURCE.size} were due; the "
                "session was ended"
            )
        found = SourceCounts(*_SOURCE.unpack(body))
        times = (found.seconds, found.needed_s)
        if (
            not 0 < found.lags <= MOST_LAGS
            or found.pulses > _MOST_COUNTS
            or found.coincidences > found.pulses  # one a pulse at most, at each of the lags
            or found.others > found.pulses * found.lags
            or not all(math.isfinite(time) and time >= 0 for time in times)
        ):
            raise ProtocolError("a SOURCE message makes no sense; the session was ended")
        return found


@dataclass(frozen=True, slots=True)
class SourceVerdict:
    """What counts say of a source.

    Attributes
    ----------
    value, low, high : float or None
        g²(0), not corrected for background, with its band; None where nothing was counted beside.
    needed_s : float
        Until there is a verdict; 0 once there is one.
    degraded : bool
        There is a verdict, and no upper bound at or below the limit was shown.
    """

    value: float | None
    low: float | None
    high: float | None
    needed_s: float
    degraded: bool

    @property
    def good(self) -> bool:
        """Whether a block may make a key: the source was shown to be what is stated of it."""
        return not self.needed_s and not self.degraded

    @property
    def word(self) -> str:
        if self.needed_s:
            return "waiting"
        return "degraded" if self.degraded else "single photons"


def judge(counts: SourceCounts, limit: float) -> SourceVerdict:
    """Return what counts say of a source whose g² must stay below `limit`.

    The upper bound is what multi-photon pulses are counted by, so it is the upper bound that must
    stay below. How long is counted before that is fixed beforehand. A source that is not shown to
    be good makes no key: neither until then, nor for too few coincidences, or for none at all.
    """
    due = counts.needed_s == 0
    if not counts.others:
        return SourceVerdict(None, None, None, counts.needed_s, due)
    band = g2_band(counts.coincidences, counts.others, counts.lags, CONFIDENCE)
    return SourceVerdict(
        band.value, band.low, band.high, counts.needed_s, due and band.high > limit
    )
