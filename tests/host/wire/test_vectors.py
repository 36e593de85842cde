"""The golden vectors: what a second implementation of the format would be tested with."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hexkey.events import Events
from hexkey.wire import (
    G2,
    CodeDensity,
    Counters,
    Frame,
    Header,
    Histogram,
    Identification,
    Kind,
    Loss,
    LossCause,
    Marker,
    Pairs,
    RegisterOperation,
    RegisterReply,
    RegisterRequest,
    RegisterStatus,
    SettingsChange,
    Status,
    StreamParser,
    Tags,
    decode_frame,
    encode_frame,
    pack_events,
    pack_tags,
    unpack_events,
)
from hexkey.wire.layout import LAYOUTS
from hexkey.wire.registers import Source

VECTORS = Path(__file__).parents[2] / "vectors" / "wire"


def encode_body(header: Header, values: dict[str, Any]) -> bytes:
    """Encode a vector's body through the class of its kind."""
    match header.kind:
        case Kind.EVENTS:
            types = (np.uint64, np.uint32, np.uint8, np.uint8)
            events = Events(*(np.array(v, t) for v, t in zip(values.values(), types, strict=True)))
            return pack_events(events, header.pulse, LAYOUTS[header.record_bytes])
        case Kind.IDENTIFICATION:
            return Identification(**{**values, "tick_ps": Fraction(values["tick_ps"])}).encode()
        case Kind.HISTOGRAM:
            counts = np.array(values["counts"], np.uint32)
            return Histogram(**{**values, "counts": counts}).encode()
        case Kind.TAGS:
            return pack_tags(
                Tags(
                    np.array(values["time_ticks"], np.uint64), np.array(values["channel"], np.uint8)
                )
            )
        case Kind.CODE_DENSITY:
            counts = np.array(values["counts"], np.uint32)
            source = Source(values["source"])
            return CodeDensity(**{**values, "source": source, "counts": counts}).encode()
        case Kind.G2:
            coincidences = np.array(values["coincidences"], np.uint64)
            return G2(**{**values, "coincidences": coincidences}).encode()
        case Kind.PAIRS:
            return Pairs(tuple(values["counts"])).encode()
        case Kind.LOSS:
            return Loss(**{**values, "cause": LossCause(values["cause"])}).encode()
        case Kind.REGISTER_REQUEST:
            return RegisterRequest(**{**values, "op": RegisterOperation(values["op"])}).encode()
        case Kind.REGISTER_REPLY:
            return RegisterReply(**{**values, "status": RegisterStatus(values["status"])}).encode()
        case kind:
            simple = {
                Kind.COUNTERS: Counters,
                Kind.STATUS: Status,
                Kind.MARKER: Marker,
                Kind.SETTINGS: SettingsChange,
            }
            return bytes(simple[kind](**values).encode())


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")), ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    vector = json.loads(path.read_text())
    values = vector["header"]
    header = Header(**{**values, "kind": Kind[values["kind"]]})
    raw = b"".join(bytes.fromhex(field) for field in vector["fields"].values())
    stuffed = bytes.fromhex(vector["stuffed"])

    body = encode_body(header, vector["body"])
    assert body == raw[28:-4]
    assert encode_frame(header, body) == stuffed
    assert decode_frame(stuffed) == Frame(header, body)
    assert StreamParser().feed(stuffed) == [Frame(header, body)]
    if header.kind is Kind.EVENTS:
        events = unpack_events(body, header.pulse, header.record_bytes)
        for name, expected in vector["body"].items():
            assert getattr(events, name).tolist() == expected


def test_there_is_a_vector_for_every_body_that_has_a_class() -> None:
    found = {json.loads(path.read_text())["header"]["kind"] for path in VECTORS.glob("*.json")}
    assert found == {kind.name for kind in Kind} - {"TIME"}


def test_the_worked_example_of_the_documentation_is_a_vector() -> None:
    document = Path(__file__).parents[3] / "docs" / "wire-format.md"
    hexadecimal = document.read_text().split("```")[3]
    vector = json.loads((VECTORS / "register_request.json").read_text())
    assert bytes.fromhex(hexadecimal) == bytes.fromhex(vector["stuffed"])
