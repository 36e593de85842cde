"""A channel's figures in picoseconds, calibrated by the host's own code.

The model is fixed: what nextpnr says of a board's CCU2C, taps that differ by 30 % (lognormal),
flip-flops whose clocks differ by 8 ps rms, so that taps switch out of order (bubbles), and 5 ps rms
of jitter on each tap. Calibration hears a free oscillator, as on a board; the edges
that are tested are others, at another input.

An error is what a tag says less when the edge was, less the channel's offset: the mean of these,
which is another one in each bitstream and goes into the detector's delay.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hexkey.calibration.line import MIN_HITS, Line, calibrate, check_agreement
from hexkey_gateware.boards import find_board
from hexkey_gateware.boards.board import Board
from hexkey_gateware.slot import TICK_PS
from hexkey_gateware.tagger.channel import OSCILLATOR, PIN, Channel
from hexkey_sim.benches.edges import CLOCK_PS, DELAYS_FILE, SHORTEST_PS
from hexkey_sim.benches.tagger_player import Played, Player, Times
from hexkey_sim.benches.verilator import MISSING_SIMULATOR, simulator_is_missing
from hexkey_sim.golden.tagger_line import CELL_5G_PS, CELL_PS, uneven_line

CELLS_PS = {"ulx3s-85f": CELL_PS[6], "ecpix5-85f": CELL_5G_PS}
JITTER_PS = 5
RMS_PS = 15  # to be reached
LONGEST_PS = 30_000  # of the pulses played
OSCILLATOR_PS, OSCILLATOR_JITTER_PS = 105_608, 20  # a period, which wanders by so much each time
QUICK_HITS = 200_000

pytestmark = pytest.mark.skipif(simulator_is_missing(), reason=MISSING_SIMULATOR)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a channel is worth.

    Attributes
    ----------
    mean_bin_ps : float
    dnl : (float, float)
        Least and greatest, in mean bins.
    inl_ps : float
        Greatest: how far a bin's end is from where equal bins would have it, before calibration.
    offset_ps, rms_ps, max_ps : float
        Of the errors of edges, calibrated.
    residual_ps : (float, float)
        The mean error of a code's edges, rms and greatest: what calibration leaves of the INL.
    """

    mean_bin_ps: float
    dnl: tuple[float, float]
    inl_ps: float
    offset_ps: float
    rms_ps: float
    max_ps: float
    residual_ps: tuple[float, float]

    def __str__(self) -> str:
        return (
            f"mean bin {self.mean_bin_ps:.1f} ps, DNL {self.dnl[0]:+.2f} to {self.dnl[1]:+.2f} "
            f"bins, INL {self.inl_ps:.0f} ps; calibrated: rms {self.rms_ps:.1f} ps, at most "
            f"{self.max_ps:.0f} ps, INL {self.residual_ps[0]:.1f} ps rms, at most "
            f"{self.residual_ps[1]:.1f} ps; offset {self.offset_ps:+.1f} ps"
        )


def figures_of(line: Line, played: Played) -> Figures:
    """Return the figures; fails unless each edge has one tag."""
    errors = errors_of(played)
    spread = errors - errors.mean()
    counts = np.bincount(played.codes)
    common = counts >= 20  # a code that jitter alone makes has no mean
    residuals = (np.bincount(played.codes, spread)[common]) / counts[common]
    weights = counts[common] / counts[common].sum()
    return Figures(
        line.tap_ps,
        (float(line.dnl.min()), float(line.dnl.max())),
        float(np.abs(line.inl_ps).max()),
        float(errors.mean()),
        float(spread.std()),
        float(np.abs(spread).max()),
        (float(np.sqrt(weights @ residuals**2)), float(np.abs(residuals).max())),
    )


def errors_of(played: Played) -> Times:
    assert len(played.rises_ps) == len(played.tags_ps) == len(played.codes)
    errors = played.tags_ps - played.rises_ps
    assert np.abs(errors - np.median(errors)).max() < CLOCK_PS / 2  # each tag is of its own edge
    return errors


