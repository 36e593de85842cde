"""Bob's side of an open session: sifted bits in, blocks out, until bits or epsilon run out."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

from hexkey.errors import AlarmError, BlockDropped, ChannelError
from hexkey.placed import MapClicks
from hexkey.randomness import Randomness
from hexkey.receiver import SiftedChunk
from hexkey.session.align import Sample, bob_align
from hexkey.session.block import BlockCounts, Disclosed, KeySink, Session, new_counts
from hexkey.session.block_bob import SiftedBlock, bob_block
from hexkey.session.builder import BlockBuilder
from hexkey.session.conversation import Conversation
from hexkey.session.guard import (
    Check,
    GuardedKeys,
    dropped_event,
    nothing_is_wrong,
    refusal,
)
from hexkey.session.messages import Type
from hexkey.session.outside import choose_outside
from hexkey.session.tally import Progress, Tally


@dataclass(frozen=True, slots=True)
class MapFeed:
    """What a session with maps needs: who chooses clicks to disclose, and who takes what came.

    `clicks` is called with what is known of a block's once its key is final: under Alice's tag.
    """

    randomness: Randomness
    clicks: Callable[[MapClicks], None] = lambda clicks: None


@dataclass(slots=True)
class Bob:
    """Bob after the handshake; `run` is the session. `tally` holds what was done, at any time.

    `check` raises `AlarmError` where no more key shall be made. `renew` says, when the clicks have
    ended, whether another session is to follow on the connection. `maps` is needed where the
    session has maps.
    """

    talk: Conversation
    session: Session
    keys: KeySink
    tally: Tally
    progress: Progress
    check: Check = nothing_is_wrong
    renew: Callable[[], bool] = lambda: False
    maps: MapFeed | None = None
    _aligned: bool = field(default=False, init=False)
    _number: int = field(default=0, init=False)
    _last: BlockCounts | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.session.parameters.maps and self.maps is None:
            raise ValueError("a session with maps needs who chooses its clicks outside the gate")

    def run(self, chunks: Iterable[SiftedChunk]) -> bool:
        """Distil all of `chunks`, or until the epsilon limit; return whether a session follows.

        Raises
        ------
        InputError, ChannelError, AuthenticationError, AlarmError
            The session is over.
        """
        try:
            return self._run(chunks)
        except AlarmError as alarm:  # before anything is pending here: Alice drops the block, too
            with suppress(ChannelError):
                self.talk.send(Type.REFUSE, refusal(alarm))
            raise

    def _run(self, chunks: Iterable[SiftedChunk]) -> bool:
        builder, chunks = BlockBuilder(), iter(chunks)
        for chunk in chunks:
            if builder.push(chunk):
                self._aligned = False
            while (piece := builder.take(self._wanted_bits(), self._number)) is not None:
                self.check()
                if self.renew():  # at once: the bits that wait are of the gate that ends
                    unused = len(builder) + len(piece.bits) + builder.discarded_bits
                    unused += sum(len(chunk.bits) for chunk in chunks)
                    self._say_goodbye(unused, Type.RENEW)
                    return True
                if not self._aligned:
                    self._align(piece)
                elif self.tally.epsilon_exhausted:
                    self.progress({"event": "epsilon-limit"})
                    self._say_goodbye(len(builder) + len(piece.bits) + builder.discarded_bits)
                    return False
                else:
                    self._distil(piece)
        self.check()
        renewed = self.renew()
        unused = len(builder) + builder.discarded_bits
        self._say_goodbye(unused, Type.RENEW if renewed else Type.BYE)
        return renewed

    def _wanted_bits(self) -> int:
        parameters = self.session.parameters
        return parameters.block_bits if self._aligned else parameters.offset_sample_bits

    def _align(self, piece: SiftedBlock) -> None:
        sample = Sample.of(piece)
        if len(sample.bits) == 0:
            return  # cross clicks only: the next clicks are taken
        try:
            alignment = bob_align(self.talk, self.session, sample)
        finally:
            self.tally.spent(Disclosed(offset=len(sample.bits)), self.talk.auth_keys_used)
        self._aligned = True
        self.tally.aligned(alignment)
        self.progress({"event": "aligned", **asdict(alignment)})

    def _distil(self, block: SiftedBlock) -> None:
        counts = new_counts(block.number, self.session.parameters, self._last)
        counts.first_pulse, counts.last_pulse = int(block.pulses[0]), int(block.pulses[-1])
        self._last = counts
        self._number += 1
        try:
            keys = GuardedKeys(self.keys, self.check)
            clicks = bob_block(self.talk, self.session, self._chosen(block), keys, counts)
        except BlockDropped as drop:
            self.tally.dropped_block(drop)
            if counts.bb84 is not None:  # with B92 no tag covers what was said of a dropped block
                self._tell_source(counts)
            self.progress(dropped_event(counts, drop))
        else:
            self._tell_source(counts)
            if clicks is not None and self.maps is not None:
                self.maps.clicks(clicks)
        finally:
            self.tally.spent(counts.disclosed, self.talk.auth_keys_used)
            if counts.final:  # even where the word of it did not reach Alice: she settles it later
                self.tally.finished(counts)
                self.progress({"event": "block", **counts.facts()})

    def _chosen(self, block: SiftedBlock) -> SiftedBlock:
        """Leave of the clicks outside the gate those that the block's maps are made of."""
        if self.maps is None or not self.session.parameters.maps:
            return block
        chosen = choose_outside(block.outside, self.session.parameters, self.maps.randomness)
        return replace(block, outside=chosen)

    def _tell_source(self, counts: BlockCounts) -> None:
        if counts.source is not None:
            self.progress({"event": "source", **asdict(counts.source)})

    def _say_goodbye(self, unused_sifted_bits: int, kind: Type = Type.BYE) -> None:
        self.tally.unused_sifted_bits = unused_sifted_bits
        self.talk.begin(self.session.session_id)
        self.talk.send(kind)
