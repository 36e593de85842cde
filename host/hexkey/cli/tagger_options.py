"""Options that say how the tagger of a file was wired, for all commands that take such files."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hexkey.errors import ConfigurationError
from hexkey.events import DETECTORS

if TYPE_CHECKING:
    from hexkey.party.tag_source import Tagger

DetectorsOption = Annotated[
    str | None,
    typer.Option(
        "--detectors", help="Tagger's file: the channel of each detector, such as 0=1,1=2."
    ),
]
TriggerChannelOption = Annotated[
    int | None, typer.Option(help="Tagger's file without pulse numbers: the trigger's channel.")
]
TriggerDividerOption = Annotated[
    int | None, typer.Option(help="Tagger's file: pulses for each edge of the trigger (or sync).")
]
PulseRateOption = Annotated[
    float | None,
    typer.Option(help="Tagger's file: rate of the source, to 0.1 %; the file's or the record's."),
]
DelayOption = Annotated[
    str | None,
    typer.Option("--delay-ns", help="Tagger's file: added to each detector's times; 0,0.3."),
]
HoldoffOption = Annotated[
    int | None, typer.Option(help="Tagger's file: pulses ignored after any click (2).")
]
DeadTimeOption = Annotated[
    float | None,
    typer.Option(help="Tagger's file: longest dead time of a detector (24), within the hold-off."),
]


def tagger_of(wiring: Mapping[str, Any]) -> "Tagger":
    """Return the settings of a tagger's file; what is None stays as it is by itself.

    Raises
    ------
    ConfigurationError
        Channels or delays cannot be read.
    """
    from hexkey.party.tag_source import Tagger

    given = {name: value for name, value in wiring.items() if value is not None}
    if "channels" in given:
        given["channels"] = _channels(given["channels"])
    if "delay_ns" in given:
        given["delay_ns"] = _delays(given["delay_ns"])
    return Tagger(**given)


def _channels(text: str) -> tuple[int, ...]:
    found = [re.fullmatch(r"\s*(\d+)\s*=\s*(\d+)\s*", part) for part in text.split(",")]
    pairs = {int(one[1]): int(one[2]) for one in found if one}
    if len(pairs) != len(found) or sorted(pairs) != list(range(len(pairs))):
        raise ConfigurationError(
            f"--detectors {text!r} cannot be read: give the channel of detector 0, of detector 1 "
            "and so on, such as 0=1,1=2"
        )
    return tuple(pairs[detector] for detector in range(len(pairs)))


def _delays(text: str) -> tuple[float, ...]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = [float("nan")]
    if not all(abs(delay) < 1e6 for delay in found) or len(found) > DETECTORS:
        raise ConfigurationError(
            f"--delay-ns {text!r} cannot be read: give nanoseconds for detector 0, detector 1 and "
            "so on, such as 0,0.3"
        )
    return (*found, *(0.0,) * (DETECTORS - len(found)))
