"""The page during a session: a gate that is changed, and a page that is cut off."""

import socket
from dataclasses import replace
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect
from tests.browser.scenes import session
from tests.browser.tunnel import free_port, tunnel

from hexkey.monitor import serve
from hexkey.monitor.hub import ChangeGate, Hub
from hexkey.monitor.snapshot import GateView, Snapshot

TOKEN = "a-token-for-tests-only"


def test_change_of_gate_waits_for_the_end_of_the_block(page: Page) -> None:
    hub = Hub()
    with serve(hub, "127.0.0.1:0", TOKEN, control=True) as address:
        page.goto(address)
        hub.publish(session(10.0))
        end = page.locator(".handle[data-part=end]")
        end.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        expect(page.locator("#asked")).to_contain_text("asked: 1.20 to 9.50 ns, 8.30 ns wide")
        page.wait_for_timeout(100)
        assert hub.take_command() == ChangeGate(1.2, 8.3)
        assert hub.take_command() is None
        waits = GateView(1_200.0, 8_000.0, asked=(1_200.0, 8_300.0))
        hub.publish(_with_gate(11.0, waits))
        expect(page.locator("#asked")).to_contain_text("it takes effect at the block's end")
        expect(page.locator("#gate")).to_have_text("gate 1.20 to 9.20 ns, 8.00 ns wide")
        hub.publish(_with_gate(12.0, GateView(1_200.0, 8_300.0)))
        expect(page.locator("#asked")).to_contain_text(
            "the board's gate is 1.20 to 9.50 ns, 8.30 ns wide"
        )
        expect(page.locator("#gate")).to_have_text("gate 1.20 to 9.50 ns, 8.30 ns wide")


def test_fine_step_is_not_confirmed_by_the_old_gate(page: Page) -> None:
    hub = Hub()
    with serve(hub, "127.0.0.1:0", TOKEN, control=True) as address:
        page.goto(address)
        hub.publish(session(10.0))
        page.locator(".handle[data-part=end]").focus()
        page.keyboard.press("Shift+ArrowRight")
        expect(page.locator("#asked")).to_contain_text("asked: 1.20 to 9.21 ns, 8.01 ns wide")
        hub.publish(session(11.0))
        expect(page.locator("#elapsed")).to_have_text("11 s")
        expect(page.locator("#asked")).to_contain_text("asked: 1.20 to 9.21 ns, 8.01 ns wide")
        hub.publish(_with_gate(12.0, GateView(1_200.0, 8_010.0)))
        expect(page.locator("#asked")).to_contain_text(
            "the board's gate is 1.20 to 9.21 ns, 8.01 ns wide"
        )


def test_a_refused_gate_is_said_with_its_reason(page: Page) -> None:
    """One of an earlier wish is not taken for the answer to this one."""
    hub = Hub()
    with serve(hub, "127.0.0.1:0", TOKEN, control=True) as address:
        page.goto(address)
        stale = GateView(1_200.0, 8_000.0, refused="of an earlier wish")
        hub.publish(_with_gate(10.0, stale))
        page.locator(".handle[data-part=end]").focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#asked")).to_contain_text("asked: 1.20 to 9.30 ns")
        hub.publish(_with_gate(10.2, stale))
        expect(page.locator("#asked")).to_contain_text("asked: 1.20 to 9.30 ns")
        for seconds in (10.4, 11.0):
            hub.publish(_with_gate(seconds, GateView(1_200.0, 8_000.0, refused="a recording")))
        expect(page.locator("#asked")).to_have_text("refused: a recording")
        expect(page.locator("#gate")).to_have_text("gate 1.20 to 9.20 ns, 8.00 ns wide")


