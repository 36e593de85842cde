"""How fast the live page's server is: frames a second, processor time of one, and latency.

Snapshots are as large as a real run's: a histogram of 250 bins, a hundred blocks, and the paper's
41 × 91 maps. The reader is a real websocket client in a process of its own.
"""

import json
import multiprocessing
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from urllib.parse import parse_qs, urlsplit

import numpy as np

from hexkey.bench.timing import best_s
from hexkey.monitor import serve
from hexkey.monitor.frame import encode
from hexkey.monitor.hub import Hub
from hexkey.monitor.snapshot import BlockView, GateView, Histogram, MapView, Snapshot

BINS, STARTS, WIDTHS, BLOCKS = 250, 41, 91, 100
PACED_HZ, PACED = 50, 200  # snapshots a second, and how many: two are slower than 99 %
FLOODED, FLOOD_EVERY_S = 4_000, 0.0005  # faster than any of them can be sent
PATIENCE_S = 60.0

Arrivals = list[tuple[float, float]]  # when snapshots were published, and when their frames came


def run() -> dict[str, float]:
    """Measure the server with one reader.

    Returns
    -------
    dict
        Milliseconds from `Hub.publish` to the frame's arrival at 50 snapshots a second, median and
        99 %, and the processor time of the server's thread for each; frames a second that arrive
        when snapshots come faster than that; milliseconds of processor time of `encode`, and how
        many times as long the standard library takes for the JSON text of the same snapshot; and
        how many times as long that text is as the frame.
    """
    snapshot = large_snapshot()
    paced, server_s = _arrivals(snapshot, PACED, 1 / PACED_HZ)
    flooded, _ = _arrivals(snapshot, FLOODED, FLOOD_EVERY_S)
    latencies_s = [came - published for published, came in paced]
    frame, text = encode(snapshot), json_text(snapshot)
    frame_s, text_s = best_s(
        lambda: encode(snapshot), lambda: json_text(snapshot), clock=time.process_time
    )
    return {
        "latency_median_ms": 1e3 * float(np.median(latencies_s)),
        "latency_99_percent_ms": 1e3 * float(np.quantile(latencies_s, 0.99)),
        "server_ms_per_frame": 1e3 * server_s / len(paced),
        "frames_per_s": (len(flooded) - 1) / (flooded[-1][1] - flooded[0][1]),
        "frame_kilobytes": len(frame) / 1e3,
        "encode_ms": 1e3 * frame_s,
        "encode_ratio_to_json_text": text_s / frame_s,
        "json_text_bytes_over_frame": len(text) / len(frame),
    }


def large_snapshot() -> Snapshot:
    """Return a snapshot as a session with maps has it after a hundred blocks."""
    rng = np.random.default_rng(1)
    size = STARTS, WIDTHS
    return Snapshot(
        time_unix_s=1.7e9,
        state="receiving",
        makes_key=True,
        seconds=0.0,
        board="ulx3s-85f",
        histogram=Histogram(0.0, 100.0, 25_000.0, rng.poisson(5_000, BINS).tolist()),
        gate=GateView(1_200.0, 8_000.0),
        blocks=tuple(
            BlockView(block, 2.3 * block, 40_000, float(rng.uniform(0.02, 0.04)), 9_500, 9_600, 2e4)
            for block in range(BLOCKS)
        ),
        maps=MapView(
            np.linspace(0, 4, STARTS).tolist(),
            np.linspace(3, 12, WIDTHS).tolist(),
            rng.uniform(0, 2e4, size).tolist(),
            rng.uniform(0, 0.1, size).tolist(),
            rng.uniform(0, 0.01, size).tolist(),
            rng.uniform(0, 1e4, size).tolist(),
            60.0,
            50_000,
        ),
    )


def json_text(snapshot: Snapshot) -> bytes:
    """Return what one would send first."""
    return json.dumps(asdict(snapshot), separators=(",", ":")).encode()


def _arrivals(snapshot: Snapshot, count: int, every_s: float) -> tuple[Arrivals, float]:
    """Publish `count` snapshots; return what a reader saw, and the server's processor time in s."""
    hub = Hub()
    with _reading(hub) as found:
        clock = _clock_of("page")
        began_s = time.clock_gettime(clock)
        for _ in range(count):
            hub.publish(replace(snapshot, seconds=time.monotonic()))
            time.sleep(every_s)
        server_s = time.clock_gettime(clock) - began_s
        hub.publish(replace(snapshot, state="ended", seconds=time.monotonic()))
        return found.result(PATIENCE_S), server_s


@contextmanager
def _reading(hub: Hub) -> Iterator["Future[Arrivals]"]:
    """Serve a hub, with a reader that is connected, in a process of its own."""
    process = multiprocessing.get_context("spawn")
    with serve(hub, "127.0.0.1:0") as address, ProcessPoolExecutor(1, process) as pool:
        found = pool.submit(_read, address)
        while not hub.watchers:
            if found.done():
                found.result()
            time.sleep(0.01)
        yield found


def _read(address: str) -> Arrivals:
    """Read frames up to the end of the run; the clock is one that all processes share."""
    from websockets.sync.client import connect

    parts = urlsplit(address)
    token = {"Authorization": f"Bearer {parse_qs(parts.query)['token'][0]}"}
    seen: list[tuple[float, bytes]] = []
    with connect(f"ws://{parts.netloc}/ws", additional_headers=token, proxy=None) as link:
        while not seen or b'"state":"ended"' not in seen[-1][1]:
            frame = link.recv(PATIENCE_S)
            came_s = time.monotonic()
            assert isinstance(frame, bytes)
            (length,) = struct.unpack_from("<I", frame, 4)
            seen.append((came_s, frame[8 : 8 + length]))
    # Read only now, so that reading is not part of what is measured.
    return [(json.loads(header)["snapshot"]["seconds"], came_s) for came_s, header in seen]


def _clock_of(name: str) -> int:
    """Return the processor clock of the thread with this name."""
    [thread] = [one for one in threading.enumerate() if one.name == name]
    assert thread.ident is not None
    return time.pthread_getcpuclockid(thread.ident)
