"""The benchmark of the live page runs, and its baseline says what the frame says."""

import json

import numpy as np
import pytest
from tests.host.monitor.test_frame import read

from hexkey.bench import monitor
from hexkey.monitor.frame import encode


def test_what_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "PACED", 10)
    monkeypatch.setattr(monitor, "FLOODED", 50)
    found = monitor.run()
    assert all(value > 0 for value in found.values())
    assert found["latency_median_ms"] <= found["latency_99_percent_ms"] < 10_000
    assert found["json_text_bytes_over_frame"] > 2


def test_the_baseline_says_what_the_frame_says() -> None:
    snapshot = monitor.large_snapshot()
    text, (frame, _) = json.loads(monitor.json_text(snapshot)), read(encode(snapshot))
    assert np.shape(text["maps"]["qber"]) == frame["maps"]["qber"].shape == (41, 91)
    np.testing.assert_allclose(text["maps"]["qber"], frame["maps"]["qber"], rtol=1e-6)
    assert text["histogram"]["counts"] == frame["histogram"]["counts"].tolist()
    assert len(text["histogram"]["counts"]) == 250
    assert text["blocks"] == frame["blocks"]
