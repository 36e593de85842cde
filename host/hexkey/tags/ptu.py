"""PicoQuant's unified files (`.ptu`): the header by `ptufile`, the records by the kernel.

`ptufile` decodes records, too; it gives the edges of the sync in T2 the number of the first input,
so that they cannot be told apart. In all else both agree, which tests hold them to.
"""

import logging
from fractions import Fraction
from pathlib import Path
from typing import Any

from ptufile import PqFileError, PtuFile

from hexkey.errors import InputError
from hexkey.tags.pieces import Waiting
from hexkey.tags.stream import TagFile
from hexkey.tags.tttr import INPUT_RATES, SYNC, WITH_SYNC, Layout, read_words

MAGIC = b"PQTTTR"
LAYOUTS = {  # by the header's record type
    0x00010203: Layout.PICO_T2,
    0x00010303: Layout.PICO_T3,
    0x00010204: Layout.HYDRA1_T2,
    0x00010304: Layout.HYDRA1_T3,
    0x01010204: Layout.HYDRA2_T2,
    0x01010304: Layout.HYDRA2_T3,
    0x00010205: Layout.HYDRA2_T2,  # TimeHarp 260N
    0x00010305: Layout.HYDRA2_T3,
    0x00010206: Layout.HYDRA2_T2,  # TimeHarp 260P
    0x00010306: Layout.HYDRA2_T3,
    0x00010207: Layout.HYDRA2_T2,  # MultiHarp, PicoHarp 330
    0x00010307: Layout.HYDRA2_T3,
}
_SHOWN = {
    "File_CreatingTime": "recorded",
    "CreatorSW_Name": "software",
    "File_Comment": "comment",
    "HW_SerialNo": "serial number",
    "HWSync_Divider": "sync divider",
    "TTResult_SyncRate": "sync rate, Hz",
    "TTResult_InputRate": INPUT_RATES,
    "MeasDesc_AcquisitionTime": "time asked for, ms",
}
_GLOBAL = "MeasDesc_GlobalResolution"
_MOST = 2.0**53  # of any number that a header states
_FINEST = 1000  # parts of a picosecond: headers hold 9.99999996e-13 s for 1 ps


def open_ptu(path: Path, waiting: Waiting) -> TagFile:
    """Return the file as `TagFile`.

    Raises
    ------
    InputError
        The header is damaged, or of a record type that there is no decoder for.
    """
    tags, start = _header(path)
    number, bits = tags.get("TTResultFormat_TTTRRecType"), tags.get("TTResultFormat_BitsPerRecord")
    layout = LAYOUTS.get(number) if isinstance(number, int) else None
    if layout is None or bits not in (None, 0, 32):
        raise InputError(
            f"{path} has records of the type {number} and {bits} bits, which no reader here knows; "
            f"known are {', '.join(f'{known:#010x}' for known in LAYOUTS)} of 32 bits"
        )
    tick_s = _positive(tags, "MeasDesc_Resolution" if layout.pulsed else _GLOBAL)
    period_s = _positive(tags, _GLOBAL)
    tick_ps = Fraction(0) if tick_s is None or tick_s > 1 else picoseconds(tick_s)
    if tick_ps == 0 or period_s is None:
        raise InputError(
            f"{path} has no time resolution in its header: it is damaged; copy or export it anew"
        )
    sync_hz = _positive(tags, "TTResult_SyncRate")
    period_ps: float | None = period_s * 1e12
    if not layout.pulsed:
        period_ps = 1e12 / sync_hz if sync_hz and layout in WITH_SYNC else None
    stated = _positive(tags, "TTResult_NumberOfRecords")
    records = None if stated is None else int(stated)
    taken_ms = _positive(tags, "TTResult_StopAfter")
    asked_ms = _positive(tags, "MeasDesc_AcquisitionTime")
    shown = {name: tags[tag] for tag, name in _SHOWN.items() if tags.get(tag) is not None}
    if layout is Layout.PICO_T2 and isinstance(rates := shown.get(INPUT_RATES), list):
        shown[INPUT_RATES] = [sync_hz or 0, *rates]  # the sync's input is channel 0
    mode = "T3" if layout.pulsed else "T2"
    return TagFile(
        path,
        f"PicoQuant {mode} ({tags.get('HW_Type', 'device not stated')})",
        tick_ps,
        layout.pulsed,
        lambda follow: read_words(
            path, start, layout, None if follow else records, waiting if follow else None
        ),
        sync_period_ps=period_ps,
        trigger_channel=SYNC if sync_hz and layout in WITH_SYNC else None,
        seconds_stated=taken_ms / 1000 if taken_ms else None,
        seconds_asked=asked_ms / 1000 if asked_ms else None,
        records_stated=records,
        stated=shown,
    )


def picoseconds(seconds: float) -> Fraction:
    """Return a resolution in ps, without what floating point adds to it."""
    return Fraction(seconds * 1e12).limit_denominator(_FINEST)


def _positive(tags: dict[str, Any], name: str) -> float | None:
    """Return a number of the header; None where there is none, or 0, or what damage makes of it."""
    value = tags.get(name)
    if isinstance(value, int | float) and 0 < value < _MOST:
        return float(value)
    return None


def _header(path: Path) -> tuple[dict[str, Any], int]:
    log = logging.getLogger("ptufile")
    was = log.disabled
    log.disabled = True  # it speaks of tags that nothing here needs
    try:
        with path.open("rb") as opened, PtuFile(opened) as file:  # it may leave its own open
            return dict(file.tags), file.record_offset
    except (PqFileError, ValueError) as error:
        raise InputError(
            f"{path} begins as a PicoQuant file but its header is damaged ({error}); copy it anew"
        ) from None
    finally:
        log.disabled = was
