/* hexkey's C kernels: every declaration and its contract.
 *
 * House rules: C11, no allocation, no globals, no Python.h, one story per file. Sizes are counts of
 * elements unless the name says bytes. Arrays named `restrict` must not overlap. Functions that can
 * refuse their input return a negative code and then have written nothing the caller may use.
 * cext/build.py hands this file to cffi: keep it plain (no inline functions, constants as enum).
 */
#ifndef HEXKEY_H
#define HEXKEY_H

#include <stddef.h>
#include <stdint.h>

/* ---- clmul.h: which carry-less multiplication runs ----------------------------------------------
 * `path` of the kernels below: the widest of the processor's instructions, or at most its 256-bit
 * one, or its 128-bit one, or always the portable way; each falls back to the next. Results are the
 * same; in gf128.c and toeplitz*.c none branches on secret values or uses them as addresses.
 */
enum {
    HEXKEY_CLMUL_FASTEST = 0,
    HEXKEY_CLMUL_AVX2 = 1,
    HEXKEY_CLMUL_NARROW = 2,
    HEXKEY_CLMUL_PORTABLE = 3
};

/* What HEXKEY_CLMUL_FASTEST means: 0 the portable way, 1 the 128-bit instruction, 2 the 256-bit
 * one, 3 the 512-bit one. */
int hexkey_clmul_accelerated(void);

/* ---- crc32.c: the check of frames --------------------------------------------------------------
 * `tables` has HEXKEY_CRC32_TABLE_WORDS: the caller keeps them and fills them once.
 */
enum { HEXKEY_CRC32_TABLE_WORDS = 2048 };

void hexkey_crc32_prepare(uint32_t *tables);

/* CRC-32/ISO-HDLC of `data`. */
uint32_t hexkey_crc32(const uint32_t *tables, const uint8_t *data, size_t data_bytes, int path);

/* ---- wire.c: frames of the link and the event records in them (docs/wire-format.md) ---------- */

enum {
    HEXKEY_WIRE_VERSION = 1,
    HEXKEY_WIRE_HEADER_BYTES = 28,
    HEXKEY_WIRE_CRC_BYTES = 4,
    HEXKEY_WIRE_MAX_RECORDS = 240,
    HEXKEY_WIRE_MAX_STUFFED_BYTES = 8269, /* without the trailing zero */
    HEXKEY_WIRE_KIND_EVENTS = 2,
    HEXKEY_WIRE_KIND_TAGS = 3
};

/* Fields of an event record from the least significant bit: phase, flags, advance, mask. */
enum {
    HEXKEY_NARROW_PHASE_BITS = 13,
    HEXKEY_NARROW_FLAGS_BITS = 2,
    HEXKEY_NARROW_ADVANCE_BITS = 13,
    HEXKEY_NARROW_MASK_BITS = 4,
    HEXKEY_WIDE_PHASE_BITS = 24,
    HEXKEY_WIDE_FLAGS_BITS = 4,
    HEXKEY_WIDE_ADVANCE_BITS = 32,
    HEXKEY_WIDE_MASK_BITS = 4
};

/* What became of the bytes between two zeros. */
enum {
    HEXKEY_PIECE_GOOD = 0,
    HEXKEY_PIECE_TOO_LONG = 1,     /* more than HEXKEY_WIRE_MAX_STUFFED_BYTES */
    HEXKEY_PIECE_COBS = 2,         /* a code byte points past the end */
    HEXKEY_PIECE_SHORT = 3,        /* no room for header and CRC */
    HEXKEY_PIECE_CRC = 4,
    HEXKEY_PIECE_VERSION = 5,      /* CRC is right, version is not HEXKEY_WIRE_VERSION */
    HEXKEY_PIECE_INCONSISTENT = 6  /* CRC is right; records and header contradict each other */
};

