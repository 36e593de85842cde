"""The optical link: from Alice's source to the clicks of Bob's detectors, photon by photon.

::

    source ──► modulator ──► channel ──► splitter ─┬► analyser ──► detector 0
    (emitter)  (Alice's bits)  (loss)    (50:50)   └► analyser ──► detector 1

Photons are simulated, never bits: a sifted key emerges from the clicks.
"""

from hexkey_sim.link.bits import AliceBits, PatternBits, SeededBits
from hexkey_sim.link.optical_link import Clicks, OpticalLink, extend_record, record_statement
from hexkey_sim.link.parameters import Detector, LinkParameters, Modulator
from hexkey_sim.link.presets import PRESETS, Preset, preset, whole_period

__all__ = [
    "PRESETS",
    "AliceBits",
    "Clicks",
    "Detector",
    "LinkParameters",
    "Modulator",
    "OpticalLink",
    "PatternBits",
    "Preset",
    "SeededBits",
    "extend_record",
    "preset",
    "record_statement",
    "whole_period",
]
