"""How the link's values are checked: one sentence for the first rule that is broken."""

import math
from collections.abc import Iterable

from hexkey.errors import ConfigurationError


def check(what: str, checks: Iterable[tuple[bool, str]]) -> None:
    """Raise ConfigurationError with the rule of the first check that did not pass."""
    for passed, rule in checks:
        if not passed:
            raise ConfigurationError(f"the {what} of the simulated link is unusable: {rule}")


def finite(value: float, low: float, high: float = math.inf) -> bool:
    """Return whether `value` is a number from `low` to `high`."""
    return math.isfinite(value) and low <= value <= high
