"""What a recording of a live session gives again, whole or damaged."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.end_to_end.conftest import Live
from tests.end_to_end.processes import hexkey

from hexkey.cli import main
from hexkey.errors import HexkeyError, InputError
from hexkey.party.distill import distill, play_back, replay
from hexkey.randomness import Seeded
from hexkey.record import RecordReader, RecordWriter
from hexkey.recording import MARKER, read_recording
from hexkey.store import Store, compare, create_pair


def keys_in(path: Path) -> list[tuple[str, bytes]]:
    with Store.open(path, read_only=True) as store:
        return [(key.key_id, key.bits) for key in store.keys()]


def silent(event: dict[str, object]) -> None:
    pass


def test_replay_gives_the_live_keys_bit_for_bit(live: Live, tmp_path: Path) -> None:
    done = hexkey("distill", live.recording, "--out", tmp_path / "again", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    found = compare(live.scene.bob_store, tmp_path / "again" / "bob.store")
    assert found.equal
    assert found.common == live.bob.report["blocks"]["ok"] >= 1
    for name in (
        *("sifted_bits", "errors", "disclosed_bits", "secret_bits", "reasons", "losses"),
        *("window", "period_ticks", "histogram"),
    ):
        assert report[name] == live.bob.report[name], name
    assert report["mode"] == "replayed"
    assert not (tmp_path / "again" / "alice.store").exists()
    assert report["damage"] == []


def test_fresh_distillation_has_the_live_sifted_key_and_another_key(
    live: Live, tmp_path: Path
) -> None:
    report = distill(live.recording, live.scene.record, tmp_path / "fresh", silent)
    assert report["equal"]
    assert any("two local roles" in reason for reason in report["reasons"])
    assert report["history"] != []
    for fresh, lived in zip(report["history"], live.bob.report["history"], strict=True):
        for name in ("start_s", "end_s", "sifted_bits", "errors"):
            assert fresh[name] == lived[name], name
    fresh_keys, live_keys = keys_in(tmp_path / "fresh" / "bob.store"), keys_in(live.scene.bob_store)
    assert not {key_id for key_id, _ in fresh_keys} & {key_id for key_id, _ in live_keys}
    assert fresh_keys == keys_in(tmp_path / "fresh" / "alice.store")


def test_recorded_wire_sifts_to_what_alice_sent(live: Live) -> None:
    """The sifted key itself, bit for bit against her record but for the errors."""
    playback = play_back(read_recording(live.recording))
    chunks = list(playback.chunks())
    pulses = np.concatenate([chunk.pulses for chunk in chunks])
    bits = np.concatenate([chunk.bits for chunk in chunks])
    (alignment,) = live.bob.report["alignments"]
    with RecordReader(live.scene.record) as record:
        sent = record.bits_at(pulses + np.uint64(alignment["offset"]))
    used = live.bob.report["sifted_bits"] + alignment["disclosed_bits"]
    assert len(bits) == used + live.bob.report["unused_sifted_bits"]
    disclosed = alignment["disclosed_bits"]
    wrong = np.count_nonzero((sent != bits)[disclosed:used])
    assert wrong == live.bob.report["errors"]


def test_every_cut_leaves_the_keys_before_it(live: Live, tmp_path: Path) -> None:
    data = live.recording.read_bytes()
    alive = keys_in(live.scene.bob_store)
    reproduced = []
    for at in (0.3, 0.6, 0.8, 0.97):
        cut = tmp_path / f"{at}.recording"
        cut.write_bytes(data[: int(at * len(data))])
        report = replay(cut, tmp_path / f"{at}", silent)
        keys = keys_in(tmp_path / f"{at}" / "bob.store")
        assert keys == alive[: len(keys)]
        assert any("the end is missing" in damage for damage in report["damage"])
        assert report["blocks"]["ok"] == len(keys)
        reproduced.append(len(keys))
    assert reproduced == sorted(reproduced)
    assert reproduced[-1] >= 1


def test_cut_recording_distils_afresh(live: Live, tmp_path: Path) -> None:
    cut = tmp_path / "cut.recording"
    cut.write_bytes(live.recording.read_bytes()[: int(0.9 * live.recording.stat().st_size)])
    report = distill(cut, live.scene.record, tmp_path / "fresh", silent)
    assert report["equal"]
    assert report["blocks"]["ok"] >= 1
    assert report["damage"][-1] == "the end is missing: the recording was cut"


def test_flipped_bytes_never_give_another_key(live: Live, tmp_path: Path) -> None:
    data = live.recording.read_bytes()
    alive = dict(keys_in(live.scene.bob_store))
    generator = np.random.default_rng(5)
    for attempt in range(4):
        flipped = bytearray(data)
        for at in generator.integers(10, len(data), 3).tolist():
            flipped[at] ^= 1 << int(generator.integers(8))
        file = tmp_path / f"{attempt}.recording"
        file.write_bytes(flipped)
        out = tmp_path / f"{attempt}"
        assert read_recording(file).damage != []
        replay(file, out, silent)
        for key_id, bits in keys_in(out / "bob.store"):
            assert alive[key_id] == bits


def test_wire_that_is_missing_is_counted_to_the_event(live: Live, tmp_path: Path) -> None:
    """A damaged stretch of the wire is missing frames, whose events the numbering tells."""
    data = live.recording.read_bytes()
    whole = play_back(read_recording(live.recording))
    events = sum(len(chunk.bits) for chunk in whole.chunks())
    places = [at for at in range(len(data)) if data.startswith(MARKER + b"\x02", at)]
    flipped = bytearray(data)
    flipped[places[len(places) // 2] + 30] ^= 0x55
    file = tmp_path / "flipped.recording"
    file.write_bytes(flipped)
    playback = play_back(read_recording(file))
    for _ in playback.chunks():
        pass
    facts = playback.losses()
    assert facts["frames_missed"] >= 1
    assert facts["events"] + facts["events_missed"] == whole.losses()["events"] >= events
    assert len(playback.recording.damage) == 1
    report = distill(file, live.scene.record, tmp_path / "fresh", silent)
    assert report["equal"]
    assert report["losses"]["events_missed"] == facts["events_missed"] > 0


def test_recording_cannot_be_distilled_over_a_channel(
    live: Live, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Disclosed once for a key, its bits must not be disclosed for another one."""
    words = ["bob", "--port", live.recording, "--peer", "127.0.0.1:9"]
    store = tmp_path / "bob.store"
    create_pair(tmp_path / "alice.store", store, 40, Seeded(1))
    for arguments, code in (
        ([*words, "--store", store], 4),
        (["distill", live.recording, "--peer", "127.0.0.1:9"], 2),
        (["distill", live.recording, "--listen", "127.0.0.1:9"], 2),
    ):
        monkeypatch.setattr("sys.argv", ["hexkey", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
        assert capsys.readouterr().err


def test_record_of_another_run_is_refused(live: Live, tmp_path: Path) -> None:
    with RecordReader(live.scene.record) as record:
        statement = record.statement
    other = tmp_path / "other.record"
    with RecordWriter(other, statement) as writer:
        writer.append(np.random.default_rng(3).bytes(1_000_000), 8_000_000)
    with pytest.raises(HexkeyError, match="at no offset") as refused:
        distill(live.recording, other, tmp_path / "out", silent)
    assert refused.value.exit_code == 3
    assert str(other) in str(refused.value)


def test_record_that_is_too_short_is_refused_by_name(live: Live, tmp_path: Path) -> None:
    """Long enough for the offset, too short for the first block."""
    first = live.bob.report["history"][0]
    (alignment,) = live.bob.report["alignments"]
    short = tmp_path / "short.record"
    with RecordReader(live.scene.record) as record:
        pulses = alignment["offset"] + int(40e6 * (first["start_s"] + first["end_s"]) / 2)
        pulses &= ~7
        with RecordWriter(short, record.statement) as writer:
            writer.append(record.packed(0, pulses), pulses)
    with pytest.raises(InputError, match="holds pulses 0 to") as refused:
        distill(live.recording, short, tmp_path / "out", silent)
    assert str(short) in str(refused.value)
    assert keys_in(tmp_path / "out" / "bob.store") == []
    assert keys_in(tmp_path / "out" / "alice.store") == []
