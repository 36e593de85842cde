"""Brings what the host wants, new settings, start and stop, into the tagger's clock domain."""

from amaranth.hdl import Module, Signal, Value, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hexkey_gateware.crossings import crossed
from hexkey_gateware.register_layouts import SETTINGS, resets

FAST, SYNC = "fast", "sync"
MARKER_BITS = 32

BLINDING_CLOCKS = 8
"""Until `seeing` tells of the last pulse that began before `blind`."""


class Conductor(wiring.Component):
    """Lets gates open and close, and settings change while none is open.

    Whoever works with settings needs no guard against their change: a pulse is *blind* if no gate
    opens in it, and all settings change in one clock in which nothing but blind pulses is between
    the pins and the event FIFO. So a commit blinds the pulses that begin from now on, waits until
    none of the others is left, takes the settings over, waits until what was delayed by the old
    ones is gone, and lets gates open again. Stopping is the first half of that.

    Without lock there are no pulses that it could wait for, and if lock is lost meanwhile, they
    close by themselves.

    Latency: from `commit` to its end some 12 clocks of both domains, `drain_clocks` and
    `settle_clocks`, and with a lock up to three pulses. Throughput: one commit at a time.
    Back-pressure: `commit` is taken when the settings have changed; until then it, and `written`,
    must hold still, and start and stop wait.

    Parameters
    ----------
    period_ticks : int
        After a reset.
    drain_clocks : int
        At least 2: from the fall of `seeing` until the last words are in the event FIFO.
    settle_clocks : int
        At least 2: from a change of settings until tags and pulses follow them.

    Members
    -------
    commit : :py:`In(stream.Signature(32))`
        In `sync`: take over what is `written`, under this id.
    written : :py:`In(SETTINGS)`
        In `sync`.
    running : :py:`In(1)`
        In `sync`: gates may open.
    drained : :py:`Out(1)`
        In `sync`: no gate opens, and all events are in the event FIFO. While `running`, it falls
        once gates open; until then a stop must wait.
    active : :py:`Out(SETTINGS)`
        In `fast`, as all below: the settings in force.
    settings_id : :py:`Out(32)`
        Of `active`.
    taking_over : :py:`Out(1)`
        `active` changes behind this clock.
    seeing : :py:`In(1)`
        A pulse that is not blind is under way. Rises up to 6 clocks after such a pulse began, as
        `blind` was when it left here.
    blind : :py:`Out(1)`
        Pulses that begin in this clock are blind.
    announce_settings : :py:`Out(1)`
        For a clock: the next pulse is the first with new settings.
    marker : :py:`In(1)`
        The input of that name, not synchronised.
    announce_marker : :py:`Out(1)`
        For a clock: the marker rose, `MARKER_LATENCY` clocks ago; the next pulse carries it.
    marker_count : :py:`Out(32)`
        Rises, this one included.
    clear : :py:`In(1)`
        `marker_count` begins again.
    """

    MARKER_LATENCY = 3

    def __init__(
        self, period_ticks: int, *, drain_clocks: int = 64, settle_clocks: int = 128
    ) -> None:
        self._drain_clocks, self._settle_clocks = drain_clocks, settle_clocks
        super().__init__(
            {
                "commit": In(stream.Signature(unsigned(32))),
                "written": In(SETTINGS),
                "running": In(1),
                "drained": Out(1, init=1),
                "active": Out(SETTINGS, init=resets(SETTINGS, period_ticks)),
                "settings_id": Out(32),
                "taking_over": Out(1),
                "seeing": In(1),
                "blind": Out(1, init=1),
                "announce_settings": Out(1),
                "marker": In(1),
                "announce_marker": Out(1),
                "marker_count": Out(MARKER_BITS),
                "clear": In(1),
            }
        )
        self._wanted = Signal()  # in `sync`: a commit waits to be carried out
        self._done = Signal()  # in `fast`: it was

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._ask(m)
        self._carry_out(m)
        self._watch_marker(m)
        return m

    def _ask(self, m: Module) -> None:
        """Hand a commit to the other domain, and wait until it has come back from there."""
        done = crossed(m, self._done, SYNC)
        with m.FSM(domain=SYNC):
            with m.State("IDLE"):
                with m.If(self.commit.valid):
                    m.d[SYNC] += self._wanted.eq(1)
                    m.next = "WAIT"

            with m.State("WAIT"):
                with m.If(done):
                    m.d[SYNC] += self._wanted.eq(0)
                    m.next = "RETURN"

            with m.State("RETURN"):
                with m.If(~done):
                    m.d.comb += self.commit.ready.eq(1)
                    m.next = "IDLE"

    def _carry_out(self, m: Module) -> None:
        """Blind, close, drain, take over, settle; a flip-flop for each of these states."""
        wanted = crossed(m, self._wanted, FAST)
        running = crossed(m, self.running, FAST)
        drained = Signal(init=1)
        m.submodules.drained = FFSynchronizer(drained, self.drained, o_domain=SYNC, init=1)
        idle, blinding, closing, draining = (
            Signal(init=name == "idle", name=name)
            for name in ("idle", "blinding", "closing", "draining")
        )
        settling, committing = Signal(), Signal()
        left = Signal(signed(1 + max(self._drain_clocks, self._settle_clocks).bit_length()))
        over = left[-1]  # the last clock of a state
        commits = wanted & ~self._done
        begins = idle & (commits | (~running & ~self.blind))
        closes, drains, settles = (
            Signal(name=f"{name}_end") for name in ("closing", "draining", "settling")
        )
        m.d.comb += [
            closes.eq(closing & self._nothing_is_open()),
            drains.eq(draining & over),
            settles.eq(settling & over),
        ]
        m.d[FAST] += [
            idle.eq((idle & ~begins) | (drains & ~committing) | settles),
            blinding.eq(begins | (blinding & ~over)),
            closing.eq((blinding & over) | (closing & ~closes)),
            draining.eq(closes | (draining & ~over)),
            self.taking_over.eq(drains & committing),
            settling.eq(self.taking_over | (settling & ~over)),
            self.announce_settings.eq(settles),
            left.eq(left - 1),
        ]
        for before, clocks in (
            (idle, BLINDING_CLOCKS),
            (closing, self._drain_clocks),
            (self.taking_over, self._settle_clocks),
        ):
            with m.If(before):
                m.d[FAST] += left.eq(clocks - 2)
        opens = running & (settles | (idle & ~commits))
        m.d[FAST] += [
            self.blind.eq(begins | (self.blind & ~opens)),
            drained.eq(drains | (drained & ~opens)),
        ]
        with m.If(idle):
            m.d[FAST] += committing.eq(commits)
        with m.If(self.taking_over):
            m.d[FAST] += [self.active.eq(self.written), self.settings_id.eq(self.commit.payload)]
        m.d[FAST] += self._done.eq(wanted & (self._done | settles))

    def _nothing_is_open(self) -> Value:
        return ~self.seeing

    def _watch_marker(self, m: Module) -> None:
        level = crossed(m, self.marker, FAST)
        before = Signal()
        rises = level & ~before
        m.d[FAST] += before.eq(level)
        m.d[FAST] += self.announce_marker.eq(rises)
        with m.If(self.clear):
            m.d[FAST] += self.marker_count.eq(0)
        with m.Elif(rises):
            m.d[FAST] += self.marker_count.eq(self.marker_count + 1)
