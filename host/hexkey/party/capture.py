"""Record a board's wire without a session."""

import threading
from pathlib import Path
from typing import Any

from hexkey.board_settings import BoardSettings, DetectorSettings
from hexkey.calibration.refresher import Refresher
from hexkey.events import DETECTORS
from hexkey.live import LiveEvents
from hexkey.party.setup import open_board
from hexkey.randomness import OperatingSystem
from hexkey.receiver import Receiver, new_run_id, stream_facts
from hexkey.recording import SIMULATED_BOARD, RecordingWriter, describe_run
from hexkey.session.tally import Progress
from hexkey.sift import BIT_OF_DETECTOR
from hexkey.window import window_in_ticks


def record_wire(
    port: str,
    out: Path,
    seconds: float,
    gate_start_ns: float,
    gate_width_ns: float,
    holdoff_pulses: int,
    progress: Progress,
    stop: threading.Event,
    *,
    refresh: bool = True,
) -> dict[str, Any]:
    """Record for `seconds`, or until `stop` is set, and return the counts.

    Raises
    ------
    DeviceError, ConfigurationError, InputError, StoreError
        The board, the gate, its tables or the file; what was recorded until then is kept.
    """
    recording = RecordingWriter(out)
    try:
        with open_board(port, progress, on_bytes=recording.wire) as board:
            ident = board.identification
            window = window_in_ticks(
                gate_start_ns, gate_width_ns, ident.tick_ps, ident.period_ticks
            )
            gated = DetectorSettings(window.gate.start_ticks, window.gate.width_ticks)
            board.configure(
                BoardSettings(detectors=(gated,) * ident.detectors, holdoff_pulses=holdoff_pulses)
            )
            gates = (window.gate,) * DETECTORS
            run = new_run_id(OperatingSystem())
            receiver = Receiver(run, gates, window.period_ticks)
            recording.meta(
                {
                    **describe_run(run, window, BIT_OF_DETECTOR),
                    "reasons": [SIMULATED_BOARD] if ident.simulated else [],
                }
            )
            refresher = Refresher.of(board, progress) if refresh else None
            with LiveEvents(board, receiver, run, seconds, progress, stop, refresher) as chunks:
                for _ in chunks:
                    pass
            losses = stream_facts(board.statistics)
    except BaseException:
        recording.close()
        raise
    lost = receiver.counts.board_lost + losses["events_missed"]
    calibration = refresher.facts() if refresher else None
    report = {**receiver.facts(), **losses, "lost": lost, "calibration": calibration}
    recording.close(report)
    return report
