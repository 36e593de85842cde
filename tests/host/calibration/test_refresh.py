"""Tables that follow a line while clicks come, and clicks that move none."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.host.calibration.lines import (
    BOARD,
    CLOCK_PS,
    VISIBLE,
    a_density,
    a_line,
    a_wave,
    codes_of,
)

from hexkey.calibration.growth import GROWTH_SHARE, SHAPE_PS
from hexkey.calibration.line import calibrate
from hexkey.calibration.refresh import (
    LEAST_HITS,
    LONGEST_S,
    PROBE_S,
    SHORTEST_S,
    WEIGHT,
    Refresh,
    Turn,
)
from hexkey.calibration.tables import BoardTables, ChannelTable
from hexkey.wire import CodeDensity
from hexkey.wire.channels import Source

CHANNELS = (0, 1, 4)
Hits = Callable[[int, int], NDArray[np.int64]]
"""Of a channel and a second the counts of the codes."""


def some_tables() -> BoardTables:
    tables = BoardTables.none_of(BOARD, "")
    for channel in CHANNELS:
        density = a_density(a_line(channel), 20_000_000, np.random.default_rng(channel))
        counts = density.astype(np.float64)
        tables = tables.with_line(channel, counts, calibrate(counts, CLOCK_PS), BOARD)
    return tables


def begin() -> Refresh:
    state = Refresh.of(some_tables(), BOARD)
    assert state is not None
    return state


def uniform(rate_hz: int, factor: float = 1.0, seed: int = 7) -> Hits:
    generator = np.random.default_rng(seed)
    return lambda channel, _: a_density(factor * a_line(channel), rate_hz, generator)


def of_ages(channel: int, ages_ps: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.bincount(codes_of(a_line(channel), ages_ps % CLOCK_PS), minlength=VISIBLE + 1)


def play(state: Refresh, hits: Hits, turns: int) -> tuple[Refresh, list[tuple[int, Turn]]]:
    """Let seconds pass for so many turns; return them with the seconds that each took."""
    ended: list[tuple[int, Turn]] = []
    second = 0
    while len(ended) < turns:
        second += 1
        counts = hits(state.channel, second).astype(np.uint32)
        state, turn = state.take(CodeDensity(state.channel, Source.PIN, counts))
        if turn is not None:
            ended.append((second, turn))
            second = 0
    return state, ended


def truth(channel: int, factor: float) -> NDArray[np.uint16]:
    density = a_density(factor * a_line(channel), 10**9, np.random.default_rng(1))
    return calibrate(density, CLOCK_PS).fine_ticks(Fraction(10))


def off_ticks(table: ChannelTable, channel: int, factor: float) -> int:
    found = table.current.fine_ticks.astype(int) - truth(channel, factor)
    return int(np.abs(found).max())


def test_channels_have_their_turns_and_the_last_ends_a_round() -> None:
    _, ended = play(begin(), uniform(200_000), 7)
    assert [turn.channel for _, turn in ended] == [0, 1, 4, 0, 1, 4, 0]
    assert [turn.ends_round for _, turn in ended] == [False, False, True] * 2 + [False]
    # The first density is not of a whole second.
    assert {seconds for seconds, _ in ended} == {1 + SHORTEST_S}


def test_turn_lasts_until_there_are_hits_enough() -> None:
    _, ended = play(begin(), uniform(17_500), 1)
    assert ended[0][0] == 1 + -(-1_000_000 // 17_500)


def test_tables_follow_a_board_that_warms_up() -> None:
    state = begin()
    first = {
        channel: off_ticks(state.tables.channels[channel], channel, 1.01) for channel in (0, 1)
    }
    state, _ = play(state, uniform(100_000, 1.01), 5 * len(CHANNELS))
    for channel in CHANNELS:
        table = state.tables.channels[channel]
        assert table.current.tap_ps / table.tap_ps == pytest.approx(1.01, abs=0.003)
        # Half of what is left in each turn, and chance: 1.4 ps rms, in ticks of 10 ps.
        assert off_ticks(table, channel, 1.01) <= 1
        assert np.array_equal(table.fine_ticks, some_tables().channels[channel].fine_ticks)
    assert min(first.values()) >= 4


def test_entries_that_changed_are_written_and_no_others() -> None:
    state = begin()
    held = {each: table.fine_ticks.copy() for each, table in state.tables.channels.items()}
    for _ in range(9):
        state, ((_, turn),) = play(state, uniform(100_000, 1.005), 1)
        assert turn.refreshed
        assert 0 < len(turn.words) < VISIBLE
        for word in turn.words:
            assert word >> 20 == turn.channel
            entry = word >> 10 & 1023
            assert held[turn.channel][entry] != word & 1023
            held[turn.channel][entry] = word & 1023
    for channel, table in state.tables.channels.items():
        assert np.array_equal(table.current.fine_ticks, held[channel])


def test_line_as_it_was_is_left_nearly_alone() -> None:
    """The trigger has so many hits that chance moves next to nothing."""
    state = replace(begin(), channel=4)
    _, ((_, turn),) = play(state, uniform(40_000_000), 1)
    assert turn.refreshed
    assert len(turn.words) < 10


def test_weak_channel_improves_slowly() -> None:
    """Its turn brings a tenth of the hits, and what it finds counts a tenth as much."""
    rate = 2 * LEAST_HITS // LONGEST_S
    state, ended = play(begin(), uniform(rate, 1.01), 1)
    assert ended[0][0] == 1 + LONGEST_S
    table = state.tables.channels[0]
    assert ended[0][1].refreshed
    assert 3 <= off_ticks(table, 0, 1.01) <= 5
    only = replace(state.tables, channels={0: table})
    state, _ = play(replace(state, tables=only, channel=0), uniform(rate, 1.01), 30)
    assert off_ticks(state.tables.channels[0], 0, 1.01) <= 1


@pytest.mark.parametrize(
    ("rate_hz", "share"), [(700, 0.105), (3_330, 0.5), (100_000, 0.5), (40_000_000, 0.5)]
)
def test_newest_density_counts_by_its_hits_and_for_half_at_most(rate_hz: int, share: float) -> None:
    state = begin()
    state, _ = play(state, uniform(rate_hz, 1.03), 1)
    was = np.array(state.tables.channels[0].density)
    now = state.tables.channels[0].current.density
    newest = a_density(1.03 * a_line(0), 10**9, np.random.default_rng(1)) / 10**9
    change = newest - was / was.sum()
    found = float(change @ (now / now.sum() - was / was.sum()) / (change @ change))
    assert found == pytest.approx(share, rel=0.1)


def test_how_many_clicks_there_were_is_not_in_the_tables() -> None:
    for rate in (2_000, 50_000, 123_456):
        state, _ = play(begin(), uniform(rate), 1)
        assert state.tables.channels[0].current.density.sum() == pytest.approx(WEIGHT)


def test_channel_that_is_dark_is_passed_over() -> None:
    state, ended = play(begin(), uniform(100), 3)
    assert [seconds for seconds, _ in ended] == [1 + PROBE_S] * 3
    assert not any(turn.refreshed or turn.refused or turn.words for _, turn in ended)
    dims = lambda channel, second: uniform(5_000 if second < 10 else 0)(channel, second)  # noqa: E731
    _, ended = play(state, dims, 1)
    assert (ended[0][0], ended[0][1].refreshed, ended[0][1].refused) == (1 + LONGEST_S, False, None)


def reason(hits: Hits) -> str:
    """Return why a turn is refused, which leaves everything as it was."""
    state, ((_, turn),) = play(begin(), hits, 1)
    assert not turn.refreshed
    assert turn.words == ()
    assert state.tables.channels[0].refreshed is None
    assert turn.refused is not None
    return turn.refused.reason


def test_locked_source_is_refused() -> None:
    ages = np.tile((np.arange(40) + 0.3) * CLOCK_PS / 40, 2500)
    assert reason(lambda channel, _: of_ages(channel, ages)) == "locked"


def test_broad_pulses_of_a_locked_source_are_refused() -> None:
    generator = np.random.default_rng(3)
    assert reason(lambda c, _: of_ages(c, -generator.exponential(10_000, 100_000))) == "shaped"


@pytest.mark.parametrize("offset", [3e-10, 1e-9, 3e-9])
def test_nearly_locked_source_is_refused_or_does_no_harm(offset: float) -> None:
    """Its phase passes few clocks in a turn, and not a whole number of them."""
    generator = np.random.default_rng(3)

    def pulses(channel: int, second: int) -> NDArray[np.int64]:
        drift_ps = (second + generator.random(20_000)) * 1e12 * offset
        return of_ages(channel, drift_ps + generator.normal(0, 400, 20_000))

    state, ((_, turn),) = play(begin(), pulses, 1)
    if turn.refused is not None:
        assert turn.refused.reason in ("locked", "drifting", "shaped")
    assert off_ticks(state.tables.channels[0], 0, 1.0) <= 3


def test_source_with_an_offset_of_a_millionth_refreshes() -> None:
    generator = np.random.default_rng(3)

    def pulses(channel: int, second: int) -> NDArray[np.int64]:
        drift_ps = (second + generator.random(100_000)) * 1e12 * 1.1e-6
        return of_ages(channel, drift_ps + generator.normal(0, 400, 100_000))

    state, ((_, turn),) = play(begin(), pulses, 1)
    assert turn.refreshed
    assert off_ticks(state.tables.channels[0], 0, 1.0) <= 1


def test_line_that_changes_within_a_turn_is_refused() -> None:
    generator = np.random.default_rng(3)
    assert (
        reason(lambda c, second: a_density((1 + 0.001 * second) * a_line(c), 100_000, generator))
        == "drifting"
    )


def test_board_with_another_number_of_codes_is_refused() -> None:
    assert reason(lambda c, _: a_density(a_line(c), 100_000, np.random.default_rng(1))[:-20]) == (
        "codes"
    )


def test_growth_beyond_what_can_be_is_refused() -> None:
    assert reason(uniform(100_000, 1.05)) == "far"


def test_no_entry_ever_leaves_the_bound_whatever_the_clicks() -> None:
    """Somebody lets the line seem longer from turn to turn, and waves besides."""
    state = replace(begin(), channel=0)
    generator = np.random.default_rng(11)
    origin = state.tables.channels[0].fine_ticks.astype(float) * 10
    outcomes = set()
    for turn_number in range(60):
        factor = 1 + min(0.0008 * turn_number, 0.044)
        depth = generator.choice([0.0, 0.02])

        def shaped(
            channel: int, _: int, factor: float = factor, depth: float = depth
        ) -> NDArray[np.int64]:
            line = factor * a_line(channel)
            return a_wave(line, 110_000, generator, depth=depth, waves=2)

        state, ((_, turn),) = play(replace(state, channel=0), shaped, 1)
        outcomes.add(turn.refused.reason if turn.refused else "refreshed")
        table = state.tables.channels[0]
        moved = np.abs(table.current.fine_ticks.astype(float) * 10 - origin)
        assert np.all(moved <= GROWTH_SHARE * origin + SHAPE_PS)
    assert {"refreshed", "far"} <= outcomes


def test_entries_are_held_to_the_oscillator_and_not_to_what_was_refreshed() -> None:
    """A table that was led astray is not taken for what lines are measured by."""
    state = begin()
    origin = state.tables.channels[0]
    astray = a_density(1.08 * a_line(0), 2_000_000, np.random.default_rng(1)).astype(float)
    fine = calibrate(astray, CLOCK_PS).fine_ticks(Fraction(10))
    wrong = ChannelTable(origin.made, origin.tap_ps, astray, fine)
    state = replace(state, tables=state.tables.with_refreshed(0, wrong))
    _, ((_, turn),) = play(state, uniform(700), 1)  # of little weight against it
    assert turn.refused is not None
    assert turn.refused.reason == "far"


def test_densities_of_other_channels_and_sources_are_left_alone() -> None:
    state, _ = begin().take(CodeDensity(0, Source.PIN, np.ones(VISIBLE + 1, np.uint32)))
    for channel, source in ((1, Source.PIN), (0, Source.OSCILLATOR), (0, Source.PULSER)):
        same, turn = state.take(CodeDensity(channel, source, np.ones(VISIBLE + 1, np.uint32)))
        assert same is state
        assert turn is None


def test_without_tables_there_is_nothing_to_refresh() -> None:
    assert Refresh.of(BoardTables.none_of(BOARD, ""), BOARD) is None
