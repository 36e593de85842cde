"""How the link is driven: stretches, offsets, seeds, Alice's record, settings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from hexkey.errors import ConfigurationError
from hexkey.record import RecordReader, RecordWriter
from hexkey_sim.link import (
    PRESETS,
    Clicks,
    Detector,
    LinkParameters,
    Modulator,
    OpticalLink,
    PatternBits,
    extend_record,
    preset,
    record_statement,
)
from hexkey_sim.link.receiver import Arm, Receiver, b92_receiver, bb84_receiver, hbt_receiver

FALSE_ALARM = 1e-6
BENCH = preset("bench").parameters
# Everything that reaches across the end of a stretch, and more of it than any laboratory has.
ROUGH = replace(
    BENCH,
    lifetime_ps=30_000.0,
    trigger_jitter_ps=800.0,
    receiver=b92_receiver(
        Detector(
            jitter_ps=2000.0,
            delay_ps=-40_000,
            afterpulse_probability=0.3,
            afterpulse_lifetime_ps=60_000.0,
        ),
        Detector(dark_counts_hz=1e5, dead_time_ps=60_000, delay_ps=15_000),
    ),
)


def run(link: OpticalLink, stretches: list[int]) -> Clicks:
    """Advance in stretches, checking that each keeps to itself."""
    parts = []
    for pulses in stretches:
        start_ps = link.pulse * link.parameters.period_ps
        clicks = link.advance(pulses)
        end_ps = link.pulse * link.parameters.period_ps
        if len(clicks):
            assert start_ps <= clicks.time_ps[0] <= clicks.time_ps[-1] < end_ps
        parts.append(clicks)
    times = np.concatenate([part.time_ps for part in parts])
    assert np.all(np.diff(times) >= 0)
    return Clicks(times, np.concatenate([part.detector for part in parts]))


def features(clicks: Clicks, period_ps: int) -> np.ndarray:
    """Return counts in which a loss or a doubling at the ends of stretches shows."""
    phases = clicks.time_ps % period_ps
    gaps = np.diff(clicks.time_ps)
    pairs = clicks.detector[:-1] * 2 + clicks.detector[1:]
    close = gaps < 5 * period_ps
    return np.concatenate(
        [
            np.histogram(phases[clicks.detector == 0], bins=25, range=(0, period_ps))[0],
            np.histogram(phases[clicks.detector == 1], bins=25, range=(0, period_ps))[0],
            *(
                np.histogram(gaps[close & (pairs == kind)], bins=20, range=(0, 5 * period_ps))[0]
                for kind in range(4)
            ),
        ]
    )


@pytest.mark.parametrize("size", [1, 100])
def test_statistics_do_not_depend_on_the_stretches(size: int) -> None:
    whole_pulses, cut_pulses = 400_000, 4000 if size == 1 else 100_000
    bright = replace(ROUGH, mean_photons=0.4)
    whole = features(run(OpticalLink(bright, 1), [whole_pulses]), 25_000)
    cut = features(run(OpticalLink(bright, 2), [size] * (cut_pulses // size)), 25_000)
    used = whole > 0
    ratio = cut_pulses / whole_pulses
    pooled = (whole + cut)[used] / (1 + ratio)
    chi2 = np.sum((cut[used] - ratio * pooled) ** 2 / (ratio * pooled * (1 + ratio)))
    # Afterpulses come with their causes: variances exceed the means, by (1 + p)/(1 - p) at most.
    spread = 1.3 / 0.7
    assert chi2 / spread < stats.chi2.isf(FALSE_ALARM, used.sum())
    total = cut[:50].sum() - ratio * whole[:50].sum()
    assert abs(total) < 4.9 * np.sqrt(spread * cut[:50].sum() * (1 + ratio))


def test_the_same_seed_gives_the_same_clicks() -> None:
    first = run(OpticalLink(ROUGH, 5), [1000, 0, 50_000])
    again = run(OpticalLink(ROUGH, 5), [1000, 0, 50_000])
    other = run(OpticalLink(ROUGH, 6), [1000, 0, 50_000])
    assert np.array_equal(first.time_ps, again.time_ps)
    assert np.array_equal(first.detector, again.detector)
    assert not np.array_equal(first.time_ps[:50], other.time_ps[:50])


@pytest.mark.parametrize("offset", [0, 3, 1_000_000_000])
def test_bobs_pulses_are_alices_after_the_offset(offset: int) -> None:
    link = preset("bench").link(3, start_offset_pulses=offset)
    pulses = 1_000_000
    clicks = link.advance(pulses)
    assert (link.pulse, link.alice_pulse) == (pulses, pulses + offset)
    phase = clicks.time_ps % 25_000
    good = (phase >= 500) & (phase < 10_500)
    pulse = clicks.time_ps[good] // 25_000
    bob = clicks.detector[good] == 0
    first = max(0, offset - 2)
    alice = np.unpackbits(link.alice_bits.packed(first, pulses + 8), bitorder="little")
    for shift in (-2, -1, 0, 1, 2):
        if offset + shift >= first:
            errors = np.mean(alice[pulse + offset + shift - first] != bob)
            bound = 4.9 * 0.5 / np.sqrt(len(pulse))
            assert abs(errors - (0.0205 if shift == 0 else 0.5)) < bound


def test_a_source_that_ran_before_bob_lights_his_first_pulse_as_any_other() -> None:
    # With a lifetime of 8 periods the first pulses of a source are dark; not so with an offset.
    slow = replace(
        BENCH,
        lifetime_ps=200_000.0,
        mean_photons=0.4,
        receiver_efficiency=1.0,
        receiver=hbt_receiver(Detector(dead_time_ps=0)),
    )
    late = early = 0
    for seed in range(150):
        late += len(OpticalLink(slow, seed).advance(4))
        early += len(OpticalLink(replace(slow, start_offset_pulses=1000), seed).advance(4))
    expected = 150 * len(OpticalLink(slow, 1).advance(100_000)) / 25_000
    assert abs(early - expected) < 4.9 * np.sqrt(expected)
    assert late < expected / 2


def test_the_record_holds_the_bits_that_the_link_used(tmp_path: Path) -> None:
    link = preset("bench").link(4, start_offset_pulses=20_000_003)
    path = tmp_path / "alice.rec"
    statement = record_statement(link)
    with RecordWriter(path, statement) as writer, RecordReader(path) as reader:
        for pulses in (1001, 400_000):
            link.advance(pulses)
            extend_record(writer, link)
            assert reader.refresh() == link.alice_pulse
        whole = link.alice_bits.packed(0, link.alice_pulse)
        assert np.array_equal(reader.packed_view(), whole)
        share = np.unpackbits(whole).mean()
        assert abs(share - 0.5) < 4.9 * 0.5 / np.sqrt(link.alice_pulse)
    assert (statement.randomness, statement.source) == ("random", "seeded simulation")
    assert "simulated" in str(statement.reason_for_demonstration)


def test_a_public_pattern_is_stated_and_has_no_chunks(tmp_path: Path) -> None:
    link = preset("as-reported").link(4, measurement=True)
    path = tmp_path / "alice.rec"
    with RecordWriter(path, record_statement(link)) as writer:
        link.advance(1000)
        extend_record(writer, link)
    with RecordReader(path, growing=False) as reader:
        assert (reader.statement.randomness, reader.statement.pattern) == ("public", "10")
        assert reader.bits_at(np.arange(4, dtype=np.uint64)).tolist() == [1, 0, 1, 0]
        assert link.alice_bits.packed(0, 4).tolist() == [0b0101]


def test_nothing_shines_in_the_dark() -> None:
    dark = replace(BENCH, mean_photons=0.0, receiver=b92_receiver(Detector(dark_counts_hz=0.0)))
    assert len(OpticalLink(dark, 1, PatternBits()).advance(10_000_000)) == 0


@pytest.mark.parametrize("name", PRESETS)
def test_presets_explain_themselves(name: str) -> None:
    assert preset(name).name == name
    assert len(preset(name).explanation) > 40


def test_an_unknown_preset_is_refused_with_those_that_exist() -> None:
    with pytest.raises(
        ConfigurationError, match=r"'table-iii'.*table-ii, as-reported, bench, bb84"
    ):
        preset("table-iii")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pulse_rate_hz": 76_000_000}, "must divide 10"),
        ({"lifetime_ps": 0.0}, "lifetime"),
        ({"mean_photons": 1.5}, "mean photons from 0 to 1"),
        ({"g2": float("nan")}, "g2 from 0 to 1"),
        ({"polarisation_error": 0.6}, "polarisation error"),
        ({"channel_loss_db": -1.0}, "channel loss"),
        ({"receiver_efficiency": 1.1}, "receiver efficiency"),
        ({"start_offset_pulses": -1}, "start offset"),
        ({"modulator": Modulator(500, 30_000)}, "flat part must lie within a period"),
    ],
)
def test_impossible_links_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        LinkParameters(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dark_counts_hz": -1.0}, "dark counts"),
        ({"dead_time_ps": -1}, "dead time"),
        ({"afterpulse_probability": 1.0}, "afterpulsing"),
        ({"jitter_ps": -1.0}, "jitter"),
        ({"efficiency": 1.1}, "efficiency from 0 to 1"),
    ],
)
def test_impossible_detectors_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Detector(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arms", "detectors", "message"),
    [
        ((Arm(1.0, None, 0),), 0, "one to four detectors"),
        ((), 1, "at least one arm"),
        ((Arm(0.7, None, 0), Arm(0.7, None, 0)), 1, "more than 1"),
        ((Arm(0.5, 0.0, 0, 1),), 1, "a detector that is not there"),
    ],
)
def test_impossible_receivers_are_refused(
    arms: tuple[Arm, ...], detectors: int, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Receiver(arms, (Detector(),) * detectors)


def test_impossible_arms_and_modulators_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="share of the light"):
        bb84_receiver(key_basis_probability=1.2)
    with pytest.raises(ConfigurationError, match="analyser angle"):
        Arm(0.5, float("inf"), 0)
    with pytest.raises(ConfigurationError, match="two states"):
        Modulator(state_angles_deg=(0.0, 45.0, 90.0))
    with pytest.raises(ConfigurationError, match="key basis probability"):
        Modulator(key_basis_probability=-0.1)


def test_a_link_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        OpticalLink(BENCH, 1).advance(-1)
