"""64-bit totals of what the front end counts, which the link's clock domain asks for."""

from collections.abc import Sequence

from amaranth.hdl import DomainRenamer, Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hexkey_gateware import total_rows
from hexkey_gateware.total_rows import ROW_BITS, TotalRows

FAST, SYNC = "fast", "sync"
SHOWN_BITS = ROW_BITS

CLEAR_QUESTIONS = 4

FAST_PER_SYNC = 2
"""A clock of `sync` lasts at least as long as so many of `fast`."""

THERE_CLOCKS, BACK_CLOCKS = 3, 4  # of `fast` and `sync`: a bit's way, and what follows it


def answer_clocks(count: int) -> int:
    """Return the clocks of `sync` in which one of so many totals is told of, at most."""
    fast = THERE_CLOCKS + total_rows.answer_clocks(count)
    return BACK_CLOCKS + -(-fast // FAST_PER_SYNC)


def settle_clocks(count: int) -> int:
    """Return the clocks of `sync` after which nothing is on its way any more."""
    fast = total_rows.way_clocks(count) + total_rows.round_clocks(count)
    return 1 + -(-fast // FAST_PER_SYNC)


class Totals(wiring.Component):
    """Adds up what each total grows by in each clock, for as long as there is electricity.

    That is done by `TotalRows` in `fast`. Questions come from here, one at a time: for a total that
    was asked for, else for the next that is shown. A question holds still, while a bit that changes
    with each goes to the other side and comes back when the value is there, which then holds still.

    *Clear.* Increments are ignored, which for all totals begins with one clock and ends with one,
    and rows are written with 0, while time is told by questions, each of which lasts until a round
    ends. Of the first round it may be the end only; in the second all counters are taken, and in
    the third what they held has come to the rows. With the fourth question increments count again.

    Latency: an increment is in its total after at most `settle_clocks` of `sync`; a value is there
    at most ``2 * answer_clocks`` after it was asked for, and 4 more while totals are cleared; a
    clear takes at most ``5 * answer_clocks``. Throughput: all increments in every clock; one value
    at a time. Back-pressure: a `value` that waits holds up `index` and `shown`, and nothing else;
    `shown` also stands still while somebody asks without a pause.

    Both domains must be reset together.

    Parameters
    ----------
    widths : sequence of int
        Bits of each total's increments.
    shown : sequence of int
        Totals that can be seen at any time.
    copies : bool
        Whether totals are read as of one time, in rows of 32 bits.

    Attributes
    ----------
    settle_clocks : int
        Of `sync`: so long after the last increment all totals are exact.

    Members
    -------
    increments : :py:`In(data.StructLayout({"0": widths[0], "1": …}))`
        In `fast`, like the next: what each total grows by in this clock.
    ignore : :py:`In(1)`
        From the clock after, increments do not count.
    index : :py:`In(stream.Signature(...))`
        In `sync`, as all below: asks for a total. With `copies`, for a half of the total
        ``index // 2``, the low one first; and half 0 is of a copy of all totals that is made now,
        as the others are until the next.
    value : :py:`Out(stream.Signature(64))`
        Each that was asked for; with `copies` it has 32 bits.
    clear : :py:`In(1)`
        All totals are to be 0; held until `cleared`. Copies stay as they are.
    cleared : :py:`Out(1)`
        They are, or were before the increments that came since it rose. Falls behind `clear`.
    shown : :py:`Out(data.ArrayLayout(32, len(shown)))`
        Low half of those totals, as it was when it was told of last.
    """

    def __init__(
        self, widths: Sequence[int], shown: Sequence[int] = (), *, copies: bool = False
    ) -> None:
        if wrong := [index for index in shown if not 0 <= index < len(widths)]:
            raise ValueError(f"shown must be of the {len(widths)} totals, not {wrong}")
        if shown and copies:
            raise ValueError("totals that are read as copies cannot be shown")
        self._shown, self._copies = tuple(shown), copies
        self._rows = self._adding(widths)
        self.settle_clocks = settle_clocks(len(widths))
        self._question = Signal(self._rows.question.shape())
        super().__init__(
            {
                "increments": In(self._rows.increments.shape()),
                "ignore": In(1),
                "index": In(stream.Signature(unsigned(len(self._question.index)))),
                "value": Out(stream.Signature(unsigned(len(self._rows.value)))),
                "clear": In(1),
                "cleared": Out(1),
                "shown": Out(data.ArrayLayout(SHOWN_BITS, len(shown))),
            }
        )
        self._asks, self._answered = Signal(), Signal()
        self._clears = Signal()
        self._left = Signal(range(CLEAR_QUESTIONS))
        self._turn = Signal(range(max(1, len(shown))))  # of those that are shown

    def _adding(self, widths: Sequence[int]) -> TotalRows:
        return TotalRows(widths, copies=self._copies)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows, answers = self._rows, Signal()
        m.submodules.rows = DomainRenamer(FAST)(rows)
        m.submodules.asks = FFSynchronizer(self._asks, rows.asks, o_domain=FAST)
        m.submodules.clears = FFSynchronizer(self._clears, rows.clear, o_domain=FAST)
        m.submodules.answers = FFSynchronizer(rows.answers, answers, o_domain=SYNC)
        m.d.comb += [
            rows.increments.eq(self.increments.as_value()),
            rows.ignore.eq(self.ignore),
            rows.question.eq(self._question),
            self._answered.eq(self._asks == answers),
            self.value.payload.eq(rows.value),
        ]
        with m.If(self.value.ready):
            m.d[SYNC] += self.value.valid.eq(0)
        with m.FSM(domain=SYNC):
            with m.State("IDLE"):
                with m.If(self.clear):
                    m.d[SYNC] += [self._clears.eq(1), self._left.eq(CLEAR_QUESTIONS - 1)]
                    self._ask(m, "EMPTY", wanted=False)
                with m.Elif(~self.value.valid):
                    self._ask_for_total(m)

            with m.State("TELL"):
                with m.If(self._answered):
                    m.d[SYNC] += self.value.valid.eq(1)
                    m.next = "IDLE"

            with m.State("SHOW"):
                with m.If(self._answered):
                    self._show(m)
                    m.next = "IDLE"

            with m.State("EMPTY"):
                with m.If(self._answered):
                    m.next = "CLEARED"
                    with m.If(self._left != 0):
                        m.d[SYNC] += self._left.eq(self._left - 1)
                        m.d[SYNC] += self._clears.eq(self._left != 1)
                        self._ask(m, "EMPTY", wanted=False)

            with m.State("CLEARED"):
                m.d.comb += self.cleared.eq(1)
                with m.If(~self.clear):
                    m.next = "IDLE"
        return m

    def _ask(self, m: Module, state: str, *, wanted: bool) -> None:
        """Ask, and wait for the answer in a state."""
        m.d[SYNC] += [self._asks.eq(~self._asks), self._question.wanted.eq(wanted)]
        m.d[SYNC] += self._question.moves.eq(0)
        m.next = state

    def _ask_for_total(self, m: Module) -> None:
        """Ask for the total that is asked for; if there is none, for the next that is shown."""
        index = self._question.index
        with m.If(self.index.valid):
            m.d.comb += self.index.ready.eq(1)
            m.d[SYNC] += index.eq(self.index.payload)
            self._ask(m, "TELL", wanted=True)
            if self._copies:
                m.d[SYNC] += self._question.moves.eq(self.index.payload == 0)
        if self._shown:
            with m.Else(), m.Switch(self._turn):
                for turn, total in enumerate(self._shown):
                    with m.Case(turn):
                        m.d[SYNC] += index.eq(total)
                        self._ask(m, "SHOW", wanted=True)

    def _show(self, m: Module) -> None:
        """Show a total, whose turn it was; then it is the next one's turn."""
        with m.Switch(self._turn):
            for turn in range(len(self._shown)):
                with m.Case(turn):
                    m.d[SYNC] += self.shown[turn].eq(self._rows.value[:SHOWN_BITS])
                    m.d[SYNC] += self._turn.eq((turn + 1) % len(self._shown))
