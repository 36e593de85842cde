"""`hexkey bob --monitor --control` with Alice and a board, each a process, and a browser."""

import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.browser.test_board import PATIENCE_MS, TOKEN, drag, snapshot, wait_until
from tests.end_to_end.processes import scene


def test_gate_is_dragged_while_key_is_made(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEXKEY_MONITOR_TOKEN", TOKEN)
    served = ("--monitor", "127.0.0.1:0", "--control", "--gate-start-ns", 1, "--gate-width-ns", 6)
    debug = ("--log-level", "debug")
    with scene(tmp_path) as stage, stage.alice() as alice:
        peer = alice.wait_for("listening")["address"]
        with stage.bob(peer, *served, options=debug) as bob:
            address = bob.wait_for("monitor")["address"]
            assert urlsplit(address).query == f"token={TOKEN}"
            page.goto(address)
            expect(page.locator("#label")).to_contain_text("DEMONSTRATION", timeout=PATIENCE_MS)
            expect(page.locator("#blocks")).to_contain_text("1 ok", timeout=PATIENCE_MS)
            before = wait_until(page, lambda found: found["secret_hz"])
            assert 0 < before["qber"] < before["qber_abort"]
            expect(page.locator("#qber")).to_contain_text("%")
            expect(page.locator("#secret")).to_contain_text("bit/s")
            expect(page.locator("#gate")).to_have_text("gate 1.00 to 7.00 ns, 6.00 ns wide")
            expect(page.locator("#keys")).to_contain_text("key")
            expect(page.locator("#qbers canvas")).to_be_visible()

            drag(page, ".handle[data-part=end]", by_ns=2.0)
            expect(page.locator("#asked")).to_contain_text("asked: 1.00 to 9.")
            renewed = bob.wait_for("renewed")["report"]
            expect(page.locator("#gate")).to_contain_text("gate 1.00 to 9.", timeout=PATIENCE_MS)
            after = wait_until(page, lambda found: found["gate"]["width_ps"] != 6_000)
            assert after["gate"]["width_ps"] == pytest.approx(8_000, abs=50)
            # Blocks go on with the new gate: of the session that follows, and on the page.
            wanted = renewed["blocks"]["ok"] + 2
            wait_until(page, lambda found: found["blocks_ok"] >= wanted)
            shown = snapshot(page)
            assert shown["state"] == "receiving"
            assert shown["keys"]["stored"] >= wanted
            bob.signal(signal.SIGINT)
            his = bob.end()
        hers = alice.end()
        assert (his.code, hers.code) == (0, 0), (his.err, hers.err)
        window = his.report["window"]
        assert window["width_ticks"] * 10 == after["gate"]["width_ps"]
        assert stage.equal_keys() >= wanted
    assert '"event": "monitor"' in his.err
    assert TOKEN not in his.err
