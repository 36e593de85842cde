"""Words of the gateware's layouts to integers and back, fast enough for every clock."""

from functools import cache

from amaranth.lib import data


@cache
def _places(layout: data.StructLayout) -> dict[str, tuple[int, int]]:
    return {str(name): (field.offset, (1 << field.width) - 1) for name, field in layout}


def pack(layout: data.StructLayout, **fields: int) -> int:
    """Return the word with these fields; others are 0. KeyError for a name that it has not."""
    places = _places(layout)
    word = 0
    for name, value in fields.items():
        offset, limit = places[name]
        if not 0 <= value <= limit:
            raise ValueError(f"{name} must be between 0 and {limit}, not {value}")
        word |= int(value) << offset
    return word


def unpack(layout: data.StructLayout, word: int) -> dict[str, int]:
    return {name: word >> offset & limit for name, (offset, limit) in _places(layout).items()}
