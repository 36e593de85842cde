"""Raw tags of a board into a file of arrays."""

import os
import secrets
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from hexkey.board import Board
from hexkey.calibration.procedure import Progress
from hexkey.errors import StoreError
from hexkey.wire import Kind, Tags, unpack_tags
from hexkey.wire.channels import TRIGGER
from hexkey.wire.registers import Mode


def record_tags(
    board: Board,
    out: Path,
    seconds: float,
    *,
    trigger: bool,
    progress: Progress,
    stop: threading.Event,
) -> dict[str, Any]:
    """Record for some time, or until `stop` is set, with the settings that the board has.

    Mode and the trigger's channel are as before at the end. All is held in memory until then.

    Raises
    ------
    StoreError
        If the file exists or cannot be written.
    """
    file = _create(out)
    before = board.read("mode"), board.read("enable", TRIGGER)
    try:
        board.write("mode", Mode.RAW_TAGS)
        board.write("enable", int(trigger), TRIGGER)
        board.commit()
        parts = _record(board, seconds, progress, stop)
        lost = board.read("tags_dropped")
    finally:
        board.write("mode", before[0])
        board.write("enable", before[1], TRIGGER)
        board.commit()
    tags = Tags(
        np.concatenate([part.time_ticks for part in parts] or [np.empty(0, np.uint64)]),
        np.concatenate([part.channel for part in parts] or [np.empty(0, np.uint8)]),
    )
    with os.fdopen(file, "wb") as opened:
        np.savez_compressed(
            opened,
            time_ticks=tags.time_ticks,
            channel=tags.channel,
            tick_ps=np.array(str(board.identification.tick_ps)),
            board=np.array(f"{board.identification.board} {board.identification.firmware}"),
            lost=np.array(lost),
        )
    return {"tags": len(tags), "lost": lost, "frames_missed": board.statistics.frames_missed}


def _record(board: Board, seconds: float, progress: Progress, stop: threading.Event) -> list[Tags]:
    run = secrets.randbelow(2**32 - 1) + 1
    board.arm(run)
    began = time.monotonic()
    parts: list[Tags] = []

    def take(timeout_s: float) -> None:
        for frame in board.frames(timeout_s):
            if frame.header.kind is Kind.TAGS and frame.header.run == run:
                parts.append(unpack_tags(frame.body))

    while time.monotonic() - began < seconds and not stop.is_set():
        take(0.05)
        passed, count = time.monotonic() - began, sum(map(len, parts))
        progress({"event": "tags", "seconds": passed, "tags": count})
    board.stop()
    take(0.0)
    return parts


def _create(out: Path) -> int:
    try:
        return os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise StoreError(
            f"{out} cannot be created ({error.strerror}): name a new file in a folder that exists"
        ) from None