typedef struct {
    uint64_t pulse;
    uint64_t first_pulse;   /* of the first event; `pulse` where there is none */
    uint64_t last_pulse;    /* of the last event; the same */
    uint64_t stuffed_bytes; /* on the link, without the zero */
    uint32_t run;
    uint32_t epoch;
    uint32_t sequence;
    uint32_t event_tally;
    uint32_t body_at; /* offset in `out` */
    uint32_t body_bytes;
    uint32_t events;
    uint8_t status;
    uint8_t version;
    uint8_t kind;
    uint8_t record_bytes;
    uint8_t settings;
    uint8_t reserved[3];
} hexkey_wire_piece;

/* Split `data` at its zeros; unstuff and check what lies between them.
 *
 * Describes up to `piece_capacity` pieces in `pieces`, empty ones left out, and returns how many;
 * frames without their stuffing go to `out` one after the other. Stops early where `pieces` or
 * `out` is full (`out_bytes` must be at least HEXKEY_WIRE_MAX_STUFFED_BYTES): call again with what
 * follows `*consumed` until it returns 0. Then no zero is left in what follows `*consumed`. Only
 * `status` and `stuffed_bytes` of a piece that is not good mean anything, and `version` where that
 * is what is wrong. No array may overlap another.
 */
size_t hexkey_wire_scan(const uint32_t *tables, const uint8_t *data, size_t data_bytes,
                        uint8_t *out, size_t out_bytes, hexkey_wire_piece *pieces,
                        size_t piece_capacity, size_t *consumed);

/* Decode the event records of `frame_count` frames, one after the other in `records`.
 *
 * Frame i has `record_counts[i]` records of `record_bytes` (4 narrow, 8 wide) bytes and counts from
 * `base_pulses[i]`, which must be below 2^63. Each output array has room for one event per record.
 * Returns the number of events; -1-i if the i-th record of all is impossible (it repeats the pulse
 * of the event before it in its frame or passes 2^63 - 1).
 */
int64_t hexkey_unpack_events(const uint8_t *records, size_t record_bytes, size_t frame_count,
                             const uint64_t *base_pulses, const uint32_t *record_counts,
                             uint64_t *pulse, uint32_t *phase_ticks, uint8_t *mask, uint8_t *flags);

/* What a regular frame of events looks like next; front: first pulse an event may still have. */
typedef struct {
    uint64_t front;
    uint64_t last_event;
    uint32_t run;
    uint32_t epoch;
    uint32_t sequence;
    uint32_t event_tally;
    uint8_t settings;
    uint8_t record_bytes;
    uint8_t reserved[6];
} hexkey_wire_expected;

/* How many of the first of `count` pieces are good frames of events, each of which is what
 * `expected` says: nothing was lost, nothing changed, and the pulses of all events ascend.
 * `expected` then is of the frame after them, and `*events` the number of events in them.
 */
size_t hexkey_wire_follow(const hexkey_wire_piece *pieces, size_t count,
                          hexkey_wire_expected *expected, size_t *events);

/* Decode the events of `count` pieces that hexkey_wire_follow counted. `out` is what
 * hexkey_wire_scan wrote. Each output array has room for the events. Returns their number.
 */
size_t hexkey_wire_decode(const uint8_t *out, const hexkey_wire_piece *pieces, size_t count,
                          uint64_t *pulse, uint32_t *phase_ticks, uint8_t *mask, uint8_t *flags);

/* ---- gf128.c: polynomial hashing over GF(2^128) -------------------------------------------------
 * Field: x^128 + x^7 + x^2 + x + 1. The coefficient of x^k is bit k % 8 (least significant first)
 * of byte k / 8 of an element's 16 bytes.
 *
 * For each 16-byte block m of the message, the last one zero padded: state = (state + m) * point.
 * `state` and `point` are 16 bytes each; `message` may be NULL if `bytes` is 0.
 */
void hexkey_gf128_absorb(uint8_t *state, const uint8_t *point, const uint8_t *message, size_t bytes,
                         int path);

