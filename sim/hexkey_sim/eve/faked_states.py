"""Faked states: detectors that click on command (Makarov 2009, Lydersen et al. 2010).

Bright light turns avalanche photodiodes into plain photodiodes: blind to single photons, without
dark counts, but firing at a pulse that passes a threshold. Eve measures Alice's photons with a copy
of Bob's receiver and has the very detector fire that fired at hers (Lydersen, Wiechers, Wittmann,
Elser, Skaar and Makarov, Nature Photonics 4, 686 (2010); against a passive choice of basis Gerhardt
et al., Nature Communications 2, 349 (2011); Li et al., Phys. Rev. A 84, 062308 (2011), chose the
splitter's arm by the wavelength). Bob's clicks are hers: his bits, error rate, rate and double
clicks are those of an honest line, and she knows all of them.

Nothing in the clicks can tell, whatever bound they go into. What helps is outside of them: a
monitor of the light and of the detectors' currents, or the assumption that it does not happen.

In the simulation her copy is as lossy as the honest line, so that she discards nothing, and she
commands dark counts at the detectors' own rate. Afterpulses she leaves out.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hexkey.sift import BIT_OF_DETECTOR
from hexkey_sim.link.analysers import analyse
from hexkey_sim.link.light import NO_GUESS, Light, Notes
from hexkey_sim.link.parameters import PS_PER_S, LinkParameters


@dataclass(frozen=True, slots=True)
class FakedStates:
    """Eve repeats at Bob what her copy of his receiver sees."""

    parameters: LinkParameters

    kinds: ClassVar[tuple[str, ...]] = ("commanded",)
    replaces_channel: ClassVar[bool] = False
    blinds: ClassVar[bool] = True
    earliest_ps: ClassVar[int] = 0

    def act(self, light: Light, first: int, end: int, generator: np.random.Generator) -> Light:
        seen = analyse(self.parameters, generator, light.angle_rad)
        light, seen = light.take(seen >= 0), seen[seen >= 0]
        dark = self._dark_counts(max(0, end - first), generator)
        pulse = first + generator.integers(0, max(1, end - first), len(dark))
        phase_ps = generator.random(len(dark)) * self.parameters.period_ps
        command = np.concatenate([seen, dark])
        pulse = np.concatenate([light.pulse, pulse])
        return Light(
            np.concatenate([light.source, pulse[len(light) :]]),
            pulse,
            np.concatenate([light.phase_ps, phase_ps]),
            np.zeros(len(command)),
            command,
            Notes(pulse, np.zeros(len(command), np.uint8), self._bits(command)),
        )

    def _dark_counts(self, pulses: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return the detectors of dark counts that an honest receiver would have had."""
        seconds = pulses * self.parameters.period_ps / PS_PER_S
        rates = [detector.dark_counts_hz for detector in self.parameters.detectors]
        counts = generator.poisson(np.array(rates) * seconds)
        return np.repeat(np.arange(len(rates)), counts)

    def _bits(self, detector: NDArray[np.int64]) -> NDArray[np.int8]:
        bit = np.full((len(detector), 2), NO_GUESS, np.int8)
        if self.parameters.protocol == "b92":
            bit[:, 0] = np.array(BIT_OF_DETECTOR)[detector]
        else:
            bit[np.arange(len(detector)), detector // 2] = detector % 2
        return bit
