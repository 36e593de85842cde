"""Maps of a simulated recording are what the receiver's own code finds, gate by gate."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hexkey.errors import ConfigurationError, InputError
from hexkey.events import DETECTORS
from hexkey.gate import Gate
from hexkey.maps import Windows
from hexkey.maps.recorded import count_recording
from hexkey.receiver import Receiver
from hexkey.record import RecordReader
from hexkey.recording import read_recording
from hexkey.wire import StreamParser
from hexkey_sim.link import preset
from hexkey_sim.link.theory import PAPER_GATE
from hexkey_sim.link.theory import Gate as GatePs
from hexkey_sim.simulate import run_simulation

SECONDS, OFFSET, PERIOD = 0.3, 123_457, 2500
WHOLE = GatePs(0.0, 25_000.0)


@dataclass(frozen=True)
class Files:
    recording: Path
    record: Path


def simulate(folder: Path, gate: GatePs, *, measurement: bool = False, **detector: float) -> Files:
    """The bright link, whose pulses often hold two clicks, with a pulse offset."""
    link = preset("bench")
    detectors = tuple(replace(each, **detector) for each in link.parameters.detectors)  # type: ignore[arg-type]
    receiver = replace(link.parameters.receiver, detectors=detectors)
    parameters = replace(link.parameters, start_offset_pulses=OFFSET, receiver=receiver)
    link = replace(link, gate=gate, parameters=parameters)
    run_simulation(link, folder, SECONDS, 8, measurement=measurement)
    return Files(folder / "run.recording", folder / "alice.record")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return simulate(tmp_path_factory.mktemp("whole") / "out", WHOLE)


def by_the_receiver(files: Files, gate: Gate, offset: int = OFFSET) -> tuple[int, int, int]:
    """Sift a recording as `hexkey distill` does, and compare: sifted bits, errors, doubles."""
    recording = read_recording(files.recording)
    meta, parser = recording.meta, StreamParser()
    receiver = Receiver(meta["run"], (gate,) * DETECTORS, meta["period_ticks"])
    chunks = []
    for data in recording.wire:
        chunks += receiver.push(parser.feed_decoded(data))
    chunks += receiver.finish()
    with RecordReader(files.record) as record:
        errors = sum(
            int(np.count_nonzero(record.bits_at(chunk.pulses + np.uint64(offset)) != chunk.bits))
            for chunk in chunks
        )
    return receiver.counts.sifted_bits, errors, receiver.counts.double_pulses


def grid(tick_ps: Fraction, period_ticks: int) -> Windows:
    assert tick_ps == Fraction(10)
    assert period_ticks == PERIOD
    return Windows(np.array([0, 50, 1900, 2400]), np.array([0, 300, 1000, 2500]), period_ticks)


def test_every_gate_is_as_the_receiver_finds_it(whole: Files) -> None:
    """Gates past the period's end and those of the whole period among them."""
    found = count_recording(whole.recording, whole.record, grid)
    assert found.seconds == pytest.approx(SECONDS, abs=0.001)
    assert [alignment.offset for alignment in found.alignments] == [OFFSET]
    assert (found.unknown_pulses, found.damage) == (0, [])
    windows = found.counts.windows
    for i, start in enumerate(windows.start_ticks.tolist()):
        for j, width in enumerate(windows.width_ticks.tolist()):
            counts, offset = found.counts, OFFSET + int(found.shift[i, j])
            expected = by_the_receiver(whole, Gate(start, width), offset)
            assert (counts.sifted[i, j], counts.errors[i, j], counts.doubles[i, j]) == expected
    assert found.counts.doubles.max() > 50
    assert found.shift[1].tolist() == [0, 0, 0, 0]
    # Late light has passed the modulator on its way to the next pulse's state.
    assert found.shift[2, 1] == 1
    assert 0.01 < found.counts.errors[1, 2] / found.counts.sifted[1, 2] < 0.03


