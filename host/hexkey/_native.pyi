"""Types of what cext/hexkey.h declares, in its order."""

from typing import Any

ffi: Any

class _Lib:
    HEXKEY_CLMUL_FASTEST: int
    HEXKEY_CLMUL_AVX2: int
    HEXKEY_CLMUL_NARROW: int
    HEXKEY_CLMUL_PORTABLE: int
    HEXKEY_CRC32_TABLE_WORDS: int
    HEXKEY_WIRE_VERSION: int
    HEXKEY_WIRE_HEADER_BYTES: int
    HEXKEY_WIRE_CRC_BYTES: int
    HEXKEY_WIRE_MAX_RECORDS: int
    HEXKEY_WIRE_MAX_STUFFED_BYTES: int
    HEXKEY_WIRE_KIND_EVENTS: int
    HEXKEY_WIRE_KIND_TAGS: int
    HEXKEY_NARROW_PHASE_BITS: int
    HEXKEY_NARROW_FLAGS_BITS: int
    HEXKEY_NARROW_ADVANCE_BITS: int
    HEXKEY_NARROW_MASK_BITS: int
    HEXKEY_WIDE_PHASE_BITS: int
    HEXKEY_WIDE_FLAGS_BITS: int
    HEXKEY_WIDE_ADVANCE_BITS: int
    HEXKEY_WIDE_MASK_BITS: int
    HEXKEY_PIECE_GOOD: int
    HEXKEY_PIECE_TOO_LONG: int
    HEXKEY_PIECE_COBS: int
    HEXKEY_PIECE_SHORT: int
    HEXKEY_PIECE_CRC: int
    HEXKEY_PIECE_VERSION: int
    HEXKEY_PIECE_INCONSISTENT: int
    HEXKEY_BINOMIAL_DECIDED: int
    HEXKEY_BINOMIAL_UNDECIDED: int
    HEXKEY_DETECTORS: int
    HEXKEY_SIFT_DISORDER: int
    HEXKEY_SIFT_MASK: int
    HEXKEY_TAGS_PICO_T2: int
    HEXKEY_TAGS_PICO_T3: int
    HEXKEY_TAGS_HYDRA1_T2: int
    HEXKEY_TAGS_HYDRA1_T3: int
    HEXKEY_TAGS_HYDRA2_T2: int
    HEXKEY_TAGS_HYDRA2_T3: int
    HEXKEY_TAGS_SYNC: int
    HEXKEY_OFFSET_SAMPLE_BITS: int
    def hexkey_pulses_steps(self, pulses: Any, count: int, width: int, out: Any, /) -> int: ...
    def hexkey_pulses_sum(
        self, first: int, steps: Any, count: int, width: int, pulses: Any, /
    ) -> int: ...
    def hexkey_sample_part(
        self, count: int, chosen: Any, bits: Any, sample: Any, rest: Any, /
    ) -> None: ...
    HEXKEY_CASCADE_MAX_BITS: int
    HEXKEY_CASCADE_SHUFFLES: int
    HEXKEY_CASCADE_SUBSETS: int
    HEXKEY_CASCADE_BATCHES: int
    HEXKEY_CASCADE_PASSES: int
    HEXKEY_CASCADE_MALFORMED: int
    HEXKEY_CASCADE_TOO_MANY: int
    HEXKEY_CASCADE_CONTRADICTION: int
    HEXKEY_CASCADE_LOOK: int
    HEXKEY_CASCADE_NEEDS: int

    def hexkey_clmul_accelerated(self) -> int: ...
    def hexkey_crc32_prepare(self, tables: Any, /) -> None: ...
    def hexkey_crc32(self, tables: Any, data: Any, data_bytes: int, path: int, /) -> int: ...
    def hexkey_wire_scan(
        self,
        tables: Any,
        data: Any,
        data_bytes: int,
        out: Any,
        out_bytes: int,
        pieces: Any,
        piece_capacity: int,
        consumed: Any,
        /,
    ) -> int: ...
    def hexkey_unpack_events(
        self,
        records: Any,
        record_bytes: int,
        frame_count: int,
        base_pulses: Any,
        record_counts: Any,
        pulse: Any,
        phase_ticks: Any,
        mask: Any,
        flags: Any,
        /,
    ) -> int: ...
    def hexkey_wire_follow(self, pieces: Any, count: int, expected: Any, events: Any, /) -> int: ...
    def hexkey_wire_decode(
        self,
        out: Any,
        pieces: Any,
        count: int,
        pulse: Any,
        phase_ticks: Any,
        mask: Any,
        flags: Any,
        /,
    ) -> int: ...
    def hexkey_gf128_absorb(
        self, state: Any, point: Any, message: Any, bytes: int, path: int, /
    ) -> None: ...
    def hexkey_toeplitz_scratch_words(self, n: int, length: int, /) -> int: ...
    def hexkey_toeplitz(
        self, out: Any, bits: Any, n: int, seed: Any, length: int, scratch: Any, path: int, /
    ) -> int: ...
    def hexkey_toeplitz_stream_words(self, piece: int, length: int, /) -> int: ...
    def hexkey_toeplitz_stream_start(
        self, stream: Any, piece: int, length: int, path: int, /
    ) -> int: ...
    def hexkey_toeplitz_stream_add(
        self, stream: Any, bits: Any, n: int, seed: Any, skip: int, /
    ) -> None: ...
    def hexkey_toeplitz_stream_finish(self, stream: Any, out: Any, /) -> None: ...
    def hexkey_binomial_ppf(self, epsilon: float, n: int, p: float, k: Any, /) -> int: ...
    def hexkey_binomial_ppf_array(
        self, count: int, epsilon: Any, n: Any, p: Any, k: Any, undecided: Any, /
    ) -> int: ...
    def hexkey_sift(
        self,
        settings: Any,
        state: Any,
        events: int,
        pulse: Any,
        phase: Any,
        mask: Any,
        watermark: int,
        out_pulse: Any,
        out_bit: Any,
        /,
    ) -> int: ...
    def hexkey_tags_decode(
        self,
        layout: int,
        words: Any,
        count: int,
        state: Any,
        channel: Any,
        ticks: Any,
        pulse: Any,
        /,
    ) -> int: ...
    def hexkey_offset_search(
        self,
        record: Any,
        record_bytes: int,
        position: Any,
        bit: Any,
        samples: int,
        candidates: int,
        limit: int,
        match: Any,
        mismatches: Any,
        capacity: int,
        /,
    ) -> int: ...
    def hexkey_cascade_log_columns(self, n: int, /) -> int: ...
    def hexkey_cascade_rows(self, n: int, /) -> int: ...
    def hexkey_cascade_places(self, n: int, /) -> int: ...
    def hexkey_cascade_parity_limit(self, n: int, /) -> int: ...
    def hexkey_cascade_rotations(self, n: int, stream: Any, out: Any, /) -> None: ...
    def hexkey_cascade_pack(self, n: int, bits: Any, out: Any, /) -> None: ...
    def hexkey_cascade_running(
        self, n: int, rotations: Any, bits: Any, out: Any, scratch: Any, /
    ) -> None: ...
    def hexkey_cascade_running_subset(
        self, n: int, stream: Any, k: int, bits: Any, out: Any, /
    ) -> None: ...
    def hexkey_cascade_subset_parities(self, n: int, stream: Any, bits: Any, /) -> int: ...
    def hexkey_cascade_answer(
        self, alice: Any, query: Any, query_bytes: int, allowed: int, out: Any, /
    ) -> int: ...
    def hexkey_cascade_answer_all(self, answers: Any, query: bytes, query_bytes: int, /) -> int: ...
    def hexkey_cascade_bob_words(self, n: int, /) -> int: ...
    def hexkey_cascade_query_bytes(self, n: int, /) -> int: ...
    def hexkey_cascade_scratch_words(self, n: int, /) -> int: ...
    def hexkey_cascade_bob_start(self, bob: Any, n: int, bits: Any, scratch: Any, /) -> None: ...
    def hexkey_cascade_open_shuffle(
        self,
        bob: Any,
        number: int,
        rotations: Any,
        qber: float,
        blocks: int,
        scratch: Any,
        out: Any,
        /,
    ) -> int: ...
    def hexkey_cascade_halve(self, bob: Any, qber: float, longest: int, out: Any, /) -> int: ...
    def hexkey_cascade_open_subsets(
        self, bob: Any, batch: int, stream: Any, out: Any, /
    ) -> int: ...
    def hexkey_cascade_asked(self, bob: Any, /) -> int: ...
    def hexkey_cascade_asked_in_all(self, bob: Any, /) -> int: ...
    def hexkey_cascade_odd(self, bob: Any, /) -> int: ...
    def hexkey_cascade_odd_subsets(self, bob: Any, /) -> int: ...
    def hexkey_cascade_flips(self, bob: Any, /) -> int: ...
    def hexkey_cascade_look_at(self, bob: Any, flips: int, /) -> None: ...
    def hexkey_cascade_ask(self, bob: Any, out: Any, /) -> int: ...
    def hexkey_cascade_turn(self, bob: Any, answer: Any, out: Any, /) -> int: ...
    def hexkey_cascade_turn_all(self, turns: Any, answer: bytes, answer_bytes: int, /) -> int: ...
    def hexkey_cascade_bob_bits(self, bob: Any, out: Any, /) -> None: ...
    HEXKEY_LDPC_MAX_DEGREE: int
    HEXKEY_LDPC_CERTAIN: int
    HEXKEY_LDPC_MARGIN: int
    HEXKEY_LDPC_FASTEST: int
    HEXKEY_LDPC_PORTABLE: int
    HEXKEY_LDPC_AVX2: int
    HEXKEY_LDPC_AVX512: int
    def hexkey_ldpc_fastest(self) -> int: ...
    def hexkey_ldpc_syndrome(
        self, layers: Any, layer_count: int, edges: Any, lifting: int, bits: Any, out: Any, /
    ) -> None: ...
    def hexkey_ldpc_message_bytes(self, layers: Any, layer_count: int, /) -> int: ...
    def hexkey_ldpc_decode(
        self,
        layers: Any,
        layer_count: int,
        edges: Any,
        lifting: int,
        syndrome: Any,
        bits: Any,
        messages: Any,
        sweeps: int,
        patience: int,
        path: int,
        /,
    ) -> int: ...
    def hexkey_plain_wire(
        self,
        tables: Any,
        data: Any,
        data_bytes: int,
        pulse: Any,
        phase_ticks: Any,
        mask: Any,
        flags: Any,
        /,
    ) -> int: ...
    def hexkey_plain_sift(
        self,
        settings: Any,
        events: int,
        pulse: Any,
        phase: Any,
        mask: Any,
        out_pulse: Any,
        out_bit: Any,
        /,
    ) -> int: ...
    def hexkey_plain_toeplitz(
        self, out: Any, bits: Any, n: int, taken: int, seed: Any, length: int, /
    ) -> None: ...
    def hexkey_plain_cascade(
        self, alice: Any, bob: Any, n: int, qber: float, seed: int, room: Any, /
    ) -> int: ...
    def hexkey_plain_ldpc(
        self,
        layers: Any,
        layer_count: int,
        edges: Any,
        lifting: int,
        bits: int,
        syndrome: Any,
        prior: float,
        iterations: int,
        belief: Any,
        message: Any,
        /,
    ) -> int: ...
    def hexkey_plain_gf128(
        self, state: Any, point: Any, message: Any, message_bytes: int, /
    ) -> None: ...

lib: _Lib
