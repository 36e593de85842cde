"""The layouts of event records: one table, read by host, gateware and documentation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordLayout:
    """A record as a little-endian integer made of bit fields.

    A record whose mask is 0 is no event: all its other bits are one number of pulses to add.

    Attributes
    ----------
    name : str
    fields : tuple of (str, int)
        Name and width in bits of each field, least significant first; they fill whole bytes.
    """

    name: str
    fields: tuple[tuple[str, int], ...]

    def width(self, field: str) -> int:
        """Bits of a field."""
        return dict(self.fields)[field]

    def shift(self, field: str) -> int:
        """Place of a field's least significant bit."""
        names = [name for name, _ in self.fields]
        return sum(width for _, width in self.fields[: names.index(field)])

    def limit(self, field: str) -> int:
        """Return the largest value of a field: its mask before shifting."""
        return (1 << self.width(field)) - 1

    @property
    def record_bytes(self) -> int:
        return sum(width for _, width in self.fields) // 8

    @property
    def max_skip(self) -> int:
        """The most pulses that one long advance adds."""
        return (1 << self.shift("mask")) - 1


NARROW = RecordLayout("narrow", (("phase_ticks", 13), ("flags", 2), ("advance", 13), ("mask", 4)))
WIDE = RecordLayout("wide", (("phase_ticks", 24), ("flags", 4), ("advance", 32), ("mask", 4)))
TAG = RecordLayout("tag", (("channel", 4), ("time_ticks", 60)))

LAYOUTS = {layout.record_bytes: layout for layout in (NARROW, WIDE)}
