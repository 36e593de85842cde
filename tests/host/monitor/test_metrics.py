"""Metrics of a snapshot, and that the alert rules and the dashboard name none that is not there."""

import importlib
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.host.monitor.runs import Bench, block, dropped

from hexkey.monitor.alarms import NAMES
from hexkey.monitor.metrics import metrics_text
from hexkey.receiver import stream_facts
from hexkey.session.source import SourceCounts
from hexkey.wire import StreamParser

FOLDER = Path(__file__).parents[3] / "docs" / "monitoring"


LOST = "hexkey_lost_total"
UNITS = ("hertz", "seconds", "ratio", "bits", "bits_per_second", "total")
WITHOUT = {  # of no unit: a state, a number, a probability
    *("hexkey_state", "hexkey_trigger_locked", "hexkey_keys", "hexkey_keys_are_secret"),
    *("hexkey_epsilon", "hexkey_epsilon_limit", "hexkey_alarm"),
}
SAMPLE = re.compile(r'(hexkey_[a-z0-9_]+)(\{([a-z]+)="([^"\\\n]*)"\})? (-?[0-9.e+-]+|NaN)')
Samples = dict[tuple[str, str], float]


def full_run() -> Bench:
    """A run that has everything."""
    bench = Bench()
    bench.state.event({"event": "session", "label": "demonstration"}, bench.now_s)
    bench.arrive(5_000)
    for _ in range(4):
        bench.pass_time(outside_gate=70, ignored_holdoff=9, repeats=3)
    bench.state.event(block(), bench.now_s)
    bench.state.event(dropped(1), bench.now_s)
    bench.state.accounts(epsilon=1e-8, keys={"stored": 1, "pending": 0, "bits": 9})
    bench.state.source(SourceCounts(10**8, 2_000, 160_000, 16, 60.0, 0.0), 0.3)
    return bench


def samples(bench: Bench) -> Samples:
    """All samples, by name and the value of their only label."""
    text = metrics_text(bench.state.snapshot(bench.now_s)).decode()
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def full() -> Samples:
    return samples(full_run())


def families(text: str) -> Iterator[tuple[str, str, str, list[re.Match[str]]]]:
    """Read the text as strictly as its format is written: name, help, type, samples in order."""
    assert text.endswith("\n")
    lines = text.splitlines()
    while lines:
        about = re.fullmatch(r"# HELP (\S+) (.+)", lines.pop(0))
        kind = re.fullmatch(r"# TYPE (\S+) (counter|gauge)", lines.pop(0))
        assert about is not None
        assert kind is not None
        assert about[1] == kind[1]
        found = []
        while lines and not lines[0].startswith("#"):
            sample = SAMPLE.fullmatch(lines.pop(0))
            assert sample is not None
            assert sample[1] == about[1], "a sample of another family"
            found.append(sample)
        yield about[1], about[2], kind[2], found


@pytest.mark.parametrize("bench", [Bench(), full_run()], ids=["empty", "full"])
def test_the_text_is_as_its_format_wants_it(bench: Bench) -> None:
    text = metrics_text(bench.state.snapshot(bench.now_s)).decode()
    seen: list[str] = []
    for name, about, kind, found in families(text):
        seen.append(name)
        assert (kind == "counter") == name.endswith("_total")
        assert about.endswith(".")
        assert name in WITHOUT or name.endswith(tuple(f"_{unit}" for unit in UNITS)), name
        labels = [(sample[3], sample[4]) for sample in found]
        assert len(labels) == len(set(labels))
        assert len({label for label, _ in labels}) <= 1
    assert len(seen) == len(set(seen))


def counters(bench: Bench) -> Samples:
    return {key: value for key, value in samples(bench).items() if key[0].endswith("_total")}


def test_counters_never_fall_whatever_begins_anew() -> None:
    """A gate that is changed begins another run; a board that comes back another connection.

    (Only where it is watched without a session, which would have ended.)
    """
    bench = full_run()
    course = [counters(bench)]
    for number in range(3):
        bench.renew()
        bench.look()  # nothing has arrived of it yet
        course.append(counters(bench))
        bench.state.event({"event": "session", "label": "demonstration"}, bench.now_s)
        bench.pass_time(outside_gate=5, ignored_holdoff=1)
        course.append(counters(bench))
        bench.pass_time(outside_gate=500, repeats=100)
        bench.state.event(block(number), bench.now_s)
        course.append(counters(bench))
    assert course[-1]["hexkey_blocks_total", "key"] == 4
    bench.reconnect()
    course.append(counters(bench))
    bench.pass_time(outside_gate=1)
    course.append(counters(bench))
    for place, (before, after) in enumerate(pairwise(course)):
        keys = [key for key in before if place < 9 or key[0] == LOST]
        fallen = {key: after.get(key) for key in keys if after.get(key, -1) < before[key]}
        assert fallen == {}, place
    lost = {cause: count for (name, cause), count in course[-1].items() if name == LOST}
    assert lost["outside_gate"] == 4 * 70 + 3 * 505 + 1
    assert (lost["holdoff"], lost["repeats"]) == (4 * 9 + 3, 4 * 3 + 300)


