"""Finds the youngest edge in a snapshot of a delay line, and whether it is new."""

from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import and_, or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.pipeline import delayed
from hexkey_gateware.slot import lane
from hexkey_gateware.tagger.reach import Reach, reach

RADIX = 4  # nodes of the search that one node follows: two levels of LUTs between registers


def code_layout(codes: int) -> data.StructLayout:
    """Return a place in a delay line.

    Members
    -------
    code : :py:`unsigned(...)`
        Taps that the edge has passed, below `codes`.
    """
    return data.StructLayout({"code": (codes - 1).bit_length()})


@dataclass(frozen=True, slots=True)
class Node:
    """What is known of some adjacent taps.

    Attributes
    ----------
    found : Signal
        An edge stands among them.
    index : Value
        Where the first one stands, from the node's own first tap.
    high : Value
        One of them is high.
    """

    found: Signal
    index: Value
    high: Value


class Encoder(wiring.Component):
    """Gives one code for each rising edge, in the slot in which it fell into the line.

    Tap 0 is nearest to the input, so the youngest edge is where, going on from tap 0, the taps stop
    being high for the first time. Each tap first takes the majority of itself and its neighbours:
    uneven taps switch out of order (bubbles), and taps out of order must not look like an edge.
    See `hexkey_gateware.tagger.reach` for how an edge that is seen twice gives one code.

    Latency `LATENCY` clocks, throughput one snapshot a clock, no back-pressure. Edges must be more
    than a clock apart, high and low longer than a tap and its neighbours.

    Parameters
    ----------
    taps : int
    neighbours : int
        On either side; 0 for a line of equal samples.

    Members
    -------
    snapshot : :py:`In(taps)`
        The taps at a sampling edge.
    o : :py:`Out(lane(code_layout(reach.codes)))`
        The code `reach.visible` stands for an edge that had left the line before it was seen.
    """

    def __init__(self, taps: int, neighbours: int = 1) -> None:
        self.reach: Reach = reach(taps, neighbours)
        super().__init__({"snapshot": In(taps), "o": Out(lane(code_layout(self.reach.codes)))})
        # Leaves, search, a clock for the way from the line's ends, decision.
        self.LATENCY = 1 + _levels(self.reach.visible) + 1 + 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        nodes = self._leaves(m)
        while len(nodes) > RADIX:
            nodes = [
                _follow(m, nodes[first : first + RADIX]) for first in range(0, len(nodes), RADIX)
            ]
        nodes = [_brought(m, node) for node in nodes]
        self._decide(m, _follow(m, nodes) if len(nodes) > 1 else nodes[0])
        return m

    def _leaves(self, m: Module) -> list[Node]:
        """Return a node for each tap; an edge stands at the last high one."""
        leaves = []
        for tap in range(self.reach.visible):
            found, high = Signal(reset_less=True), Signal(reset_less=True)
            m.d.sync += found.eq(self._tap(tap) & ~self._tap(tap + 1))
            looked_at = tap % self.reach.stride == self.reach.stride - 1
            if looked_at:
                m.d.sync += high.eq(self._tap(tap))
            leaves.append(Node(found, Const(0, 0), high if looked_at else Const(0, 1)))
        return leaves

    def _tap(self, index: int) -> Value:
        taps: Value = self.snapshot
        sides = min(self.reach.neighbours, index)
        votes = taps[index - sides : index + sides + 1]
        return _at_least(sides + 1, list(votes))

    def _decide(self, m: Module, node: Node) -> None:
        young = Signal()
        m.d.comb += young.eq(node.found & (node.index < self.reach.young))
        young_before, seen_before = Signal(init=1), Signal(init=1)
        missed = Signal()
        m.d.comb += missed.eq(~node.found & node.high & ~seen_before)
        m.d.sync += [
            young_before.eq(young),
            seen_before.eq(node.found | node.high),
            self.o.valid.eq(young | (node.found & ~young_before) | missed),
        ]
        code = Signal(self.o.payload.code.shape(), reset_less=True)
        m.d.sync += code.eq(Mux(node.found, node.index, self.reach.visible))
        m.d.comb += self.o.payload.code.eq(code)


def _at_least(least: int, bits: list[Value]) -> Value:
    """Return whether so many of some bits are high.

    The order, near bits first, is arbitrary, but the netlist and with it the placement follow it.
    """
    places = sorted(combinations(range(len(bits)), least), key=lambda some: some[-1] - some[0])
    return reduce(or_, (reduce(and_, (bits[place] for place in some)) for some in places))


def _levels(leaves: int) -> int:
    """Return how many levels of the search lead to one node."""
    return 0 if leaves == 1 else 1 + _levels(-(-leaves // RADIX))


def _brought(m: Module, node: Node) -> Node:
    """Return a node as it is, a clock later: it comes from far along the line."""
    return Node(*(delayed(m, each, 1) for each in (node.found, node.index, node.high)))


def _follow(m: Module, nodes: list[Node]) -> Node:
    """Return a node that knows, a clock later, what its nodes know."""
    found, high = Signal(reset_less=True), Signal(reset_less=True)
    index = Signal(len(nodes[0].index) + (RADIX - 1).bit_length(), reset_less=True)
    within: Value = nodes[-1].index
    for node in reversed(nodes[:-1]):
        within = Mux(node.found, node.index, within)
    # Which one, in gates: of a choice of constants synthesis makes a reset, whose way is long.
    first, second, third = ([node.found for node in nodes[:-1]] + [Const(1)] * RADIX)[: RADIX - 1]
    place = Cat(~first & (second | ~third), ~(first | second))
    m.d.sync += [
        found.eq(Cat(node.found for node in nodes).any()),
        high.eq(Cat(node.high for node in nodes).any()),
        index.eq(Cat(within, place)),
    ]
    return Node(found, index, high)