def oscillator(generator: np.random.Generator, hits: int) -> Times:
    """Return the changes of a free oscillator, high for half of its period."""
    periods = generator.normal(OSCILLATOR_PS, OSCILLATOR_JITTER_PS, hits)
    rises = np.rint(np.cumsum(periods)).astype(np.int64)
    return np.stack([rises, rises + OSCILLATOR_PS // 2], axis=1).ravel()


def sweep(generator: np.random.Generator, rounds: int, clock_ps: int = CLOCK_PS) -> Times:
    """Return changes: pulses of 4 to 30 ns whose rises go through the clock in steps of 1 ps.

    At a slower clock the shortest are longer in proportion.
    """
    edges = rounds * clock_ps
    shortest = SHORTEST_PS * clock_ps // CLOCK_PS
    highs, lows = generator.integers(shortest, LONGEST_PS, (2, edges), endpoint=True)
    steps = -(-(highs + lows) // clock_ps) * clock_ps + 1
    rises = np.cumsum(np.concatenate([[clock_ps], steps[:-1]]))
    return np.stack([rises, rises + highs], axis=1).ravel()


def pairs(apart_ps: int, high_ps: int) -> Times:
    """Return changes: two rises so far apart, at each place in the clock; both stay for `high`."""
    first = np.arange(1, CLOCK_PS + 1) * (10 * CLOCK_PS + 1)
    return np.stack(
        [first, first + high_ps, first + apart_ps, first + apart_ps + high_ps], axis=1
    ).ravel()


def calibrated(player: Player, board: Board, seed: int, hits: int) -> Line:
    """Return the line that the host finds, after the checks that it makes on a board."""
    player.set_line(uneven_line(board.taps, CELLS_PS[board.name], seed), JITTER_PS)
    played = player.play(oscillator(np.random.default_rng(seed), hits), OSCILLATOR)
    assert len(played.codes) == hits
    early, late = (np.bincount(half, minlength=player.codes) for half in np.split(played.codes, 2))
    check_agreement(early, late, CLOCK_PS)
    return calibrate(early + late, CLOCK_PS, min_hits=hits)


def measured(folder: Path, name: str, seed: int, hits: int, rounds: int) -> Figures:
    """Return the figures of a line of a board, its table written before its edges were played."""
    board = find_board(name)
    channel = Channel(board.taps, "model", tap_ps=board.tap_ps, delays_file=DELAYS_FILE)
    player = Player(channel, folder)
    line = calibrated(player, board, seed, hits)
    table = line.fine_ticks(Fraction(TICK_PS)).tolist()
    changes = sweep(np.random.default_rng(1000 + seed), rounds)
    played = player.play(changes, PIN)
    assert errors_of(played).std() > RMS_PS  # with the line that was expected; it is another
    played = player.play(changes, PIN, table)
    assert np.array_equal(played.fine, np.asarray(table)[played.codes])
    for apart, high in ((8_000, 4_000), (10_000, 4_000), (10_000, 6_000)):
        errors_of(player.play(pairs(apart, high), PIN, table))
    return figures_of(line, played)


def check_figures(figures: Figures) -> None:
    print(figures)
    assert figures.mean_bin_ps <= 36
    assert figures.rms_ps <= RMS_PS
    assert figures.max_ps < 100
    assert figures.residual_ps[0] < TICK_PS / 2


def test_edge_is_known_to_15_ps(tmp_path: Path) -> None:
    check_figures(measured(tmp_path, "ulx3s-85f", seed=1, hits=QUICK_HITS, rounds=3))


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", CELLS_PS)
def test_edge_is_known_to_15_ps_on_other_lines(tmp_path: Path, name: str, seed: int) -> None:
    check_figures(measured(tmp_path, name, seed, hits=MIN_HITS, rounds=10))


@pytest.mark.parametrize("clock_ps", [5_000, 10_000])
def test_fallback_is_as_coarse_as_the_host_says(tmp_path: Path, clock_ps: int) -> None:
    """Two samples a clock: an edge is known to half a clock, and no edge is lost or doubled."""
    channel = Channel(3, "ddr", tap_ps=clock_ps / 2, ticks_per_clock=clock_ps // TICK_PS)
    player = Player(channel, tmp_path, clock_ps)
    generator = np.random.default_rng(1)
    played = player.play(oscillator(generator, 20_000), OSCILLATOR)
    line = calibrate(np.bincount(played.codes, minlength=player.codes), clock_ps, min_hits=20_000)
    assert line.widths_ps[:2] == pytest.approx(clock_ps / 2, rel=0.01)

    table = line.fine_ticks(Fraction(TICK_PS)).tolist()
    errors = errors_of(player.play(sweep(generator, 1, clock_ps), PIN, table))
    spread = errors - errors.mean()
    print(f"fallback at {clock_ps} ps: rms {spread.std():.0f} ps, {np.abs(spread).max():.0f} ps")
    assert line.quantisation_ps == pytest.approx(clock_ps / 2 / np.sqrt(12), rel=0.01)
    assert spread.std() == pytest.approx(line.quantisation_ps, rel=0.02)
    assert np.abs(spread).max() < clock_ps / 4 * 1.02
