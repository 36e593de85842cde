/* hexkey_cascade_answer and _answer_all, on any bytes as a query, against readers and a sum of their
 * own.
 */
#include "harness.h"

enum { MOST_BITS = 300, MOST_BYTES = 120, SHUFFLED = 1, SUBSET_PASS = HEXKEY_CASCADE_SHUFFLES + 3 };

struct block {
    uint32_t n, columns, rows;
    const uint8_t *bits;
    const uint32_t *rotations;
    const uint64_t *stream;
};

/* Where a position of the natural order stands in pass `pass`: rows, columns, rows again. */
static uint32_t slow_place(const struct block *b, unsigned pass, uint32_t position)
{
    uint32_t r = position / b->columns, c = position % b->columns;
    if (pass != SHUFFLED)
        return position;
    c = (c + b->rotations[r]) % b->columns;
    r = (r + b->rotations[b->rows + c]) % b->rows;
    c = (c + b->rotations[b->rows + b->columns + r]) % b->columns;
    return r * b->columns + c;
}

static unsigned slow_parity(const struct block *b, unsigned pass, uint32_t first, uint32_t end)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        uint32_t place = slow_place(b, pass, i);
        uint32_t at = i + pass - HEXKEY_CASCADE_SHUFFLES; /* in the stream, of a subset */
        int member = pass < HEXKEY_CASCADE_SHUFFLES || (b->stream[at / 64] >> at % 64 & 1);
        sum ^= member && first <= place && place < end ? b->bits[i] : 0;
    }
    return sum;
}

/* Returns 0 where the number is longer than 4 bytes or cut short. */
static int slow_number(const uint8_t *query, size_t bytes, size_t *at, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < 4 && *at < bytes; i++) {
        uint8_t byte = query[(*at)++];
        *value += (uint32_t)(byte % 128) << 7 * i;
        if (byte < 128)
            return 1;
    }
    return 0;
}

/* Three passes have tables, and all of a subset is known in their batch. */
static int slow_known(const struct block *b, unsigned pass, uint32_t first, uint32_t length)
{
    int in_batch = pass >= HEXKEY_CASCADE_SHUFFLES &&
                   pass < HEXKEY_CASCADE_SHUFFLES + HEXKEY_CASCADE_SUBSETS;
    return pass == 0 || pass == SHUFFLED || pass == SUBSET_PASS ||
           (in_batch && first == 0 && length >= b->n); /* `whole` is of the first batch */
}

static ptrdiff_t slow_answer(const struct block *b, const uint8_t *query, size_t bytes,
                             size_t allowed, uint8_t *out)
{
    size_t at = 0, asked = 0;
    uint32_t places = b->rows * b->columns;
    if (!bytes)
        return HEXKEY_CASCADE_MALFORMED;
    memset(out, 0, bytes / 16 + 1);
    while (at < bytes) {
        unsigned pass = query[at++];
        uint32_t count, gap, length, from = 0;
        int whole = slow_number(query, bytes, &at, &count);
        if (pass >= HEXKEY_CASCADE_PASSES || !whole || !count)
            return HEXKEY_CASCADE_MALFORMED;
        if (count > allowed - asked)
            return HEXKEY_CASCADE_TOO_MANY;
        for (; count; count--, asked++) {
            if (!slow_number(query, bytes, &at, &gap) || !slow_number(query, bytes, &at, &length))
                return HEXKEY_CASCADE_MALFORMED;
            if (!length || (uint64_t)from + gap + length > places)
                return HEXKEY_CASCADE_MALFORMED;
            if (!slow_known(b, pass, from + gap, length))
                return HEXKEY_CASCADE_NEEDS - (ptrdiff_t)pass;
            out[asked / 8] |= (uint8_t)(slow_parity(b, pass, from + gap, from + gap + length)
                                        << asked % 8);
            from += gap + length;
        }
    }
    return (ptrdiff_t)asked;
}

/* Answer entries about two blocks of the same bits. */
static ptrdiff_t slow_answer_all(const struct block *b, const uint8_t *query, size_t bytes,
                                 uint32_t *left, uint8_t *out, size_t *written)
{
    uint8_t room[MOST_BYTES / 16 + 1];
    size_t at = 0;
    *written = 0;
    while (at < bytes) {
        uint32_t which, size;
        ptrdiff_t count;
        if (!slow_number(query, bytes, &at, &which) || !slow_number(query, bytes, &at, &size))
            return HEXKEY_CASCADE_MALFORMED;
        if (which > 1 || size > bytes - at)
            return HEXKEY_CASCADE_MALFORMED;
        count = slow_answer(b, query + at, size, left[which], room);
        if (count < 0)
            return count;
        at += size;
        left[which] -= (uint32_t)count;
        memcpy(out + *written, room, ((size_t)count + 7) / 8);
        *written += ((size_t)count + 7) / 8;
    }
    return 0;
}

