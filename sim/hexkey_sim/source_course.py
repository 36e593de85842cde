"""A source whose g² changes while it runs, such as an emitter that bleaches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hexkey.errors import ConfigurationError
from hexkey_sim.link import Clicks, OpticalLink


@dataclass(frozen=True, slots=True)
class Change:
    """From `at_s` on, in seconds of the link, the source has another `g2`."""

    at_s: float
    g2: float


def parse_changes(specs: Sequence[str]) -> tuple[Change, ...]:
    """Read changes written as ``seconds:g2``, such as ``5:0.9``.

    Raises
    ------
    ConfigurationError
        Naming the one that is wrong.
    """
    changes = []
    for spec in specs:
        at_s, _, g2 = spec.partition(":")
        try:
            change = Change(float(at_s), float(g2))
        except ValueError:
            change = Change(-1.0, -1.0)
        if not (change.at_s >= 0 and 0 <= change.g2 <= 1):
            raise ConfigurationError(
                f"the change {spec!r} of g2 cannot be read: write seconds and a g2 from 0 to 1, "
                "such as 5:0.9"
            )
        changes.append(change)
    return tuple(sorted(changes, key=lambda change: change.at_s))


class ChangingSource:
    """A link whose source follows a course, to the stretch that it is asked for."""

    def __init__(self, link: OpticalLink, changes: Sequence[Change]) -> None:
        self._link = link
        self._left = list(changes)

    def advance(self, pulses: int) -> Clicks:
        link = self._link
        seconds = link.pulse / link.parameters.pulse_rate_hz
        while self._left and self._left[0].at_s <= seconds:
            link.parameters = replace(link.parameters, g2=self._left.pop(0).g2)
        return link.advance(pulses)
