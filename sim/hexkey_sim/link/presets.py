"""Links by name.

Table II of Tapşın et al. gives μ, g²(0), the misalignment, the dark counts and the receiver's
efficiency. It does not give dead time, afterpulsing, jitter, nor the shape of the modulator's
swing: those are typical of the silicon detectors in use, and of a drive with a flat part of 10 ns.
Nor does it give a loss for BB84, since the paper draws a curve: the presets have one that leaves a
board at 3 Mbaud room for all events, and the bias and attenuator that `hexkey.keyrate` finds best
there for blocks of some seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from hexkey.errors import ConfigurationError
from hexkey_sim.link.bits import AliceBits, PatternBits, SystemBits
from hexkey_sim.link.light import Eavesdropper, Notes
from hexkey_sim.link.optical_link import OpticalLink
from hexkey_sim.link.parameters import BB84_STATES_DEG, LinkParameters
from hexkey_sim.link.receiver import Detector, b92_receiver, bb84_receiver, hbt_receiver
from hexkey_sim.link.theory import PAPER_GATE, Gate


@dataclass(frozen=True, slots=True)
class Preset:
    """A link with a name, and the gate it is meant for.

    Attributes
    ----------
    explanation : str
        One sentence: what it is, and what of it is assumed.
    """

    name: str
    explanation: str
    parameters: LinkParameters
    gate: Gate = PAPER_GATE

    def link(
        self,
        seed: int,
        *,
        measurement: bool = False,
        start_offset_pulses: int | None = None,
        fresh_bits: bool = False,
        eve: Eavesdropper | None = None,
        notebook: list[Notes] | None = None,
    ) -> OpticalLink:
        """Return the link, switched on.

        Parameters
        ----------
        fresh_bits : bool
            Alice's bits and bases are the operating system's, not the seed's.
        measurement : bool
            Alice sends the paper's public pattern 1-0-1-0… instead of random bits.
        start_offset_pulses : int, optional
            Instead of the preset's.
        eve, notebook : optional
            See `OpticalLink`.

        Raises
        ------
        ConfigurationError
            A measurement with BB84: a public pattern has no bases.
        """
        parameters = self.parameters
        if start_offset_pulses is not None:
            parameters = replace(parameters, start_offset_pulses=start_offset_pulses)
        if measurement and parameters.protocol == "bb84":
            raise ConfigurationError(
                f"the preset {self.name} is BB84, and the public pattern 1-0-1-0 is B92's: leave "
                "--measurement out"
            )
        bits: AliceBits | None = None
        bases: AliceBits | None = None
        if measurement:
            bits = PatternBits("10")
        elif fresh_bits:
            bits = SystemBits()
            if parameters.protocol == "bb84":
                bases = SystemBits(parameters.modulator.key_basis_probability)
        return OpticalLink(parameters, seed, bits, alice_bases=bases, eve=eve, notebook=notebook)

    def with_channel_loss(self, loss_db: float | None) -> "Preset":
        """Return the preset with another loss between Alice and Bob; None leaves it as it is."""
        if loss_db is None:
            return self
        return replace(self, parameters=replace(self.parameters, channel_loss_db=loss_db))

    def at_source(self, g2: float | None = None) -> "Preset":
        """Return what a tap inside Alice shows: all of the light, a splitter and two detectors.

        `g2` is the source's, instead of the preset's.
        """
        link = self.parameters
        tapped = replace(
            link,
            receiver=hbt_receiver(replace(link.detectors[0], delay_ps=0)),
            channel_loss_db=0.0,
            extra_loss_db=0.0,
            g2=link.g2 if g2 is None else g2,
        )
        return replace(self, parameters=tapped)


def whole_period(chosen: Preset) -> Preset:
    """Return the preset with a gate that drops nothing, for maps over the gate."""
    return replace(chosen, gate=Gate(0.0, float(chosen.parameters.period_ps)))


TYPICAL_DETECTOR = Detector(
    dark_counts_hz=40.0,  # the paper's
    dead_time_ps=22_000,
    afterpulse_probability=0.005,
    afterpulse_lifetime_ps=40_000.0,
    jitter_ps=149.0,  # 350 ps full width at half maximum
)

TABLE_II = LinkParameters(
    pulse_rate_hz=40_000_000,
    lifetime_ps=4580.0,
    mean_photons=0.0131,
    g2=0.24,
    polarisation_error=0.0176,
    receiver_efficiency=0.42,
    receiver=b92_receiver(TYPICAL_DETECTOR),
    trigger_jitter_ps=20.0,
)


def _bb84(link: LinkParameters, bias: float) -> LinkParameters:
    """Return a link with Alice's four states and Bob's four detectors, p_X the same for both."""
    return replace(
        link,
        modulator=replace(
            link.modulator, state_angles_deg=BB84_STATES_DEG, key_basis_probability=bias
        ),
        receiver=bb84_receiver(TYPICAL_DETECTOR, key_basis_probability=bias),
    )


def _skewed(link: LinkParameters) -> LinkParameters:
    late = replace(TYPICAL_DETECTOR, delay_ps=500, efficiency=0.9)
    detectors = (TYPICAL_DETECTOR, late) * 2
    return replace(link, receiver=replace(link.receiver, detectors=detectors))


_PRESETS = (
    Preset(
        "table-ii",
        "the parameters of Table II at no channel loss, from which 45.5 kbit/s sifted at 3.4 % "
        "follow, not what was reported",
        TABLE_II,
    ),
    Preset(
        "as-reported",
        "Table II with 4.295 dB of unexplained loss and a polarisation error of 0.03403 instead of "
        "0.0176: what it takes to get the reported 17.5 kbit/s sifted at 6.49 %",
        replace(TABLE_II, extra_loss_db=4.295, polarisation_error=0.03403),
    ),
    Preset(
        "bench",
        "a bright link for tests, no experiment: 0.02 clicks a pulse at a QBER of 2 %",
        replace(TABLE_II, mean_photons=0.188, polarisation_error=0.0099),
    ),
    Preset(
        "bb84",
        "efficient BB84 with the source and receiver of Table II, over 6 dB: 30 km of fibre",
        _bb84(replace(TABLE_II, channel_loss_db=6.0), 0.88),
    ),
    Preset(
        "bb84-skewed",
        "the bb84 link with clicks of detectors 1 and 3 coming 500 ps late, and a tenth of them "
        "missing: what a time-shift attack needs, and what a calibration should find",
        _skewed(_bb84(replace(TABLE_II, channel_loss_db=6.0), 0.88)),
    ),
    Preset(
        "bb84-improved",
        "efficient BB84 with the improved source of Table II (80 MHz, in a cavity), attenuated to "
        "61 % of its photons, over 20 dB",
        _bb84(
            replace(
                TABLE_II,
                pulse_rate_hz=80_000_000,
                mean_photons=0.264 * 0.61,
                g2=0.018,
                polarisation_error=0.01,
                channel_loss_db=20.0,
            ),
            0.88,
        ),
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _PRESETS})


def preset(name: str) -> Preset:
    """Return a preset by name.

    Raises
    ------
    ConfigurationError
        If there is none of that name.
    """
    if name not in PRESETS:
        raise ConfigurationError(
            f"there is no preset {name!r} of the simulated link: choose one of {', '.join(PRESETS)}"
        )
    return PRESETS[name]
