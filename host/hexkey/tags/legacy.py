"""PicoQuant's files from before `.ptu`: `.pt2`, `.pt3` (PicoHarp 300), `.ht2`, `.ht3` (HydraHarp).

Their headers are plain C structures, as PicoQuant's file access demonstrations publish them; their
records are those of `.ptu`. Fields that nothing here needs are skipped by their size.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from hexkey.errors import InputError
from hexkey.tags.pieces import Waiting, unreadable
from hexkey.tags.stream import TagFile
from hexkey.tags.tttr import INPUT_RATES, SYNC, WITH_SYNC, Layout, read_words

IDENTS = (b"PicoHarp 300\0", b"HydraHarp\0")
_TEXT = struct.Struct("<16s6s18s12s18s2s256s")
_DISPLAY_BYTES = 64 + 36 + 36  # curves, parameters, repetitions and the script's name

_PICO_MODE = struct.Struct("<4xi12xi12xi32x")  # bits a record, mode, ms asked for
_PICO_BOARD = struct.Struct("<16s8siI16xf104x")  # name, version, serial, divider, resolution in ns
_PICO_RUN = struct.Struct("<12xIIIiII")  # sync rate, input rate, ms taken, reason, records, image

_HYDRA_MODE = struct.Struct("<4xi4xi8xd4xi32x")  # bits, mode, resolution in ps, ms asked for
_HYDRA_BOARD = struct.Struct("<16s8si4x80xdQi12xI12x")  # name, part, serial, base, enabled, inputs
_HYDRA_RUN = struct.Struct("<IIiIQ")  # sync rate, ms taken, reason, image, records
_MOST_INPUTS = 64
_LONGEST_PS = 1e12  # of a tick


@dataclass(frozen=True, slots=True)
class Header:
    """What both kinds of header say."""

    device: str
    layout: Layout
    tick_ps: Fraction
    sync_hz: int
    sync_divider: int
    input_hz: tuple[int, ...]
    asked_ms: int
    taken_ms: int
    records: int
    start: int
    comment: str
    recorded: str


def open_legacy(path: Path, waiting: Waiting) -> TagFile:
    """Return the file as `TagFile`.

    Raises
    ------
    InputError
        The header is of a version or a mode that there is no reader for, or it is cut.
    """
    try:
        with path.open("rb") as file:
            head = file.read(1 << 14)
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        header = _pico(path, head) if head.startswith(IDENTS[0]) else _hydra(path, head)
    except struct.error:
        raise InputError(f"{path} ends within its header: copy it anew") from None
    layout, pulsed = header.layout, header.layout.pulsed
    has_sync = pulsed or layout in WITH_SYNC
    period_ps = 1e12 / header.sync_hz if header.sync_hz and has_sync else None
    records = header.records or None
    return TagFile(
        path,
        f"PicoQuant {'T3' if pulsed else 'T2'}, before .ptu ({header.device})",
        header.tick_ps,
        pulsed,
        lambda follow: read_words(
            path, header.start, layout, None if follow else records, waiting if follow else None
        ),
        sync_period_ps=period_ps,
        trigger_channel=SYNC if header.sync_hz and layout in WITH_SYNC else None,
        seconds_stated=header.taken_ms / 1000 if header.taken_ms else None,
        seconds_asked=header.asked_ms / 1000 if header.asked_ms else None,
        records_stated=records,
        stated={
            "recorded": header.recorded,
            "comment": header.comment,
            "sync divider": header.sync_divider,
            "sync rate, Hz": header.sync_hz,
            INPUT_RATES: list(header.input_hz),
        },
    )


def _pico(path: Path, head: bytes) -> Header:
    _, version, _, _, recorded, _, comment = _TEXT.unpack_from(head)
    _check_version(path, version, ("2.0",))
    at = _TEXT.size
    bits, mode, asked_ms = _PICO_MODE.unpack_from(head, at)
    at += _PICO_MODE.size + _DISPLAY_BYTES
    device, hardware, _, divider, resolution_ns = _PICO_BOARD.unpack_from(head, at)
    at += _PICO_BOARD.size
    sync_hz, input_hz, taken_ms, _, records, image = _PICO_RUN.unpack_from(head, at)
    layout = _layout(path, bits, mode, Layout.PICO_T2, Layout.PICO_T3)
    tick_ps = Fraction(4)  # T2 counts the clock of the board
    if layout.pulsed:
        tick_ps = _tick(path, resolution_ns * 1000)
    return Header(
        f"{_text(device)} {_text(hardware)}".strip(),
        layout,
        tick_ps,
        sync_hz,
        divider,
        (input_hz,) if layout.pulsed else (sync_hz, input_hz),
        asked_ms,
        taken_ms,
        records,
        at + _PICO_RUN.size + 4 * image,
        _text(comment),
        _text(recorded),
    )


def _hydra(path: Path, head: bytes) -> Header:
    _, version, _, _, recorded, _, comment = _TEXT.unpack_from(head)
    number = _check_version(path, version, ("1.0", "2.0"))
    at = _TEXT.size
    bits, mode, resolution_ps, asked_ms = _HYDRA_MODE.unpack_from(head, at)
    at += _HYDRA_MODE.size + _DISPLAY_BYTES
    device, _, _, base_ps, _, inputs, divider = _HYDRA_BOARD.unpack_from(head, at)
    at += _HYDRA_BOARD.size
    if not 0 <= inputs <= _MOST_INPUTS:
        raise InputError(f"{path} states {inputs} inputs: its header is damaged; copy it anew")
    at += 16 * inputs
    input_hz = struct.unpack_from(f"<{inputs}I", head, at)
    at += 4 * inputs
    sync_hz, taken_ms, _, image, records = _HYDRA_RUN.unpack_from(head, at)
    layouts = (Layout.HYDRA1_T2, Layout.HYDRA1_T3)
    if number == "2.0":
        layouts = (Layout.HYDRA2_T2, Layout.HYDRA2_T3)
    layout = _layout(path, bits, mode, *layouts)
    if layout is Layout.HYDRA1_T2:  # which counts halves of the resolution that it states
        base_ps /= 2
    return Header(
        _text(device),
        layout,
        _tick(path, resolution_ps if layout.pulsed else base_ps),
        sync_hz,
        divider,
        input_hz,
        asked_ms,
        taken_ms,
        records,
        at + _HYDRA_RUN.size + 4 * image,
        _text(comment),
        _text(recorded),
    )


def _check_version(path: Path, version: bytes, known: tuple[str, ...]) -> str:
    found = _text(version)
    if found not in known:
        raise InputError(
            f"{path} has version {found!r} of its format; known are {', '.join(known)}: convert it "
            "to .ptu with PicoQuant's software"
        )
    return found


def _layout(path: Path, bits: int, mode: int, t2: Layout, t3: Layout) -> Layout:
    if bits != 32 or mode not in (2, 3):
        raise InputError(
            f"{path} holds measurement mode {mode} with {bits} bits a record; only T2 and T3 "
            "(modes 2 and 3 with 32 bits) are lists of detections"
        )
    return t2 if mode == 2 else t3


def _tick(path: Path, resolution_ps: float) -> Fraction:
    found = Fraction(0)
    if 0 < resolution_ps < _LONGEST_PS:
        found = Fraction(resolution_ps).limit_denominator(1000)
    if found == 0:
        raise InputError(f"{path} states a resolution of {resolution_ps} ps: its header is damaged")
    return found


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("latin-1").strip()
