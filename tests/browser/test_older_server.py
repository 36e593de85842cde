"""Snapshots with missing parts, as a server that is older than the page would send them."""

from dataclasses import dataclass, fields
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.scenes import ALARMS, session

from hexkey.monitor import serve
from hexkey.monitor.hub import Hub
from hexkey.monitor.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Older(Snapshot):
    """A snapshot that does not say some of its parts."""

    without: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        said = Snapshot.to_json(self)
        return {name: part for name, part in said.items() if name not in ("without", *self.without)}


PARTS = tuple(one.name for one in fields(Snapshot))
HELD = ("histogram", "maps")  # what of them is an array goes beside the rest, and needs its place


def older(*without: str, **changed: Any) -> Older:
    said = session(10.0, alarms=ALARMS)
    given = {name: getattr(said, name) for name in PARTS} | changed
    return Older(**given, without=without)


@pytest.mark.parametrize("makes_key", [True, False])
def test_no_part_is_needed(makes_key: bool, page: Page) -> None:
    hub = Hub()
    with serve(hub, "127.0.0.1:0", None) as address:
        page.goto(address)
        for part in PARTS:
            gone = {part: None} if part in HELD else {}
            hub.publish(older(part, makes_key=makes_key, seconds=600.0, **gone))
            if part != "seconds":
                expect(page.locator("#elapsed")).to_have_text("10 min")
            hub.publish(older(makes_key=makes_key, seconds=1_200.0))
            expect(page.locator("#elapsed")).to_have_text("20 min")
        hub.publish(older(*PARTS, histogram=None, maps=None))
        expect(page.locator("#elapsed")).to_have_text("0 s")
        expect(page.locator(".card:visible, .tile:visible")).to_have_count(0)
