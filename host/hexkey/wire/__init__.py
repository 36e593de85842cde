"""The wire format between board and host (docs/wire-format.md): the one place that defines it.

The register map is `hexkey.wire.registers`, a module that can also be run.
"""

from hexkey.wire.bodies import (
    COUNTERS,
    PAIRS,
    Counters,
    Histogram,
    Identification,
    Loss,
    LossCause,
    Pairs,
    RegisterOperation,
    RegisterReply,
    RegisterRequest,
    RegisterStatus,
    SettingsChange,
    Status,
)
from hexkey.wire.frame import (
    MAX_BODY_BYTES,
    MAX_PULSE,
    MAX_RECORDS,
    MAX_STUFFED_BYTES,
    VERSION,
    Frame,
    Header,
    Kind,
    decode_frame,
    encode_frame,
)
from hexkey.wire.layout import NARROW, WIDE, RecordLayout
from hexkey.wire.numbering import Gap
from hexkey.wire.records import (
    PackedEvents,
    pack_events,
    pack_frames,
    unpack_events,
    unpack_events_reference,
    unpack_frames,
)
from hexkey.wire.stream import StreamParser, StreamStatistics
from hexkey.wire.tagger import (
    G2,
    LAGS,
    CodeDensity,
    Marker,
    Tags,
    pack_tags,
    unpack_tags,
)

__all__ = [
    "COUNTERS",
    "G2",
    "LAGS",
    "MAX_BODY_BYTES",
    "MAX_PULSE",
    "MAX_RECORDS",
    "MAX_STUFFED_BYTES",
    "NARROW",
    "PAIRS",
    "VERSION",
    "WIDE",
    "CodeDensity",
    "Counters",
    "Frame",
    "Gap",
    "Header",
    "Histogram",
    "Identification",
    "Kind",
    "Loss",
    "LossCause",
    "Marker",
    "PackedEvents",
    "Pairs",
    "RecordLayout",
    "RegisterOperation",
    "RegisterReply",
    "RegisterRequest",
    "RegisterStatus",
    "SettingsChange",
    "Status",
    "StreamParser",
    "StreamStatistics",
    "Tags",
    "decode_frame",
    "encode_frame",
    "pack_events",
    "pack_frames",
    "pack_tags",
    "unpack_events",
    "unpack_events_reference",
    "unpack_frames",
    "unpack_tags",
]
