/* Toeplitz hashing in pieces, by the additive Fourier transform.
 *
 * In digits of 32 bits: with the seed moved up so that n - 1 becomes a whole number of X digits,
 *     P_u = XOR_d s_(u + X - 1 - d) x_d,    0 <= d < X,
 * has 63 bits, and digit t of the result is the low half of P_(t+1) and the high half of P_t. That
 * is the middle product of additive_fft.h with w_i = x_(X-1-i).
 *
 * Transforms are linear: products of several pieces of x, each with its own window of the seed, are
 * added as they are, and one transform back ends them all. A transform of N places takes
 * `row_digits` digits of the result (and one more P) and pieces of up to N - row_digits digits of
 * x; results that are longer are cut into rows.
 */
#include "additive_fft.h"
#include "toeplitz.h"
#include "vector.h"

struct plan {
    double cost;
    size_t rows, row_digits;       /* of the result */
    size_t columns, column_digits; /* of a piece */
    unsigned log;
};

struct stream {
    const struct fft_way *way;
    size_t length, row_digits, rows, column_digits;
    unsigned log;
};

enum { HEADER_WORDS = 8, ALIGNMENT = 64 };

static size_t digits_of(size_t bits)
{
    return bits / DIGIT_BITS + (bits % DIGIT_BITS != 0);
}

