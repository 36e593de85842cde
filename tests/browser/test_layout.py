"""How the page looks: at each size, in both themes, for each kind of run."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect
from tests.browser.scenes import ALARMS, board_alone, no_board, session, session_alone

from hexkey.monitor import serve
from hexkey.monitor.hub import Hub
from hexkey.monitor.snapshot import GateView, Snapshot

RUNS: dict[str, Callable[[float], Snapshot]] = {
    "session": session,
    "alarms": lambda seconds: session(seconds, alarms=ALARMS),
    "session alone": lambda seconds: replace(
        session_alone(seconds), gate=GateView(20_000.0, 10_000.0, asked=(1_200.0, 8_000.0))
    ),
    "board": board_alone,
    "board with maps": lambda seconds: board_alone(seconds, maps=True),
    "no control": lambda seconds: board_alone(seconds, control=False),
    "no board": no_board,
}
SIZES = {"lab screen": (1920, 1080), "laptop": (1280, 720), "phone": (390, 844)}
PICTURES = {
    ("session", "lab screen", "light"): "monitor-light",
    ("alarms", "laptop", "dark"): "monitor-dark",
    ("alarms", "phone", "light"): "monitor-phone",
}

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

# Cards that are shown and say nothing: no picture with a size, no number, no row.
EMPTY = """() => [...document.querySelectorAll(".card")]
  .filter((card) => card.getClientRects().length)
  .filter((card) => ![...card.querySelectorAll("canvas, td, p, .big")].some((one) =>
    one.getClientRects().length && (one.tagName === "CANVAS" ? one.clientHeight > 50
      : /[^–\\s]/.test(one.textContent))))
  .map((card) => card.querySelector("h2").textContent)"""

SPILLS = """() => [...document.querySelectorAll(".tile p, .card h2, #gate, #epsilon")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth)
  .map((one) => one.id || one.textContent)"""

# WCAG 2: contrast of each text with the ground that it stands on; 4.5, or 3 for large text.
FAINT = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const bright = (colour) => colour.slice(0, 3).map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const colour = channels(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !one.getClientRects().length) continue;
    const style = getComputedStyle(one), size = parseFloat(style.fontSize);
    const [a, b] = [bright(channels(style.color)), bright(ground(one))].sort((x, y) => y - x);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < (large ? 3 : 4.5)) found.push([walker.currentNode.data, contrast]);
  }
  return found;
}"""


# Marks of legends whose colour is not one of the theme's.
MARKS = """() => {
  const style = getComputedStyle(document.documentElement);
  const probe = document.body.appendChild(document.createElement("i"));
  const colours = ["blue", "orange", "green", "red", "purple"].map((name) => {
    probe.style.color = style.getPropertyValue(`--${name}`);
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return [...document.querySelectorAll(".u-series .u-marker")]
    .filter((one) => one.getClientRects().length)
    .map((one) => getComputedStyle(one).borderTopColor).filter((one) => !colours.includes(one));
}"""


