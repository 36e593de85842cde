"""The pulser that a board has on its chip, set up to play trigger and detectors."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from hexkey.board import Board
from hexkey.board_settings import BoardSettings, DetectorSettings
from hexkey.calibration.procedure import sources_of
from hexkey.diagnosis.run import run_for
from hexkey.errors import DeviceError
from hexkey.wire.channels import TRIGGER, Source
from hexkey.wire.registers import (
    MAX_PERIOD_TICKS,
    MIN_PERIOD_TICKS,
    PERIOD_FRACTION_BITS,
    TrackerState,
)

ALWAYS = 65535
SEARCH = (0.0, 0.006, -0.006, 0.012, -0.012, 0.018, -0.018, 0.024, -0.024)
"""Where the period may be beside the one that was counted: the tracker takes 0.8 % to each side."""

LOCK_S = 0.5
COUNTING_CYCLES = 100


@dataclass(frozen=True, slots=True)
class Scene:
    """What the pulser plays.

    Attributes
    ----------
    period_cycles : int
        Of the oscillator.
    delay_cycles : tuple of int
        Of each detector, against the trigger.
    probability : tuple of float
        Of each detector's pulse in a period; 1 for every one.
    """

    period_cycles: int
    delay_cycles: tuple[int, ...]
    probability: tuple[float, ...]


class Pulser:
    """Plays scenes on a board whose inputs it feeds; see `playing`.

    Attributes
    ----------
    cycle_ticks : float
        Of the oscillator that drives it, once it was measured.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.cycle_ticks = 0.0

    @property
    def detectors(self) -> int:
        return self.board.identification.detectors

    def set(self, scene: Scene) -> None:
        """Play a scene from now on; its trigger comes with every period."""
        board = self.board
        board.write("pulser_period", scene.period_cycles)
        board.write("pulser_probability", ALWAYS, TRIGGER)
        board.write("pulser_delay", 0, TRIGGER)
        for detector in range(self.detectors):
            share = scene.probability[detector]
            word = ALWAYS if share >= 1 else round(share * 65536)
            board.write("pulser_probability", word, detector)
            board.write("pulser_delay", scene.delay_cycles[detector], detector)

    def play(self, scene: Scene, settings: BoardSettings) -> None:
        """Play a scene and set the board to it: its period is that of the scene.

        Raises
        ------
        DeviceError
            If the tracker does not lock.
        """
        self.set(scene)
        period = round(self.cycle_ticks * scene.period_cycles)
        self.board.configure(replace(settings, period_ticks=period))

    def measure(self, seconds: float) -> float:
        """Measure the oscillator: by counting, and by the tracker then. Return how they agree.

        Raises
        ------
        DeviceError
            If there is nothing to count, or the tracker does not lock.
        """
        scene = Scene(COUNTING_CYCLES, (0,) * self.detectors, (1.0, 0.0, 0.0, 0.0))
        self.set(scene)
        self.board.prepare(open_settings(self.detectors, self.board.identification.period_ticks))
        self.board.commit()
        rate_hz = run_for(self.board, seconds).rate_hz("clicks_0")
        if not rate_hz:
            raise DeviceError(
                f"the pulser of the board at {self.board.name} makes no clicks at detector 0"
            )
        tick_s = float(self.board.identification.tick_ps) * 1e-12
        counted = 1 / (rate_hz * tick_s * scene.period_cycles)
        self.cycle_ticks = counted
        self._lock(scene)
        self.cycle_ticks = self.period_ticks() / scene.period_cycles
        return counted / self.cycle_ticks - 1

    def period_ticks(self) -> float:
        """Return the period as the tracker measures it."""
        return self.board.read("trigger_period") / (1 << PERIOD_FRACTION_BITS)

    def longest_cycles(self) -> int:
        """Return the longest period that can be tracked, a tenth less, in cycles."""
        return int(0.9 * MAX_PERIOD_TICKS / self.cycle_ticks)

    def _lock(self, scene: Scene) -> None:
        for beside in SEARCH:
            period = round(self.cycle_ticks * scene.period_cycles * (1 + beside))
            if not MIN_PERIOD_TICKS <= period <= MAX_PERIOD_TICKS:
                continue
            self.board.prepare(open_settings(self.detectors, period))
            self.board.commit()
            deadline = time.monotonic() + LOCK_S
            while time.monotonic() < deadline:
                if self.board.read("tracker_state") == TrackerState.LOCKED:
                    return
        raise DeviceError(
            f"the tracker of the board at {self.board.name} does not lock to the pulser"
        )


def open_settings(detectors: int, period_ticks: int | None = None) -> BoardSettings:
    """Return settings that let everything through."""
    return BoardSettings(
        detectors=(DetectorSettings(),) * detectors,
        holdoff_pulses=0,
        period_ticks=period_ticks,
        g2_pair=(0, min(1, detectors - 1)),
    )


@contextmanager
def playing(board: Board) -> Iterator[Pulser]:
    """Feed all inputs from the pulser, and from what they were fed before at the end."""
    with sources_of(board, Source.PULSER):
        yield Pulser(board)
