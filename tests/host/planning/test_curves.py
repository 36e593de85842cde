"""Curves: rates in their unit, where they end, where one overtakes another, on any machine."""

import math
from pathlib import Path

import numpy as np
import pytest

from hexkey.errors import InputError
from hexkey.keyrate import (
    b92_planned,
    bb84_single,
    bb84_single_finite,
    decoy,
    decoy_two,
    entanglement,
    gllp,
    limits,
    repeater,
)
from hexkey.keyrate.decoy_finite import Intensities
from hexkey.keyrate.model_inputs import LINKS
from hexkey.planning.curves import Crossing, Sample, comparable, compute, crossings, draw_up
from hexkey.planning.pairs import coincidences
from hexkey.planning.protocols import PROTOCOLS, USD, Curve
from hexkey.planning.source import Source, b92_sifted, parse_source

BASE, IMPROVED = parse_source("tapsin:baseline"), parse_source("tapsin:improved")
LOSSES = np.linspace(0, 40, 41)


def curve(
    protocol: str, source: Source | None = IMPROVED, block_s: float = math.inf, *, per_second: bool
) -> Curve:
    return Curve(protocol=protocol, source=source, block_s=block_s, per_second=per_second)


def node(memory_s: float, *, per_second: bool) -> Curve:
    return Curve(protocol="repeater", memory_s=memory_s, per_second=per_second)


