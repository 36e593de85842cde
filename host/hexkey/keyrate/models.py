"""The key-rate models by name, for checks from outside: ``hexkey keyrate MODEL --inputs '{…}'``.

Names, inputs and units are those of a table of reference values that is kept elsewhere
(`hexkey.keyrate.model_inputs`); the functions they call have their own, better names.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hexkey.errors import ConfigurationError
from hexkey.keyrate.model_inputs import MODELS
from hexkey.keyrate.outcome import Outcome

__all__ = ["MODELS", "Answer", "answer", "evaluate"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's output, a number or, for lists among the inputs, lists; and why it is zero."""

    output: Any
    reason: Any


def answer(model: str, inputs: Mapping[str, object]) -> Answer:
    """Return the output of one model, with the reason where there is no key.

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
        wanted = ", ".join(inspect.signature(function).parameters) or "none"
        raise ConfigurationError(f"model {model!r} takes the inputs {wanted}: {error}") from None
    try:
        found = function(**inputs)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"model {model!r} cannot use its inputs: {error}; correct that value"
        ) from None
    if isinstance(found, Outcome):
        return Answer(found.value.tolist(), found.reason.tolist())
    return Answer(found if isinstance(found, int) else np.asarray(found).tolist(), "")


def evaluate(model: str, inputs: Mapping[str, object]) -> Any:
    """Return the output of `answer` alone."""
    return answer(model, inputs).output
