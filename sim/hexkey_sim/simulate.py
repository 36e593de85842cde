"""A link faster than real time, straight into a recording, and what the closed forms say of it."""

import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hexkey.board import Board
from hexkey.board_settings import BoardSettings, DetectorSettings
from hexkey.errors import StoreError
from hexkey.events import DETECTORS, Events
from hexkey.gate import Gate
from hexkey.randomness import OperatingSystem
from hexkey.receiver import Receiver
from hexkey.record import RecordReader, RecordWriter
from hexkey.recording import (
    SIMULATED_BOARD,
    RecordingWriter,
    describe_protocol,
    describe_run,
)
from hexkey.rule import B92Rule, Bb84Rule
from hexkey.sift import BIT_OF_DETECTOR
from hexkey.window import Window
from hexkey.wire import Frame, Kind, unpack_frames
from hexkey_sim.board_runner import RecordedLink
from hexkey_sim.eve.knowledge import Knowledge, knowledge
from hexkey_sim.link import record_statement
from hexkey_sim.link.light import Eavesdropper, Notes
from hexkey_sim.link.parameters import LinkParameters
from hexkey_sim.link.presets import Preset
from hexkey_sim.link.profile import b92, bb84
from hexkey_sim.link.theory import Expectation
from hexkey_sim.roles import session_parameters, terms_of
from hexkey_sim.sifted import SiftedRun, sift_run
from hexkey_sim.tag_file import TaggedLink, TagWriter
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
class Compared:
    """Sifted bits a second and their error rate, with what an honest link should give."""

    sifted_hz: float
    qber: float
    expected_sifted_hz: float
    expected_qber: float


@dataclass(frozen=True, slots=True)
class Simulation:
    """What was simulated and what was to be expected; rates per second of the link.

    Attributes
    ----------
    seconds : float
        Of the link, in whole steps of the board.
    key : Compared
        B92's bits, or BB84's in the key basis.
    test : Compared or None
        BB84's bits in the test basis.
    same_basis_hz, cross_basis_hz : float
        Double clicks, see `hexkey_sim.sifted.SiftedRun`.
    knowledge : Knowledge or None
        Of the sifted bits in `key`, where there was an eavesdropper.
    """

    preset: str
    protocol: str
    seconds: float
    events: int
    key: Compared
    test: Compared | None
    same_basis_hz: float
    cross_basis_hz: float
    knowledge: Knowledge | None
    elapsed_s: float


def run_simulation(
    preset: Preset,
    out: Path,
    seconds: float,
    seed: int,
    *,
    measurement: bool = False,
    eve: Eavesdropper | None = None,
    tags: bool = False,
) -> Simulation:
    """Simulate `seconds` of a link into ``out/run.recording`` and ``out/alice.record``.

    With `tags` the same clicks go into ``out/run.qutag``, too, as a laboratory's tagger has them.

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
    notebook: list[Notes] = []
    link = preset.link(seed, measurement=measurement, eve=eve, notebook=notebook)
    parameters = link.parameters
    recording = RecordingWriter(out / "run.recording")
    with (
        RecordWriter(out / "alice.record", record_statement(link)) as record,
        TagWriter(out / "run.qutag", parameters, seed) if tags else nullcontext() as tagger,
    ):
        recorded = RecordedLink(link, record)
        board = VirtualBoard(
            TaggedLink(recorded, tagger) if tagger else recorded,
            period_ps=parameters.period_ps,
            detectors=len(parameters.detectors),
            baud=None,
        )
        receiver, events = _receive(board, preset, seconds, recording)
    seconds = board.time_s  # which passes in steps
    recording.close(receiver.facts())
    with RecordReader(out / "alice.record") as alice:
        sifted = sift_run(events, alice, parameters.start_offset_pulses)
    key, test = _compared(sifted, seconds, *_expected(preset, link.alice_bits.pattern))
    return Simulation(
        preset.name,
        parameters.protocol,
        seconds,
        receiver.counts.events,
        key,
        test,
        sifted.same_basis / seconds,
        sifted.cross_basis / seconds,
        None if eve is None else _knowledge(eve, notebook, sifted),
        time.monotonic() - began,
    )


def _expected(preset: Preset, pattern: str | None) -> tuple[Expectation, Expectation | None]:
    if preset.parameters.protocol == "b92":
        return b92(preset.parameters, preset.gate, HOLDOFF_PULSES, pattern=pattern), None
    expected = bb84(preset.parameters, preset.gate, HOLDOFF_PULSES)
    return expected.key, expected.test


def _compared(
    sifted: SiftedRun, seconds: float, key: Expectation, test: Expectation | None
) -> tuple[Compared, Compared | None]:
    def one(key_basis: bool, expected: Expectation) -> Compared:
        bits, errors = sifted.counts(key_basis)
        qber = errors / bits if bits else 0.0
        return Compared(bits / seconds, qber, expected.sifted_hz, expected.qber)

    return one(True, key), None if test is None else one(False, test)


def _knowledge(eve: Eavesdropper, notebook: list[Notes], sifted: SiftedRun) -> Knowledge:
    chosen = sifted.key_basis
    return knowledge(
        notebook,
        eve.kinds,
        sifted.pulse[chosen],
        chosen[chosen],
        sifted.alice[chosen],
        sifted.bob[chosen],
    )


def _receive(
    board: VirtualBoard, preset: Preset, seconds: float, recording: RecordingWriter
) -> tuple[Receiver, Events]:
    """Run the host's own code on the board until the link's time is over."""
    with Board.open(Direct(board), on_bytes=recording.wire) as host:
        ident = host.identification
        tick_ps = float(ident.tick_ps)
        gate = Gate(round(preset.gate.start_ps / tick_ps), round(preset.gate.width_ps / tick_ps))
        detector = DetectorSettings(gate.start_ticks, gate.width_ticks)
        host.configure(
            BoardSettings(detectors=(detector,) * ident.detectors, holdoff_pulses=HOLDOFF_PULSES)
        )
        window = Window(gate, ident.period_ticks, ident.tick_ps)
        recording.meta(
            {
                **describe_run(RUN, window, BIT_OF_DETECTOR),
                "reasons": [SIMULATED_BOARD],
                **_described(preset.parameters),
            }
        )
        bb84_link = preset.parameters.protocol == "bb84"
        rule = Bb84Rule(OperatingSystem()) if bb84_link else B92Rule()
        receiver = Receiver(RUN, (gate,) * DETECTORS, ident.period_ticks, rule)
        host.arm(RUN)
        frames: list[Frame] = []
        while board.time_s < seconds:
            frames += _passed_on(host.frames(0.0), receiver)
        host.stop()
        frames += _passed_on(host.frames(0.0), receiver)
        receiver.finish()
        return receiver, unpack_frames(frames)


def _described(link: LinkParameters) -> dict[str, Any]:
    """Return what else a recording of BB84 has to say, so that `hexkey distill` knows its terms."""
    if link.protocol == "b92":
        return {}
    return describe_protocol(session_parameters(link), terms_of(link))


def _passed_on(frames: list[Frame], receiver: Receiver) -> list[Frame]:
    """Show frames to the receiver, and return those of events."""
    receiver.push(frames)
    return [frame for frame in frames if frame.header.kind is Kind.EVENTS]
