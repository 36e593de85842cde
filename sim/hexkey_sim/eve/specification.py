"""An eavesdropper from words: ``name`` or ``name:key=value,key=value``."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from hexkey.errors import ConfigurationError
from hexkey_sim.eve.faked_states import FakedStates
from hexkey_sim.eve.intercept_resend import InterceptResend
from hexkey_sim.eve.photon_number import PhotonNumberSplitting
from hexkey_sim.eve.time_shift import TimeShift
from hexkey_sim.eve.unambiguous import UnambiguousDiscrimination
from hexkey_sim.link.light import Eavesdropper
from hexkey_sim.link.presets import Preset

FORMS = MappingProxyType(
    {
        "intercept-resend": "intercept-resend:share=0.3,key=0.5",
        "photon-number-splitting": "photon-number-splitting:share=1",
        "usd": "usd:share=1,photons=1",
        "time-shift": "time-shift:share=0.5",
        "faked-states": "faked-states",
    }
)


def parse_eve(spec: str, preset: Preset) -> Eavesdropper:
    """Return an eavesdropper on a preset's link. All values may be left out.

    Raises
    ------
    ConfigurationError
        Naming what of the specification is wrong and the form that it should have, or why the
        attack is none on that link.
    """
    name, _, rest = spec.strip().partition(":")
    if name not in FORMS:
        raise ConfigurationError(
            f"the eavesdropper {spec!r} is unknown: use one of {', '.join(FORMS.values())}"
        )
    try:
        return _make(name, _values(name, rest), preset)
    except ValueError as problem:
        raise ConfigurationError(
            f"the eavesdropper {spec!r} {problem}: write it like {FORMS[name]}"
        ) from None


def _values(name: str, rest: str) -> Mapping[str, float]:
    known = {item.partition("=")[0] for item in FORMS[name].partition(":")[2].split(",") if item}
    found: dict[str, float] = {}
    for item in rest.split(","):
        key, _, text = item.strip().partition("=")
        if not item.strip():
            continue
        if key not in known or key in found:
            raise ValueError(f"has {item.strip()!r}, which it cannot have or has twice")
        try:
            found[key] = float(text)
        except ValueError:
            raise ValueError(f"has {item.strip()!r}, which is no number") from None
    return found


def _make(name: str, values: Mapping[str, float], preset: Preset) -> Eavesdropper:
    link = preset.parameters
    makers: Mapping[str, Callable[[], Eavesdropper]] = {
        "intercept-resend": lambda: InterceptResend(
            link, values.get("share", 1.0), values.get("key", 0.5)
        ),
        "photon-number-splitting": lambda: PhotonNumberSplitting(link, values.get("share", 1.0)),
        "usd": lambda: UnambiguousDiscrimination(
            link, values.get("share", 1.0), _whole(values.get("photons", 1.0))
        ),
        "time-shift": lambda: TimeShift(link, values.get("share"), preset.gate),
        "faked-states": lambda: FakedStates(link),
    }
    return makers[name]()


def _whole(value: float) -> int:
    if not value.is_integer():
        raise ValueError("has a number of photons that is not whole")
    return int(value)
