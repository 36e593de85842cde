"""The page at ten snapshots a second: it shows them all, and its thread has time left."""

import time
from dataclasses import replace
from itertools import pairwise
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import Page, expect
from tests.browser.scenes import session

from hexkey.bench.monitor import large_snapshot
from hexkey.monitor import serve
from hexkey.monitor.hub import Hub

RATE_HZ, SECONDS = 10, 4.0

WATCH = """() => {
  window.shown = new Set(); window.frames = [];
  const look = (now) => {
    window.shown.add(document.querySelector("#board").textContent);
    window.frames.push(now);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def test_page_keeps_up(page: Page) -> None:
    hub = Hub()
    large = replace(session(10.0), blocks=large_snapshot().blocks, maps=large_snapshot().maps)
    with serve(hub, "127.0.0.1:0", None, control=True) as address:
        page.goto(address)
        hub.publish(large)
        expect(page.locator("#state")).to_have_text("receiving")
        metrics = page.context.new_cdp_session(page)
        # Processor time: what else the machine does is not counted.
        metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.evaluate(WATCH)
        busy_s = main_thread_s(metrics.send("Performance.getMetrics"))
        count = round(RATE_HZ * SECONDS)
        for number in range(count):
            hub.publish(replace(large, board=f"{number}", seconds=10.0 + number / RATE_HZ))
            time.sleep(1 / RATE_HZ)
        expect(page.locator("#board")).to_contain_text(f"{count - 1} ")
        busy_s = main_thread_s(metrics.send("Performance.getMetrics")) - busy_s
        shown, frames = page.evaluate("[window.shown.size - 1, window.frames]")
    lasted_ms = [later - earlier for earlier, later in pairwise(frames)]
    update_ms = 1000 * busy_s / count
    print(
        f"{shown} of {count} snapshots shown; main thread {update_ms:.1f} ms for each; between "
        f"frames {median(lasted_ms):.1f} ms, 99 % {quantiles(lasted_ms, n=100)[-1]:.1f} ms"
    )
    assert shown >= count / 2
    assert update_ms < 1000 / RATE_HZ / 2


def main_thread_s(found: dict[str, list[dict[str, Any]]]) -> float:
    [seconds] = [one["value"] for one in found["metrics"] if one["name"] == "TaskDuration"]
    return float(seconds)
