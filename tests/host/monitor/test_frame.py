"""The binary frame, read by a reader of its own."""

import json
import math
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.browser.scenes import arrivals, session

from hexkey.monitor.frame import encode
from hexkey.monitor.snapshot import MapView, Snapshot


def read(frame: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the snapshot that a frame holds and the types of its arrays."""
    magic, length = struct.unpack_from("<4sI", frame)
    assert magic == b"HKM1"
    assert length % 4 == 0
    header = json.loads(frame[8 : 8 + length])
    at, types = 8 + length, {}
    for array in header["arrays"]:
        count = int(np.prod(array["shape"]))
        values = np.frombuffer(frame, np.dtype(array["type"]).newbyteorder("<"), count, at)
        part, name = array["path"].split(".")
        assert header["snapshot"][part][name] is None
        header["snapshot"][part][name] = values.reshape(array["shape"])
        at += values.nbytes
        types[array["path"]] = array["type"]
    assert at == len(frame)
    return header["snapshot"], types


def test_frame_holds_all_that_json_does() -> None:
    snapshot = session(10.0)
    found, types = read(encode(snapshot))
    wanted = json.loads(json.dumps(snapshot.to_json()))
    for part, name in [("histogram", "counts")] + [
        ("maps", name) for name in wanted["maps"] if name != "seconds"
    ]:
        np.testing.assert_allclose(found[part].pop(name), wanted[part].pop(name), rtol=1e-6)
    assert found == wanted
    assert types["histogram.counts"] == "uint32"
    assert types["maps.qber"] == "float32"


def test_snapshot_without_arrays_is_a_header() -> None:
    snapshot = Snapshot(1.7e9, "starting", False, 0.0, "a board")
    assert read(encode(snapshot)) == (
        snapshot.to_json() | {"g2": [], "alarms": [], "blocks": []},
        {},
    )


def test_missing_values_of_a_map_are_nan() -> None:
    qber: list[list[float | None]] = [[None], [0.5]]
    sigma: list[list[float | None]] = [[None], [0.1]]
    maps = MapView([0.0, 1.0], [3.0], [[1.0], [2.0]], qber, sigma, [[0.0], [0.0]], 1.0, 8)
    found, _ = read(encode(replace(session(1.0), maps=maps)))
    assert np.isnan(found["maps"]["qber"][0, 0])
    assert found["maps"]["qber"][1, 0] == 0.5
    assert found["maps"]["sigma_qber"][1, 0] == np.float32(0.1)
    assert found["maps"]["disclosed"] == 8


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_null(value: float) -> None:
    snapshot = session(1.0)
    broken = replace(
        snapshot,
        secret_hz=value,
        trigger={"phase_ps": value},
        blocks=(replace(snapshot.blocks[0], qber=value),),
        g2=(replace(snapshot.g2[0], high=value),),
        maps=MapView([0.0], [3.0], [[value]], [[0.5]], [[0.1]], [[1.0]], value, 8),
    )
    found, _ = read(encode(broken))
    assert found["secret_hz"] is found["trigger"]["phase_ps"] is None
    assert found["blocks"][0]["qber"] is found["g2"][0]["high"] is found["maps"]["seconds"] is None
    assert np.isnan(found["maps"]["sifted_hz"][0, 0])
    assert broken.to_json()["maps"]["sifted_hz"] == [[None]]
    json.dumps(broken.to_json(), allow_nan=False)


@pytest.mark.parametrize(("count", "kind"), [(2**32 - 1, "uint32"), (2**32, "float64")])
def test_counts_beyond_32_bits_stay_exact(count: int, kind: str) -> None:
    histogram = replace(arrivals(), counts=[0, count])
    found, types = read(encode(replace(session(1.0), histogram=histogram)))
    assert types["histogram.counts"] == kind
    assert found["histogram"]["counts"][1] == count
