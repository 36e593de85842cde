"""Maps over the gate's start t0 and width Δt: what each gate would have sifted, at which QBER.

`count` is exact, click for click; `rates` turns counts into rates and a secret rate by the paper's
equations, which are no proof; `recorded` counts a recording against Alice's record; `picture`
draws.

A map is for choosing the gate of *later* blocks. Choosing it by the very clicks that then make a
key is a selection on secret data: fix the gate beforehand, from data disclosed for that, or pay for
the choice with a union bound over the grid.
"""

from hexkey.maps.b92 import WindowCounts, count_windows
from hexkey.maps.count import Windows

__all__ = ["WindowCounts", "Windows", "count_windows"]
