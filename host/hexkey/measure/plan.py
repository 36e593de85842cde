"""What a file's beginning says of the rest: its detectors, its trigger, the period of its light."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.measure.clicks import Clicks
from hexkey.measure.comb import Comb, find_comb
from hexkey.measure.trigger import is_light, is_trigger
from hexkey.measure.triggered import divider_of
from hexkey.tags.stream import TagFile, Tags
from hexkey.tags.sync import repeats
from hexkey.tags.tttr import SYNC

LEAST_SHARE = 1e-3  # of the busiest detector's clicks: a channel with fewer holds no light
MOST_DELAY_BINS = 1 << 16  # of a period of the sync, in which decays that repeat are looked for


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is measured.

    Attributes
    ----------
    detectors : tuple of int
    pair : (int, int) or None
        The two busiest detectors.
    trigger : int or None
        Channel of edges among free-running tags.
    period_ps : float or None
        Of the light.
    sync_divider : int
        Periods of the light in a period of the sync, with pulse numbers.
    comb : Comb or None
        The light's, of free-running tags.
    lead : int or None
        The busiest detector, whose phase is followed.
    divider : int or None
        Of the trigger, whose phase is followed where there is one.
    apart_ps : float or None
        Tags of two channels stand as near as this, for both of the pair: no converter that they
        shared has a longer dead time. None where no third channel tells it.
    """

    detectors: tuple[int, ...]
    pair: tuple[int, int] | None
    trigger: int | None
    period_ps: float | None
    sync_divider: int
    comb: Comb | None
    lead: int | None
    divider: int | None
    apart_ps: float | None


def plan_of(file: TagFile, tags: Tags, clicks: Clicks) -> Plan:
    """Return the plan that a file's beginning suggests, `clicks` being its `tags` in ps."""
    number = np.bincount(clicks.channel, minlength=256)
    channels = [int(channel) for channel in np.flatnonzero(number)]
    trigger = file.trigger_channel
    if trigger == SYNC and is_light(clicks.of(SYNC)):
        trigger = None  # the sync's input has a detector
    if trigger is None and not file.pulsed:
        trigger = next((one for one in channels if is_trigger(clicks.of(one))), None)
    lights = [channel for channel in channels if channel != trigger]
    most = max((number[channel] for channel in lights), default=0)
    lights = [channel for channel in lights if number[channel] >= LEAST_SHARE * most]
    busiest = sorted(lights, key=lambda channel: -number[channel])[:2]
    pair = (min(busiest), max(busiest)) if len(busiest) == 2 else None
    comb, divider, sync_divider = None, None, 1
    period = file.sync_period_ps if file.pulsed else None
    if period is not None:
        sync_divider = _divider(tags.ticks, period / float(file.tick_ps))
        period /= sync_divider
    elif busiest:
        comb = find_comb(clicks.of(busiest[0]), float(file.tick_ps))
    if comb is not None:
        period = comb.period_ps
        divider = None if trigger is None else divider_of(clicks.of(trigger), period)
    return Plan(
        tuple(lights),
        pair,
        trigger,
        period,
        sync_divider,
        comb,
        busiest[0] if busiest else None,
        divider,
        None if pair is None or trigger is None else _apart(clicks, pair, trigger),
    )


def _divider(ticks: NDArray[np.int64], period_ticks: float) -> int:
    """Return how many decays a period of the sync holds, of which `ticks` are the times since it.

    A time outside the period is of no decay in it; bins keep a long period from taking memory.
    """
    inside = ticks[(ticks >= 0) & (ticks < period_ticks)]
    bin_ticks = max(1, math.ceil(period_ticks / MOST_DELAY_BINS))
    return repeats(np.bincount(inside // bin_ticks), bin_ticks / period_ticks)


def _apart(clicks: Clicks, pair: tuple[int, int], trigger: int) -> float | None:
    """Return how near edges of the trigger come to clicks, of the detector that is further off."""
    order = np.argsort(clicks.time_ps, kind="stable")
    channel = clicks.channel[order]
    step = np.diff(clicks.time_ps[order]).astype(np.float64)
    edge = channel == trigger
    nearest = []
    for one in pair:
        click = channel == one
        beside = (click[1:] & edge[:-1]) | (click[:-1] & edge[1:])
        nearest.append(float(np.min(step[beside], initial=np.inf)))
    return max(nearest) if np.isfinite(max(nearest)) else None
