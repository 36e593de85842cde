"""A snapshot as metrics for Prometheus: base units, ratios from 0 to 1, few labels.

Nothing is counted here: each text is made of one snapshot, so metrics and page cannot disagree.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from hexkey.monitor.alarms import NAMES
from hexkey.monitor.snapshot import Snapshot

STATES = ("starting", "receiving", "board gone", "ended")


def metrics_text(snapshot: Snapshot) -> bytes:
    """Return the text that Prometheus reads."""
    registry = CollectorRegistry()
    registry.register(_One(snapshot))
    return bytes(generate_latest(registry))


class _One(Collector):
    """Collects a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        for part in (_run, _clicks, _blocks, _security, _alarms):
            yield from part(self._snapshot)


def _gauge(name: str, help_text: str, value: float | None) -> Iterator[Metric]:
    """A gauge without a value is not there, rather than wrong."""
    if value is not None:
        yield GaugeMetricFamily(f"hexkey_{name}", help_text, value=value)


def _run(shown: Snapshot) -> Iterator[Metric]:
    state = GaugeMetricFamily("hexkey_state", "1 for the run's state.", labels=["state"])
    for name in STATES:
        state.add_metric([name], float(name == shown.state))
    yield state
    yield from _gauge("run_seconds", "Since the run began.", shown.seconds)
    yield from _gauge("snapshot_time_seconds", "Unix time of these numbers.", shown.time_unix_s)
    if shown.trigger:
        locked = float(bool(shown.trigger.get("locked")))
        yield from _gauge("trigger_locked", "1 while the board follows its trigger.", locked)
        phase_ps = shown.trigger.get("phase_ps")
        phase_s = None if phase_ps is None else phase_ps * 1e-12
        yield from _gauge(
            "arrival_centre_seconds", "Centre of arrivals after the trigger.", phase_s
        )


def _clicks(shown: Snapshot) -> Iterator[Metric]:
    yield from _gauge("clicks_hertz", "Clicks of all detectors.", shown.clicks_hz)
    yield from _gauge("events_hertz", "Events that the board made.", shown.events_hz)
    lost = CounterMetricFamily(
        "hexkey_lost", "Clicks and events that were dropped, by cause.", labels=["cause"]
    )
    for cause, count in sorted(shown.losses.items()):
        lost.add_metric([cause], count)
    yield lost


def _blocks(shown: Snapshot) -> Iterator[Metric]:
    if not shown.makes_key:
        return
    blocks = CounterMetricFamily(
        "hexkey_blocks", "Blocks that ended, by what came of them.", labels=["outcome"]
    )
    blocks.add_metric(["key"], shown.blocks_ok)
    for reason, count in sorted(shown.blocks_dropped.items()):
        blocks.add_metric([reason], count)
    yield blocks
    yield from _gauge("sifted_bits_per_second", "Over the last blocks.", shown.sifted_hz)
    yield from _gauge("key_bits_per_second", "Over the last blocks.", shown.secret_hz)
    yield from _gauge("qber_ratio", "Of the last block that made a key.", shown.qber)
    yield from _gauge("qber_abort_ratio", "Above it blocks are dropped.", shown.qber_abort)
    if shown.blocks:
        last = shown.blocks[-1]
        age_s = shown.seconds - last.end_s
        yield from _gauge("last_block_age_seconds", "Since a block ended, however.", age_s)
        yield from _gauge("last_block_leak_bits", "Said to correct and verify.", last.leak_bits)
    else:  # else a run that never makes a block raises no alert
        yield from _gauge("first_block_due_seconds", "Waited for the first block.", shown.seconds)
    if shown.keys:
        keys = GaugeMetricFamily("hexkey_keys", "Keys in the store.", labels=["state"])
        for name in ("stored", "pending"):
            keys.add_metric([name], shown.keys.get(name, 0))
        yield keys
        yield from _gauge("stored_key_bits", "Bits of the stored keys.", shown.keys.get("bits"))


def _security(shown: Snapshot) -> Iterator[Metric]:
    if shown.label is not None:
        secret = float(shown.label == "secret")
        yield from _gauge("keys_are_secret", "0: keys are demonstrations.", secret)
    yield from _gauge("epsilon", "That the session's keys have taken so far.", shown.epsilon)
    yield from _gauge("epsilon_limit", "At which the session ends.", shown.epsilon_limit)
    families = {
        name: GaugeMetricFamily(f"hexkey_g2_{name}", text, labels=["where"])
        for name, text in (
            ("ratio", "g2(0), background not subtracted."),
            ("low_ratio", "Lower end of its band."),
            ("high_ratio", "Upper end of its band."),
        )
    }
    for one in shown.g2:
        for name, value in (("ratio", one.value), ("low_ratio", one.low), ("high_ratio", one.high)):
            if value is not None:
                families[name].add_metric([one.where], value)
    yield from families.values()


def _alarms(shown: Snapshot) -> Iterator[Metric]:
    raised = {alarm.name: alarm.severity for alarm in shown.alarms}
    alarms = GaugeMetricFamily("hexkey_alarm", "0 quiet, 1 warning, 2 critical.", labels=["name"])
    for name in NAMES:
        alarms.add_metric([name], {None: 0, "warning": 1, "critical": 2}[raised.get(name)])
    yield alarms
