"""A link faster than real time, straight into a recording, and what the closed forms say of it."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hexkey.board import Board
from hexkey.board_settings import BoardSettings, DetectorSettings
from hexkey.errors import StoreError
from hexkey.events import DETECTORS
from hexkey.gate import Gate
from hexkey.receiver import Receiver, SiftedChunk
from hexkey.record import RecordReader, RecordWriter
from hexkey.recording import SIMULATED_BOARD, RecordingWriter, describe_run
from hexkey.sift import BIT_OF_DETECTOR
from hexkey.window import Window
from hexkey_sim.board_runner import RecordedLink
from hexkey_sim.link import record_statement
from hexkey_sim.link.presets import Preset
from hexkey_sim.link.profile import b92
from hexkey_sim.virtual_board import STEPS_PER_S, VirtualBoard

HOLDOFF_PULSES = 2
RUN = 1


class Direct:
    """A `hexkey.source.Source` that is the board itself: it computes when the host reads."""

    name = "the simulated board"

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        if not self._board.outgoing and self._board.running:
            self._board.advance(self._board.rate_hz // STEPS_PER_S)
        data = self._board.outgoing[:max_bytes]
        self._board.sent(len(data))
        return data

    def write(self, data: bytes) -> None:
        self._board.receive(data)

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Simulation:
    """What was simulated and what was to be expected; rates per second of the link."""

    preset: str
    seconds: float
    events: int
    sifted_hz: float
    qber: float
    expected_sifted_hz: float
    expected_qber: float
    elapsed_s: float


def run_simulation(
    preset: Preset, out: Path, seconds: float, seed: int, *, measurement: bool = False
) -> Simulation:
    """Simulate `seconds` of a link into ``out/run.recording`` and ``out/alice.record``.

    Raises
    ------
    StoreError, InputError
        The files exist, or cannot be written.
    """
    began = time.monotonic()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{out} cannot be made: {error.strerror}") from None
    link = preset.link(seed, measurement=measurement)
    recording = RecordingWriter(out / "run.recording")
    with RecordWriter(out / "alice.record", record_statement(link)) as record:
        board = VirtualBoard(
            RecordedLink(link, record),
            period_ps=link.parameters.period_ps,
            detectors=len(link.parameters.detectors),
            baud=None,
        )
        receiver, chunks = _receive(board, preset, seconds, recording)
    recording.close(receiver.facts())
    errors, sifted = _errors(chunks, out / "alice.record", link.parameters.start_offset_pulses)
    expected = b92(
        link.parameters,
        preset.gate,
        HOLDOFF_PULSES,
        pattern=link.alice_bits.pattern,
    )
    return Simulation(
        preset.name,
        seconds,
        receiver.counts.events,
        sifted / seconds,
        errors / sifted if sifted else 0.0,
        expected.sifted_hz,
        expected.qber,
        time.monotonic() - began,
    )


def _receive(
    board: VirtualBoard, preset: Preset, seconds: float, recording: RecordingWriter
) -> tuple[Receiver, list[SiftedChunk]]:
    """Run the host's own code on the board until the link's time is over."""
    with Board.open(Direct(board), on_bytes=recording.wire) as host:
        ident = host.identification
        tick_ps = float(ident.tick_ps)
        gate = Gate(round(preset.gate.start_ps / tick_ps), round(preset.gate.width_ps / tick_ps))
        detector = DetectorSettings(gate.start_ticks, gate.width_ticks)
        host.configure(
            BoardSettings(detectors=(detector,) * ident.detectors, holdoff_pulses=HOLDOFF_PULSES)
        )
        recording.meta(
            {
                **describe_run(
                    RUN, Window(gate, ident.period_ticks, ident.tick_ps), BIT_OF_DETECTOR
                ),
                "reasons": [SIMULATED_BOARD],
            }
        )
        receiver = Receiver(RUN, (gate,) * DETECTORS, ident.period_ticks)
        host.arm(RUN)
        chunks = []
        while board.time_s < seconds:
            chunks += receiver.push(host.frames(0.0))
        host.stop()
        chunks += receiver.push(host.frames(0.0))
        return receiver, chunks + receiver.finish()


def _errors(chunks: list[SiftedChunk], record: Path, offset: int) -> tuple[int, int]:
    """Count errors against Alice's record: the simulator knows the offset."""
    with RecordReader(record) as alice:
        wrong = sum(
            int(np.count_nonzero(alice.bits_at(chunk.pulses + np.uint64(offset)) != chunk.bits))
            for chunk in chunks
        )
    return wrong, sum(len(chunk.bits) for chunk in chunks)
