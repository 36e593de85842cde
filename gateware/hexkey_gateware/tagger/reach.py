"""How far an encoder looks down its line, and how it knows an edge that it has seen before.

A line that is longer than a clock shows an edge in one snapshot or in two. The youngest edge in a
snapshot is *young* if it is in the first half of what is looked at. One that is not young was
already there a clock ago exactly if the youngest edge was young then: it is a clock older now, and
where it was then is the first half. This holds for whatever pulses, while two edges are more than a
clock apart and what is looked at takes between one clock and two.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reach:
    """The codes that an encoder gives.

    Attributes
    ----------
    visible : int
        Edges that are this many taps in or more are not looked at. Also the code of an edge which
        no snapshot showed, because the line is shorter than a clock.
    young : int
        An edge with a code below fell into this slot, whatever was seen before.
    stride : int
        Every so many taps it is looked whether the line is high at all.
    neighbours : int
        So many taps on either side have a vote on what a tap is.
    """

    visible: int
    young: int
    stride: int
    neighbours: int

    @property
    def codes(self) -> int:
        """How many codes there are."""
        return self.visible + 1


def neighbours(lowering: str, tap_ps: float) -> int:
    """Return how many taps on either side have a vote on what a tap is.

    In lines of the model with which tests measure (30 % lognormal, flip-flops 8 ps rms apart), one
    in six of 21 ps taps has a place where falling edges look like rising ones with one neighbour,
    some 50 in a million; with two, none in sixty has, nor has one of 35 ps taps with one.
    """
    if lowering == "ddr":
        return 0
    return 1 if tap_ps >= 30 else 2


def reach(taps: int, neighbours: int = 1) -> Reach:
    """Return the reach of a line.

    Parameters
    ----------
    taps : int
    neighbours : int
        0 if taps are samples, of which the last of a snapshot is the first of the one before.
    """
    if not neighbours:
        return Reach(visible=taps - 1, young=taps - 1, stride=1, neighbours=0)
    visible = taps * 7 // 8
    return Reach(visible=visible, young=visible // 2, stride=16, neighbours=neighbours)
