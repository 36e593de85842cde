"""What was found about a build: as JSON beside it, as a table for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hexkey_gateware.bitstream.figures import Build

SUMMARY, PATHS = "summary.json", "critical-paths.txt"


def summary(build: Build) -> dict[str, Any]:
    """Return a build as it goes into summary.json."""
    found = asdict(build)
    found["ok"] = not build.problems
    found["folder"], found["bitstream"] = str(build.folder), build.bitstream.name
    for figure, raw in zip(build.cells, found["cells"], strict=True):
        raw["percent"] = round(figure.percent, 2)
    return found


def write_summary(build: Build) -> None:
    """Write summary.json into the build's folder."""
    (build.folder / SUMMARY).write_text(json.dumps(summary(build), indent=2) + "\n")


def rows(build: Build) -> list[tuple[str, str]]:
    """Return the lines of a build's table: a name and a value with its unit."""
    lines = [("firmware", f"{build.firmware}, seed {build.seed}")]
    lines += [
        (f"clock {clock.name}", f"{clock.achieved_mhz:.1f} MHz, target {clock.target_mhz:.1f}")
        for clock in build.clocks
    ]
    lines += [
        (cell.kind, f"{cell.used:,} of {cell.available:,}, {cell.percent:.1f} %")
        for cell in build.cells
    ]
    if build.tap_ps is not None:
        lines.append(("tap, mean", f"{build.tap_ps:.1f} ps in the model, slow corner"))
    lines += [
        (
            f"line {line.name.rpartition('.')[2]}",
            f"{line.cells} cells in row {line.row}, columns {line.first_column} to "
            f"{line.last_column}",
        )
        for line in build.lines
    ]
    took = ", ".join(f"{title} {seconds:.0f} s" for title, seconds in build.seconds.items())
    return [*lines, ("took", took), ("bitstream", str(build.bitstream))]


def critical_paths(report: Mapping[str, Any]) -> str:
    """Return nextpnr's critical paths as text, a cell a line with the time since the clock edge."""
    return "\n".join(_path(path) for path in report["critical_paths"])


def _path(path: Mapping[str, Any]) -> str:
    lines, at_ns = [f"{path['from']} -> {path['to']}"], 0.0
    for step in _joined(path["path"]):
        at_ns += step["delay"]
        cell, port = step["to"]["cell"], step["to"]["port"]
        lines.append(f"  {at_ns:7.3f} ns  {step['type']:<9} {cell}.{port}  {step.get('net', '')}")
    return "\n".join(lines) + "\n"


def _joined(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Leave out all but the last of the steps that follow each other along a carry chain."""
    kept: list[dict[str, Any]] = []
    for step in steps:
        if kept and kept[-1]["to"]["port"] == step["to"]["port"] == "FCI":
            kept[-1] = {**step, "delay": kept[-1]["delay"] + step["delay"]}
        else:
            kept.append(dict(step))
    return kept


def write_critical_paths(report: Mapping[str, Any], folder: Path) -> None:
    """Write critical-paths.txt into a build's folder."""
    (folder / PATHS).write_text(critical_paths(report))
