"""What an examination says of a recording before anything is measured on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MEASUREMENTS = (
    "histogram",
    "lifetime",
    "g2",
    "rates",
    "skew",
    "dead_time",
    "afterpulsing",
    "jitter",
)
"""What a finding can forbid."""

Severity = Literal["refused", "flagged", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a recording that a person should know.

    Attributes
    ----------
    name : str
        A short stable word, such as ``unsorted``.
    severity : str
        ``refused``: some measurements would give a wrong number, and give none; ``flagged``: look
        at it before believing; ``note``.
    sentence : str
        What was found and what to do, without a full stop.
    facts : mapping
        The numbers behind it.
    refuses : tuple of str
        Of `MEASUREMENTS`.
    """

    name: str
    severity: Severity
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    refuses: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "severity": self.severity,
            "sentence": self.sentence,
            "facts": dict(self.facts),
            "refuses": list(self.refuses),
        }


@dataclass(frozen=True, slots=True)
class Examination:
    """A recording, gone through once.

    Attributes
    ----------
    findings : tuple of Finding
        The gravest first.
    detections : dict
        By channel, the trigger's edges among them.
    seconds : float
        From the first detection to the last.
    left_out : dict
        As in `hexkey.tags.stream.Tags`.
    """

    findings: tuple[Finding, ...]
    detections: dict[int, int]
    seconds: float
    left_out: dict[str, int]

    def refuses(self, what: str) -> str | None:
        """Return why one of `MEASUREMENTS` gives no number here, or None if it may."""
        return next((one.sentence for one in self.findings if what in one.refuses), None)

    def to_json(self) -> dict[str, Any]:
        return {
            "detections": {str(channel): count for channel, count in self.detections.items()},
            "seconds": self.seconds,
            "left_out": self.left_out,
            "findings": [finding.to_json() for finding in self.findings],
        }

    def rows(self) -> list[tuple[str, str]]:
        """Return it as names and values for people."""
        counts = ", ".join(f"{count:,} on {name}" for name, count in self.detections.items())
        left_out = ", ".join(f"{count:,} {name}" for name, count in self.left_out.items())
        rows = [("detections", f"{counts or 'none'}; {self.seconds:.6g} s")]
        if left_out:
            rows.append(("no detections", left_out))
        rows += [(finding.severity, f"{_start(finding)}.") for finding in self.findings]
        return rows if self.findings else [*rows, ("examined", "Nothing was found amiss.")]


def _start(finding: Finding) -> str:
    text = finding.sentence[:1].upper() + finding.sentence[1:]
    return f"{text}; refused: {', '.join(finding.refuses)}" if finding.refuses else text