@pytest.mark.parametrize(
    ("size", "run"),
    [
        pytest.param(size, run, marks=[pytest.mark.long] if seldom else [])
        for size in SIZES
        for run in RUNS
        for seldom in [size != "lab screen" and run not in ("session alone", "alarms")]
    ],
)
def test_everything_fits_in_both_themes(
    size: str, run: str, page: Page, picture: Callable[[Page, str], None]
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    hub = Hub()
    with serve(hub, "127.0.0.1:0", None, control=True) as address:
        page.goto(address)
        for step in range(12):
            hub.publish(RUNS[run](7_140.0 + 10 * step))
            page.wait_for_timeout(30)
        expect(page.locator("#elapsed")).to_have_text("2.0 h")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.scrollHeight") >= height
        for look in (SPILLS, OVERLAPS, EMPTY):
            assert page.evaluate(look) == []
        if run != "no board" and size != "phone":
            main = page.locator("main").bounding_box()
            last = page.locator("main > :visible").last.bounding_box()
            assert main
            assert last
            # It fills the screen: below the last panel there is but the margin.
            assert main["y"] + main["height"] - last["y"] - last["height"] < 20
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            expect(page.locator("html")).to_have_attribute("data-theme", theme)
            assert page.evaluate(FAINT) == []
            assert page.evaluate(MARKS) == []
            if name := PICTURES.get((run, size, theme)):
                page.wait_for_timeout(100)
                picture(page, name)


def test_numbers_and_words_of_a_session(page: Page) -> None:
    hub = Hub()
    with serve(hub, "127.0.0.1:0", None, control=True) as address:
        page.goto(address)
        hub.publish(session(140.0, alarms=ALARMS))
        expect(page.locator("#elapsed")).to_have_text("2 min")
        expect(page.locator("#qber")).to_contain_text("3.12")
        expect(page.locator("#secret")).to_have_text("4.13kbit/s")
        expect(page.locator("#label")).to_contain_text("DEMONSTRATION")
        expect(page.locator("#alarms p")).to_have_count(2)
        expect(page.locator("#g2")).to_contain_text("single photons")
        expect(page.locator("#epsilon")).to_have_text("5.8 × 10⁻⁹ of 1.0 × 10⁻⁸")
        expect(page.locator("#gate")).to_have_text("gate 1.20 to 9.20 ns, 8.00 ns wide")
        expect(page.locator("#read-only")).to_be_hidden()
        hub.publish(board_alone(150.0))
        expect(page.locator("#g2")).to_contain_text("90 min still needed")


def test_what_a_run_does_not_have_is_not_shown(page: Page) -> None:
    """And is shown as soon as it has it."""
    hub = Hub()
    with serve(hub, "127.0.0.1:0", None, control=True) as address:
        page.goto(address)
        hub.publish(no_board(1.0))
        expect(page.locator("#alarms p")).to_have_count(1)
        expect(page.locator(".card:visible, .tile:visible")).to_have_count(0)
        hub.publish(session_alone(2.0))
        expect(page.locator("#side #rate-card")).to_be_visible()
        for part in ("#g2", "#maps"):
            expect(page.locator(part)).to_be_hidden()
        hub.publish(session(3.0))
        expect(page.locator("#trends #rate-card")).to_be_visible()
        for part in ("#g2", "#maps", "#spent", "#qbers canvas"):
            expect(page.locator(part)).to_be_visible()


def test_numbers_have_three_digits_and_times_units_that_fit(page: Page) -> None:
    numbers = {
        "58 /s": 58,
        "7.50 /s": 7.5,
        "10.0 k/s": 9_998,
        "1.00 k/s": 999.9,
        "22.1 k/s": 22_140.2,
        "1.50 G/s": 1.5e9,
        "0 /s": 0,
        "–": None,
    }
    # The last time that is shown, how far marks are apart; the unit, and the last mark.
    times = [
        (45, 5, "s", "45"),
        (200, 30, "min:s", "3:00"),
        (610, 120, "min", "10"),
        (7_190, 600, "min", "110"),
        (7_225, 20, "h:min:s", "2:00:20"),
        (9_000, 300, "h:min", "2:30"),
        (90_000, 7_200, "h", "24"),
    ]
    with serve(Hub(), "127.0.0.1:0", None) as address:
        page.goto(address)
        assert page.evaluate(NUMBERS, list(numbers.values())) == list(numbers)
        assert page.evaluate(TIMES, times) == [list(one[2:]) for one in times]


NUMBERS = """async (values) => {
  const { short } = await import("/page/numbers.js");
  return values.map((value) => short(value, "/s"));
}"""
TIMES = """async (times) => {
  const { clock, clockUnit } = await import("/page/numbers.js");
  return times.map(([last, step]) => {
    const unit = clockUnit(last, step);
    return [unit, clock(last - (last % step), unit)];
  });
}"""
