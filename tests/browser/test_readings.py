"""Values under the pointer, and the histogram up to its last bin."""

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect
from tests.browser.scenes import arrivals, session

from hexkey.monitor import serve
from hexkey.monitor.hub import Hub
from hexkey.monitor.snapshot import Histogram


def point(page: Page, selector: str, across: float, up: float = 0.5) -> None:
    """Put the pointer into what is shown, by shares of its width and height."""
    box = page.locator(selector).bounding_box()
    assert box
    page.mouse.move(box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"])


def test_bin_below_the_pointer_is_read_and_kept_up_to_date(page: Page) -> None:
    hub, tip = Hub(), page.locator(".tip")
    with serve(hub, "127.0.0.1:0", None, control=True) as address:
        page.goto(address)
        hub.publish(session(10.0))
        for bin_, ps in ((40, 4_000), (70, 7_000), (249, 24_900)):  # two of them within the gate
            point(page, "#histogram .u-over", (bin_ + 0.5) / 250)
            count = arrivals().counts[bin_]
            expect(tip).to_contain_text(f"{ps / 1000:.2f} ns to {ps / 1000 + 0.1:.2f} ns")
            expect(tip).to_contain_text(f"{count:,}")
        more = arrivals().counts
        more[249] += 100_000
        hub.publish(replace(session(11.0), histogram=Histogram(0.0, 100.0, 25_000.0, more)))
        expect(tip).to_contain_text(f"{more[249]:,}")
        page.locator("#scale").click()  # another plot is built: its pointer is read, too
        point(page, "#histogram .u-over", 40.5 / 250)
        expect(tip).to_contain_text(f"{arrivals().counts[40]:,}")
        page.mouse.move(1, 1)
        expect(tip).to_be_hidden()


def test_points_of_curves_are_read(page: Page) -> None:
    hub, tip = Hub(), page.locator(".tip")
    with serve(hub, "127.0.0.1:0", None) as address:
        page.goto(address)
        shown = session(140.0)
        hub.publish(shown)
        first, last = shown.blocks[0], shown.blocks[-1]
        assert first.qber is not None
        point(page, "#qbers .u-over", 0.001)
        expect(tip).to_contain_text("at 2 s")
        expect(tip).to_contain_text(f"{100 * first.qber:.2f} %")
        expect(tip).to_contain_text("5.00 %")
        point(page, "#leaks .u-over", 0.999)
        expect(tip).to_contain_text("block 59")
        expect(tip).to_contain_text(f"{last.leak_bits:,}")
        point(page, "#keyrates .u-over", 0.999)
        expect(tip).to_contain_text("at 2 min 18 s")
        expect(tip).to_contain_text(f"{last.secret_bits / 2.3 / 1000:.2f} kbit/s")
        point(page, "#keyrates .u-over", 0.001)  # a rate needs the block before
        expect(tip).to_contain_text("–")


@pytest.mark.parametrize(
    ("protocol", "unproven", "caption", "clicks"),
    [
        ("b92", True, "secret rate, unproven", "96,000 disclosed clicks"),
        ("bb84", False, "secret rate", "96,000 clicks of the key basis"),
        ("bb84", True, "secret rate, unproven", "96,000 clicks of the key basis"),
    ],
)
def test_maps_say_what_they_are_of(
    page: Page, protocol: str, unproven: bool, caption: str, clicks: str
) -> None:
    hub = Hub()
    with serve(hub, "127.0.0.1:0", None) as address:
        page.goto(address)
        shown = session(10.0)
        assert shown.maps is not None
        maps = replace(shown.maps, unproven=unproven)
        hub.publish(replace(shown, protocol=protocol, maps=maps))
        expect(page.locator("#map-secret-name")).to_have_text(caption)
        expect(page.locator("#maps-note")).to_contain_text(clicks)


def test_cell_of_a_map_is_read_and_marked_on_each(page: Page) -> None:
    hub, tip = Hub(), page.locator(".tip")
    with serve(hub, "127.0.0.1:0", None) as address:
        page.goto(address)
        shown = session(10.0)
        hub.publish(shown)
        maps = shown.maps
        assert maps is not None
        page.locator("#map-qber").scroll_into_view_if_needed()
        place = page.locator("#map-qber").bounding_box()
        assert place
        left, right, top, bottom = 58, 108, 8, 46  # around the cells
        wide = (place["width"] - left - right) / len(maps.start_ns)
        high = (place["height"] - top - bottom) / len(maps.width_ns)
        for row, column in ((0, 0), (12, 25), (40, 45)):
            x = left + (row + 0.5) * wide
            y = top + (len(maps.width_ns) - column - 0.5) * high
            page.mouse.move(place["x"] + x, place["y"] + y)
            qber = maps.qber[row][column]
            assert qber is not None
            start, width = maps.start_ns[row], maps.width_ns[column]
            expect(tip).to_contain_text(f"start {start:.2f} ns, width {width:.2f} ns")
            expect(tip).to_contain_text(f"{100 * qber:.1f} %")
            sigma = maps.sigma_qber[row][column]
            assert sigma is not None
            expect(tip).to_contain_text(f" ± {100 * sigma:.2f} %")
            expect(tip).to_contain_text(f"{maps.sifted_hz[row][column] / 1000:.3g}")
            expect(tip).to_contain_text(f"{maps.secret_hz[row][column] / 1000:.3g}")
            expect(page.locator(".cell:visible")).to_have_count(3)
            mark = page.locator("#map-qber + .cell").bounding_box()
            assert mark
            assert mark["x"] + mark["width"] / 2 == pytest.approx(place["x"] + x, abs=1)
            assert mark["y"] + mark["height"] / 2 == pytest.approx(place["y"] + y, abs=1)
        page.mouse.move(place["x"] + left / 2, place["y"] + 50)  # beside the cells
        expect(tip).to_be_hidden()
        expect(page.locator(".cell:visible")).to_have_count(0)


CENTRES = """async (values) => {
  const { Side } = await import("/page/maps.js");
  const side = new Side(values, 100, 200, false), up = new Side(values, 100, 200, true);
  return [values.map((value) => side.at(value)), values.map((value) => up.at(value)),
    values.map((value) => side.cell(side.at(value))), up.cell(up.at(values[0])), side.marks()];
}"""


def test_values_stand_at_the_centres_of_their_cells(page: Page) -> None:
    with serve(Hub(), "127.0.0.1:0", None) as address:
        page.goto(address)
        found = page.evaluate(CENTRES, [0, 1, 2, 3])
        assert found == [[125, 175, 225, 275], [275, 225, 175, 125], [0, 1, 2, 3], 0, [0, 1, 2, 3]]
        assert page.evaluate(CENTRES, [7])[0] == [200]


LAST_BIN = """([from, to]) => {
  const plot = document.querySelector("#histogram canvas");
  const over = document.querySelector("#histogram .u-over");
  const ratio = plot.width / plot.clientWidth;
  const edge = over.getBoundingClientRect(), whole = plot.getBoundingClientRect();
  const x = (edge.left - whole.left + edge.width * (from + to) / 2) * ratio;
  const y = (edge.top - whole.top + edge.height * 0.75) * ratio;
  return plot.getContext("2d").getImageData(Math.round(x), Math.round(y), 1, 1).data[3];
}"""


@pytest.mark.parametrize("bins", [25, 250])
def test_last_bin_is_drawn(bins: int, page: Page) -> None:
    hub = Hub()
    counts = [0] * (bins - 1) + [1_000]
    histogram = Histogram(0.0, 25_000.0 / bins, 25_000.0, counts)
    with serve(hub, "127.0.0.1:0", None) as address:
        page.goto(address)
        hub.publish(replace(session(10.0), histogram=histogram))
        expect(page.locator("#histogram canvas")).to_be_visible()
        page.wait_for_timeout(100)
        assert page.evaluate(LAST_BIN, [1 - 1 / bins, 1]) > 0
        assert page.evaluate(LAST_BIN, [1 - 2.5 / bins, 1 - 1.5 / bins]) == 0
