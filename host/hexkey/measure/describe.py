"""Measurements in words and in JSON."""

import math
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hexkey.measure.g2 import PulsedG2
from hexkey.measure.lifetime import Lifetime
from hexkey.measure.rates import Rate
from hexkey.measure.steady_g2 import SteadyG2

if TYPE_CHECKING:
    from hexkey.measure.report import Measurements

_UNLIKELY = 1e-3


def rows(found: "Measurements") -> list[tuple[str, str]]:
    """Return (what, value with uncertainty) pairs."""
    lines = [*_rates(found), *_period(found), *_lifetimes(found), *_g2(found), *_condition(found)]
    lines += [*_pair(found), *_dead(found), *_trigger(found)]
    return lines + [(what.replace("_", " "), f"refused: {why}") for what, why in _refused(found)]


def _refused(found: "Measurements") -> list[tuple[str, str]]:
    return list(found.refused.items())


def _rates(found: "Measurements") -> list[tuple[str, str]]:
    lines = []
    for channel, rate in found.rates.items():
        value = f"{measured(rate.rate_hz, rate.sigma_hz)} Hz, {_steadiness(rate)}"
        lines.append((f"rate, channel {channel}", value))
    return lines


def _steadiness(rate: Rate) -> str:
    if rate.drift_sigma > 1:
        return "too short to see whether it is steady"
    steady = "steady" if rate.p_value > _UNLIKELY else "not steady"
    drift = measured(100 * rate.drift, 100 * rate.drift_sigma)
    return f"{steady} (χ²/dof {rate.chi2 / rate.dof:.2f} in {rate.bin_s:.3g} s), drift {drift} %"


def _period(found: "Measurements") -> list[tuple[str, str]]:
    if found.period_ps is None:
        return []
    if found.period_sigma_ps is None:
        divided = f", divided by {found.sync_divider}" if found.sync_divider > 1 else ""
        return [("period", f"{found.period_ps:.3f} ps, as the sync states{divided}")]
    value = measured(found.period_ps, max(found.period_sigma_ps, 1e-6))
    return [("period", f"{value} ps, from the clicks")]


def _lifetimes(found: "Measurements") -> list[tuple[str, str]]:
    lines = []
    for channel, fit in found.lifetimes.items():
        text = (
            f"{measured(fit.lifetime_ps, fit.sigma_ps)} ps, {_response(fit)}, {_background(fit)}, "
            f"χ²/dof {fit.chi2 / fit.dof:.2f}"
        )
        if fit.misfits:
            text += f"; the shape does not quite fit, so ± {fit.scaled_sigma_ps:.2g} ps is safer"
            if not fit.response_measured:
                text += " (a tail of the detector makes it longer: measure it and give --irf)"
        if found.period_sigma_ps is not None and not found.phases_by_trigger:
            text += "; without a sync, the light's drift against the tagger adds an unknown error"
        lines.append((f"lifetime, channel {channel}", text))
    return lines


def _response(fit: Lifetime) -> str:
    if fit.response_measured:
        return f"response {fit.response_ps:.4g} ps, as measured"
    text = f"response {measured(fit.response_ps, fit.response_sigma_ps)} ps (standard deviation)"
    if fit.response_parts:
        share = sum(part.share for part in fit.response_parts)
        places = ", ".join(f"{part.later_ps / 1000:+.2f}" for part in fit.response_parts)
        text += f" and {100 * share:.2g} % of the light at {places} ns from it"
        if fit.one_gaussian_ps is not None and fit.one_gaussian_sigma_ps is not None:
            alone = measured(fit.one_gaussian_ps, fit.one_gaussian_sigma_ps)
            text += f" (without that the lifetime would be {alone} ps)"
    return text


def safer_sigma_ps(fit: Lifetime) -> float:
    """Return the error to state where there is room for one: larger where the shape misfits."""
    return fit.scaled_sigma_ps if fit.misfits else fit.sigma_ps


def _background(fit: Lifetime) -> str:
    if fit.background < 0.5:  # of one click
        return "no background"
    return f"background {100 * fit.background / (fit.background + fit.decays):.2g} %"