static void check_entries(const struct block *block, const hexkey_cascade_alice *alice,
                          const uint8_t *query, size_t bytes, uint32_t allowed)
{
    const hexkey_cascade_alice *alices[] = {alice, alice};
    uint32_t left[] = {allowed, allowed / 2}, expected_left[] = {allowed, allowed / 2};
    uint8_t *out = malloc(bytes), *expected = malloc(bytes);
    size_t written;
    hexkey_cascade_answers answers = {.alices = alices, .blocks = 2, .left = left, .out = out};
    ptrdiff_t found = hexkey_cascade_answer_all(&answers, query, bytes);
    REQUIRE(found == slow_answer_all(block, query, bytes, expected_left, expected, &written));
    REQUIRE(written == answers.written && !memcmp(out, expected, written));
    REQUIRE(!memcmp(left, expected_left, sizeof left));
    free(out);
    free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint32_t n = 1 + (uint32_t)take_up_to(&in, MOST_BITS - 1);
    uint32_t columns = 1u << hexkey_cascade_log_columns(n), rows = hexkey_cascade_rows(n);
    size_t words = (hexkey_cascade_places(n) + 63) / 64 + 1, streamed = (n + 63) / 64 + 1;
    size_t allowed = take_up_to(&in, 2 * n + 64);
    size_t bytes = take_up_to(&in, in.left < MOST_BYTES ? in.left : MOST_BYTES);
    uint8_t *query = take_buffer(&in, bytes);
    uint8_t *bits = take_buffer(&in, n), *keystream = take_buffer(&in, 4 * (2 * rows + columns));
    uint64_t *stream = take_buffer(&in, 8 * streamed);
    for (uint32_t i = 0; i < n; i++)
        bits[i] &= 1;
    for (size_t i = 0; i < bytes; i++) /* passes that there are, among what is no number anyway */
        query[i] = query[i] == 200 ? 0 : query[i] == 201 ? SHUFFLED : query[i];

    uint32_t *rotations = malloc((2 * rows + columns) * sizeof *rotations);
    uint64_t *packed = malloc(8 * words), *scratch = malloc(8 * words);
    uint64_t *natural = malloc(8 * words), *shuffled = malloc(8 * words);
    uint64_t *subset = malloc(8 * words);
    hexkey_cascade_rotations(n, keystream, rotations);
    hexkey_cascade_pack(n, bits, packed);
    hexkey_cascade_running(n, NULL, packed, natural, scratch);
    hexkey_cascade_running(n, rotations, packed, shuffled, scratch);
    hexkey_cascade_running_subset(n, stream, SUBSET_PASS - HEXKEY_CASCADE_SHUFFLES, packed, subset);
    hexkey_cascade_alice alice = {.n = n};
    alice.running[0] = natural;
    alice.running[SHUFFLED] = shuffled;
    alice.running[SUBSET_PASS] = subset;
    alice.whole[0] = hexkey_cascade_subset_parities(n, stream, packed) | UINT32_C(1) << 31;

    struct block block = {n, columns, rows, bits, rotations, stream};
    uint8_t *out = malloc(bytes / 16 + 1), *expected = malloc(bytes / 16 + 1);
    ptrdiff_t found = hexkey_cascade_answer(&alice, query, bytes, allowed, out);
    REQUIRE(found == slow_answer(&block, query, bytes, allowed, expected));
    REQUIRE(found <= 0 || !memcmp(out, expected, ((size_t)found + 7) / 8));
    check_entries(&block, &alice, query, bytes, (uint32_t)allowed);
    uint8_t *entry = malloc(bytes + 3); /* so that a good query is a good entry, too */
    entry[0] = query && bytes ? query[bytes / 2] & 1 : 0;
    entry[1] = (uint8_t)bytes;
    if (bytes)
        memcpy(entry + 2, query, bytes);
    entry[2 + bytes] = 0; /* and the start of another */
    check_entries(&block, &alice, entry, bytes + 2 + bytes % 2, (uint32_t)allowed);
    free(entry);
    free(bits);
    free(keystream);
    free(stream);
    free(query);
    free(rotations);
    free(packed);
    free(scratch);
    free(natural);
    free(shuffled);
    free(subset);
    free(out);
    free(expected);
    return 0;
}
