"""The terminal view: the page's numbers, and the histogram as blocks."""

from dataclasses import replace

import pytest
from rich.console import Console
from tests.browser.scenes import BEGAN_UNIX_S, BOBS_G2, session

from hexkey.monitor.snapshot import Alarm, GateView, Histogram, Snapshot
from hexkey.monitor.terminal import (
    LEAST_ROWS,
    MOST_ROWS,
    histogram_lines,
    power,
    render,
    trigger_words,
)

ROWS = 8
ALARM = Alarm("source", "critical", BEGAN_UNIX_S, "g²(0) may be up to 0.61: check the emitter")


def screen(snapshot: Snapshot, columns: int = 100, rows: int = 40, later_s: float = 0.0) -> str:
    console = Console(width=columns, force_terminal=False, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(render(snapshot, columns, rows, snapshot.time_unix_s + later_s))
    return capture.get()


def test_screen_of_a_session_has_the_numbers_of_the_page() -> None:
    snapshot = session(138.0, alarms=(ALARM,))
    shown = screen(replace(snapshot, protocol="bb84", g2=(*snapshot.g2, BOBS_G2)))
    for words in (
        "DEMONSTRATION: keys are not secret",
        "CRITICAL for 2 min: g²(0) may be up to 0.61: check the emitter.",
        "3.12% (abort above 5.0%)",
        "4,130 bit/s",
        "17,391 bit/s",
        "58 ok; dropped: 1 verification, 1 qber",
        "of at most 13,000 bit",
        "5.8 × 10⁻⁹ of 1.0 × 10⁻⁸",
        "1.2 to 9.2 ns, 8 ns wide",
        "locked, arrivals centred at 4.611 ns",
        "0.083, 0.061 to 0.109: single photons",
        "0.210, 0.020 to 0.770: waiting, 90 min still needed",
        "281,234 outside gate",
    ):
        assert words in shown, words


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_screen_is_never_wider_than_the_terminal(columns: int) -> None:
    assert max(map(len, screen(session(1.0), columns).splitlines())) <= columns


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("alarms", [(), (ALARM,)])
def test_screen_is_as_high_as_the_terminal_and_the_histogram_fills_it(
    columns: int, rows: int, alarms: tuple[Alarm, ...]
) -> None:
    lines = screen(session(138.0, alarms=alarms), columns, rows).splitlines()
    marks = [number for number, line in enumerate(lines) if "▔" in line]
    words = [number for number, line in enumerate(lines) if line.startswith("arrivals,")]
    height = marks[0] - words[0] - 1
    assert lines[-1].startswith("0 ns")
    assert len(lines) == rows or (len(lines) < rows and height == MOST_ROWS)


def test_screen_that_is_too_low_keeps_its_numbers() -> None:
    lines = screen(session(138.0), 80, 10).splitlines()
    assert any(line.startswith("lost") for line in lines)
    assert sum("█" in line for line in lines) == LEAST_ROWS


def test_gate_that_waits_is_said() -> None:
    asked = replace(session(1.0), gate=GateView(20_000.0, 10_000.0, (1_200.0, 8_000.0)))
    words = "20 to 30 ns, 10 ns wide; asked: 1.2 to 9.2 ns, 8 ns wide, at the block's end"
    assert words in screen(asked, 120)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0"), (5.84e-9, "5.8 × 10⁻⁹"), (1e-10, "1.0 × 10⁻¹⁰")]
)
def test_small_numbers_are_written_as_people_write_them(value: float, shown: str) -> None:
    assert power(value) == shown


def test_news_that_is_old_and_a_board_alone_are_said() -> None:
    snapshot = Snapshot(BEGAN_UNIX_S, "board gone", False, 3.0, "a board")
    shown = screen(snapshot, later_s=10.0)
    assert "board gone" in shown
    assert "no news for 10 s" in shown
    assert "the board alone is watched" in shown
    assert "plug it in." in screen(replace(snapshot, message="plug it in"))
    assert "QBER" not in shown


def test_histogram_is_drawn_to_scale_and_the_gate_below_its_columns() -> None:
    histogram = Histogram(0.0, 1000.0, 20_000.0, [0] * 5 + [80] * 5 + [40] * 5 + [0] * 5)
    lines = [
        str(line) for line in histogram_lines(histogram, GateView(18_000.0, 4_000.0), 22, ROWS)
    ]
    rows, gate = lines[1 : 1 + ROWS], lines[1 + ROWS]
    assert all(row[5:10] == "█████" for row in rows)
    assert [row[10] for row in rows] == [" "] * (ROWS // 2) + ["█"] * (ROWS // 2)
    assert gate == "▔▔" + " " * 16 + "▔▔"  # past the period's end it goes on at its start
    assert lines[-1] == "0 ns           20 ns"


@pytest.mark.parametrize("columns", [52, 80, 100, 251, 300])
def test_what_is_flat_stays_flat_in_any_width(columns: int) -> None:
    """Whether or not the columns divide the bins."""
    narrow = session(1.0)
    assert narrow.histogram is not None
    flat = replace(narrow.histogram, counts=[7] * 250)
    lines = histogram_lines(flat, None, columns, ROWS)
    assert "highest 7 clicks in 0.1 ns" in str(lines[0])
    assert all(str(line) == "█" * min(250, columns - 2) for line in lines[1 : 1 + ROWS])


def test_empty_histogram_is_empty() -> None:
    lines = histogram_lines(Histogram(0.0, 100.0, 25_000.0, [0] * 250), None, 80, ROWS)
    assert not "".join(map(str, lines[1 : 1 + ROWS])).strip()


def test_trigger_in_words() -> None:
    assert trigger_words({}) == "–"
    lost = {"locked": False, "holdover": False, "no_trigger": True, "off_period": False}
    assert trigger_words({**lost, "phase_ps": None}) == "not locked, no trigger"
