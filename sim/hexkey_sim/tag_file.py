"""The simulated clicks as a laboratory's free-running tagger records them.

A file in qutools' binary format (10-byte records after 40 bytes of header, in ps): detectors on
channels 1 to 4, the trigger on 5, divided by 8 and filtered as taggers do it to save bandwidth: of
its edges only the first after a click is there. The tagger's clock is off, and its inputs jitter.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from hexkey.errors import StoreError
from hexkey.tags.qutag import MAGIC
from hexkey_sim.link import Clicks
from hexkey_sim.link.parameters import LinkParameters

FIRST_CHANNEL, TRIGGER_CHANNEL = 1, 5
DIVIDER = 8
CLOCK_OFF = 20e-6  # of the tagger against the source
JITTER_PS = 30.0  # of the trigger's input, rms
STARTED_PS = 10_000_000_000  # the tagger's time when the link's is 0
_HEADER_BYTES = 40
_RECORD = np.dtype([("time", "<u8"), ("channel", "<u2")])


class Link(Protocol):
    def advance(self, pulses: int) -> Clicks: ...


class TagWriter:
    """Writes clicks, and the edges after them, into a new file.

    Raises
    ------
    StoreError
        The file exists, or cannot be written.
    """

    def __init__(self, path: Path, link: LinkParameters, seed: int) -> None:
        self._path = path
        self._edge_ps = DIVIDER * link.period_ps
        self._random = np.random.default_rng([seed, TRIGGER_CHANNEL])
        self._last_edge = -1
        try:
            # As Alice's record beside it: detections are the bits of a key.
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise StoreError(f"{path} cannot be made: {error.strerror}") from None
        self._file = os.fdopen(number, "wb")
        self._file.write(MAGIC.ljust(_HEADER_BYTES, b"\0"))

    def write(self, clicks: Clicks) -> None:
        """Append clicks, later than those before them."""
        after = np.unique(clicks.time_ps // self._edge_ps + 1)
        edges = after[after > self._last_edge]
        self._last_edge = int(edges[-1]) if len(edges) else self._last_edge
        jitter = self._random.normal(0.0, JITTER_PS, len(edges))
        times = np.concatenate([clicks.time_ps, edges * self._edge_ps])
        # A double has no room for a picosecond in an hour, but for what the clock is off.
        times += STARTED_PS + np.rint(times * CLOCK_OFF).astype(np.int64)
        times[len(clicks) :] += np.rint(jitter).astype(np.int64)
        records = np.empty(len(times), _RECORD)
        order = np.argsort(times, kind="stable")
        records["time"] = times[order]
        channels = [clicks.detector.astype(np.uint16) + FIRST_CHANNEL]
        channels.append(np.full(len(edges), TRIGGER_CHANNEL, np.uint16))
        records["channel"] = np.concatenate(channels)[order]
        try:
            self._file.write(records.tobytes())
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


class TaggedLink:
    """A link whose clicks a tagger records beside the board."""

    def __init__(self, link: Link, tagger: TagWriter) -> None:
        self._link = link
        self._tagger = tagger

    def advance(self, pulses: int) -> Clicks:
        clicks = self._link.advance(pulses)
        self._tagger.write(clicks)
        return clicks