/* ---- toeplitz*.c: privacy amplification ---------------------------------------------------------
 * out[i] = XOR_j seed_bit[i - j + n - 1] & bits[j], 0 <= i < length, 0 <= j < n.
 *
 * `bits` and `out` hold 0 or 1 in each byte. `seed` is packed, first bit least significant, in
 * ceil((n + length - 1) / 8) bytes; surplus bits of the last byte are not used. `scratch` holds
 * hexkey_toeplitz_scratch_words(n, length) words and is left with secrets in it.
 * Without input all bits are 0.
 * Returns 0, or -1 (n or length of 2^58 or more) with nothing written. Nothing is read or
 * written if length is 0.
 */
size_t hexkey_toeplitz_scratch_words(size_t n, size_t length);
int hexkey_toeplitz(uint8_t *restrict out, const uint8_t *restrict bits, size_t n,
                    const uint8_t *restrict seed, size_t length, uint64_t *restrict scratch,
                    int path);

/* The same of packed bits that come in pieces, in any order: out is the sum of their products.
 *
 * `stream` is memory of hexkey_toeplitz_stream_words(piece, length) words that stays where it is,
 * for pieces of up to `piece` bits; 0 words, and -1 from start, where either is 0 or beyond 2^57.
 * A piece of n bits that begins at bit j of m bits in all takes the n + length - 1 bits of the seed
 * from bit m - j - n on: they begin at bit `skip`, 0 to 7, of `seed`, which ends with the byte of
 * the last one; other bits of its first and last byte are not used, nor those of the last byte of
 * `bits`. `out` is packed, spare bits zero. After finish the stream is of no more use.
 */
size_t hexkey_toeplitz_stream_words(size_t piece, size_t length);
int hexkey_toeplitz_stream_start(uint64_t *stream, size_t piece, size_t length, int path);
void hexkey_toeplitz_stream_add(uint64_t *restrict stream, const uint8_t *restrict bits, size_t n,
                                const uint8_t *restrict seed, unsigned skip);
void hexkey_toeplitz_stream_finish(uint64_t *restrict stream, uint8_t *restrict out);

/* ---- binomial.c: quantiles of the binomial distribution -------------------------------------- */

enum { HEXKEY_BINOMIAL_DECIDED = 0, HEXKEY_BINOMIAL_UNDECIDED = 1 };

/* min{k : P[Bin(n, p) <= k] >= epsilon}, for the exact values of the doubles.
 *
 * Needs 0 <= epsilon <= 1, 0 <= p <= 1 and 0 <= n <= 10^15; the caller sees to it. DECIDED: *k is
 * proven. UNDECIDED: epsilon is within the error bound of a value of the distribution function,
 * and exact arithmetic should start from *k (the answer is *k or *k + 1, unless several values are
 * that close together). epsilon = 0 gives 0, and epsilon = 1 gives n unless p = 0.
 */
int hexkey_binomial_ppf(double epsilon, int64_t n, double p, int64_t *k);

/* The same of `count` triples: `undecided` becomes 1 where exact arithmetic is called for, else 0.
 * Returns how many those are.
 */
size_t hexkey_binomial_ppf_array(size_t count, const double *epsilon, const int64_t *n,
                                 const double *p, int64_t *k, uint8_t *undecided);

/* ---- sift.c: from events to Bob's sifted bits, in one pass ----------------------------------- */

enum { HEXKEY_DETECTORS = 4 };

enum {
    HEXKEY_SIFT_DISORDER = -1, /* a pulse below the one before it, or below the last watermark */
    HEXKEY_SIFT_MASK = -2      /* a mask with bits beyond HEXKEY_DETECTORS */
};

typedef struct {
    uint32_t start[HEXKEY_DETECTORS]; /* ticks; below the period */
    uint32_t width[HEXKEY_DETECTORS]; /* ticks; at most the period; 0 where there is no gate */
    uint32_t period;                  /* ticks; 1 to 2^31 */
    uint8_t bit[HEXKEY_DETECTORS];    /* 0 or 1; 2 where the detector has none */
    uint8_t keep_masks;               /* 1: all pulses with a click, and their masks as bits */
} hexkey_sift_settings;