def _g2(found: "Measurements") -> list[tuple[str, str]]:
    g2, pair = found.g2, found.pair
    if isinstance(g2, PulsedG2):
        of = f"{g2.coincidences} of {g2.mean:.4g} coincidences"
        value = f"{g2.band.value:.4f} ± {g2.sigma:.4f} ({of})" if g2.coincidences else f"0 ({of})"
        lines = [
            (
                "g²(0)",
                f"{value}, {100 * g2.confidence:g} % band {g2.band.low:.4f} to {g2.band.high:.4f}",
            ),
            ("g²(0) by long delays", f"{g2.long.value:.4f}, up to {g2.long.high:.4f}"),
            (
                "dip",
                f"at {g2.dip_ps / 1000:.3f} ns (pulse {g2.dip_pulse:+d}), channel "
                f"{pair[1] if pair else ''} after {pair[0] if pair else ''}",
            ),
        ]
        if g2.pattern_pulses > 1:
            lines.append(("pattern", f"repeats after {g2.pattern_pulses} pulses"))
        return lines + ([("g² remark", g2.remark)] if g2.remark else [])
    if isinstance(g2, SteadyG2):
        recovery = measured(g2.antibunching_ps / 1000, g2.antibunching_sigma_ps / 1000)
        return [
            (
                "g²(0)",
                f"{g2.value:.3f}, {100 * g2.confidence:g} % band {g2.low:.3f} to {g2.high:.3f}, "
                f"recovers in {recovery} ns",
            ),
            ("dip", f"at {measured(g2.dip_ps / 1000, g2.dip_sigma_ps / 1000)} ns"),
        ]
    return []


def _condition(found: "Measurements") -> list[tuple[str, str]]:
    return [("g² holds if", found.g2_holds_if)] if found.g2_holds_if else []


def _pair(found: "Measurements") -> list[tuple[str, str]]:
    lines = []
    if found.skew is not None:
        one, two = found.skew.detectors
        value = measured(found.skew.skew_ps, found.skew.sigma_ps)
        lines.append((f"skew of channel {two}", f"{value} ps after channel {one}"))
    ratio = found.efficiencies
    if ratio is not None:
        even = "the same" if ratio.p_value > _UNLIKELY else "not the same"
        lines.append(
            (
                "efficiency ratio",
                f"{measured(ratio.ratio, ratio.sigma)}, {even} over the pulse; furthest "
                f"{measured(ratio.worst, ratio.worst_sigma)} at {ratio.worst_ps / 1000:.3g} ns",
            )
        )
    return lines


def _dead(found: "Measurements") -> list[tuple[str, str]]:
    lines = []
    for channel, dead in found.dead_times.items():
        text = f"not seen, below {_ns(dead.high_ps)} ns"
        if dead.dead_ps is not None:
            text = (
                f"{_ns(dead.dead_ps)} ns ({_ns(dead.low_ps)} to {_ns(dead.high_ps)}), "
                f"shortest interval {_ns(dead.shortest_ps)} ns"
            )
        lines.append((f"dead time, channel {channel}", text))
    for channel, after in found.afterpulses.items():
        lines.append(
            (
                f"afterpulses, channel {channel}",
                f"{measured(100 * after.share, 100 * after.sigma)} % from "
                f"{_ns(after.from_ps)} to {_ns(after.until_ps)} ns",
            )
        )
    return lines


def _ns(time_ps: float) -> str:
    digits = 1 if abs(time_ps) >= 100_000 else 2
    return f"{time_ps / 1000:.{digits}f}"


def _trigger(found: "Measurements") -> list[tuple[str, str]]:
    if found.trigger is None:
        return []
    seen = found.trigger
    return [
        (
            f"trigger, channel {found.trigger_channel}",
            f"{measured(seen.period_ps, max(seen.period_sigma_ps, 1e-6))} ps, jitter "
            f"{measured(seen.jitter_ps, seen.jitter_sigma_ps)} ps, {seen.edges:,} edges, "
            f"{seen.missing:,} left out or missing, {seen.stray:,} stray, period within "
            f"{seen.drift:.1e} of its mean",
        )
    ]


def measured(value: float, sigma: float) -> str:
    """Return ``value ± sigma`` with as many digits as the error gives sense to."""
    if not (math.isfinite(value) and math.isfinite(sigma)) or sigma <= 0:
        return f"{value:.6g}"
    digits = max(0, 1 - math.floor(math.log10(sigma)))
    return f"{value:.{digits}f} ± {sigma:.{digits}f}"


def to_json(value: Any) -> Any:
    """Return dataclasses as dictionaries and arrays as lists; a number that is none as None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: to_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, dict):
        return {str(key): to_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(one) for one in value]
    if isinstance(value, np.ndarray):
        return to_json(value.tolist())
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    return float(value) if math.isfinite(value) else None
