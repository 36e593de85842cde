"""Against TNO's key rates, where the models coincide.

They do for perfect sources and detectors without dark clicks; with those TNO pairs two detectors'
dark clicks with photons differently, which is of the order of the dark clicks themselves.
"""

import importlib
import math
import warnings
from typing import Any

import numpy as np
import pytest

from hexkey.keyrate import decoy, entanglement
from hexkey.keyrate.bb84_single import SinglePhotonLink, asymptotic_rate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    quantum: Any = pytest.importorskip("tno.quantum.communication.qkd_key_rate.quantum")
    bb84: Any = importlib.import_module(f"{quantum.__name__}.bb84")
    bb84_single_photon: Any = importlib.import_module(f"{quantum.__name__}.bb84_single_photon")
    bbm92: Any = importlib.import_module(f"{quantum.__name__}.bbm92")

EFFICIENCY, LOSSES = 0.42, [0.0, 7.5, 20.0]


def _detector(dark: float, misalignment: float) -> Any:
    return quantum.standard_detector.customise(
        dark_count_rate=dark,
        polarization_drift=math.asin(math.sqrt(misalignment)),
        error_detector=0.0,
        efficiency_party=EFFICIENCY,
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("dark", "near"), [(0.0, 1e-12), (1e-7, 1e-4)])
def test_single_photons(loss: float, dark: float, near: float) -> None:
    theirs = bb84_single_photon.BB84SingleAsymptoticKeyRateEstimate(
        detector=_detector(dark, 0.0176)
    ).compute_rate(1.0, loss)
    link = SinglePhotonLink(1.0, 1.0, 0.0, 0.0176, 1 - (1 - dark) ** 2, EFFICIENCY)
    assert float(asymptotic_rate(link, loss)) == pytest.approx(theirs, rel=near)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("mu", [0.01, 0.5, 0.9])
def test_infinite_decoys_without_misalignment(loss: float, mu: float) -> None:
    estimate = bb84.BB84FullyAsymptoticKeyRateEstimate(detector=_detector(0.0, 0.0))
    ours = decoy.asymptotic_rate(decoy.Receiver(EFFICIENCY, 0.0, 0.0), loss, mu)
    assert float(ours) == pytest.approx(estimate.compute_rate(mu, loss), rel=1e-12)


def test_infinite_decoys_with_misalignment_at_few_photons() -> None:
    """Double clicks, which TNO's model counts as half wrong, are rare at 20 dB."""
    estimate = bb84.BB84FullyAsymptoticKeyRateEstimate(detector=_detector(0.0, 0.0176))
    ours = decoy.asymptotic_rate(decoy.Receiver(EFFICIENCY, 0.0176, 0.0), 20, 0.5)
    assert float(ours) == pytest.approx(estimate.compute_rate(0.5, 20), rel=2e-3)


@pytest.mark.parametrize("loss", LOSSES)
def test_entangled_pairs_at_the_error_rate_of_their_source(loss: float) -> None:
    detector = _detector(1e-6, 0.01)
    gain, error = bbm92.compute_gain_and_error_rate(detector, detector, loss / 2, loss / 2, 0.02)
    estimate = bbm92.BBM92AsymptoticKeyRateEstimate(detector=detector, detector_alice=detector)
    ours = np.squeeze(gain) * float(entanglement.bbm92_fraction(np.squeeze(error)))
    assert float(ours) == pytest.approx(estimate.compute_rate(0.04, loss), rel=1e-9)
