"""The optical link: from Alice's source to the clicks of Bob's detectors, photon by photon.

::

    source ──► modulator ──► channel ──► (Eve) ──► splitter ─┬► analyser ──► detectors
    (emitter)  (bits, bases)  (loss)                         └► analyser ──► detectors

Photons are simulated, never bits: a sifted key emerges from the clicks. B92 and BB84 are two
modulators and two receivers of the one link (`parameters`, `receiver`).
"""

from hexkey_sim.link.bits import AliceBits, PatternBits, SeededBits
from hexkey_sim.link.optical_link import Clicks, OpticalLink, extend_record, record_statement
from hexkey_sim.link.parameters import LinkParameters, Modulator
from hexkey_sim.link.presets import PRESETS, Preset, preset, whole_period
from hexkey_sim.link.receiver import Detector

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
