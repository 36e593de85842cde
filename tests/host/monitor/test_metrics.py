"""Metrics of a snapshot, and that the alert rules and the dashboard name none that is not there."""

import json
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from tests.host.monitor.runs import Bench, block, dropped

from hexkey.monitor.alarms import NAMES
from hexkey.monitor.metrics import metrics_text
from hexkey.session.source import SourceCounts

FOLDER = Path(__file__).parents[3] / "docs" / "monitoring"


def full() -> dict[tuple[str, str], float]:
    """All samples of a run that has everything, by name and the value of their only label."""
    bench = Bench()
    bench.state.event({"event": "session", "label": "demonstration"}, bench.now_s)
    bench.arrive(5_000)
    for _ in range(4):
        bench.pass_time()
    bench.state.event(block(), bench.now_s)
    bench.state.event(dropped(1), bench.now_s)
    bench.state.accounts(epsilon=1e-8, keys={"stored": 1, "pending": 0, "bits": 9})
    bench.state.source(SourceCounts(10**8, 2_000, 160_000, 16, 60.0, 0.0), 0.3)
    text = metrics_text(bench.state.snapshot(bench.now_s)).decode()
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_units_are_base_units_and_ratios() -> None:
    found = full()
    assert found["hexkey_blocks_total", "key"] == found["hexkey_blocks_total", "qber"] == 1
    assert found["hexkey_qber_ratio", ""] == 0.03
    assert abs(found["hexkey_g2_ratio", "alice"] - 0.2) < 1e-12
    assert abs(found["hexkey_arrival_centre_seconds", ""] - 5e-9) < 1e-10
    assert found["hexkey_alarm", "qber"] == 2
    assert {label for name, label in found if name == "hexkey_alarm"} == set(NAMES)
    assert found["hexkey_state", "receiving"] == 1


def test_rules_and_dashboard_name_what_there_is() -> None:
    there = {name for name, _ in full()}
    rules = (FOLDER / "alerts.yml").read_text()
    expressions = re.findall(r"expr: (.*)", rules)
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    expressions += [target["expr"] for panel in panels for target in panel["targets"]]
    named = {name for each in expressions for name in re.findall(r"hexkey_\w+", each)}
    assert len(named) > 15
    assert named <= there, named - there
