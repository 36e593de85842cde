"""What Alice and Bob of a simulated link know of it: the settings of their roles.

A laboratory measures these numbers, with confidence bounds. Here they are those that the link was
made of, so that the chance of a bound that is too low is nil; it is stated as 10^-15 a session,
since nothing can be stated as certain.
"""

import math
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr

from hexkey.config import SourceSettings
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.parameters import SessionParameters
from hexkey_sim.link.parameters import LinkParameters
from hexkey_sim.link.presets import Preset
from hexkey_sim.link.receiver import Detector
from hexkey_sim.link.theory import Gate, g2_of_periods
from hexkey_sim.link.theory_bb84 import key_shares

BLOCK_BITS = {"b92": 40_000, "bb84": 200_000}  # sifted bits, clicks
CERTAIN = 1e-15
TIME_STEP_PS = 500
LEAST_EFFICIENCY = 0.01


def session_parameters(link: LinkParameters, block_bits: int | None = None) -> SessionParameters:
    """Return the parameters of a session over the link."""
    protocol = link.protocol
    sample = {"estimate_bits": 0, "qber_expected": 0.02} if protocol == "bb84" else {}
    return SessionParameters(
        protocol=protocol,
        pulse_rate_hz=link.pulse_rate_hz,
        block_bits=BLOCK_BITS[protocol] if block_bits is None else block_bits,
        **sample,  # type: ignore[arg-type]
    )


def source_of(link: LinkParameters) -> SourceSettings:
    """Return what Alice knows of her source: g2 as measured over whole periods."""
    return SourceSettings(
        mean_photons_upper=link.mean_photons, g2_upper=g2_of_periods(link), epsilon=CERTAIN
    )


def terms_of(link: LinkParameters) -> Bb84Terms:
    """Return what both know of a BB84 link."""
    alice, bob = key_shares(link)
    source = source_of(link)
    return Bb84Terms(alice, bob, source.multiphoton_upper, source.epsilon)


def efficiencies(preset: Preset) -> tuple[float, ...]:
    """Return the detectors' efficiencies for light that arrives across the gate, time by time.

    A click comes with its cable's delay and with jitter, and counts if it is in the gate. Times at
    which no detector sees a hundredth of the light are left out.
    """
    link, gate = preset.parameters, preset.gate
    times_ps = np.arange(gate.start_ps - 1000, gate.stop_ps + 1001, TIME_STEP_PS)
    rows = []
    for time_ps in times_ps:
        row = [_seen(detector, time_ps, gate, link) for detector in link.detectors]
        if max(row) >= LEAST_EFFICIENCY:
            rows += [round(one, 4) for one in row]
    return tuple(rows)


def _seen(detector: Detector, time_ps: float, gate: Gate, link: LinkParameters) -> float:
    late = time_ps + detector.delay_ps
    sigma_ps = max(math.hypot(detector.jitter_ps, link.trigger_jitter_ps), 1e-3)
    inside = ndtr((gate.stop_ps - late) / sigma_ps) - ndtr((gate.start_ps - late) / sigma_ps)
    return float(detector.efficiency * inside)


def alice_toml(preset: Preset, block_bits: int | None) -> str:
    """Return Alice's configuration."""
    link = preset.parameters
    source = {"source": asdict(source_of(link))} if link.protocol == "bb84" else {}
    return _toml({**source, "session": _session(preset, block_bits)})


def bob_toml(preset: Preset, block_bits: int | None) -> str:
    """Return Bob's configuration."""
    link = preset.parameters
    settings: dict[str, Any] = {
        "gate_start_ns": preset.gate.start_ps / 1000,
        "gate_width_ns": preset.gate.width_ps / 1000,
        "dead_time_ns": max(detector.dead_time_ps for detector in link.detectors) / 1000,
    }
    if link.protocol == "bb84":
        settings["key_basis_probability"] = key_shares(link)[1]
        settings["efficiency"] = list(efficiencies(preset))
    else:
        settings["untrusted_transmission"] = link.transmission
    return _toml({**settings, "session": _session(preset, block_bits)})


def write_roles(preset: Preset, block_bits: int | None, folder: Path) -> tuple[Path, Path]:
    """Write ``alice.toml`` and ``bob.toml`` and return their paths."""
    paths = folder / "alice.toml", folder / "bob.toml"
    paths[0].write_text(alice_toml(preset, block_bits))
    paths[1].write_text(bob_toml(preset, block_bits))
    return paths


def _session(preset: Preset, block_bits: int | None) -> dict[str, Any]:
    every = session_parameters(preset.parameters, block_bits).to_json()
    told = ("protocol", "pulse_rate_hz", "block_bits", "estimate_bits", "qber_expected")
    return {name: every[name] for name in told}


def _toml(settings: dict[str, Any]) -> str:
    lines = []
    for name, value in settings.items():
        if isinstance(value, dict):
            lines += ["", f"[{name}]", *(f"{key} = {_value(each)}" for key, each in value.items())]
        else:
            lines.append(f"{name} = {_value(value)}")
    text = "\n".join(lines).lstrip() + "\n"
    tomllib.loads(text)
    return text


def _value(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
