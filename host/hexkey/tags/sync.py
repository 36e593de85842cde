"""Traps of the sync: divided, filtered, or of another rate than the header states."""

import numpy as np
from numpy.typing import NDArray

from hexkey.tags.finding import Finding
from hexkey.tags.stream import TagFile
from hexkey.tags.tally import CHANNELS, Tally

_FEW = 100
_MOST_DIVIDER = 64
_EQUAL = 0.15  # of the harmonic of the repeats, what lower ones may have: decays that are alike
_SIGMAS = 8
_REPEATS = 1e-3  # of those that chance would make
_LEAST_SHARE = 0.2  # of all records, that a filtered trigger has


def stated_sync(file: TagFile, tally: Tally) -> list[Finding]:
    """Edges of the trigger that come more seldom, or more often, than the header states."""
    channel, period_ps = file.trigger_channel, file.sync_period_ps
    if channel is None or not period_ps or file.pulsed or tally.seconds == 0:
        return []
    edges = int(tally.counts[channel])
    if edges < _FEW:
        return []
    ratio = tally.seconds / (edges * period_ps * 1e-12)
    divider = round(ratio)
    facts = {"edges": edges, "stated_over_counted": ratio}
    if abs(ratio - 1) < 0.02:
        return []
    if 2 <= divider <= _MOST_DIVIDER and abs(ratio / divider - 1) < 0.02:
        sentence = (
            f"the trigger's edges on channel {channel} come {divider} times as seldom as the "
            f"header's sync: it is divided; say so with --trigger-divider {divider}"
        )
        return [Finding("sync_divided", "flagged", sentence, {**facts, "divider": divider})]
    sentence = (
        f"the trigger's edges on channel {channel} are {1 / ratio:.4g} of those that the header's "
        "sync rate makes: it is filtered, or the rate is wrong"
    )
    return [Finding("sync_rate", "flagged", sentence, facts)]


def absent_sync(file: TagFile, tally: Tally) -> list[Finding]:
    """No edge at all on the channel that is said to be the trigger's."""
    channel = file.trigger_channel
    if channel is None or file.pulsed or tally.total == 0 or tally.counts[channel]:
        return []
    sentence = (
        f"the trigger's channel {channel} has no record: without its edges the light's period is "
        "taken from the clicks; give the channel that has them with --trigger-channel"
    )
    return [Finding("sync_absent", "flagged", sentence, {"channel": channel})]


def divided_sync(file: TagFile, tally: Tally) -> list[Finding]:
    """With T3, decays that repeat within the sync's period: the sync is divided."""
    if tally.delays is None or not file.sync_period_ps:
        return []
    turn_per_tick = float(file.tick_ps) / file.sync_period_ps
    if turn_per_tick * len(tally.delays) < 1:
        return []  # the table does not hold a period: `hexkey.measure.plan` sees it with bins
    divider = repeats(tally.delays, turn_per_tick)
    if divider == 1:
        return []
    sentence = (
        f"the decay repeats {divider} times in the sync's period: the sync is divided by {divider};"
        f" the source's period is {file.sync_period_ps / divider / 1000:.6g} ns"
    )
    return [Finding("sync_divided", "flagged", sentence, {"divider": divider})]


def repeats(delays: NDArray[np.int64], turn_per_tick: float) -> int:
    """Return how many equal decays an arrival histogram holds in a period of the sync.

    k equal decays leave only harmonics of k in it.

    Parameters
    ----------
    delays : (ticks,) int64
        Detections by ticks since the sync.
    turn_per_tick : float
        A tick as a share of the sync's period.
    """
    total = int(delays.sum())
    if total < _FEW:
        return 1
    ticks = np.flatnonzero(delays)
    harmonics = np.arange(1, _MOST_DIVIDER + 1)
    waves = np.exp(2j * np.pi * harmonics[:, None] * (ticks * turn_per_tick)) @ delays[ticks]
    size = np.abs(waves)
    divider = int(np.argmax(size > _SIGMAS * np.sqrt(total))) + 1
    if divider < 2 or size[divider - 1] <= _SIGMAS * np.sqrt(total):
        return 1
    if size[: divider - 1].max() > _EQUAL * size[divider - 1]:
        return 1
    return divider


def filtered_sync(file: TagFile, tally: Tally) -> list[Finding]:
    """A channel with many records that never follow each other: edges after an event only.

    Two such channels only take turns: which of them is a trigger cannot be told.
    """
    if file.pulsed or tally.total < _FEW:
        return []
    asked = range(CHANNELS) if file.trigger_channel is None else (file.trigger_channel,)
    alone = [channel for channel in asked if _never_repeats(tally, channel)]
    if len(alone) != 1:
        return []
    (channel,) = alone
    edges = int(tally.counts[channel])
    advice = "" if file.trigger_channel is not None else f"; give it as --trigger-channel {channel}"
    sentence = (
        f"channel {channel} has {edges:,} records and none follows another: it is a trigger of "
        f"which only the edges at a detection were kept{advice}"
    )
    return [Finding("sync_filtered", "flagged", sentence, {"channel": channel, "edges": edges})]


def _never_repeats(tally: Tally, channel: int) -> bool:
    count, total = int(tally.counts[channel]), tally.total
    expected = count * count / total  # of its records, behind another, if they came at random
    if count == total or count < _LEAST_SHARE * total or expected < _FEW:
        return False
    return int(tally.follows[channel, channel]) <= _REPEATS * expected
