"""The key-rate models by name, for checks from outside: ``hexkey keyrate MODEL --inputs '{…}'``.

Names, inputs and units are those of a table of reference values that is kept elsewhere; the
functions they call have their own, better names.
"""

import inspect
from collections.abc import Callable, Mapping

from hexkey.errors import ConfigurationError
from hexkey.keyrate import b92
from hexkey.keyrate.binomial import binomial_ppf
from hexkey.keyrate.entropy import binary_entropy

_LEAKS: dict[str, b92.Leak] = {"eq7": "eq7", "max(eq7,1.16 n h)": "conservative"}


def _h2(x: float) -> float:
    return binary_entropy(float(x))


def _binom_ppf(eps: float, n: int, p: str) -> int:
    return binomial_ppf(float(eps), n, float(p))


def _b92_key_sound(n: int, Q: float, eps_pa: float, eps_cor: float, leak: str = "eq7") -> float:
    if leak not in _LEAKS:
        raise ValueError(f"leak must be one of {', '.join(map(repr, _LEAKS))}, not {leak!r}")
    return b92.key_length_planned_unproven(n, Q, eps_pa, eps_cor, _LEAKS[leak])


def _b92_key_conservative(
    n: int, Q: float, eps_pa: float, eps_cor: float, leak: str = "max(eq7,1.16 n h)"
) -> float:
    return _b92_key_sound(n, Q, eps_pa, eps_cor, leak)


def _b92_leak_eq7(n: int, Q: float, eps_cor: float) -> float:
    return b92.leak_eq7(n, Q, eps_cor)


def _b92_leak_eq7_tm(n: int, Q: float, eps_cor: float) -> float:
    return b92.leak_eq7_tm(n, Q, eps_cor)


def _b92_asym_fraction(Q: float) -> float:
    return b92.asymptotic_fraction_unproven(Q)


MODELS: dict[str, Callable[..., float | int]] = {
    "h2": _h2,
    "binom_ppf": _binom_ppf,
    "b92_leak_eq7": _b92_leak_eq7,
    "b92_leak_eq7_tm": _b92_leak_eq7_tm,
    "b92_key_sound": _b92_key_sound,
    "b92_key_conservative": _b92_key_conservative,
    "b92_asym_fraction": _b92_asym_fraction,
}
"""Model name to a function of keyword arguments. Probabilities as decimal strings (``p`` of
``binom_ppf``) mean the double next to them. B92's lengths are not proofs, see `b92`."""


def evaluate(model: str, inputs: Mapping[str, object]) -> float | int:
    """Return the output of one model.

    Raises
    ------
    ConfigurationError
        If there is no such model, or its inputs are missing, unknown or out of range.
    """
    function = MODELS.get(model)
    if function is None:
        known = ", ".join(sorted(MODELS))
        raise ConfigurationError(f"there is no model {model!r}; choose one of {known}")
    try:
        inspect.signature(function).bind(**inputs)
    except TypeError as error:
        wanted = ", ".join(inspect.signature(function).parameters)
        raise ConfigurationError(f"model {model!r} takes the inputs {wanted}: {error}") from None
    try:
        return function(**inputs)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"model {model!r} cannot use its inputs: {error}; correct that value"
        ) from None
