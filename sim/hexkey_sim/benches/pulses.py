"""Closed pulses, as the golden models see them and as they travel in the gateware."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hexkey_gateware.slot import CLOSED, CONTROL
from hexkey_sim.benches.words import pack, unpack
from hexkey_sim.golden.resolver import Resolver
from hexkey_sim.golden.settings import Click, FrontEndCounters, FrontEndSettings

GATE = range(100, 200)
"""Where the benches behind the gate have it: phases inside."""


@dataclass(slots=True)
class Pulse:
    """One pulse from its beginning to its end."""

    clicks: list[Click] = field(default_factory=list)
    control: dict[str, int] = field(default_factory=dict)
    blind: int = 0
    numbered: int = 1
    holdover: int = 0

    def word(self) -> int:
        """Return the pulse as `CLOSED`, its clicks added up by the golden resolver."""
        inside = sorted(click for click in self.clicks if click.phase_ticks in GATE)
        counters = FrontEndCounters()
        event = Resolver(FrontEndSettings(), counters).resolve(inside)
        return pack(
            CLOSED,
            clicks=len(self.clicks),
            outside=len(self.clicks) - len(inside),
            repeats=counters.repeats,
            mask=event.mask if event else 0,
            phase_ticks=event.phase_ticks if event else 0,
            holdover=self.holdover,
            blind=self.blind,
            numbered=self.numbered,
            control=pack(CONTROL, **self.control),
        )


def comparable(word: int) -> dict[str, int]:
    """Return what means something of a `CLOSED` word."""
    fields = unpack(CLOSED, word)
    if not fields["numbered"]:
        return {name: fields[name] for name in ("clicks", "numbered")}
    if not fields["mask"]:
        del fields["phase_ticks"]
    return fields


def check_pulses(received: Sequence[int], expected: Sequence[Pulse]) -> None:
    """Raise AssertionError with the first difference, if there is one."""
    for at, (got, pulse) in enumerate(zip(received, expected, strict=False)):
        is_, wanted = comparable(got), comparable(pulse.word())
        assert is_ == wanted, f"pulse {at} is {is_}, not {wanted}"
    assert len(received) == len(expected), f"{len(received)} pulses, not {len(expected)}"