def test_units_are_base_units_and_ratios() -> None:
    found = full()
    assert found["hexkey_blocks_total", "key"] == found["hexkey_blocks_total", "qber"] == 1
    assert found["hexkey_qber_ratio", ""] == 0.03
    assert abs(found["hexkey_g2_ratio", "alice"] - 0.2) < 1e-12
    assert abs(found["hexkey_arrival_centre_seconds", ""] - 5e-9) < 1e-10
    assert found["hexkey_alarm", "qber"] == 2
    assert {label for name, label in found if name == "hexkey_alarm"} == set(NAMES)
    assert found["hexkey_state", "receiving"] == 1


def test_until_the_first_block_its_wait_is_told() -> None:
    bench = Bench()
    bench.state.event({"event": "session", "label": "demonstration"}, bench.now_s)
    bench.pass_time()
    assert ("hexkey_last_block_age_seconds", "") not in samples(bench)
    waited_s = bench.state.snapshot(bench.now_s).seconds
    assert samples(bench)["hexkey_first_block_due_seconds", ""] == waited_s
    assert ("hexkey_first_block_due_seconds", "") not in full()


def rules() -> list[dict[str, Any]]:
    """The alerts, as Prometheus reads them; the extra ``cluster`` brings PyYAML."""
    read = importlib.import_module("yaml").safe_load((FOLDER / "alerts.yml").read_text())
    assert set(read) == {"groups"}
    [group] = read["groups"]
    assert set(group) == {"name", "rules"}
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    return list(json.loads((FOLDER / "dashboard.json").read_text())["panels"])


def test_rules_are_such_as_prometheus_takes() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert {"alert", "expr", "labels", "annotations"} <= set(rule)
        assert set(rule) <= {"alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
        assert re.fullmatch(r"[A-Za-z]+", rule["alert"])
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
        assert rule["labels"] in ({"severity": "warning"}, {"severity": "critical"})
        [(name, text)] = rule["annotations"].items()
        assert name == "summary"
        plain = re.sub(r"\{\{ \$labels\.\w+ \}\}", "", text)
        assert "{" not in plain
        assert "}" not in plain
        # An alert is a comparison: without one it would be raised for every value there is.
        assert all(re.search(r" (>|<|==) ", part) for part in rule["expr"].split(" or "))


def test_the_dashboard_is_such_as_grafana_takes() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        assert {"id", "type", "title", "gridPos", "targets", "fieldConfig"} <= set(panel)
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken  # panels do not overlap
        assert max(x for x, _ in cells) < 24
        taken |= cells
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)


def expressions() -> list[str]:
    found = [rule["expr"] for rule in rules()]
    return found + [target["expr"] for panel in panels() for target in panel["targets"]]


def test_rules_and_dashboard_name_what_there_is() -> None:
    waiting = Bench()
    waiting.state.event({"event": "session", "label": "demonstration"}, waiting.now_s)
    there = {name for name, _ in [*full(), *samples(waiting)]}
    named = {name for each in expressions() for name in re.findall(r"hexkey_\w+", each)}
    assert len(named) > 15
    assert named <= there, named - there


def test_rules_and_dashboard_ask_for_labels_that_there_are() -> None:
    """A matcher that matches nothing is an alert that never comes."""
    text = metrics_text(full_run().state.snapshot()).decode()
    values = {
        (name, sample[3], sample[4]) for name, *_, found in families(text) for sample in found
    }
    asked = [
        (name, label, value)
        for each in expressions()
        for name, label, choice in re.findall(r'(hexkey_\w+)\{(\w+)=~?"([^"]*)"\}', each)
        for value in choice.split("|")
    ]
    assert len(asked) >= 2
    assert set(asked) <= values | {(LOST, "cause", cause) for cause in link_causes()}
    for rule in rules():
        for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            [name] = re.findall(r"hexkey_\w+", rule["expr"])
            assert label in {of for of_name, of, _ in values if of_name == name}


def link_causes() -> set[str]:
    """What a link loses, as `hexkey.receiver.stream_facts` has it."""
    return set(stream_facts(StreamParser().statistics))


def test_rates_are_taken_of_counters_and_of_nothing_else() -> None:
    for each in expressions():
        for name in re.findall(r"(hexkey_\w+)", each):
            assert (f"rate({name}" in each) == name.endswith("_total"), each
