/* What the two sides of Cascade share: the order of a pass, and work on packed bits. */
#ifndef HEXKEY_CASCADE_H
#define HEXKEY_CASCADE_H

#include <string.h>

#include "hexkey.h"

/* A shuffled pass as three rounds of rotations of a table of `rows` times 2^log_columns bits: each
 * row by a random amount, each column by a random amount, each row again. Columns that lie close
 * together are rotated by different amounts, so that two bits of one row never meet again in one.
 * Pass 0 is the table in its natural order.
 */
struct order {
    uint32_t rows, log_columns, shuffled;
    const uint32_t *row, *column, *row_again; /* rows, columns, rows elements */
};

/* Kernels marked so are also compiled for processors with AVX2, BMI and POPCNT, and chosen by the
 * loader; what they compute is the same. Their helpers must be inlined to take part. What
 * sanitizers insert cannot run as early as that.
 */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) &&   \
    !defined(__SANITIZE_ADDRESS__)
#define HOT __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define HOT
#endif
#define HELPER static inline __attribute__((always_inline))

HELPER size_t words_of(size_t bits)
{
    return (bits + 63) / 64;
}

HELPER uint32_t place_of(const struct order *o, uint32_t position)
{
    uint32_t mask = (1u << o->log_columns) - 1, r = position >> o->log_columns, c;
    if (!o->shuffled)
        return position;
    c = (position + o->row[r]) & mask;
    r += o->column[c];
    r -= r >= o->rows ? o->rows : 0;
    return r << o->log_columns | ((c + o->row_again[r]) & mask);
}

HELPER uint32_t position_of(const struct order *o, uint32_t place)
{
    uint32_t mask = (1u << o->log_columns) - 1, r = place >> o->log_columns, c, up;
    if (!o->shuffled)
        return place;
    c = (place - o->row_again[r]) & mask;
    up = r - o->column[c];
    r = up + (r < o->column[c] ? o->rows : 0);
    return r << o->log_columns | ((c - o->row[r]) & mask);
}

HELPER struct order order_of(uint32_t n, const uint32_t *rotations)
{
    struct order o = {.rows = hexkey_cascade_rows(n),
                      .log_columns = hexkey_cascade_log_columns(n),
                      .shuffled = rotations != NULL};
    if (rotations) {
        o.row = rotations;
        o.column = rotations + o.rows;
        o.row_again = o.column + ((size_t)1 << o.log_columns);
    }
    return o;
}

/* Several planes of bits in one table: a row holds a row of each, one after the other. Narrow
 * tables, with less than a word a row, are one row to this end.
 */
HELPER size_t row_words(const struct order *o)
{
    return o->log_columns < 6 ? words_of((size_t)o->rows << o->log_columns)
                              : (size_t)1 << (o->log_columns - 6);
}

/* cascade_order.c: bring planes of bits from the natural into a shuffled order. `scratch` is as long
 * as they are; surplus bits of a plane's last word must be 0.
 */
enum { CASCADE_MAX_PLANES = 3 };
void cascade_permute(const struct order *o, unsigned planes, const uint64_t *restrict in,
                     uint64_t *restrict out, uint64_t *restrict scratch);

HELPER uint64_t get_bit(const uint64_t *words, size_t at)
{
    return words[at >> 6] >> (at & 63) & 1;
}

HELPER void set_bit(uint64_t *words, size_t at)
{
    words[at >> 6] |= (uint64_t)1 << (at & 63);
}

/* Bits of word `w` that lie in first <= place < end; end > first, and w holds some of them. */
HELPER uint64_t inside(size_t w, size_t first, size_t end)
{
    uint64_t mask = ~(uint64_t)0;
    if (w == first >> 6)
        mask &= ~(uint64_t)0 << (first & 63);
    if (w == (end - 1) >> 6)
        mask &= ~(uint64_t)0 >> (63 - ((end - 1) & 63));
    return mask;
}

HELPER unsigned parity(uint64_t word)
{
    return (unsigned)__builtin_parityll(word);
}

HELPER unsigned ones(uint64_t word)
{
    return (unsigned)__builtin_popcountll(word);
}

/* Subset `k` of a batch: position i belongs to it if bit i + k of the batch's stream is set. */
HELPER uint64_t subset_word(const uint64_t *stream, size_t w, unsigned k)
{
    return stream[w] >> k | stream[w + 1] << 1 << (63 - k);
}

/* Add the bits of word `w` to the sum of each subset of a batch. */
HELPER void add_to_subsets(uint64_t *sums, const uint64_t *stream, size_t w, uint64_t bits)
{
    for (unsigned k = 0; k < HEXKEY_CASCADE_SUBSETS; k++)
        sums[k] ^= bits & subset_word(stream, w, k);
}

HELPER unsigned in_subset(const uint64_t *stream, size_t position, unsigned k)
{
    return (unsigned)get_bit(stream, position + k);
}

#endif
