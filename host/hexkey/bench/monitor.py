"""How fast the live page's server is: frames a second, processor time of one, and latency.

Snapshots are as large as a real run's: a histogram of 250 bins, a hundred blocks, and the paper's
41 × 91 maps. The reader is a real websocket client in a process of its own.
"""

import json
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from urllib.parse import parse_qs, urlsplit

import numpy as np

from hexkey.bench.timing import best_s
from hexkey.monitor import serve
from hexkey.monitor.frame import encode
from hexkey.monitor.hub import Hub
from hexkey.monitor.snapshot import BlockView, GateView, Histogram, MapView, Snapshot

BINS, STARTS, WIDTHS, BLOCKS = 250, 41, 91, 100
PACED_HZ, PACED = 50, 250  # snapshots a second, and how many: enough for the slowest in a hundred
FLOOD_S = 3.0
READ_S = 60.0  # how long the reader waits for a frame

# Prints when each frame arrived and when its snapshot was published, on the clock of all processes.
_READER = """
import json, struct, sys, time
from websockets.sync.client import connect
url, token = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}"}
frames = []
with connect(url, additional_headers=headers, proxy=None, max_size=None) as link:
    print("reading", flush=True)
    while True:
        frame = link.recv(timeout=float(sys.stdin.readline()) if not frames else 60)
        at = time.monotonic()
        (length,) = struct.unpack_from("<I", frame, 4)
        frames.append((at, frame[8:8 + length]))
        if b'"state":"ended"' in frame[:400]:
            break
for at, header in frames:
    print(at, json.loads(header)["snapshot"]["seconds"])
"""


def run() -> dict[str, float]:
    """Measure the server with one reader.

    Returns
    -------
    dict
        Frames a second that arrive when snapshots come faster than that; milliseconds from
        `Hub.publish` to arrival, median and slowest of a hundred, at 50 snapshots a second, and the
        processor time of the server's thread for each of those; how many times as long the standard
        library takes for the JSON text of the same snapshot as `encode` for its frame, and how many
        times as long that text is.
    """
    snapshot = large_snapshot()
    latencies_s, server_s = _paced(snapshot)
    frame, text = encode(snapshot), _json_text(snapshot)
    frame_s, text_s = best_s(
        lambda: encode(snapshot), lambda: _json_text(snapshot), clock=time.process_time
    )
    return {
        "frames_per_s": _flooded(snapshot),
        "latency_median_ms": 1000 * float(np.median(latencies_s)),
        "latency_99_percent_ms": 1000 * float(np.quantile(latencies_s, 0.99)),
        "server_ms_per_frame": 1000 * server_s / PACED,
        "frame_ms": 1000 * frame_s,
        "ratio_to_json_text": text_s / frame_s,
        "frame_kilobytes": len(frame) / 1000,
        "bytes_ratio_to_json_text": len(text) / len(frame),
    }
