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

enum { MAX_ROW_WORDS = CASCADE_MAX_PLANES * 1024 / 64 };

/* A digit of base 4 of the amounts by which columns rotate: those that it moves 0 to 3 times. */
struct digit {
    uint64_t moved[4][MAX_ROW_WORDS];
};

HELPER void rotate_rows(uint32_t rows, unsigned planes, size_t words, const uint32_t *restrict by,
                        const uint64_t *restrict in, uint64_t *restrict out)
{
    for (uint32_t r = 0; r < rows; r++) {
        unsigned shift = by[r] & 63;
        size_t from = words - (by[r] >> 6); /* words is a power of two */
        for (unsigned p = 0; p < planes; p++, in += words, out += words)
            for (size_t w = 0; w < words; w++)
                out[w] = in[(from + w) & (words - 1)] << shift |
                         in[(from + w - 1) & (words - 1)] >> 1 >> (63 - shift);
    }
}

HELPER void read_digit(const uint32_t *restrict column, unsigned place, unsigned planes,
                       size_t words, struct digit *out)
{
    for (size_t w = 0; w < words; w++) {
        uint64_t low = 0, high = 0;
        for (unsigned k = 0; k < 64; k++) {
            low |= (uint64_t)(column[64 * w + k] >> 2 * place & 1) << k;
            high |= (uint64_t)(column[64 * w + k] >> 2 * place >> 1 & 1) << k;
        }
        for (size_t at = w; at < planes * words; at += words) {
            out->moved[0][at] = ~low & ~high;
            out->moved[1][at] = low & ~high;
            out->moved[2][at] = ~low & high;
            out->moved[3][at] = low & high;
        }
    }
}

/* Rotate columns by a digit that is worth `step` rows; a row of all planes has `width` words. */
HELPER void rotate_columns(uint32_t rows, size_t width, uint32_t step,
                           const struct digit *restrict digit, const uint64_t *restrict in,
                           uint64_t *restrict out)
{
    const uint64_t *from[4];
    for (uint32_t k = 0; k < 4; k++)
        from[k] = in + (rows - k * step % rows) % rows * width;
    for (uint32_t r = 0; r < rows; r++, out += width) {
        for (size_t w = 0; w < width; w++)
            out[w] = (from[0][w] & digit->moved[0][w]) | (from[1][w] & digit->moved[1][w]) |
                     (from[2][w] & digit->moved[2][w]) | (from[3][w] & digit->moved[3][w]);
        for (unsigned k = 0; k < 4; k++)
            from[k] = from[k] + width == in + rows * width ? in : from[k] + width;
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

/* Columns are rotated digit by digit of their amounts, all of a row at a time. */
HOT void cascade_permute(const struct order *o, unsigned planes, const uint64_t *restrict in,
                         uint64_t *restrict out, uint64_t *restrict scratch)
{
    struct digit digit;
    size_t words = row_words(o);
    unsigned digits = 0;
    uint64_t *from, *to;
    if (o->log_columns < 6) {
        for (unsigned p = 0; p < planes; p++)
            permute_slowly(o, in + p * words, out + p * words);
        return;
    }
    while (1u << 2 * digits < o->rows)
        digits++;
    from = digits % 2 ? out : scratch; /* so that the last of them ends in scratch */
    to = digits % 2 ? scratch : out;
    rotate_rows(o->rows, planes, words, o->row, in, from);
    for (unsigned place = 0; place < digits; place++) {
        uint64_t *swap = from;
        read_digit(o->column, place, planes, words, &digit);
        rotate_columns(o->rows, planes * words, 1u << 2 * place, &digit, from, to);
        from = to;
        to = swap;
    }
    rotate_rows(o->rows, planes, words, o->row_again, scratch, out);
}
