/* The table of bits that Cascade's passes permute, and the amounts by which they rotate it. */
#include "cascade.h"

uint32_t hexkey_cascade_log_columns(uint32_t n)
{
    uint32_t log = 0;
    while (((uint64_t)1 << 2 * log) < n)
        log++;
    return log;
}

uint32_t hexkey_cascade_rows(uint32_t n)
{
    uint32_t log = hexkey_cascade_log_columns(n);
    return (uint32_t)(((uint64_t)n + ((uint64_t)1 << log) - 1) >> log);
}

uint32_t hexkey_cascade_places(uint32_t n)
{
    return hexkey_cascade_rows(n) << hexkey_cascade_log_columns(n);
}

uint32_t hexkey_cascade_parity_limit(uint32_t n)
{
    return 2 * n + 64;
}

static uint32_t below(uint32_t word, uint32_t bound)
{
    return (uint32_t)((uint64_t)word * bound >> 32);
}

/* Read a little-endian word. */
static uint32_t word_at(const uint8_t *bytes, size_t i)
{
    const uint8_t *b = bytes + 4 * i;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

void hexkey_cascade_rotations(uint32_t n, const uint8_t *restrict stream, uint32_t *restrict out)
{
    uint32_t columns = 1u << hexkey_cascade_log_columns(n), rows = hexkey_cascade_rows(n);
    uint32_t *column = out + rows, *again = out + rows + columns;
    for (uint32_t r = 0; r < rows; r++)
        out[r] = below(word_at(stream, r), columns);
    for (uint32_t c = 0; c < columns; c++) {
        uint32_t i = c % rows, first = c - i; /* one shuffle of all rows after the other */
        uint32_t j = below(word_at(stream, rows + c), i + 1);
        column[c] = column[first + j];
        column[first + j] = i;
    }
    for (uint32_t r = 0; r < rows; r++)
        again[r] = below(word_at(stream, rows + columns + r), columns);
}

/* Rotate each row of whole words: column c of row r goes to c + by[r]. */
static void rotate_rows(uint32_t rows, size_t words, const uint32_t *restrict by,
                        const uint64_t *restrict in, uint64_t *restrict out)
{
    for (uint32_t r = 0; r < rows; r++, in += words, out += words) {
        unsigned shift = by[r] & 63;
        size_t from = (words - (by[r] >> 6)) & (words - 1); /* words is a power of two */
        for (size_t w = 0; w < words; w++) {
            uint64_t low = in[(from + w) & (words - 1)];
            uint64_t before = in[(from + w - 1) & (words - 1)];
            out[w] = shift ? low << shift | before >> (64 - shift) : low;
        }
    }
}

/* Rotate those columns whose bit is set in `mask` by `step` rows. */
static void rotate_columns(uint32_t rows, size_t words, uint32_t step,
                           const uint64_t *restrict mask, const uint64_t *restrict in,
                           uint64_t *restrict out)
{
    for (uint32_t r = 0; r < rows; r++) {
        const uint64_t *stay = in + r * words;
        const uint64_t *move = in + (r < step ? r + rows - step : r - step) * words;
        for (size_t w = 0; w < words; w++)
            out[r * words + w] = (stay[w] & ~mask[w]) | (move[w] & mask[w]);
    }
}

/* Columns of few bits: bit by bit. */
static void permute_slowly(const struct order *o, const uint64_t *restrict in,
                           uint64_t *restrict out)
{
    uint32_t places = o->rows << o->log_columns;
    memset(out, 0, words_of(places) * sizeof *out);
    for (uint32_t i = 0; i < places; i++) {
        uint32_t place = place_of(o, i);
        out[place >> 6] |= get_bit(in, i) << (place & 63);
    }
}

/* Amounts of rotation are applied binary digit by binary digit, to 64 columns at a time. */
HOT void cascade_permute(const struct order *o, const uint64_t *restrict in, uint64_t *restrict out,
                         uint64_t *restrict scratch)
{
    uint64_t mask[CASCADE_MAX_COLUMNS / 64], *from = scratch, *to = out;
    size_t words = ((size_t)1 << o->log_columns) / 64;
    if (words == 0) {
        permute_slowly(o, in, out);
        return;
    }
    rotate_rows(o->rows, words, o->row, in, from);
    for (unsigned digit = 0; (1u << digit) < o->rows; digit++) {
        uint64_t *swap = from;
        for (size_t w = 0; w < words; w++) {
            mask[w] = 0;
            for (unsigned k = 0; k < 64; k++)
                mask[w] |= (uint64_t)(o->column[64 * w + k] >> digit & 1) << k;
        }
        rotate_columns(o->rows, words, 1u << digit, mask, from, to);
        from = to;
        to = swap;
    }
    rotate_rows(o->rows, words, o->row_again, from, to);
    if (to != out)
        memcpy(out, to, o->rows * words * sizeof *out);
}

HOT void cascade_permute_weights(const struct order *o, const uint8_t *restrict in,
                                 uint8_t *restrict out, uint8_t *restrict scratch)
{
    uint32_t columns = 1u << o->log_columns, places = o->rows << o->log_columns;
    uint32_t from[CASCADE_MAX_COLUMNS];
    uint8_t line[CASCADE_MAX_COLUMNS];
    for (uint32_t r = 0; r < o->rows; r++) {
        uint32_t by = o->row[r], base = r << o->log_columns;
        memcpy(scratch + base + by, in + base, (columns - by) * sizeof *in);
        memcpy(scratch + base, in + base + columns - by, by * sizeof *in);
    }
    for (uint32_t c = 0; c < columns; c++)
        from[c] = c + ((o->column[c] ? o->rows - o->column[c] : 0) << o->log_columns);
    for (uint32_t r = 0; r < o->rows; r++) {
        uint32_t by = o->row_again[r];
        uint8_t *row = out + ((size_t)r << o->log_columns);
        for (uint32_t c = 0; c < columns; c++)
            line[c] = scratch[from[c]];
        for (uint32_t c = 0; c < columns; c++) {
            uint32_t next = from[c] + columns;
            from[c] = next >= places ? next - places : next;
        }
        memcpy(row + by, line, (columns - by) * sizeof *row);
        memcpy(row, line + columns - by, by * sizeof *row);
    }
}
