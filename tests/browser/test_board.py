"""`hexkey monitor` as a person has it: a browser, the command, and a board behind a port."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.tunnel import free_port
from tests.end_to_end.processes import PATIENCE_S, Role, environment, role

from hexkey.board import Board

TOKEN = "a-token-for-tests-only"
PATIENCE_MS = 1000 * PATIENCE_S


def at(port: int) -> str:
    return f"tcp://127.0.0.1:{port}"


@contextmanager
def board(port: int, *words: object) -> Iterator[Role]:
    """A virtual board, always at the same port; it ends when its host leaves."""
    with role("virtual-board", "--port", f"tcp:{port}", "--seed", 1, *words) as running:
        running.wait_for("port")
        yield running


@contextmanager
def terminal_board() -> Iterator[str]:
    """A virtual board at a pseudo-terminal, which one host after the other may open."""
    with role("virtual-board", "--seed", 1) as running:
        yield running.wait_for("port")["port"]


@contextmanager
def monitor(port: str, *words: object) -> Iterator[str]:
    """Run the command; yield the page's address with its token."""
    command = ("monitor", "--port", port, "--listen", "127.0.0.1:0")
    process = subprocess.Popen(
        [sys.executable, "-m", "hexkey", *command, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment() | {"HEXKEY_MONITOR_TOKEN": TOKEN},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        yield found[0]
    finally:
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert "Traceback" not in err, err


def snapshot(page: Page) -> dict[str, Any]:
    """Return what the server says, asked for from within the page."""
    found = page.evaluate("fetch('/api/snapshot').then((answer) => answer.json())")
    assert isinstance(found, dict)
    return found


def wait_until(page: Page, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    for _ in range(int(10 * PATIENCE_S)):
        found = snapshot(page)
        if condition(found):
            return found
        page.wait_for_timeout(100)
    raise AssertionError(f"it never came to that: {found}")


def painted(page: Page, selector: str) -> int:
    """Return how many pixels of a canvas are not transparent."""
    return int(
        page.evaluate(
            """(selector) => {
              const canvas = document.querySelector(selector);
              const { width, height } = canvas;
              const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
              return data.filter((value, index) => index % 4 === 3 && value > 0).length;
            }""",
            selector,
        )
    )


def drag(page: Page, selector: str, by_ns: float, period_ns: float = 25.0) -> None:
    """Drag with the mouse what stands on the histogram."""
    area = page.locator("#histogram .u-over").bounding_box()
    box = page.locator(selector).first.bounding_box()
    assert area
    assert box
    x, y = box["x"] + box["width"] / 2, area["y"] + area["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by_ns / period_ns * area["width"] / 2, y)
    page.mouse.move(x + by_ns / period_ns * area["width"], y)
    page.mouse.up()


def test_histogram_arrives_and_the_dragged_gate_is_in_the_registers(
    page: Page, picture: Callable[[Page, str], None]
) -> None:
    words = ("--gate-start-ns", 1, "--gate-width-ns", 6)
    with terminal_board() as port:
        with monitor(port, "--control", *words) as address:
            page.goto(address)
            assert TOKEN not in page.url
            expect(page.locator("#state")).to_have_text("receiving", timeout=PATIENCE_MS)
            expect(page.locator("#label")).to_contain_text("no session")
            expect(page.locator("#clicks")).to_contain_text("k", timeout=PATIENCE_MS)
            before = wait_until(page, lambda found: found["histogram"] is not None)
            first = sum(before["histogram"]["counts"])
            wait_until(page, lambda found: sum(found["histogram"]["counts"]) > first > 0)
            expect(page.locator("#histogram .handle")).to_have_count(2, timeout=PATIENCE_MS)
            assert painted(page, "#histogram canvas") > 5000
            assert (before["gate"]["start_ps"], before["gate"]["width_ps"]) == (1000, 6000)

            drag(page, ".band", by_ns=2.0)  # the body: the width stays
            moved = wait_until(page, lambda found: found["gate"]["start_ps"] != 1000)["gate"]
            assert moved["start_ps"] == pytest.approx(3000, abs=50)
            assert moved["width_ps"] == 6000
            drag(page, ".handle[data-part=end]", by_ns=3.0)
            wider = wait_until(page, lambda found: found["gate"]["width_ps"] != 6000)["gate"]
            assert wider["width_ps"] == pytest.approx(9000, abs=50)
            page.locator(".handle[data-part=start]").focus()
            page.keyboard.press("ArrowLeft")
            last = wait_until(page, lambda found: found["gate"]["start_ps"] != moved["start_ps"])
            gate = last["gate"]
            assert gate["start_ps"] == pytest.approx(moved["start_ps"] - 100, abs=1)
            assert gate["width_ps"] == pytest.approx(wider["width_ps"] + 100, abs=1)
            expect(page.locator("#asked")).to_contain_text("the board's gate is")
            page.mouse.move(0, 0)
            page.locator(".handle[data-part=start]").blur()
            wait_until(page, lambda found: found["seconds"] > 5.0)
            picture(page, "monitor-board")
        # The registers themselves, read by another that opens the board.
        with Board.open(port) as opened:
            tick_ps = float(opened.identification.tick_ps)
            for detector in range(opened.identification.detectors):
                start = opened.read("gate_start_ticks", detector) * tick_ps
                width = opened.read("gate_width_ticks", detector) * tick_ps
                assert (start, width) == (gate["start_ps"], gate["width_ps"])


def test_read_only_page_cannot_move_the_gate(page: Page) -> None:
    port = free_port()
    with board(port), monitor(at(port)) as address:
        page.goto(address)
        expect(page.locator("#histogram .handle")).to_have_count(2, timeout=PATIENCE_MS)
        expect(page.locator("#read-only")).to_contain_text("read-only: start hexkey with --control")
        for part in (".band >> nth=0", ".handle[data-part=end]"):
            assert page.locator(part).evaluate("(one) => getComputedStyle(one).cursor") == "auto"
            expect(page.locator(part)).to_have_attribute("aria-readonly", "true")
            expect(page.locator(part)).to_have_attribute("tabindex", "-1")
        before = snapshot(page)["gate"]
        drag(page, ".handle[data-part=end]", by_ns=-5.0)
        command = '{"gate": {"start_ns": 2, "width_ns": 3}}'
        answer = page.evaluate(
            "(body) => fetch('/api/gate', {method: 'POST', body}).then(async (answer) => "
            "[answer.status, (await answer.json()).message])",
            command,
        )
        assert answer[0] == 403
        assert "read-only" in answer[1]
        heard = page.evaluate(
            """(command) => new Promise((resolve) => {
              const socket = new WebSocket(`ws://${location.host}/ws`);
              socket.onopen = () => socket.send(command);
              socket.onmessage = ({ data }) => {
                if (typeof data === "string") { socket.close(); resolve(JSON.parse(data)); }
              };
            })""",
            command,
        )
        assert heard["accepted"] is False
        seen = snapshot(page)["seconds"]
        after = wait_until(page, lambda found: found["seconds"] > seen + 0.5)
        assert after["gate"] == before


def test_page_survives_the_board_vanishing_and_coming_back(page: Page) -> None:
    port = free_port()
    alarm = page.locator("#alarms [data-alarm=board]")
    with monitor(at(port), "--gate-start-ns", 1, "--gate-width-ns", 6) as address:
        with board(port):
            page.goto(address)
            expect(page.locator("#state")).to_have_text("receiving", timeout=PATIENCE_MS)
            expect(alarm).to_have_count(0)
            assert wait_until(page, lambda found: found["histogram"] is not None)
        expect(page.locator("#state")).to_have_text("board gone", timeout=PATIENCE_MS)
        expect(alarm).to_have_count(1, timeout=PATIENCE_MS)
        with board(port):
            expect(page.locator("#state")).to_have_text("receiving", timeout=PATIENCE_MS)
            expect(alarm).to_have_count(0, timeout=PATIENCE_MS)
            gate = wait_until(page, lambda found: found["histogram"] is not None)["gate"]
            assert (gate["start_ps"], gate["width_ps"]) == (1000, 6000)


def test_lost_trigger_is_an_alarm(page: Page) -> None:
    port = free_port()
    with board(port, "--fault", "lose-trigger:at=1s,for=600s"), monitor(at(port)) as address:
        page.goto(address)
        alarm = page.locator("#alarms [data-alarm=trigger]")
        expect(alarm).to_contain_text("trigger", timeout=PATIENCE_MS)
        expect(page.locator("#trigger")).not_to_have_text("locked")


def test_page_asks_nobody_but_its_server(page: Page) -> None:
    """No font, script or picture comes from elsewhere: it works in a lab without a network."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    port = free_port()
    with board(port), monitor(at(port)) as address:
        page.goto(address)
        expect(page.locator("#state")).to_have_text("receiving", timeout=PATIENCE_MS)
        host = re.match(r"http://[^/]+/", address)
        assert host
        assert all(url.startswith(host[0]) for url in asked), asked
