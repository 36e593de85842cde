"""A tagger's file as a source of sifted bits: what a board would have sent, through the same code.

Tags are folded into pulses (`hexkey.tags.fold`) and go on as a board's events do: `Receiver` gates,
resolves and sifts them. The gate is on the host; no event was gated before.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hexkey import conditions
from hexkey.conditions import BobFacts, unmet
from hexkey.errors import ConfigurationError, InputError
from hexkey.events import DETECTORS
from hexkey.randomness import Randomness
from hexkey.receiver import Receiver, SiftedChunk
from hexkey.record import RecordReader
from hexkey.rule import B92Rule, Bb84Rule, Rule
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.parameters import SessionParameters
from hexkey.sift import BIT_OF_DETECTOR
from hexkey.tags.fold import TICK_PS, Folded, Folder
from hexkey.tags.folding import Folding
from hexkey.tags.stream import TagFile
from hexkey.window import Window, window_in_ticks
from hexkey.wire import Burst, Header, Kind

RUN = 1
HISTOGRAM_BIN_PS = 100
BLOCK_CLICKS_BB84 = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagger:
    """How a laboratory's tagger is wired, and what is made of its clicks.

    Attributes
    ----------
    channels : tuple of int
        The tagger's channel of detector 0, of detector 1, and so on.
    trigger_channel : int or None
        That of the trigger's edges; None takes the file's word, or its pulse numbers.
    trigger_divider : int
    pulse_rate_hz : float or None
        Of the source; None takes what the file states, or else Alice's record.
    delay_ns : tuple of float
        Skew correction of each detector.
    gate_start_ns, gate_width_ns : float
    holdoff_pulses : int
    dead_time_ns : float
        The longest dead time of the detectors.
    bit_of_detector : tuple of int
    untrusted_transmission : float
        As in `hexkey.config.BobSettings`.
    """

    channels: tuple[int, ...] = (0, 1)
    trigger_channel: int | None = None
    trigger_divider: int = 1
    pulse_rate_hz: float | None = None
    delay_ns: tuple[float, ...] = (0.0,) * DETECTORS
    gate_start_ns: float = 0.5
    gate_width_ns: float = 10.0
    holdoff_pulses: int = 2
    dead_time_ns: float = 24.0
    bit_of_detector: tuple[int, ...] = BIT_OF_DETECTOR
    untrusted_transmission: float = 0.0

    def folding(self, file: TagFile, record_rate_hz: float) -> Folding:
        """Return how a file is folded.

        Raises
        ------
        ConfigurationError
            The wiring does not suit the file, or the hold-off is shorter than the dead time.
        """
        trigger = self.trigger_channel
        if trigger is None and not file.pulsed:
            trigger = file.trigger_channel
        if self.pulse_rate_hz is not None:
            if not self.pulse_rate_hz > 0:
                raise ConfigurationError(
                    f"pulse_rate_hz must be positive, not {self.pulse_rate_hz:g}"
                )
            period_ps = 1e12 / self.pulse_rate_hz
        elif file.pulsed and file.sync_period_ps:
            period_ps = file.sync_period_ps / self.trigger_divider
        else:
            period_ps = 1e12 / record_rate_hz
        return Folding(
            channels=self.channels,
            period_ps=period_ps,
            trigger_channel=trigger,
            trigger_divider=self.trigger_divider,
            delay_ps=tuple(1000 * delay for delay in self.delay_ns),
            holdoff_pulses=self.holdoff_pulses,
            dead_time_ps=1000 * self.dead_time_ns,
        )

    def reasons(self, protocol: str, folding: Folding) -> tuple[str, ...]:
        """Return why keys from such a file are demonstrations, as far as Bob's side goes."""
        facts = BobFacts(
            simulated=False,
            seeded=None,
            untrusted_transmission=self.untrusted_transmission,
            holdoff_ps=self.holdoff_pulses * folding.period_ps,
            dead_time_ps=1000 * self.dead_time_ns,
        )
        return unmet(protocol, conditions.BOB, facts)


class TagPlayback:
    """A tagger's file as sifted bits.

    Parameters
    ----------
    file : TagFile
    tagger : Tagger
    record : RecordReader
        Alice's, of the same run: it tells the protocol.
    randomness : Randomness
        Gives the bits of double clicks.

    Raises
    ------
    ConfigurationError
        The tagger's settings do not suit the file.
    """

    def __init__(
        self, file: TagFile, tagger: Tagger, record: RecordReader, randomness: Randomness
    ) -> None:
        statement = record.statement
        self.folding = tagger.folding(file, statement.pulse_rate_hz)
        self.protocol = statement.protocol
        self.reasons = tagger.reasons(statement.protocol, self.folding)
        self._file = file
        self._folder = Folder(file, self.folding)
        period = self.folding.period_ticks
        self.window: Window = window_in_ticks(
            tagger.gate_start_ns, tagger.gate_width_ns, TICK_PS, period
        )
        rule: Rule = B92Rule(tagger.bit_of_detector)
        if self.protocol == "bb84":
            rule = Bb84Rule(randomness)
        self._receiver = Receiver(RUN, (self.window.gate,) * DETECTORS, period, rule)

    def chunks(self) -> Iterator[SiftedChunk]:
        """Yield sifted bits in order.

        Raises
        ------
        InputError
            The trigger could not be followed, or nothing clicked.
        """
        for tags in self._file.chunks():
            yield from self._receiver.push(map(_burst, self._folder.push(tags)))
        yield from self._receiver.push(map(_burst, self._folder.finish()))
        if not self._folder.counts.clicks:
            raise InputError(
                f"{self._file.path} holds no click of its detectors that has a pulse: check the "
                f"channels of the detectors, here {', '.join(map(str, self.folding.channels))}"
            )
        yield from self._receiver.finish()

    def parameters(self) -> SessionParameters:
        """Return the parameters of a session with the file."""
        rate_hz = round(1e12 / self.folding.period_ps)
        if self.protocol == "b92":
            return SessionParameters(pulse_rate_hz=rate_hz)
        return SessionParameters(
            protocol="bb84",
            pulse_rate_hz=rate_hz,
            block_bits=BLOCK_CLICKS_BB84,
            estimate_bits=0,
            qber_expected=0.02,
        )

    def terms(self, record: RecordReader) -> Bb84Terms | None:
        """Return the terms of BB84: an even splitter, and no bounds of the source are known."""
        if self.protocol != "bb84":
            return None
        return Bb84Terms(record.statement.key_basis_probability or 0.0, 0.5, 0.0, 0.0)

    def losses(self) -> dict[str, Any]:
        return {**self._receiver.facts(), **self._folder.losses()}

    def facts(self) -> dict[str, Any]:
        """Return what a report says of the file."""
        counts, period = self._folder.histogram, self.folding.period_ticks
        bins = np.add.reduceat(counts, np.arange(0, period, HISTOGRAM_BIN_PS))
        return {
            "damage": [],
            "format": self._file.format,
            "trigger": self._folder.trigger_facts(),
            "window": asdict(self.window.gate) | {"tick_ps": str(TICK_PS)},
            "period_ticks": period,
            "histogram": {
                "offset_ticks": 0,
                "bin_ticks": HISTOGRAM_BIN_PS,
                "counts": bins.tolist(),
            },
            "g2": None,
        }


def _burst(folded: Folded) -> Burst:
    """Return events in a frame such as a board's, of which the receiver needs run and epoch."""
    events = folded.events
    header = Header(Kind.EVENTS, 0, 0, RUN, folded.epoch, 0, int(events.pulse[0]), 0)
    return Burst(header, 1, events)
