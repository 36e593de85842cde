/* Bob's side of Cascade against answers of which some are lies: it ends, stays within its memory,
 * and each of its queries is one that Alice takes and that asks for as many parities as Bob says.
 */
#include "harness.h"

enum { MOST_BITS = 400, MOST_ROUNDS = 400, SHUFFLED = 2, BATCHES = 2 };

struct sides {
    uint32_t n, asked;
    size_t words, query_bytes;
    uint32_t *rotations[1 + SHUFFLED];
    uint64_t *stream[BATCHES], *packed, *scratch, *running[1 + SHUFFLED], *subsets[BATCHES], *bob;
    uint64_t *room; /* Bob's scratch */
    uint8_t *query;
    hexkey_cascade_alice alice;
};

/* Alice's tables for all that Bob may ask about here. */
static void prepare(struct sides *s, struct input *in)
{
    size_t rotations = 2 * hexkey_cascade_rows(s->n) + (1u << hexkey_cascade_log_columns(s->n));
    for (unsigned pass = 0; pass <= SHUFFLED; pass++) {
        s->running[pass] = malloc(8 * s->words);
        s->rotations[pass] = NULL;
        if (pass) {
            uint8_t *keystream = take_buffer(in, 4 * rotations);
            s->rotations[pass] = malloc(4 * rotations);
            hexkey_cascade_rotations(s->n, keystream, s->rotations[pass]);
            free(keystream);
        }
        hexkey_cascade_running(s->n, s->rotations[pass], s->packed, s->running[pass], s->scratch);
        s->alice.running[pass] = s->running[pass];
    }
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        s->stream[batch] = take_buffer(in, 8 * ((s->n + 63) / 64 + 1));
        s->subsets[batch] = malloc(8 * s->words * HEXKEY_CASCADE_SUBSETS);
        for (unsigned k = 0; k < HEXKEY_CASCADE_SUBSETS; k++) {
            uint64_t *table = s->subsets[batch] + k * s->words;
            hexkey_cascade_running_subset(s->n, s->stream[batch], k, s->packed, table);
            s->alice.running[HEXKEY_CASCADE_SHUFFLES + batch * HEXKEY_CASCADE_SUBSETS + k] = table;
        }
    }
}

/* The answer to Bob's query, one parity wrong where the input says so; the caller frees it. */
static uint8_t *answer(struct sides *s, size_t size, struct input *in)
{
    REQUIRE(size > 0 && size <= s->query_bytes && s->asked > 0);
    uint8_t *room = malloc(size / 16 + 1), *exact = malloc((s->asked + 7) / 8);
    REQUIRE(hexkey_cascade_answer(&s->alice, s->query, size, s->asked, room) ==
            (ptrdiff_t)s->asked);
    memcpy(exact, room, (s->asked + 7) / 8);
    if (take(in, 1) % 16 == 1) {
        uint32_t wrong = (uint32_t)take_up_to(in, s->asked - 1);
        exact[wrong / 8] ^= (uint8_t)(1u << wrong % 8);
    }
    free(room);
    return exact;
}

/* Open what comes next; returns the query's bytes, or 0. `stage` is below 1 + SHUFFLED + BATCHES. */
static size_t open_next(struct sides *s, unsigned stage, double qber, struct input *in)
{
    uint32_t blocks = 1 + (uint32_t)take_up_to(in, s->n / 4);
    size_t size;
    if (stage <= SHUFFLED) {
        if (stage && blocks < 2)
            return 0;
        size = hexkey_cascade_open_shuffle(s->bob, stage, s->rotations[stage], qber, blocks,
                                           s->room, s->query);
    } else {
        unsigned batch = stage - SHUFFLED - 1;
        size = hexkey_cascade_open_subsets(s->bob, batch, s->stream[batch], s->query);
    }
    s->asked = size ? hexkey_cascade_asked(s->bob) : 0;
    return size;
}

/* Bob's turn as that of a batch of one block, which refuses an answer that is cut or too long, or
 * has padding, before it does anything; returns what a turn of the block alone would.
 */