static size_t divide_up(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

static struct plan plan_with(unsigned log, size_t rows, size_t in, size_t out)
{
    const size_t places = (size_t)1 << log;
    struct plan p = {.log = log, .rows = rows};
    p.row_digits = divide_up(out, rows);
    p.columns = divide_up(in, places - p.row_digits);
    p.column_digits = divide_up(in, p.columns);
    /* with log - 2 instead of log, which is what caches make of it */
    const double transforms = (double)p.columns * (double)(1 + rows) + (double)rows;
    p.cost = transforms * (double)places * (log - 2);
    return p;
}

static struct plan cheaper(struct plan a, struct plan b)
{
    return a.rows && a.cost <= b.cost ? a : b;
}

static struct plan plan_of(size_t piece, size_t length)
{
    const size_t in = digits_of(piece), out = digits_of(length);
    struct plan best = {0};
    for (unsigned log = FFT_LEAST_LOG; log <= FFT_MOST_LOG; log++) {
        const size_t places = (size_t)1 << log;
        best = cheaper(best, plan_with(log, divide_up(out, places / 2), in, out));
        if (in < places) /* a short piece leaves room for longer rows */
            best = cheaper(best, plan_with(log, divide_up(out, places - in), in, out));
    }
    return best;
}

double hexkey_toeplitz_stream_cost(size_t n, size_t length, int path)
{
    /* nanoseconds for each place of a transform and each level, as measured where it matters */
    const double unit = clmul_by_wide_instruction(path)   ? 0.26
                        : clmul_by_avx2_instruction(path) ? 0.58
                        : clmul_by_instruction(path)      ? 0.97
                                                          : 9.3;
    return unit * plan_of(n, length).cost;
}

static size_t table_words(void)
{
    return sizeof(struct fft_tables) / sizeof(uint64_t);
}

size_t hexkey_toeplitz_stream_words(size_t piece, size_t length)
{
    if (length == 0 || length > SIZE_MAX / 64 || piece == 0 || piece > SIZE_MAX / 64)
        return 0;
    const struct plan p = plan_of(piece, length);
    return ALIGNMENT / 8 + HEADER_WORDS + table_words() + ((p.rows + 2) << p.log);
}

static struct stream *stream_in(uint64_t *memory)
{
    const uintptr_t past = (uintptr_t)memory % ALIGNMENT;
    return (struct stream *)(memory + (past ? (ALIGNMENT - past) / 8 : 0));
}

static struct fft_tables *tables_of(struct stream *s)
{
    return (struct fft_tables *)((uint64_t *)s + HEADER_WORDS);
}

/* The sums of products of each row, then room for two transforms. */
static uint64_t *transform_of(struct stream *s, size_t number)
{
    return (uint64_t *)tables_of(s) + table_words() + (number << s->log);
}

int hexkey_toeplitz_stream_start(uint64_t *stream, size_t piece, size_t length, int path)
{
    if (hexkey_toeplitz_stream_words(piece, length) == 0)
        return -1;
    const struct plan p = plan_of(piece, length);
    struct stream *s = stream_in(stream);
    *s = (struct stream){fft_way(path), length, p.row_digits, p.rows, p.column_digits, p.log};
    fft_prepare(tables_of(s));
    memset(transform_of(s, 0), 0, (p.rows << p.log) * sizeof(uint64_t));
    return 0;
}

/* Digits wait for their transform in the upper half of its memory. */
static uint8_t *digits_in(uint64_t *transform, unsigned log)
{
    return (uint8_t *)transform + ((size_t)DIGIT_BYTES << log);
}

/* Digits of a string from any of its bits on: inside of the string, and in general. */
VECTORISED static void shift_digits(uint8_t *restrict to, const uint8_t *restrict from,
                                    unsigned shift, size_t count)
{
    for (size_t e = 0; e < count; e++) {
        const uint8_t *at = from + DIGIT_BYTES * e;
        const uint32_t above = load_le32(at + DIGIT_BYTES) << 1 << (DIGIT_BITS - 1 - shift);
        store_le32(to + DIGIT_BYTES * e, load_le32(at) >> shift | above);
    }
}

static void load_digits(uint8_t *digits, struct bit_string s, ptrdiff_t first, size_t count)
{
    const ptrdiff_t at = s.first + first;
    const size_t before = at < 0 ? digits_of((size_t)-at) : 0;
    const size_t start = (size_t)(at + (ptrdiff_t)(DIGIT_BITS * before)) / 8;
    const size_t whole = start + 8 <= s.size ? (s.size - start) / DIGIT_BYTES - 1 : 0;
    const size_t inside = before >= count ? 0 : whole < count - before ? whole : count - before;
    shift_digits(digits + DIGIT_BYTES * before, s.bytes + (inside ? start : 0),
                 (unsigned)(at + (ptrdiff_t)(DIGIT_BITS * before)) % 8, inside);
    for (size_t e = 0; e < count; e++) {
        if (e == before)
            e += inside;
        if (e < count)
            store_le32(digits + DIGIT_BYTES * e,
                       bits_from(s, first + (ptrdiff_t)(DIGIT_BITS * e)));
    }
}

VECTORISED static void reverse_digits(uint8_t *digits, size_t count)
{
    for (size_t d = 0; d < count / 2; d++) {
        uint8_t *a = digits + DIGIT_BYTES * d, *b = digits + DIGIT_BYTES * (count - 1 - d);
        const uint32_t digit = load_le32(a);
        store_le32(a, load_le32(b));
        store_le32(b, digit);
    }
}

static void pad_digits(uint8_t *digits, unsigned log, size_t count)
{
    memset(digits + DIGIT_BYTES * count, 0, DIGIT_BYTES * (((size_t)1 << log) - count));
}

static void load_factor(uint8_t *digits, unsigned log, struct bit_string x, size_t n)
{
    const size_t count = digits_of(n);
    load_digits(digits, x, 0, count);
    reverse_digits(digits, count);
    if (n % DIGIT_BITS)
        store_le32(digits, load_le32(digits) & ((UINT32_C(1) << n % DIGIT_BITS) - 1));
    pad_digits(digits, log, count);
}

/* Add the product of n bits, at most a column, with `length` + n - 1 bits of seed. */
static void add_column(struct stream *s, struct bit_string x, size_t n, struct bit_string seed)
{
    uint64_t *factor = transform_of(s, s->rows), *middle = transform_of(s, s->rows + 1);
    uint8_t *x_digits = digits_in(factor, s->log), *seed_digits = digits_in(middle, s->log);
    load_factor(x_digits, s->log, x, n);
    s->way->of_factor(factor, x_digits, s->log, tables_of(s));
    /* bit n - 1 of the window is to be the first of digit X: bit 0 becomes bit X * 32 - (n - 1) */
    const ptrdiff_t shift = (ptrdiff_t)(DIGIT_BITS * digits_of(n)) - (ptrdiff_t)(n - 1);
    for (size_t row = 0; row < s->rows; row++) {
        const ptrdiff_t first = (ptrdiff_t)(DIGIT_BITS * s->row_digits * row) - shift;
        load_digits(seed_digits, seed, first, s->row_digits + digits_of(n));
        pad_digits(seed_digits, s->log, s->row_digits + digits_of(n));
        s->way->of_middle(middle, seed_digits, s->log, tables_of(s));
        s->way->add_products(transform_of(s, row), factor, middle, s->log);
    }
}

void hexkey_toeplitz_stream_add(uint64_t *stream, const uint8_t *bits, size_t n,
                                const uint8_t *seed, unsigned skip)
{
    struct stream *s = stream_in(stream);
    const size_t column = DIGIT_BITS * s->column_digits;
    struct bit_string x = {bits, n / 8 + (n % 8 != 0), 0};
    struct bit_string window = {seed, (skip + n + s->length + 6) / 8, 0};
    for (size_t at = 0; at < n; at += column) {
        const size_t count = n - at < column ? n - at : column;
        x.first = (ptrdiff_t)at;
        window.first = (ptrdiff_t)(skip + (n - at - count));
        add_column(s, x, count, window);
    }
}

void hexkey_toeplitz_stream_finish(uint64_t *stream, uint8_t *out)
{
    struct stream *s = stream_in(stream);
    const size_t bytes = s->length / 8 + (s->length % 8 != 0);
    unsigned log_wanted = FFT_LEAST_LOG;
    while ((size_t)1 << log_wanted < s->row_digits + 1)
        log_wanted++;
    uint8_t *low = (uint8_t *)transform_of(s, s->rows);
    const uint8_t *high = low + ((size_t)DIGIT_BYTES << log_wanted);
    for (size_t row = 0; row < s->rows; row++) {
        s->way->back(low, transform_of(s, row), s->log, log_wanted, tables_of(s));
        for (size_t t = 0; t < s->row_digits; t++) {
            const size_t at = DIGIT_BYTES * (row * s->row_digits + t);
            const uint32_t digit = load_le32(low + DIGIT_BYTES * (t + 1))
                                   ^ load_le32(high + DIGIT_BYTES * t);
            if (at + DIGIT_BYTES <= bytes)
                store_le32(out + at, digit);
            else
                for (size_t b = 0; at + b < bytes; b++)
                    out[at + b] = (uint8_t)(digit >> 8 * b);
        }
    }
    if (s->length % 8)
        out[bytes - 1] &= (uint8_t)((1u << s->length % 8) - 1);
}
