"""Pictures are made of a report alone."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError, StoreError
from hexkey.plot import draw_report


def block(start_s: float, errors: int = 20) -> dict[str, Any]:
    return {
        "start_s": start_s,
        "end_s": start_s + 1.0,
        "sifted_bits": 1_000,
        "errors": errors,
        "secret_bits": 300,
        "refill_bits": 50,
        "planned_bits": 340.0,
    }


@pytest.fixture
def report() -> dict[str, Any]:
    decay = np.exp(-np.arange(250) / 46)
    return {
        "label": "demonstration",
        "parameters": {"qber_abort": 0.11},
        "histogram": {"offset_ticks": 0, "bin_ticks": 10, "counts": (5_000 * decay).astype(int)},
        "window": {"start_ticks": 50, "width_ticks": 1000, "tick_ps": "10"},
        "history": [block(0.0), block(1.0, 35), block(2.0, 0)],
    }


def size_of(png: Path) -> tuple[int, int]:
    data = png.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_both_pictures_are_drawn_into_a_new_folder(report: dict[str, Any], tmp_path: Path) -> None:
    drawn = draw_report(report, tmp_path / "deep" / "folder")
    assert [path.name for path in drawn] == ["histogram.png", "rates.png"]
    assert [size_of(path) for path in drawn] == [(960, 504), (960, 648)]


def test_pictures_show_the_data(report: dict[str, Any], tmp_path: Path) -> None:
    """Pixels of the picture, not its bytes: another gate moves the shaded part."""
    from matplotlib import image

    first = image.imread(draw_report(report, tmp_path / "one")[0])
    report["window"] = {"start_ticks": 1250, "width_ticks": 1000, "tick_ps": "10"}
    second = image.imread(draw_report(report, tmp_path / "two")[0])
    shade = np.array([1.0, 0.925, 0.79])

    def shaded(picture: NDArray[np.float64]) -> float:
        near = np.abs(picture[:, :, :3] - shade).max(axis=2) < 0.05
        columns = np.flatnonzero(near.sum(axis=0) > 100)
        assert len(columns) > 200  # 10 of 25 ns
        return float(columns.mean() / picture.shape[1])

    assert shaded(first) < 0.35 < 0.6 < shaded(second)


def test_bb84_has_its_test_basis_in_the_picture(report: dict[str, Any], tmp_path: Path) -> None:
    """And no line of B92's equations, which say nothing of it."""
    for one in report["history"]:
        one["planned_bits"] = None
        one["bb84"] = {"test_qber": 0.02, "test_bits": 400, "phase_error_upper": 0.09}
    report["bb84"] = {"clicks": 9_000}
    [_, drawn] = draw_report(report, tmp_path)
    assert size_of(drawn) == (960, 648)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"histogram": None}, ["rates.png"]),
        ({"history": []}, ["histogram.png"]),
        ({"histogram": None, "history": []}, []),
    ],
)
def test_only_what_there_is_data_for_is_drawn(
    changes: dict[str, Any], names: list[str], report: dict[str, Any], tmp_path: Path
) -> None:
    assert [path.name for path in draw_report({**report, **changes}, tmp_path)] == names


@pytest.mark.parametrize("counts", [[0] * 250, [1] + [0] * 249])
def test_empty_histograms_are_drawn(
    counts: list[int], report: dict[str, Any], tmp_path: Path
) -> None:
    report["histogram"]["counts"] = counts
    assert draw_report(report, tmp_path)[0].exists()


def test_folder_that_cannot_be_made_is_named(report: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        draw_report(report, tmp_path / "file" / "pictures")


def test_missing_matplotlib_is_named_with_the_remedy(
    report: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hexkey.plot.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'hexkey\[plot\]'"):
        draw_report(report, tmp_path)