/* Between calls; all zero at the start of an epoch. The counts only rise. */
typedef struct {
    uint64_t pulse;        /* the newest pulse seen, or the watermark */
    uint64_t outside;      /* clicks outside their gate */
    uint64_t before_first; /* clicks in a gate that opened before pulse 0 */
    uint64_t repeats;      /* clicks of a detector that had clicked in the pulse */
    uint64_t doubles;      /* pulses discarded: more than one detector */
    uint64_t other;        /* pulses discarded: a detector without a bit */
    uint8_t current;       /* detectors that clicked in `pulse` so far */
    uint8_t previous;      /* detectors that clicked in the pulse before it so far */
} hexkey_sift_state;

/* Gate `events` clicks, merge those that now share a pulse, and sift by B92's rule: one detector.
 * Or keep every pulse with a click: its mask is then written in place of a bit, and nothing counts
 * as a double or as other. BB84 sifts from these.
 *
 * `pulse` ascends (equal ones are merged) and is below 2^63. No later event lies below `watermark`;
 * one at or below the newest pulse says nothing new. A pulse is sifted once no later event can add
 * to it: two pulses above it have been reached. The outputs hold 2 * events + 2 elements.
 * Returns the number of pulses written, ascending across calls, or a code above; then `state` is
 * as it was.
 */
ptrdiff_t hexkey_sift(const hexkey_sift_settings *settings, hexkey_sift_state *state,
                      size_t events, const uint64_t *restrict pulse,
                      const uint32_t *restrict phase, const uint8_t *restrict mask,
                      uint64_t watermark, uint64_t *restrict out_pulse,
                      uint8_t *restrict out_bit);

/* ---- tags.c: records of PicoQuant's time taggers (docs/tagger-files.md) ----------------------- */

/* Layouts of a record; odd ones count sync periods (T3), even ones ticks (T2). */
enum {
    HEXKEY_TAGS_PICO_T2 = 0,
    HEXKEY_TAGS_PICO_T3 = 1,
    HEXKEY_TAGS_HYDRA1_T2 = 2,
    HEXKEY_TAGS_HYDRA1_T3 = 3,
    HEXKEY_TAGS_HYDRA2_T2 = 4,
    HEXKEY_TAGS_HYDRA2_T3 = 5
};

/* Channel of the edges of the sync in T2; inputs are 0 to 63. */
enum { HEXKEY_TAGS_SYNC = 64 };

/* Between calls; all zero at the start of a file. The counts are of records without a detection. */
typedef struct {
    int64_t base; /* ticks or sync periods that the overflows so far have added up to */
    uint64_t overflows;
    uint64_t markers;
    uint64_t unknown; /* channels that there are none of */
} hexkey_tags_state;

/* Decode `count` words of 4 bytes. Each output array has room for one element a word; `pulse` may be
 * NULL with T2. Returns the number of detections; -1 if there is no such layout or the time passes
 * 2^62, and then `state` is as it was.
 */
ptrdiff_t hexkey_tags_decode(int layout, const uint8_t *words, size_t count,
                             hexkey_tags_state *state, uint8_t *restrict channel,
                             int64_t *restrict ticks, int64_t *restrict pulse);

/* ---- offset.c: where Bob's pulse numbers lie in Alice's record ------------------------------- */

enum { HEXKEY_OFFSET_SAMPLE_BITS = 13 }; /* at most 2^13 - 1 samples */

/* Find the shifts d, 0 <= d < candidates, at which at most `limit` of the sample's bits differ from
 * the record: bit position[i] + d of the record (first bit in the least significant place) against
 * bit[i], 0 or 1. Writes shifts, ascending, and their numbers of mismatches, and stops after
 * `capacity` of them. Returns how many were written.
 * The caller sees to it that 1 <= samples < 2^HEXKEY_OFFSET_SAMPLE_BITS, limit < samples and
 * position[i] + candidates <= 8 record_bytes.
 */