static int64_t turn_of_batch(struct sides *s, const uint8_t *answered)
{
    size_t bytes = (s->asked + 7) / 8, number = 0, length = 0, shift = 0;
    uint32_t order = 7, asked = s->asked;
    uint64_t *bobs[8] = {0};
    int64_t stopped;
    uint8_t *room = malloc(s->query_bytes + 8), *padded = malloc(bytes + 1);
    hexkey_cascade_turns turns = {bobs, &order, &asked, 1, room, 0, &stopped, 0};
    bobs[7] = s->bob;
    memcpy(padded, answered, bytes);
    padded[bytes] = 0;
    REQUIRE(hexkey_cascade_turn_all(&turns, padded, bytes + 1) == HEXKEY_CASCADE_MALFORMED);
    REQUIRE(hexkey_cascade_turn_all(&turns, answered, bytes - 1) == HEXKEY_CASCADE_MALFORMED);
    if (s->asked % 8) {
        padded[bytes - 1] |= 128;
        REQUIRE(hexkey_cascade_turn_all(&turns, padded, bytes) == HEXKEY_CASCADE_MALFORMED);
    }
    free(padded);
    if (hexkey_cascade_turn_all(&turns, answered, bytes) == 1) {
        free(room);
        REQUIRE(turns.going == 0 && (stopped & 0xFFFFFFFF) == 7 && stopped >> 32 <= 0);
        return stopped >> 32;
    }
    REQUIRE(turns.going == 1 && order == 7 && asked > 0 && turns.asked_in_all == asked);
    REQUIRE(room[number++] == 7);
    do
        length |= (size_t)(room[number] & 127) << shift, shift += 7;
    while (room[number++] & 128);
    REQUIRE(number + length == turns.query_bytes);
    memcpy(s->query, room + number, length);
    free(room);
    return (int64_t)asked << 32 | (int64_t)length;
}

static void converse(struct sides *s, double qber, struct input *in)
{
    unsigned stage = 0;
    size_t size = open_next(s, stage++, qber, in);
    for (unsigned round = 0; round < MOST_ROUNDS; round++) {
        int64_t turn = HEXKEY_CASCADE_LOOK;
        if (size) {
            uint8_t *answered = answer(s, size, in);
            int look = take(in, 1) % 8 == 1;
            hexkey_cascade_look_at(s->bob, look ? 0 : UINT32_MAX);
            turn = turn_of_batch(s, answered);
            free(answered);
            REQUIRE(!look || turn == HEXKEY_CASCADE_LOOK);
            size = 0;
            if (look)
                size = hexkey_cascade_halve(s->bob, qber, 1 + (uint32_t)take_up_to(in, 20),
                                            s->query);
            if (size) {
                s->asked = hexkey_cascade_asked(s->bob);
                continue;
            }
        }
        if (turn == HEXKEY_CASCADE_LOOK)
            turn = hexkey_cascade_ask(s->bob, s->query);
        REQUIRE(turn >= 0 || turn == HEXKEY_CASCADE_CONTRADICTION);
        if (turn < 0 || (turn == 0 && stage > SHUFFLED + BATCHES))
            return;
        size = (size_t)(turn & 0xFFFFFFFF);
        s->asked = (uint32_t)(turn >> 32);
        if (turn == 0)
            size = open_next(s, stage++, qber, in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct sides s = {.n = 1 + (uint32_t)take_up_to(&in, MOST_BITS - 1)};
    double qber = (1 + (double)take_up_to(&in, 249)) / 1000;
    uint8_t *alice = take_buffer(&in, s.n), *bits = malloc(s.n), *corrected = malloc(s.n);
    for (uint32_t i = 0; i < s.n; i++) {
        bits[i] = alice[i] >> 1 & (alice[i] >> 2) & 1; /* differs in a quarter, if all are random */
        bits[i] ^= alice[i] &= 1;
    }
    s.words = (hexkey_cascade_places(s.n) + 63) / 64 + 1;
    s.packed = malloc(8 * s.words);
    s.scratch = malloc(8 * s.words);
    s.alice.n = s.n;
    hexkey_cascade_pack(s.n, alice, s.packed);
    s.query_bytes = hexkey_cascade_query_bytes(s.n);
    s.query = malloc(s.query_bytes);
    s.bob = malloc(8 * hexkey_cascade_bob_words(s.n));
    s.room = malloc(8 * hexkey_cascade_scratch_words(s.n));
    hexkey_cascade_bob_start(s.bob, s.n, bits, s.room);
    struct input lies = {data, size}; /* of the same bytes, so that short inputs have some */
    prepare(&s, &in);
    converse(&s, qber, &lies);
    hexkey_cascade_bob_bits(s.bob, corrected);
    for (uint32_t i = 0; i < s.n; i++)
        REQUIRE(corrected[i] <= 1);
    for (unsigned pass = 0; pass <= SHUFFLED; pass++) {
        free(s.running[pass]);
        free(s.rotations[pass]);
    }
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        free(s.stream[batch]);
        free(s.subsets[batch]);
    }
    free(s.packed);
    free(s.scratch);
    free(s.room);
    free(s.query);
    free(s.bob);
    free(alice);
    free(bits);
    free(corrected);
    return 0;
}
