"""hexkey's own recordings as a tagger's file: events, raw tags, epochs, losses, damage, growth."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from tests.host.tags.conftest import whole

from hexkey.errors import InputError
from hexkey.events import Events
from hexkey.recording import RecordingWriter
from hexkey.tags import Waiting, open_tags
from hexkey.tags.examine import examine
from hexkey.wire import Header, Kind, encode_frame, pack_frames
from hexkey.wire.tagger import Tags, pack_tags

META = {"run": 7, "tick_ps": "10", "period_ticks": 2500, "gate": {"start_ticks": 0}}


def events_of(pulses: list[int], masks: list[int]) -> Events:
    count = len(pulses)
    return Events(
        np.array(pulses, np.uint64),
        np.arange(count, dtype=np.uint32) * 3,
        np.array(masks, np.uint8),
        np.zeros(count, np.uint8),
    )


def frames(events: Events, epoch: int = 1, start: int = 0, run: int = 7) -> list[bytes]:
    sent, made = 0, []
    for sequence, packed in enumerate(pack_frames(events), start):
        header = Header(Kind.EVENTS, 4, 1, run, epoch, sequence, packed.pulse, sent)
        made.append(encode_frame(header, packed.body))
        sent += packed.events
    return made


def record(path: Path, wire: list[bytes], *, end: bool = True) -> Path:
    writer = RecordingWriter(path)
    writer.meta(META)
    for data in wire:
        writer.wire(data)
    writer.close({} if end else None)
    return path


def test_events_become_detections_of_their_pulse(tmp_path: Path) -> None:
    wire = frames(events_of([4, 9, 1000], [1, 0b1010, 4]))
    file = open_tags(record(tmp_path / "x", wire))
    found = whole(file)
    assert found.pulse is not None
    assert found.pulse.tolist() == [4, 9, 9, 1000]
    assert found.channel.tolist() == [0, 1, 3, 2]
    assert found.ticks.tolist() == [0, 3, 3, 6]
    assert (float(file.tick_ps), file.sync_period_ps, file.pulsed) == (10, 25_000, True)


def test_pairs_of_resolved_events_are_refused(tmp_path: Path) -> None:
    found = examine(open_tags(record(tmp_path / "x", frames(events_of([4, 9], [1, 2])))))
    assert "hold-off" in (found.refuses("g2") or "")
    assert found.refuses("dead_time")
    assert found.refuses("histogram") is None


def test_frames_of_other_runs_are_left_alone(tmp_path: Path) -> None:
    other = frames(events_of([1, 2], [1, 1]), run=6)
    wire = [*other, *frames(events_of([5], [1]), start=1)]
    pulse = whole(open_tags(record(tmp_path / "x", wire))).pulse
    assert pulse is not None
    assert pulse.tolist() == [5]


def test_pulses_of_a_further_epoch_are_numbered_on(tmp_path: Path) -> None:
    wire = frames(events_of([4, 9], [1, 1])) + frames(events_of([0, 3], [1, 1]), 2, 1)
    found = whole(open_tags(record(tmp_path / "x", wire)))
    assert found.pulse is not None
    assert found.pulse.tolist() == [4, 9, 10, 13]
    assert found.left_out["epochs"] == 1


def test_raw_tags_keep_the_trigger(tmp_path: Path) -> None:
    tags = Tags(np.array([5, 2600, 2700], np.uint64), np.array([4, 4, 1], np.uint8))
    frame = encode_frame(Header(Kind.TAGS, 8, 1, 7, 1, 0, 0, 0), pack_tags(tags))
    file = open_tags(record(tmp_path / "x", [frame]))
    found = whole(file)
    assert (file.pulsed, file.trigger_channel, found.pulse) == (False, 4, None)
    assert found.channel.tolist() == [4, 4, 1]
    assert found.ticks.tolist() == [5, 2600, 2700]


def test_damage_is_left_out_and_told(tmp_path: Path) -> None:
    wire = frames(events_of([4], [1])) + frames(events_of([9], [1]), start=1)
    path = record(tmp_path / "x", wire)
    data = bytearray(path.read_bytes())
    data[data.index(wire[0])] ^= 1
    path.write_bytes(data)
    found = examine(open_tags(path))
    assert found.detections == {0: 1}
    assert found.left_out["damaged"] > len(wire[0])


def test_recording_without_a_description_is_a_sentence(tmp_path: Path) -> None:
    path = record(tmp_path / "x", frames(events_of([4], [1])))
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(InputError, match="holds no description of its run"):
        open_tags(path)


@dataclass(frozen=True)
class _Once(Waiting):
    work: list[Callable[[], object]] = field(default_factory=list)

    def wait(self, since_s: float) -> bool:
        if not self.work:
            return False
        self.work.pop(0)()
        return True


def test_a_chunk_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    wire = [frame for i in range(3) for frame in frames(events_of([10 * i], [1]), start=i)]
    data = record(tmp_path / "whole", wire).read_bytes()
    path, cut = tmp_path / "growing", data.index(wire[1]) + 5
    path.write_bytes(data[:cut])

    def grow() -> None:
        with path.open("ab") as out:
            out.write(data[cut:])

    parts = list(open_tags(path, waiting=_Once(work=[grow])).chunks(follow=True))
    assert [part.pulse.tolist() for part in parts if part.pulse is not None] == [[0], [10], [20]]
    assert all(not part.left_out for part in parts)