size_t hexkey_offset_search(const uint8_t *record, size_t record_bytes, const uint64_t *position,
                            const uint8_t *bit, size_t samples, uint64_t candidates,
                            uint32_t limit, uint64_t *match, uint32_t *mismatches,
                            size_t capacity);

/* ---- pulses.c: pulse numbers as steps ------------------------------------------------------- */

/* Write the count - 1 steps, in little-endian numbers of 1, 2 or 4 bytes. Returns 0 unless each number
 * is larger than the one before, by less than those hold: what is written then is of no use.
 */
int hexkey_pulses_steps(const uint64_t *restrict pulses, size_t count, unsigned width,
                        uint8_t *restrict out);

/* Write the first number and the `count` after it. Returns 0 if a step is 0 or a number 2^63. */
int hexkey_pulses_sum(uint64_t first, const uint8_t *steps, size_t count, unsigned width,
                      uint64_t *restrict pulses);

/* ---- sample.c: estimation ---------------------------------------------------------------------- */

/* Copy the bits where `chosen` is not 0 to `sample`, the others to `rest`, in order. */
void hexkey_sample_part(size_t count, const uint8_t *restrict chosen, const uint8_t *restrict bits,
                        uint8_t *restrict sample, uint8_t *restrict rest);

/* ---- cascade_*.c: both sides of Cascade --------------------------------------------------------
 * host/hexkey/reconcile/cascade_wire.py has the protocol: passes, orders, and the form of a query.
 */

enum {
    HEXKEY_CASCADE_MAX_BITS = 1048576,
    HEXKEY_CASCADE_SHUFFLES = 8, /* passes 0 to 7: orders of all bits, 0 the natural one */
    HEXKEY_CASCADE_SUBSETS = 14, /* then batches of this many random subsets */
    HEXKEY_CASCADE_BATCHES = 4,
    HEXKEY_CASCADE_PASSES = 64 /* SHUFFLES + BATCHES * SUBSETS */
};

enum {
    HEXKEY_CASCADE_MALFORMED = -1,
    HEXKEY_CASCADE_TOO_MANY = -2, /* parities asked */
    HEXKEY_CASCADE_CONTRADICTION = -3, /* between the peer's answers */
    HEXKEY_CASCADE_LOOK = -4, /* as many bits are flipped as was to be told of */
    HEXKEY_CASCADE_NEEDS = -16 /* minus a pass: its table is missing */
};

/* The table of `n` bits, 1 <= n <= MAX_BITS: 2^log_columns columns, and `places` = rows * columns,
 * fewer than `columns` more than n. The places past n hold zeros.
 */
uint32_t hexkey_cascade_log_columns(uint32_t n);
uint32_t hexkey_cascade_rows(uint32_t n);
uint32_t hexkey_cascade_places(uint32_t n);

/* How many parities of a block Alice discloses at most. More than n can never leave a key; the
 * slack lets a plain call on short or very noisy arrays finish.
 */
uint32_t hexkey_cascade_parity_limit(uint32_t n);

/* Read the rotations of one shuffled pass, 2 * rows + columns elements, from 4 bytes each. */
void hexkey_cascade_rotations(uint32_t n, const uint8_t *restrict stream, uint32_t *restrict out);

/* Pack bits of 0 or 1 into ceil(places / 64) + 1 words. */
void hexkey_cascade_pack(uint32_t n, const uint8_t *restrict bits, uint64_t *restrict out);

/* Parities of all packed bits before each place of an order, in ceil(places / 64) + 1 words.
 * `rotations` is NULL for the natural order; `scratch` is as long as `out`.
 */