def test_light_at_the_periods_end_is_found_by_gates_that_reach_past_it(tmp_path: Path) -> None:
    """Cables that delay by 23 ns: gates before and after the end are aligned a pulse apart."""
    files = simulate(tmp_path / "out", WHOLE, delay_ps=23_000)
    found = count_recording(
        files.recording,
        files.record,
        lambda tick_ps, period: Windows(np.array([0, 2350]), np.array([150, 1000]), period),
    )
    (alignment,) = found.alignments
    assert alignment.offset in {OFFSET, OFFSET - 1}
    for place, (start, width, offset) in {
        (0, 1): (0, 1000, OFFSET - 1),  # these clicks are of the pulse before
        (1, 0): (2350, 150, OFFSET),
        (1, 1): (2350, 1000, OFFSET),
    }.items():
        assert alignment.offset + found.shift[place] == offset
        counts = found.counts
        expected = by_the_receiver(files, Gate(start, width), offset)
        assert (counts.sifted[place], counts.errors[place], counts.doubles[place]) == expected
        assert counts.errors[place] < 0.05 * counts.sifted[place]


def test_background_does_not_hide_the_offset(tmp_path: Path) -> None:
    """More than half of the clicks are dark: over the whole period more than a quarter is wrong."""
    files = simulate(tmp_path / "out", WHOLE, dark_counts_hz=450_000.0)
    sifted, errors, _ = by_the_receiver(files, Gate(0, PERIOD))
    assert errors > 0.25 * sifted
    found = count_recording(files.recording, files.record, grid)
    assert [alignment.offset for alignment in found.alignments] == [OFFSET]


def test_the_map_says_what_a_board_with_that_gate_sends(whole: Files, tmp_path: Path) -> None:
    """But for doubles: a board of a narrow gate sees one click alone where a wide one sees two."""
    narrow = simulate(tmp_path / "narrow", PAPER_GATE)
    sifted, errors, doubles = by_the_receiver(narrow, Gate(50, 1000))
    counts = count_recording(whole.recording, whole.record, grid).counts
    merged = counts.doubles[0, 3]  # of the whole period
    assert 0 <= sifted - counts.sifted[1, 2] <= merged
    assert 0 <= errors - counts.errors[1, 2] <= merged
    assert 0 <= counts.doubles[1, 2] - doubles <= merged


def test_a_public_pattern_is_found_modulo_its_period(tmp_path: Path) -> None:
    files = simulate(tmp_path / "out", WHOLE, measurement=True)
    found = count_recording(files.recording, files.record, grid)
    (alignment,) = found.alignments
    assert (alignment.offset, alignment.modulo) == (OFFSET % 2, 2)
    assert found.counts.errors[1, 2] == by_the_receiver(files, Gate(50, 1000), OFFSET % 2)[1]


def test_gates_beyond_the_recorded_one_are_refused(tmp_path: Path) -> None:
    files = simulate(tmp_path / "out", PAPER_GATE)
    for starts, widths in (([40], [900]), ([50], [1001])):

        def beyond(
            tick_ps: Fraction, period: int, starts: list[int] = starts, widths: list[int] = widths
        ) -> Windows:
            return Windows(np.array(starts), np.array(widths), period)

        with pytest.raises(ConfigurationError, match=r"beyond that of recording .*50 to 1050"):
            count_recording(files.recording, files.record, beyond)
    within = count_recording(
        files.recording,
        files.record,
        lambda tick_ps, period: Windows(np.array([50]), np.array([1000]), period),
    )
    found = within.counts
    assert (found.sifted.item(), found.errors.item(), found.doubles.item()) == by_the_receiver(
        files, Gate(50, 1000)
    )


def test_another_runs_record_is_refused(whole: Files, tmp_path: Path) -> None:
    other = preset("bench")
    run_simulation(other, tmp_path / "other", SECONDS, 9)
    with pytest.raises(InputError, match="at no offset"):
        count_recording(whole.recording, tmp_path / "other" / "alice.record", grid)


def test_pulses_outside_the_record_are_counted(whole: Files, tmp_path: Path) -> None:
    """A record that ends in the middle of the run."""
    cut = tmp_path / "cut.record"
    data = whole.record.read_bytes()
    cut.write_bytes(data[: len(data) - 64])  # within the last chunk
    found = count_recording(whole.recording, cut, grid)
    assert found.unknown_pulses > 1000
    assert found.counts.sifted[0, 3] < by_the_receiver(whole, Gate(0, PERIOD))[0]
