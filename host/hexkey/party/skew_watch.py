"""Bob's eye on the skew of his detectors, while key is made."""

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, TypeVar

from hexkey.errors import DeviceError
from hexkey.receiver import Receiver
from hexkey.session.tally import Progress
from hexkey.skew import SKEW_LIMIT_PS, Skew

Chunk = TypeVar("Chunk")


def watched(
    chunks: Iterable[Chunk],
    receiver: Receiver,
    tick_ps: Fraction,
    progress: Progress,
    *,
    secret: bool,
) -> Iterator[Chunk]:
    """Pass chunks on; say once if detectors turn out not to be aligned.

    Raises
    ------
    DeviceError
        That, in a session that makes secret keys: the block at hand is not finished.
    """
    said = False
    for chunk in chunks:
        if not said and (alarms := [skew for skew in receiver.skews(tick_ps) if skew.alarm]):
            sentence = describe(alarms[0])
            if secret:
                raise DeviceError(sentence)
            progress({"event": "skew", "message": sentence})
            said = True
        yield chunk


def describe(skew: Skew) -> str:
    """Return an alarm as a sentence without capital and full stop."""
    first, second = skew.detectors
    return (
        f"clicks of detector {second} come {skew.skew_ps:+.0f} ps after those of detector {first}, "
        f"more than {SKEW_LIMIT_PS:.0f} ps apart: correct delay_ns, or who shifts photons in time "
        "knows which detector counts them"
    )


def skew_facts(skews: Iterable[Skew]) -> list[dict[str, Any]]:
    """Return skews for a report, in whole ps: a finer spread would tell how clicks are shared."""
    return [
        {
            "detectors": list(skew.detectors),
            "skew_ps": round(skew.skew_ps),
            "sigma_ps": math.ceil(skew.sigma_ps),
            "alarm": skew.alarm,
        }
        for skew in skews
    ]