void hexkey_cascade_running(uint32_t n, const uint32_t *restrict rotations,
                            const uint64_t *restrict bits, uint64_t *restrict out,
                            uint64_t *restrict scratch);

/* The same for the members of subset `k` of a batch; `stream` has n + 64 bits or more. */
void hexkey_cascade_running_subset(uint32_t n, const uint64_t *restrict stream, unsigned k,
                                   const uint64_t *restrict bits, uint64_t *restrict out);

/* Parities of all members of each of a batch's SUBSETS subsets, the first in the lowest bit. */
uint32_t hexkey_cascade_subset_parities(uint32_t n, const uint64_t *restrict stream,
                                        const uint64_t *restrict bits);

typedef struct {
    uint32_t n;
    const uint64_t *running[64]; /* HEXKEY_CASCADE_PASSES tables as above; NULL where not built */
    uint32_t whole[4]; /* of each of BATCHES, as above, with bit 31 set; 0 where not built */
} hexkey_cascade_alice;

/* Answer a query; `out` holds query_bytes / 16 + 1 bytes. Returns how many parities it wrote, or
 * MALFORMED, TOO_MANY (more than `allowed`), or NEEDS - pass: build its table, or for
 * a whole subset what tells of its batch, and call again.
 */
ptrdiff_t hexkey_cascade_answer(const hexkey_cascade_alice *alice, const uint8_t *restrict query,
                                size_t query_bytes, size_t allowed, uint8_t *restrict out);

/* Alice's blocks of one key: how many parities each may still be asked for; where answers go; and
 * where the reading of a query stands: bytes read and written, and the block at work.
 */
typedef struct {
    const hexkey_cascade_alice *const *alices;
    size_t blocks;
    uint32_t *left;
    uint8_t *out;
    size_t read, written;
    uint32_t block;
    uint64_t disclosed; /* parities in all answers */
} hexkey_cascade_answers;

/* Answer a query about several blocks, each answer padded to bytes, and count `left` down; `out`
 * holds query_bytes bytes. Returns 0 when all is read, or as above: after NEEDS build the block's
 * table and call again. `read` and `written` are 0 at first.
 */
ptrdiff_t hexkey_cascade_answer_all(hexkey_cascade_answers *answers, const uint8_t *query,
                                    size_t query_bytes);

/* Start Bob's side. `bob` is memory of hexkey_cascade_bob_words(n) words for all calls below, which
 * write queries to `out`, of hexkey_cascade_query_bytes(n) bytes. `scratch`, of
 * hexkey_cascade_scratch_words(n) words, keeps nothing between calls. The n bits are 0 or 1.
 */
size_t hexkey_cascade_bob_words(uint32_t n);
size_t hexkey_cascade_query_bytes(uint32_t n);
size_t hexkey_cascade_scratch_words(uint32_t n);
void hexkey_cascade_bob_start(uint64_t *bob, uint32_t n, const uint8_t *bits, uint64_t *scratch);

/* Write a query that opens a pass: pass 0 first, with rotations NULL, then others of SHUFFLES in
 * order. `qber`, in (0, 1/4], is used by pass 0; `blocks`, 1 to n/4 + 1 of equal size there and of
 * equal chance of an error later. `rotations` must stay until Bob is done. Returns the query's
 * bytes, 0 if there is nothing to ask: then go on with an empty answer.
 */
size_t hexkey_cascade_open_shuffle(uint64_t *bob, unsigned pass, const uint32_t *rotations,
                                   double qber, uint32_t blocks, uint64_t *scratch, uint8_t *out);

/* Write a query that halves the blocks of pass 0 with more than `longest` >= 1 unknown bits, and
 * take a new `qber`; as above.
 */
size_t hexkey_cascade_halve(uint64_t *bob, double qber, uint32_t longest, uint8_t *out);

/* Write a query that opens a batch of subsets, once all blocks are even; `stream` must stay.
 * Returns its bytes, 0 if the parities of all subsets are known.
 */
