"""The page during a session: at each size, in both themes, and when it is cut off."""

import socket
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.scenes import BEGAN_UNIX_S, session

from hexkey.monitor import serve
from hexkey.monitor.hub import ChangeGate, Hub
from hexkey.monitor.snapshot import Alarm, GateView, Snapshot

TOKEN = "a-token-for-tests-only"
ALARMS = (
    Alarm("source", "critical", BEGAN_UNIX_S, "g²(0) may be up to 0.61: check the emitter"),
    Alarm("store", "warning", BEGAN_UNIX_S, "few keys are left: make a new pair of stores"),
)
SIZES = {
    "light": (1920, 1080, "light", ()),
    "dark": (1280, 800, "dark", ALARMS),
    "phone": (390, 844, "light", ALARMS[:1]),
}


@pytest.mark.parametrize("name", SIZES)
def test_everything_fits(
    name: str, chromium: Browser, picture: Callable[[Page, str], None]
) -> None:
    width, height, scheme, alarms = SIZES[name]
    hub = Hub()
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    with serve(hub, "127.0.0.1:0", TOKEN, control=True) as address:
        page.goto(address)
        for step in range(30):
            hub.publish(session(140.0 + step, alarms=alarms))
            page.wait_for_timeout(40)
        expect(page.locator("#elapsed")).to_have_text("3 min")
        expect(page.locator("#qber")).to_contain_text("3.12")
        expect(page.locator("#secret")).to_have_text("4.13kbit/s")
        expect(page.locator("#label")).to_contain_text("DEMONSTRATION")
        expect(page.locator("#alarms p")).to_have_count(len(alarms))
        expect(page.locator("#g2")).to_contain_text("90 min still needed")
        expect(page.locator("#epsilon")).to_have_text("5.8e-9 of 1.0e-8")
        assert page.locator("html").get_attribute("data-theme") == scheme
        # Nothing reaches past the screen, no number past its tile, no panel over another.
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert (
            page.evaluate(
                "[...document.querySelectorAll('.tile p')]"
                ".filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.id)"
            )
            == []
        )
        assert page.evaluate(OVERLAPS) == []
        picture(page, f"monitor-{name}")
    context.close()


OVERLAPS = """() => {
  const shown = [...document.querySelectorAll("header, .tile, .card, #alarms")]
    .map((one) => [one.id || one.textContent.slice(0, 20), one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 0);
  const found = [];
  for (const [name, a] of shown) for (const [other, b] of shown) {
    if (name < other && a.left < b.right - 1 && b.left < a.right - 1
      && a.top < b.bottom - 1 && b.top < a.bottom - 1) found.push([name, other]);
  }
  return found;
}"""


def test_change_of_gate_waits_for_the_end_of_the_block(page: Page) -> None:
    hub = Hub()
    with serve(hub, "127.0.0.1:0", TOKEN, control=True) as address:
        page.goto(address)
        hub.publish(session(10.0))
        end = page.locator(".handle[data-part=end]")
        end.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        expect(page.locator("#asked")).to_contain_text("asked: 1.20 ns + 8.30 ns")
        page.wait_for_timeout(100)
        assert hub.take_command() == ChangeGate(1.2, 8.3)
        assert hub.take_command() is None
        waits = GateView(1_200.0, 8_000.0, asked=(1_200.0, 8_300.0))
        hub.publish(_with_gate(11.0, waits))
        expect(page.locator("#asked")).to_contain_text("it takes effect at the block's end")
        expect(page.locator("#gate")).to_have_text("gate 1.20 ns + 8.00 ns")
        hub.publish(_with_gate(12.0, GateView(1_200.0, 8_300.0)))
        expect(page.locator("#asked")).to_contain_text("the board's gate is 1.20 ns + 8.30 ns")
        expect(page.locator("#gate")).to_have_text("gate 1.20 ns + 8.30 ns")


def test_fine_step_is_not_confirmed_by_the_old_gate(page: Page) -> None:
    hub = Hub()
    with serve(hub, "127.0.0.1:0", TOKEN, control=True) as address:
        page.goto(address)
        hub.publish(session(10.0))
        page.locator(".handle[data-part=end]").focus()
        page.keyboard.press("Shift+ArrowRight")
        expect(page.locator("#asked")).to_contain_text("asked: 1.20 ns + 8.01 ns")
        hub.publish(session(11.0))
        expect(page.locator("#elapsed")).to_have_text("11 s")
        expect(page.locator("#asked")).to_contain_text("asked: 1.20 ns + 8.01 ns")
        hub.publish(_with_gate(12.0, GateView(1_200.0, 8_010.0)))
        expect(page.locator("#asked")).to_contain_text("the board's gate is 1.20 ns + 8.01 ns")


def test_gate_that_reaches_past_the_period_is_shown_in_two_pieces(page: Page) -> None:
    hub = Hub()
    with serve(hub, "127.0.0.1:0", TOKEN) as address:
        page.goto(address)
        hub.publish(_with_gate(10.0, GateView(20_000.0, 10_000.0)))
        first, second = (page.locator(".band").nth(index) for index in range(2))
        expect(first).to_have_attribute("style", "left: 80%; width: 20%;")
        expect(second).to_have_attribute("style", "left: 0%; width: 20%;")


def test_server_that_is_gone_is_said_and_found_again(page: Page) -> None:
    hub = Hub()
    with socket.create_server(("127.0.0.1", 0)) as ear:
        port = ear.getsockname()[1]
    with serve(hub, f"127.0.0.1:{port}", TOKEN) as address:
        page.goto(address)
        hub.publish(session(10.0))
        expect(page.locator("#state")).to_have_text("receiving")
        expect(page.locator("#stale")).to_be_hidden()
    expect(page.locator("#stale")).to_contain_text("hexkey does not answer")
    with serve(hub, f"127.0.0.1:{port}", TOKEN):
        expect(page.locator("#stale")).to_be_hidden()
    assert page.locator("#label").is_visible()  # what keys these are is said all the time


def test_server_with_another_token_is_said(page: Page) -> None:
    hub = Hub()
    hub.publish(session(10.0))
    with socket.create_server(("127.0.0.1", 0)) as ear:
        port = ear.getsockname()[1]
    with serve(hub, f"127.0.0.1:{port}", TOKEN) as address:
        page.goto(address)
        expect(page.locator("#state")).to_have_text("receiving")
    with serve(hub, f"127.0.0.1:{port}", TOKEN + "anew"):
        expect(page.locator("#stale")).to_contain_text("open the address that hexkey printed")


def test_button_changes_the_theme_and_it_stays(page: Page) -> None:
    hub = Hub()
    hub.publish(session(10.0))
    with serve(hub, "127.0.0.1:0", TOKEN) as address:
        page.goto(address)
        page.locator("#theme").click()
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.reload()
        assert page.locator("html").get_attribute("data-theme") == "dark"


def _with_gate(seconds: float, gate: GateView) -> Snapshot:
    return replace(session(seconds), gate=gate)
