"""Quantities for people: three or four digits, and a prefix where the unit takes one."""

import math

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def quantity(value: float, unit: str) -> str:
    """Return ``4.282 kbit/s``, ``2.36e-04 bit/use``, ``24.44 dB``; a unit of '' is a share in %."""
    if not unit:
        return f"{value:.2%}"
    if math.isinf(value):
        return f"∞ {unit}"
    if unit in ("bit/s", "Hz"):
        for factor, prefix in _PREFIXES:
            if value >= factor:
                return f"{value / factor:.4g} {prefix}{unit}"
    if value != 0 and abs(value) < 1e-2:
        return f"{value:.3g} {unit}"
    return f"{value:.4g} {unit}"