size_t hexkey_cascade_open_subsets(uint64_t *bob, unsigned batch, const uint64_t *stream,
                                   uint8_t *out);

/* Parities that the last query asks for, and all queries; odd blocks of pass 0; odd subsets when
 * the last batch was opened; bits flipped so far.
 */
uint32_t hexkey_cascade_asked(const uint64_t *bob);
uint32_t hexkey_cascade_asked_in_all(const uint64_t *bob);
uint32_t hexkey_cascade_odd(const uint64_t *bob);
uint32_t hexkey_cascade_odd_subsets(const uint64_t *bob);
uint32_t hexkey_cascade_flips(const uint64_t *bob);

/* Let turns stop once `flips` bits have been flipped; 0, as at first, stops every one. */
void hexkey_cascade_look_at(uint64_t *bob, uint32_t flips);

/* Learn from the answer, which has one bit for each parity asked, and go on with `ask` below;
 * or return LOOK in between.
 */
int64_t hexkey_cascade_turn(uint64_t *bob, const uint8_t *answer, uint8_t *out);

/* Flip what is found and write the next query. Returns the parities it asks for in the high and its
 * bytes in the low 32 bits, 0 when all blocks are even, CONTRADICTION, or TOO_MANY past the limit.
 */
int64_t hexkey_cascade_ask(uint64_t *bob, uint8_t *out);

/* Bob's blocks of one key. Those of `order`, the first `going` elements, wait for answers to `asked`
 * parities. `out`, of 8 bytes and hexkey_cascade_query_bytes for each block, takes `query_bytes` of
 * a query. `stopped` has room for all blocks. `asked_in_all` counts the parities of all queries.
 */
typedef struct {
    uint64_t *const *bobs;
    uint32_t *order, *asked;
    size_t going;
    uint8_t *out;
    size_t query_bytes;
    int64_t *stopped;
    uint64_t asked_in_all;
} hexkey_cascade_turns;

/* Take the turns of all blocks that wait: `answer` has the bits of one after the other, each padded
 * to bytes. The query is a sequence of entries: the block's number and its query's bytes, both
 * LEB128, and its query. Blocks that go on are left in `order` and `asked`; `stopped` gets the
 * others: what the turn returned in the high, the block in the low 32 bits. Returns how many those
 * are; or MALFORMED, having done nothing, where the answer has not the length that `asked` wants, or
 * set bits of padding.
 */
ptrdiff_t hexkey_cascade_turn_all(hexkey_cascade_turns *turns, const uint8_t *answer,
                                  size_t answer_bytes);

/* Unpack the bits as corrected. */
void hexkey_cascade_bob_bits(const uint64_t *bob, uint8_t *out);

/* ---- plain.c: for benchmarks only, what the kernels are measured against ----------------------
 * Narrow frames of events from whole bytes, and sifting through gates that end within the period.
 * Output arrays have room for one element per record or event, and one. Both return how many they
 * wrote.
 */
size_t hexkey_plain_wire(const uint32_t *tables, const uint8_t *data, size_t data_bytes,
                         uint64_t *pulse, uint32_t *phase_ticks, uint8_t *mask, uint8_t *flags);
size_t hexkey_plain_sift(const hexkey_sift_settings *settings, size_t events,
                         const uint64_t *pulse, const uint32_t *phase, const uint8_t *mask,
                         uint64_t *out_pulse, uint8_t *out_bit);

/* The sum over the first `taken` of n bits only, each of which costs the same; words, with one more
 * of seed. And the hash of whole blocks.
 */
void hexkey_plain_toeplitz(uint64_t *restrict out, const uint8_t *bits, size_t n, size_t taken,
                           const uint64_t *restrict seed, size_t length);
void hexkey_plain_gf128(uint8_t *state, const uint8_t *point, const uint8_t *message, size_t bytes);

