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
from hexkey.tags.tttr import SYNC, Layout, read_words

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
    "TTResult_InputRate": "input rates, Hz",
    "MeasDesc_AcquisitionTime": "time asked for, ms",
}
_FINEST = 1000  # parts of a picosecond: headers hold 9.99999996e-13 s for 1 ps


def open_ptu(path: Path, waiting: Waiting) -> TagFile:
    """Return the file as `TagFile`.

    Raises
    ------
    InputError
        The header is damaged, or of a record type that there is no decoder for.
    """
    tags, start = _header(path)
    number = tags.get("TTResultFormat_TTTRRecType")
    if number not in LAYOUTS or tags.get("TTResultFormat_BitsPerRecord", 32) not in (0, 32):
        raise InputError(
            f"{path} has records of the type {number}, which no reader here knows; known are "
            f"{', '.join(f'{known:#010x}' for known in LAYOUTS)}"
        )
    layout = LAYOUTS[number]
    try:
        resolution = tags["MeasDesc_Resolution" if layout.pulsed else "MeasDesc_GlobalResolution"]
        tick_ps = picoseconds(resolution)
        period_ps = float(tags["MeasDesc_GlobalResolution"]) * 1e12 if layout.pulsed else None
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} has no time resolution in its header ({error}): it is damaged; export it anew"
        ) from None
    sync_hz = tags.get("TTResult_SyncRate") or 0
    if not layout.pulsed and sync_hz:
        period_ps = 1e12 / sync_hz
    records = int(tags.get("TTResult_NumberOfRecords") or 0) or None
    stopped_ms = tags.get("TTResult_StopAfter") or tags.get("MeasDesc_AcquisitionTime")
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
        trigger_channel=SYNC if sync_hz and not layout.pulsed and layout > 1 else None,
        seconds_stated=stopped_ms / 1000 if stopped_ms else None,
        records_stated=records,
        stated={shown: tags[name] for name, shown in _SHOWN.items() if tags.get(name) is not None},
    )


def picoseconds(seconds: float) -> Fraction:
    """Return a resolution in ps, without what floating point adds to it; ValueError for none."""
    found = Fraction(seconds * 1e12).limit_denominator(_FINEST)
    if found <= 0:
        raise ValueError(f"{seconds} s")
    return found


def _header(path: Path) -> tuple[dict[str, Any], int]:
    log = logging.getLogger("ptufile")
    was = log.disabled
    log.disabled = True  # it speaks of tags that nothing here needs
    try:
        with PtuFile(path) as file:
            return dict(file.tags), file.record_offset
    except (PqFileError, ValueError) as error:
        raise InputError(
            f"{path} begins as a PicoQuant file but its header is damaged ({error}); copy it anew"
        ) from None
    finally:
        log.disabled = was