def rates(wanted: Curve, losses: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    found: list[float] = draw_up([wanted], losses)[0].rate.tolist()
    return found


def test_rates_are_the_models_in_either_unit() -> None:
    loss = np.array([3.0, 17.0])
    rate_hz = LINKS["impr"].pulse_rate_hz
    endless = bb84_single.best_asymptotic_rate(LINKS["impr"], loss).value
    assert rates(curve("bb84", per_second=False), loss) == pytest.approx(endless)
    assert rates(curve("bb84", per_second=True), loss) == pytest.approx(rate_hz * endless)
    bits = bb84_single_finite.best_planned_length(LINKS["impr"], loss, 10.0).value
    assert rates(curve("bb84", block_s=10.0, per_second=True), loss) == pytest.approx(bits / 10)
    assert rates(curve("bb84", block_s=10.0, per_second=False), loss) == pytest.approx(
        bits / 10 / rate_hz
    )
    wcp = decoy.best_asymptotic_rate(IMPROVED.receiver, loss).value
    assert rates(curve("decoy", per_second=False), loss) == pytest.approx(wcp)
    assert rates(curve("plob", per_second=False), loss) == pytest.approx(limits.plob_bound(loss))
    review = curve("gllp", parse_source("vajner:extrapolation"), per_second=True)
    assert rates(review, loss) == pytest.approx(gllp.rate_bps(loss / 0.17).value)
    for per_second in (True, False):
        found = repeater.best_rates(
            repeater.Node(5e-3), loss, objective="per_second" if per_second else "per_use"
        )
        expected = found.per_second if per_second else found.per_use
        assert rates(node(5e-3, per_second=per_second), loss) == pytest.approx(expected.value)


def test_b92_follows_the_paper_and_is_marked_as_no_proof() -> None:
    source, loss = parse_source("tapsin:b92"), np.array([0.0, 6.0])
    bits = [int(float(b92_sifted(source, 10 ** (-x / 10)).sifted_hz) * 10) for x in loss]
    qber = [float(b92_sifted(source, 10 ** (-x / 10)).qber) for x in loss]
    expected = b92_planned.planned_length_unproven(bits, qber, 1e-10, 1e-15, leak="conservative")
    found = rates(curve("b92-unproven", source, 10.0, per_second=True), loss)
    assert found == pytest.approx(expected.value / 10)
    assert not PROTOCOLS["b92-unproven"].proof
    assert all(each.proof for name, each in PROTOCOLS.items() if name != "b92-unproven")


def test_certified_b92_ends_where_the_states_can_be_told_apart() -> None:
    source = parse_source("tapsin:b92")
    found = compute(Sample(curve("b92-certified", source, per_second=True), (0.0, 5.4)))
    unproven = rates(curve("b92-unproven", source, per_second=True), np.array([0.0]))[0]
    assert 0 < found["rate"][0] < unproven
    assert (found["rate"][1], found["reason"][1]) == (0.0, USD)


def test_pairs_without_loss_and_dark_clicks_are_bbm92_itself() -> None:
    ideal = parse_source("tapsin:improved,dark_probability=0,receiver_efficiency=1,mean_photons=1")
    found = coincidences(ideal.link, 0.0)
    assert (float(found.clicked), float(found.qber)) == pytest.approx((1.0, 0.01))
    expected = float(entanglement.bbm92_fraction(0.01))
    lossless = np.array([0.0])
    assert rates(curve("bbm92", ideal, per_second=False), lossless) == pytest.approx([expected])
    assert rates(curve("e91", ideal, per_second=False), lossless)[0] < expected
    dark = coincidences(IMPROVED.link, math.inf)
    assert float(dark.qber) == pytest.approx(0.5, abs=1e-9)


def test_curves_end_where_the_models_say() -> None:
    wanted = [
        curve("bb84", BASE, per_second=True),
        curve("bb84", BASE, 1.0, per_second=True),
        curve("bb84", IMPROVED, per_second=True),
        curve("plob", per_second=True),
    ]
    ends = [each.largest_loss_db for each in draw_up(wanted, LOSSES)]
    assert ends[:3] == pytest.approx([24.44337, 17.6868, 30.42204], abs=2e-3)
    assert ends[3] == math.inf
    hopeless = parse_source("tapsin:baseline,misalignment=0.3")
    (none,) = draw_up([curve("bb84", hopeless, per_second=True)], LOSSES)
    assert none.largest_loss_db is None
    assert all(none.reason)


def test_the_axis_decides_where_the_repeater_overtakes() -> None:
    """Published readings: 21.9 and 18.8 dB a use, and only where the direct link ends a second."""
    for per_second, expected in ((False, [18.8, 21.9]), (True, [30.4, 30.4])):
        direct = curve("bb84", per_second=per_second)
        memories = [node(memory_s, per_second=per_second) for memory_s in (5e-3, 10e-3)]
        found = [
            each for each in crossings(draw_up([direct, *memories], LOSSES)) if each.worse == direct
        ]
        assert [each.loss_db for each in found] == pytest.approx(expected, abs=0.05)
        assert [each.ended for each in found] == [per_second, per_second]


def test_a_crossing_is_where_both_give_the_same() -> None:
    found = crossings(
        draw_up([curve("bb84", per_second=False), node(10e-3, per_second=False)], LOSSES)
    )
    (crossing,) = found
    assert crossing.better.protocol == "repeater"
    at = np.array([crossing.loss_db])
    assert rates(crossing.better, at) == pytest.approx(rates(crossing.worse, at), rel=1e-3)


def test_the_ceiling_and_unequal_blocks_are_not_compared() -> None:
    short, endless = (curve("bb84", block_s=b, per_second=True) for b in (1.0, math.inf))
    plob = curve("plob", per_second=True)
    repeater_curve = node(5e-3, per_second=True)
    assert not comparable(Crossing(1.0, endless, short, False))
    assert not comparable(Crossing(1.0, endless, plob, False))
    assert comparable(Crossing(1.0, repeater_curve, short, False))
    assert comparable(Crossing(1.0, repeater_curve, plob, False))


def test_infinite_ceilings_do_not_cross() -> None:
    ceilings = [curve("plob", source, per_second=True) for source in (BASE, IMPROVED)]
    assert crossings(draw_up(ceilings, np.array([0.0, 1.0, 2.0]))) == []


def test_no_direct_link_exceeds_the_ceiling() -> None:
    losses = np.linspace(0.1, 30, 25)
    ceiling = np.array(rates(curve("plob", per_second=False), losses))
    for name in ("bb84", "decoy", "gllp", "bbm92", "e91"):
        assert np.all(np.array(rates(curve(name, per_second=False), losses)) < ceiling), name


def test_settings_give_the_rates() -> None:
    losses = np.array([5.0, 15.0])
    (single,) = draw_up([curve("bb84", block_s=1.0, per_second=True)], losses)
    again = bb84_single_finite.planned_length(
        LINKS["impr"], losses, 1.0, single.settings["basis_bias"], single.settings["attenuation"]
    )
    assert single.rate == pytest.approx(again.value)
    (coherent,) = draw_up([curve("decoy", block_s=1.0, per_second=True)], losses)
    for place, loss in enumerate(losses.tolist()):
        intensities = Intensities(
            tuple(coherent.settings[f"mean_photons_{k}"][place] for k in (1, 2, 3)),
            tuple(coherent.settings[f"probability_{k}"][place] for k in (1, 2, 3)),
        )
        bits = decoy_two.planned_length(
            IMPROVED.receiver,
            intensities,
            loss,
            LINKS["impr"].pulse_rate_hz,
            coherent.settings["basis_bias"][place],
            bound="chernoff",
        )
        assert coherent.rate[place] == pytest.approx(float(bits))


def test_an_interrupted_plan_goes_on_with_the_same_results(tmp_path: Path) -> None:
    wanted = [curve("bb84", BASE, per_second=True), curve("bb84", BASE, 1.0, per_second=True)]
    losses, journal = np.array([0.0, 9.0, 18.0]), tmp_path / "plan.jsonl"
    plain = draw_up(wanted, losses)
    seen: list[tuple[int, int]] = []
    first = draw_up(wanted[:1], losses, resume=journal)
    second = draw_up(
        wanted, losses, resume=journal, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 2), (2, 2)]
    for one, other in zip(plain, second, strict=True):
        assert one.rate.tolist() == other.rate.tolist()
        assert one.settings == other.settings
    assert first[0].rate.tolist() == plain[0].rate.tolist()
    with pytest.raises(InputError, match="other items"):
        draw_up([curve("plob", BASE, per_second=True)], losses, resume=journal)