/* ---- ldpc*.c: syndromes of quasi-cyclic codes, and their decoder -------------------------------
 * A code's columns hold `lifting` bits each, its rows as many checks. The check of a layer in lane
 * i has, for each edge of the layer, the bit (i + shift) mod lifting of the edge's column. A layer
 * is a row, or a part of its lanes; it has an edge at least, and ends within the row.
 */
enum {
    HEXKEY_LDPC_MAX_DEGREE = 192, /* edges of a layer */
    HEXKEY_LDPC_CERTAIN = 127,    /* the size of a log likelihood ratio; 6 are a nat */
    HEXKEY_LDPC_MARGIN = 64       /* words around the columns of a decoder */
};

typedef struct {
    uint32_t column; /* where the column starts */
    uint32_t shift;  /* below `lifting` */
} hexkey_ldpc_edge;

typedef struct {
    uint32_t first_edge;
    uint32_t degree;
    uint32_t first_lane;
    uint32_t lanes;
} hexkey_ldpc_layer;

/* `path` of the decoder: what is fastest for a size on this machine, or one of these. */
enum {
    HEXKEY_LDPC_FASTEST = 0,
    HEXKEY_LDPC_PORTABLE = 1,
    HEXKEY_LDPC_AVX2 = 2,
    HEXKEY_LDPC_AVX512 = 3
};

/* The widest path that this machine has. */
int hexkey_ldpc_fastest(void);

/* The sum of the bits on each check of the layers, one layer after the other; bytes 0 and 1. */
void hexkey_ldpc_syndrome(const hexkey_ldpc_layer *layers, uint32_t layer_count,
                          const hexkey_ldpc_edge *edges, uint32_t lifting, const uint8_t *bits,
                          uint8_t *out);

/* Bytes of `messages` below. */
size_t hexkey_ldpc_message_bytes(const hexkey_ldpc_layer *layers, uint32_t layer_count);

/* Find bits with the given syndrome: layered sum-product decoding in bytes.
 *
 * `bits` holds log likelihood ratios, positive for 0 and at most 127 in size, and is left with
 * those found: the sign is the bit. Before the first column there are HEXKEY_LDPC_MARGIN words, and
 * after each column twice as many, that the decoder uses. `syndrome` holds a byte 0 or 1 for each
 * check of each layer, one layer after the other, each filled with zeros to a multiple of 64. No
 * layer has a column twice, no column more than 250 edges. Returns the sweeps it took; minus the
 * sweeps done if the bits do not have it after `sweeps` (below 2^31), or if for `patience` sweeps
 * the number of checks that are not met has not gone below what it had been; 0 if there is
 * no `path` here.
 */
int32_t hexkey_ldpc_decode(const hexkey_ldpc_layer *layers, uint32_t layer_count,
                           const hexkey_ldpc_edge *edges, uint32_t lifting,
                           const int8_t *syndrome, int16_t *bits, int8_t *messages,
                           uint32_t sweeps, uint32_t patience, int path);

/* ---- plain_reconcile.c: for benchmarks only, too ---------------------------------------------- */

/* Both sides of Cascade as of 1994: four shuffled passes, each of blocks twice as long. Corrects
 * `bob` (mostly) and returns the parities disclosed. `room` has 13 n elements, `seed` is not 0.
 */
int64_t hexkey_plain_cascade(const uint8_t *alice, uint8_t *bob, uint32_t n, double qber,
                             uint64_t seed, uint32_t *room);

/* Sum-product decoding with whole rows as layers; columns of `edges` begin at multiples of `lifting`.
 * `belief`, of `bits` elements, ends below 0 where a bit is wrong; `message` has an element for each
 * edge and lane. Returns how many iterations it took, or -1.
 */
int hexkey_plain_ldpc(const hexkey_ldpc_layer *layers, uint32_t layer_count,
                      const hexkey_ldpc_edge *edges, uint32_t lifting, uint32_t bits,
                      const uint8_t *syndrome, float prior, uint32_t iterations, float *belief,
                      float *message);

#endif
