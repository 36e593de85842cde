"""The same light in files of every device: sound files are sound, and measure what was made."""

from pathlib import Path

import numpy as np
import ptufile
import pytest
from tests.host.measure.light import in_order, pulsed
from tests.host.tags import devices

from hexkey.measure.clicks import Clicks
from hexkey.measure.g2 import PulsedG2
from hexkey.measure.report import Measurements, measure_file
from hexkey.tags import open_tags
from hexkey.tags.examine import examine
from hexkey.tags.finding import Examination
from hexkey.tags.ptu import LAYOUTS
from hexkey.tags.tttr import SYNC

G2 = 0.1
HYDRA_T2, HYDRA_T3, PICO_T2 = 0x01010204, 0x01010304, 0x00010203
COARSEST_PS = {3: 8, 4: 4, 5: 250, 6: 25, 7: 5}  # by the device's number


def light(period_ps: float, seed: int = 5, **more: object) -> Clicks:
    """Return clicks of which the second detector's come three pulses and a bit later."""
    chosen: dict[str, object] = {
        "pulses": 700_000,
        "period_ps": period_ps,
        "g2": G2,
        "lifetime_ps": period_ps / 10,
        "jitter_ps": period_ps / 60,
        "cable_ps": 3.02 * period_ps,
        "dead_ps": 45_000,
    }
    return pulsed(np.random.default_rng(seed), **(chosen | more))  # type: ignore[arg-type]


def seen(path: Path) -> tuple[Examination, Measurements]:
    file = open_tags(path)
    examination = examine(file)
    return examination, measure_file(file, examination.refuses)


def is_right(found: Measurements, period_ps: float) -> None:
    assert found.period_ps == pytest.approx(period_ps, rel=1e-6)
    assert isinstance(found.g2, PulsedG2)
    assert found.g2.dip_pulse == 3
    assert found.g2.one_sigma.low < 2 * G2
    assert found.g2.band.low <= G2 <= found.g2.band.high
    assert found.skew is not None
    assert found.skew.skew_ps == pytest.approx(0.02 * period_ps, abs=5 * found.skew.sigma_ps)
    assert found.skew.sigma_ps < 0.002 * period_ps
    for one in found.lifetimes.values():
        assert one.lifetime_ps == pytest.approx(period_ps / 10, abs=5 * one.sigma_ps)
    assert len(found.lifetimes) == 2


@pytest.mark.parametrize("record_type", LAYOUTS)
@pytest.mark.parametrize("rate_mhz", [2.0, 79.99])
def test_every_device_measures_the_same(record_type: int, rate_mhz: float, tmp_path: Path) -> None:
    period_ps = 1e6 / rate_mhz
    tick_ps = float(COARSEST_PS[record_type & 0xF])
    if LAYOUTS[record_type].pulsed:
        longest = 4095 if record_type & 0xF == 3 else 32767
        tick_ps *= 2 ** max(0, int(np.ceil(np.log2(period_ps / longest / tick_ps))))
    else:
        tick_ps = 1.0 if tick_ps == 4 else tick_ps
    clicks = light(period_ps)
    path = devices.write(
        tmp_path / "run.ptu",
        record_type,
        clicks.channel,
        clicks.time_ps,
        tick_ps=tick_ps,
        period_ps=period_ps,
    )
    with ptufile.PtuFile(path) as reference:
        records = reference.decode_records()
    assert np.count_nonzero(records["channel"] >= 0) == len(clicks)
    examination, found = seen(path)
    assert [finding.name for finding in examination.findings] == []
    is_right(found, period_ps)


def test_a_divided_sync_is_taken_out(tmp_path: Path) -> None:
    """With four decays in a period of the sync, its period would be no pulse's."""
    clicks = light(12_500.0)
    path = tmp_path / "run.ptu"
    devices.write(
        path, HYDRA_T3, clicks.channel, clicks.time_ps, tick_ps=16, period_ps=4 * 12_500.0
    )
    examination, found = seen(path)
    assert [finding.name for finding in examination.findings] == ["sync_divided"]
    assert found.sync_divider == 4
    assert ("period", "12500.000 ps, as the sync states, divided by 4") in found.rows()
    is_right(found, 12_500.0)


