"""Pictures of maps: what they say, that words do not overlap, and what colours are spent on."""

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from tests.host.maps.test_bb84_rates import BLOCK_S, READING

from hexkey import plot
from hexkey.maps import WindowCounts, Windows, picture
from hexkey.maps.bb84 import Kind
from hexkey.maps.bb84_rates import Bb84RateMap, bb84_rate_map
from hexkey.maps.picture import Secret, draw_map
from hexkey.maps.rates import RateMap, rate_map

TICK_PS, PERIOD = Fraction(10), 2500
PHASES = np.arange(PERIOD)
CLICKS = (1e5 * np.exp(-PHASES / 458)).astype(np.int64)
WINDOWS = Windows(np.arange(0, 401, 50), np.arange(300, 1201, 100), PERIOD)
SHAPE = WINDOWS.end_ticks.shape


def of_b92(scale: int = 1) -> RateMap:
    until = np.append(0, CLICKS.cumsum()) // 100
    sifted = until[WINDOWS.end_ticks] - until[WINDOWS.start_ticks][:, None]
    sifted = scale * sifted
    counts = WindowCounts(WINDOWS, sifted, sifted // 16, 0 * sifted)
    return rate_map(counts, 1.0, TICK_PS)


def of_bb84(**extra: int) -> Bb84RateMap:
    kinds = np.zeros((*SHAPE, len(Kind)), np.int64)
    kinds[...] = (151_400, 2_900, 20, 2_890, 53, 2, 5, 42_000, 4)
    kinds[3, 5, Kind.TEST_RIGHT] += 500  # the best
    kinds[0, 0, Kind.TEST_WRONG] += 500  # no key
    for name, value in extra.items():
        kinds[..., Kind[name]] = value
    return bb84_rate_map(WINDOWS, kinds, BLOCK_S, TICK_PS, READING, BLOCK_S)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Figure]:
    """Return what draws a picture and returns its figure.

    It is laid out, not written: a file's resolution would be in the words' sizes alone.
    """
    figures: list[Figure] = []

    def draw(paint: Any, data: Any, path: Path, size: tuple[float, float]) -> Path:
        def keeping(figure: Figure, data: Any) -> None:
            figures.append(figure)
            paint(figure, data)

        return plot.draw(keeping, data, path, size)

    monkeypatch.setattr(picture, "draw", draw)
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, dpi: figure.canvas.draw())

    def figure_of(rates: RateMap | Bb84RateMap, **words: Any) -> Figure:
        draw_map(rates, CLICKS, tmp_path / "map.png", "run.recording: 10.0 s of the link", **words)
        return figures[-1]

    return figure_of


def words_of(figure: Figure) -> list[Text]:
    """All words but those of ticks, which are drawn only where they fit."""
    found = [text for axes in figure.axes for text in axes.get_children() if isinstance(text, Text)]
    for axes in figure.axes:
        found += [axes.xaxis.label, axes.yaxis.label]
        legend = axes.get_legend()
        found += legend.get_texts() if legend else []
    return [text for text in found if text.get_text() and text.get_visible()]


def titles_of(figure: Figure) -> list[str]:
    every = [axes.get_title("left") for axes in figure.axes]
    return [title for title in every if title]


@pytest.mark.parametrize("remark", ["no proof", "certified, endless"])
def test_words_of_b92_do_not_overlap(drawn: Callable[..., Figure], remark: str) -> None:
    rates = of_b92()
    alike = np.zeros(SHAPE, bool)
    alike[:2] = True
    figure = drawn(rates, secret=Secret(rates.secret_hz_unproven, remark), alike=alike)
    assert titles_of(figure) == [
        "(a) arrival times; gate 0 to 12 ns",
        "(e) cut at t0 = 0 ns",
        "(b) sifted rate, kbit/s",
        "(c) QBER, %",
        "(d) secret, kbit/s",
    ]
    assert not overlaps(figure)
    assert remark in {axes.get_title("right") for axes in figure.axes}


def test_words_of_bb84_do_not_overlap(drawn: Callable[..., Figure]) -> None:
    alike = np.zeros(SHAPE, bool)
    alike[3, 5:7] = True
    rates = of_bb84()
    secret = Secret(rates.secret_hz, "blocks of 0.123 s")
    figure = drawn(rates, alike=alike, secret=secret)
    assert titles_of(figure) == [
        "(a) arrival times; gate 1.5 to 9.5 ns",
        "(f) cut at t0 = 1.5 ns",
        "(b) sifted (key basis), kbit/s",
        "(c) QBER, key basis, %",
        "(d) QBER, test basis, %",
        "(e) secret, kbit/s",
    ]
    assert not overlaps(figure)
    told = {text.get_text() for text in words_of(figure)}
    assert {"test basis", "as good, as far as known", "highest secret rate"} <= told


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    boxes = [(text.get_text(), text.get_window_extent()) for text in words_of(figure)]
    assert len(boxes) > 12
    return [
        (one, two)
        for (one, first), (two, second) in combinations(boxes, 2)
        if first.overlaps(second)
    ]


def test_colours_are_spent_on_gates_with_a_key(drawn: Callable[..., Figure]) -> None:
    """A gate of many errors would leave all others one colour."""
    rates = of_bb84()
    figure = drawn(rates)
    test = next(axes for axes in figure.axes if "test basis" in axes.get_title("left"))
    (mesh,) = (each for each in test.collections if each.get_array() is not None)
    highest = mesh.get_clim()[1]
    assert highest == pytest.approx(100 * np.max(rates.test_qber[rates.secret_hz > 0]))
    assert highest < 0.5 * 100 * np.max(rates.test_qber)
    assert mesh.colorbar is not None
    assert mesh.colorbar.extend == "max"
    assert np.shape(np.asarray(mesh.get_array())) == SHAPE[::-1]  # starts along the axis below


def test_without_a_key_or_a_bit_there_is_a_picture(drawn: Callable[..., Figure]) -> None:
    nothing = of_bb84(TEST_RIGHT=0, TEST_WRONG=0, TEST_DOUBLE=0)
    assert not nothing.secret_hz.any()
    assert len(titles_of(drawn(nothing))) == 6
    assert len(titles_of(drawn(of_b92(0)))) == 5


def test_one_gate(drawn: Callable[..., Figure]) -> None:
    windows = Windows(np.array([50]), np.array([1000]), PERIOD)
    one = np.array([[20_000]])
    rates = rate_map(WindowCounts(windows, one, one // 16, 0 * one), 1.0, TICK_PS)
    figure = drawn(rates, alike=np.ones((1, 1), bool))
    assert titles_of(figure)[0] == "(a) arrival times; gate 0.5 to 10.5 ns"
