"""A real Chromium without a screen, and where its pictures go when they are asked for."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = "chromium is missing: install it, with `apt-get install chromium`"
FIGURES = Path(__file__).parents[2] / "docs" / "figures"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        # Its sandbox needs what containers do not give; it sees nothing here but our own page.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page as large as a lab screen; faults of its scripts, or forbidden ones, fail a test."""
    faults: list[str] = []
    context = chromium.new_context(viewport={"width": 1920, "height": 1080}, color_scheme="light")
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "console", lambda line: faults.append(line.text) if "Security Policy" in line.text else None
    )
    yield opened
    context.close()
    assert not faults


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Take a picture for the documentation, if HEXKEY_FIGURES is set."""

    def take(page: Page, name: str) -> None:
        if os.environ.get("HEXKEY_FIGURES"):
            wide = page.evaluate("innerWidth") > 760  # a phone's page is long: its first screen
            shot = Image.open(io.BytesIO(page.screenshot(full_page=wide)))
            # A page has few colours, but for its maps: a palette makes a file of it half as large.
            few = shot.convert("RGB").quantize(
                256, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE
            )
            few.save(FIGURES / f"{name}.png", optimize=True)

    return take