def test_gate_can_be_read_and_moved_without_a_mouse(page: Page) -> None:
    hub = Hub()
    with serve(hub, "127.0.0.1:0", TOKEN, control=True) as address:
        page.goto(address)
        hub.publish(session(10.0))
        sliders = {
            "Position of the gate": ("1.20", "0.00", "25.00", "1.20 ns for 8.00 ns"),
            "Start of the gate": ("1.20", "0.00", "25.00", "1.20 ns"),
            "End of the gate": ("9.20", "1.30", "26.20", "9.20 ns"),
        }
        for name, (now, low, high, words) in sliders.items():
            slider = page.get_by_role("slider", name=name)
            for fact, value in zip(
                ("valuenow", "valuemin", "valuemax", "valuetext", "readonly", "orientation"),
                (now, low, high, words, "false", "horizontal"),
                strict=True,
            ):
                expect(slider).to_have_attribute(f"aria-{fact}", value)
        # By the tabulator: the theme, the scale, and then the gate; what has the focus is seen.
        reached = []
        for _ in range(5):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate("document.activeElement.id || document.activeElement.dataset.part")
            )
            assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
        assert reached == ["theme", "scale", "body", "start", "end"]
        for key, end in (("ArrowUp", "9.30"), ("PageUp", "10.30"), ("Shift+ArrowDown", "10.29")):
            page.keyboard.press(key)
            expect(page.get_by_role("slider", name="End of the gate")).to_have_attribute(
                "aria-valuenow", end
            )
        expect(page.locator("#asked")).to_contain_text("asked: 1.20 to 10.29 ns")
        assert hub.take_command() == ChangeGate(1.2, 9.09)


def test_gate_that_reaches_past_the_period_is_shown_in_two_pieces(page: Page) -> None:
    hub = Hub()
    with serve(hub, "127.0.0.1:0", TOKEN) as address:
        page.goto(address)
        hub.publish(_with_gate(10.0, GateView(20_000.0, 10_000.0)))
        first, second = (page.locator(".band").nth(index) for index in range(2))
        expect(first).to_have_attribute("style", "left: 80%; width: 20%;")
        expect(second).to_have_attribute("style", "left: 0%; width: 20%;")


def test_tunnel_that_breaks_is_said_and_found_again(page: Page) -> None:
    """As with ssh -L, which is how one watches from elsewhere."""
    hub = Hub()
    with serve(hub, "127.0.0.1:0", TOKEN) as address:
        parts = urlsplit(address)
        here = ("127.0.0.1", free_port())
        with tunnel(here, ("127.0.0.1", parts.port or 0)):
            page.goto(f"http://{here[0]}:{here[1]}/?{parts.query}")
            hub.publish(session(10.0))
            expect(page.locator("#state")).to_have_text("receiving")
            expect(page.locator("#stale")).to_be_hidden()
        expect(page.locator("#stale")).to_contain_text("hexkey does not answer")
        assert page.locator("#label").is_visible()  # what keys these are is said all the time
        with tunnel(here, ("127.0.0.1", parts.port or 0)):
            expect(page.locator("#stale")).to_be_hidden()


def test_server_that_was_started_anew_asks_for_its_address(page: Page) -> None:
    """A browser keeps a session of the one that ended, not the token."""
    hub = Hub()
    hub.publish(session(10.0))
    with socket.create_server(("127.0.0.1", 0)) as ear:
        port = ear.getsockname()[1]
    with serve(hub, f"127.0.0.1:{port}", TOKEN) as address:
        page.goto(address)
        expect(page.locator("#state")).to_have_text("receiving")
    with serve(hub, f"127.0.0.1:{port}", TOKEN) as address:
        expect(page.locator("#stale")).to_contain_text("open the address that hexkey printed")
        page.goto(address)
        expect(page.locator("#state")).to_have_text("receiving")
        expect(page.locator("#stale")).to_be_hidden()


def test_button_changes_the_theme_and_it_stays(page: Page) -> None:
    hub = Hub()
    hub.publish(session(10.0))
    with serve(hub, "127.0.0.1:0", TOKEN) as address:
        page.goto(address)
        page.locator("#theme").click()
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.reload()
        assert page.locator("html").get_attribute("data-theme") == "dark"


def test_run_that_cannot_be_shown_is_said(page: Page) -> None:
    hub = Hub()
    with serve(hub, "127.0.0.1:0", TOKEN) as address:
        page.goto(address)
        hub.publish(session(10.0))
        expect(page.locator("#state")).to_have_text("receiving")
        strange = {"outside_gate": object()}
        hub.publish(replace(session(11.0), losses=strange))  # type: ignore[arg-type]  # no type allows it
        expect(page.locator("#stale")).to_contain_text("see its log")
        hub.publish(session(12.0))
        expect(page.locator("#stale")).to_be_hidden()


def _with_gate(seconds: float, gate: GateView) -> Snapshot:
    return replace(session(seconds), gate=gate)
