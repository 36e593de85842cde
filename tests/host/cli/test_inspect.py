"""``hexkey inspect``: what people and programs see of files of several kinds."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.host.cli.conftest import Run
from tests.host.measure.light import pulsed
from tests.host.tags import devices, writers

from hexkey.randomness import Seeded
from hexkey.statement import Statement, pack_header
from hexkey.store import create_pair


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    times = np.cumsum(np.random.default_rng(3).integers(1, 10**7, 400)).tolist()
    rows = [f"{time},{place % 7 % 2}" for place, time in enumerate(times)]
    path = tmp_path / "tags.csv"
    path.write_text("\n".join(["time_ps,channel", *rows, ""]))
    return path


@pytest.fixture
def ptu(tmp_path: Path) -> Path:
    clicks = [(place % 2, 300 * place, 40_000) for place in range(500)]
    # Delays of 4 µs in pulses of 12.5 ns: the header's period cannot be.
    more = [("HW_Type", writers.TEXT, "HydraHarp 400")]
    words = writers.hydra_t3([(channel, pulse, 30_000) for channel, pulse, _ in clicks])
    path = tmp_path / "run.ptu"
    return writers.ptu(path, writers.HYDRA2_T3, words, tick_s=16e-12, period_s=1.25e-8, more=more)


def test_header_and_examination_are_shown(run: Run, ptu: Path) -> None:
    done = run("inspect", str(ptu), "--examine-only")
    assert done.code == 0
    assert "PicoQuant T3 (HydraHarp 400)" in done.out
    assert "12,500.000 ps (80,000,000 Hz), as stated" in done.out
    assert "250 on 0, 250 on 1" in done.out
    (refused,) = (line for line in done.out.splitlines() if line.strip().startswith("refused"))
    assert "are beyond the sync's period of 12.5 ns" in refused
    assert refused.endswith("; refused: histogram, lifetime, g2, skew, jitter, rates.")


def test_json_holds_all_of_it(run: Run, ptu: Path, csv: Path) -> None:
    done = run("inspect", str(ptu), str(csv), "--examine-only", "--json")
    found = json.loads(done.out)
    assert found["schema"] == 1
    first, second = found["files"]
    assert (first["file"], first["pulsed"], first["records_stated"]) == (str(ptu), True, 646)
    assert first["examination"]["detections"] == {"0": 250, "1": 250}
    assert first["examination"]["findings"][0]["name"] == "late_arrivals"
    assert (second["format"], second["tick_ps"]) == ("CSV, times and channels", 1.0)
    assert second["examination"]["findings"] == []
    assert second["measurements"] is None


def test_several_files_come_one_after_the_other(run: Run, ptu: Path, csv: Path) -> None:
    lines = run("inspect", str(ptu), str(csv), "--examine-only").out.splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert heads == [str(ptu), str(csv)]
    assert lines[-1].split(maxsplit=1) == ["examined", "Nothing was found amiss."]


def test_export_is_written_and_named(run: Run, csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    done = run("inspect", str(csv), "--examine-only", "--export", str(out))
    assert done.out.splitlines()[-1] == str(out)
    first, header, *rows = out.read_text().splitlines()
    assert (first, header) == ("# tick_ps=1", "time_ps,channel")
    assert rows == csv.read_text().splitlines()[1:]


def test_a_growing_file_is_followed_until_it_idles(run: Run, csv: Path) -> None:
    done = run("inspect", str(csv), "--examine-only", "--follow", "--idle-s", "0.1", "--json")
    (found,) = json.loads(done.out)["files"]
    assert sum(found["examination"]["detections"].values()) == 400


@pytest.mark.parametrize("by_file", [False, True])
def test_the_pattern_sent_reaches_g2(run: Run, by_file: bool, tmp_path: Path) -> None:
    pattern = "1,0.2,0.6,0.1"
    clicks = pulsed(
        np.random.default_rng(4),
        pulses=1_000_000,
        period_ps=12_500.0,
        g2=0.2,
        mean=0.1,
        weights=np.array([float(part) for part in pattern.split(",")]),
        cable_ps=3 * 12_500.0,
    )
    path = tmp_path / "run.ptu"
    devices.write(path, 0x01010304, clicks.channel, clicks.time_ps, tick_ps=16, period_ps=12_500.0)
    sent = tmp_path / "pattern.txt"
    sent.write_text(pattern.replace(",", "\n") + "\n")
    given = ["--pattern", str(sent) if by_file else pattern]
    found = json.loads(run("inspect", str(path), "--json", *given).out)
    g2 = found["files"][0]["measurements"]["g2"]
    assert (g2["pattern_pulses"], g2["dip_pulse"]) == (4, 3)
    assert g2["band"]["low"] <= 0.2 <= g2["band"]["high"]
    plain = json.loads(run("inspect", str(path), "--json").out)["files"][0]["measurements"]["g2"]
    assert g2["others"] > plain["others"]  # every peak counts, where the pattern is known


def test_lifetimes_are_fitted_behind_a_measured_response(run: Run, tmp_path: Path) -> None:
    """Half the clicks of either detector diffuse: unmeasured, that is taken for lifetime."""
    period = 12_500.0

    def written(name: str, lifetime_ps: float, seed: int, detectors: int = 2) -> Path:
        rng, clicks = np.random.default_rng(seed), 120_000
        time = np.arange(clicks) * 20 * period + 4000 + rng.normal(0, 40.0, clicks)
        time += (rng.random(clicks) < 0.5) * rng.exponential(200.0, clicks)
        time += rng.exponential(lifetime_ps, clicks)
        channel = rng.integers(0, detectors, clicks).astype(np.uint8)
        path = tmp_path / name
        return devices.write(
            *(path, 0x01010304, channel, np.rint(time).astype(np.int64)),
            tick_ps=16,
            period_ps=period,
        )

    light, laser = written("light.ptu", 500.0, 1), written("laser.ptu", 1e-3, 2)
    done = run("inspect", light, "--irf", laser, "--json")
    lifetimes = json.loads(done.out)["files"][0]["measurements"]["lifetimes"]
    assert set(lifetimes) == {"0", "1"}
    for fit in lifetimes.values():
        assert fit["response_measured"]
        assert abs(fit["lifetime_ps"] - 500) < 4 * fit["sigma_ps"] < 20
        assert fit["p_value"] > 1e-4
    assert "as measured" in run("inspect", light, "--irf", laser).out
    alone = run("inspect", light)
    assert "measure it and give --irf" in alone.out

    one = written("one.ptu", 1e-3, 3, detectors=1)
    done = run("inspect", light, "--irf", one, "--json")
    found = json.loads(done.out)["files"][0]["measurements"]
    assert "no clicks on channel 1" in found["refused"]["lifetime of channel 1"]
    assert set(found["lifetimes"]) == {"0"}


def test_other_files_are_named_with_what_they_are_for(run: Run, tmp_path: Path) -> None:
    record, table = tmp_path / "alice.record", tmp_path / "key.csv"
    statement = Statement(40_000_000, "public", "a pattern", True, "10")
    record.write_bytes(pack_header(statement))
    table.write_text("qubit_id,tx_state,tx_basis,rx_state\n0,1,0,1\n1,0,0,1\n")
    store = tmp_path / "a.store"
    create_pair(store, tmp_path / "b.store", 40, Seeded(1))
    for path, kind, use in (
        (record, "Alice's record of what she sent", f"--record {record}"),
        (table, "a table of detections", f"`hexkey distill {table}`"),
        (store, "a database", f"`hexkey keys list {store}`"),
    ):
        done = run("inspect", path)
        assert done.code == 3
        assert kind in done.sentence
        assert use in done.sentence


def test_hints_reach_the_reader(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "plain.txt"
    path.write_text("10 1\n20 2\n35 5\n")
    done = run("inspect", str(path), "--examine-only", "--json", "--tick-ps", "81/2")
    assert json.loads(done.out)["files"][0]["tick_ps"] == 40.5
    done = run(
        *("inspect", str(path), "--examine-only", "--json", "--time-unit", "ns"),
        *("--trigger-channel", "5", "--time-column", "0", "--channel-column", "1"),
    )
    (found,) = json.loads(done.out)["files"]
    assert found["trigger_channel"] == 5
    assert found["examination"]["seconds"] == pytest.approx(25e-9)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["a", "b", "--follow"], 2, "take one file at a time"),
        (["a", "--idle-s", "1"], 2, "--idle-s goes with --follow"),
        (["a", "--plot", "x.png", "--examine-only"], 2, "leave --examine-only out"),
        (["a", "--export", "x.xls"], 2, "must end in .parquet or .csv"),
        (["a", "--protocol", "e91"], 2, "--protocol 'e91' must be b92, bb84 or hbt"),
        (["a", "--irf", "b", "--examine-only"], 2, "--irf is for lifetimes"),
        (["a", "--tick-ps", "0"], 2, "--tick-ps '0' must be a number above 0"),
        (["a", "--pattern", "1,-1"], 2, "--pattern '1,-1' must be the light of each pulse"),
        (["a", "--pattern", "0,0"], 2, "not all of them zero"),
        (["nowhere.ptu"], 3, "nowhere.ptu cannot be read"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    run: Run, arguments: list[str], code: int, sentence: str
) -> None:
    done = run("inspect", *arguments)
    assert done.code == code
    assert sentence in done.sentence