def test_a_detector_on_the_syncs_input_is_a_detector(tmp_path: Path) -> None:
    clicks = light(12_500.0)
    channel = np.where(clicks.channel == 1, SYNC, 0).astype(np.uint8)
    path = devices.write(
        tmp_path / "run.ptu", HYDRA_T2, channel, clicks.time_ps, tick_ps=1, period_ps=1e7
    )
    _, found = seen(path)
    assert (found.detectors, found.trigger_channel) == ((0, SYNC), None)
    is_right(found, 12_500.0)


def test_edges_of_the_sync_are_no_detector(tmp_path: Path) -> None:
    clicks = light(50_000.0)
    edges = np.rint(np.arange(700_000 // 8) * 8 * 50_000.0 + 1e6).astype(np.int64)
    whole = in_order(
        np.concatenate([clicks.channel, np.full(len(edges), SYNC, np.uint8)]),
        np.concatenate([clicks.time_ps, edges]),
    )
    path = tmp_path / "run.ptu"
    devices.write(path, HYDRA_T2, whole.channel, whole.time_ps, tick_ps=25, period_ps=50_000.0)
    examination, found = seen(path)
    assert [finding.name for finding in examination.findings] == ["sync_divided"]
    assert (found.detectors, found.trigger_channel) == ((0, 1), SYNC)
    assert found.phases_by_trigger
    is_right(found, 50_000.0)


@pytest.mark.parametrize(
    ("wrong", "names", "refused"),
    [
        ({"header_period_ps": 12_500.0 / 4}, "late_arrivals acquisition_time input_rate", "g2"),
        ({"header_period_ps": 4 * 12_500.0}, "acquisition_time", "rates"),
        ({"seconds": 2e-3}, "acquisition_time input_rate", "g2"),
        ({"rates": 30.0}, "input_rate", None),
    ],
)
def test_a_header_that_contradicts_the_records_is_found(
    wrong: dict[str, float], names: str, refused: str | None, tmp_path: Path
) -> None:
    clicks = light(12_500.0)
    path = tmp_path / "run.ptu"
    devices.write(
        path, HYDRA_T3, clicks.channel, clicks.time_ps, tick_ps=16, period_ps=12_500.0, **wrong
    )
    examination, found = seen(path)
    assert {finding.name for finding in examination.findings} <= set(names.split())
    assert names.split()[0] in {finding.name for finding in examination.findings}
    assert (refused is None) == (found.g2 is not None)
    if refused:
        assert refused in found.refused
    assert (found.period_ps is None) == ("late_arrivals" in names)


@pytest.mark.parametrize("count", [0, 1, 2, 30, 1000])
@pytest.mark.parametrize("record_type", [HYDRA_T2, HYDRA_T3, PICO_T2])
def test_few_clicks_make_sentences_and_no_numbers(
    count: int, record_type: int, tmp_path: Path
) -> None:
    clicks = light(12_500.0)
    few = np.sort(np.random.default_rng(1).choice(len(clicks), count, replace=False))
    path = devices.write(
        tmp_path / "run.ptu",
        record_type,
        clicks.channel[few],
        clicks.time_ps[few],
        tick_ps=4,
        period_ps=12_500.0,
    )
    examination = examine(open_tags(path))
    names = [finding.name for finding in examination.findings]
    assert names == ([] if count else ["no_detections"])
    if count:
        found = measure_file(open_tags(path), examination.refuses)
        assert found.g2 is None
        assert "g2" in found.refused
        assert len(found.rows()) > 1


def test_a_laser_has_no_dip_and_no_lifetime(tmp_path: Path) -> None:
    clicks = light(12_500.0, g2=1, lifetime_ps=1e-3, jitter_ps=60.0)
    path = tmp_path / "run.ptu"
    devices.write(path, HYDRA_T3, clicks.channel, clicks.time_ps, tick_ps=16, period_ps=12_500.0)
    examination, found = seen(path)
    assert not examination.findings
    assert "there is no dip" in found.refused["g2"]
    assert "hides whether there is a lifetime" in found.refused["lifetime of channel 0"]
    assert found.efficiencies is not None
    assert found.efficiencies.p_value > 1e-3
