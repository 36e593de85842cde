/* The butterflies of additive_fft.h, for any vector: included once by each way.
 *
 * A way has defined TARGET, its attributes; INLINE; LOG_LANES and LANES; `vec`, LANES words;
 * `struct twiddle`, a constant in each lane; load, store, load_digits and store_halves; add and
 * broadcast; add_times, a + c b for a constant c, and add_product, a + b c for others; transpose,
 * which exchanges the lanes of LANES vectors for their numbers; and what novel_basis_body.h needs.
 *
 * The lowest LOG_LANES levels would combine lanes of a vector. They run on LANES^2 places that have
 * been transposed, and leave them so: places of a transform are only ever multiplied one by one.
 */
#include "novel_basis_body.h"

enum { BASE_LOG = 2 * LOG_LANES, MOST_LEVELS = 3 };

/* r[0 .. 2^levels), one level after the other; t[2^s - 1 + g] is of block g on level s. */
INLINE void descend(vec *r, const unsigned levels, const int exchanged, const struct twiddle *t)
{
    UNROLL for (unsigned s = 0; s < levels; s++)
        UNROLL for (unsigned x = 0; x < 1u << levels >> 1; x++) {
            const unsigned half = 1u << (levels - 1 - s), g = x / half;
            vec *low = r + g * 2 * half + x % half, *high = low + half;
            vec *a = exchanged ? high : low, *b = exchanged ? low : high;
            *a = add_times(*a, *b, t[(1u << s) - 1 + g]);
            *b = add(*b, *a);
        }
}

INLINE void ascend(vec *r, const unsigned levels, const struct twiddle *t)
{
    UNROLL for (unsigned s = levels; s-- > 0;)
        UNROLL for (unsigned x = 0; x < 1u << levels >> 1; x++) {
            const unsigned half = 1u << (levels - 1 - s), g = x / half;
            vec *low = r + g * 2 * half + x % half, *high = low + half;
            *low = add(*low, *high);
            *high = add_times(*high, *low, t[(1u << s) - 1 + g]);
        }
}

/* The constants of blocks q << s and up on level s, those of `lanes` added: c is linear. */
INLINE void twiddles(struct twiddle *t, const unsigned levels, size_t q, const int of_lanes,
                     const struct fft_tables *tables)
{
    UNROLL for (unsigned s = 0; s < levels; s++) {
        const struct gf64_constant *a = &tables->part[0][q << s & 255];
        const struct gf64_constant *b = &tables->part[1][q << s >> 8 & 255];
        const struct gf64_constant *c = &tables->part[2][q << s >> 16 & 255];
        /* added as vectors: a broadcast of memory costs nothing, one of a register does */
        vec value = add(add(broadcast(a->value), broadcast(b->value)), broadcast(c->value));
        vec dual = add(add(broadcast(a->dual), broadcast(b->dual)), broadcast(c->dual));
        if (of_lanes) {
            value = add(value, load(tables->value[s]));
            dual = add(dual, load(tables->dual[s]));
        }
        UNROLL for (unsigned g = 0; g < 1u << s; g++) {
            const struct gf64_constant more = tables->part[0][g];
            t[(1u << s) - 1 + g].value = g ? add(value, broadcast(more.value)) : value;
            t[(1u << s) - 1 + g].dual = g ? add(dual, broadcast(more.dual)) : dual;
        }
    }
}

/* The lowest 2 LOG_LANES levels of a block. */
INLINE void base_down(uint64_t *f, size_t q, const int exchanged, const struct fft_tables *tables)
{
    struct twiddle t[LANES];
    vec r[LANES];
    UNROLL for (unsigned x = 0; x < LANES; x++)
        r[x] = load(f + x * LANES);
    twiddles(t, LOG_LANES, q, 0, tables);
    descend(r, LOG_LANES, exchanged, t);
    transpose(r);
    twiddles(t, LOG_LANES, q << LOG_LANES, 1, tables);
    descend(r, LOG_LANES, exchanged, t);
    UNROLL for (unsigned x = 0; x < LANES; x++)
        store(f + x * LANES, r[x]);
}

INLINE void base_up(uint64_t *f, size_t q, const struct fft_tables *tables)
{
    struct twiddle t[LANES];
    vec r[LANES];
    UNROLL for (unsigned x = 0; x < LANES; x++)
        r[x] = load(f + x * LANES);
    twiddles(t, LOG_LANES, q << LOG_LANES, 1, tables);
    ascend(r, LOG_LANES, t);
    transpose(r);
    twiddles(t, LOG_LANES, q, 0, tables);
    ascend(r, LOG_LANES, t);
    UNROLL for (unsigned x = 0; x < LANES; x++)
        store(f + x * LANES, r[x]);
}

/* The highest `levels` levels of block q of 2^log places. */
INLINE void pass(uint64_t *f, unsigned log, size_t q, const unsigned levels, const int up,
                 const int exchanged, const struct fft_tables *tables)
{
    const size_t stride = (size_t)1 << (log - levels);
    struct twiddle t[1 << MOST_LEVELS];
    twiddles(t, levels, q, 0, tables);
    for (size_t x = 0; x < stride; x += LANES) {
        vec r[1 << MOST_LEVELS];
        UNROLL for (unsigned y = 0; y < 1u << levels; y++)
            r[y] = load(f + x + y * stride);
        if (up)
            ascend(r, levels, t);
        else
            descend(r, levels, exchanged, t);
        UNROLL for (unsigned y = 0; y < 1u << levels; y++)
            store(f + x + y * stride, r[y]);
    }
}

INLINE void pass_of(uint64_t *f, unsigned log, size_t q, unsigned levels, const int up,
                    const int exchanged, const struct fft_tables *tables)
{
    if (levels == 1)
        pass(f, log, q, 1, up, exchanged, tables);
    else if (levels == 2)
        pass(f, log, q, 2, up, exchanged, tables);
    else
        pass(f, log, q, 3, up, exchanged, tables);
}

static unsigned levels_at_once(unsigned log)
{
    const unsigned left = log - BASE_LOG;
    return left <= MOST_LEVELS ? left : left == MOST_LEVELS + 1 ? 2 : MOST_LEVELS;
}

TARGET static void down(uint64_t *f, unsigned log, size_t q, int exchanged,
                        const struct fft_tables *tables)
{
    const unsigned levels = levels_at_once(log), below = log - levels;
    if (exchanged)
        pass_of(f, log, q, levels, 0, 1, tables);
    else
        pass_of(f, log, q, levels, 0, 0, tables);
    for (size_t j = 0; j < (size_t)1 << levels; j++) {
        uint64_t *block = f + (j << below);
        if (below > BASE_LOG)
            down(block, below, (q << levels) + j, exchanged, tables);
        else if (exchanged)
            base_down(block, (q << levels) + j, 1, tables);
        else
            base_down(block, (q << levels) + j, 0, tables);
    }
}

TARGET static void up(uint64_t *f, unsigned log, size_t q, const struct fft_tables *tables)
{
    const unsigned levels = levels_at_once(log), below = log - levels;
    for (size_t j = 0; j < (size_t)1 << levels; j++) {
        uint64_t *block = f + (j << below);
        if (below > BASE_LOG)
            up(block, below, (q << levels) + j, tables);
        else
            base_up(block, (q << levels) + j, tables);
    }
    pass_of(f, log, q, levels, 1, 0, tables);
}

/* One word for each digit. From the first on: no digit is overwritten before it has been read. */
INLINE void widen(uint64_t *f, const uint8_t *digits, unsigned log)
{
    for (size_t i = 0; i < (size_t)1 << log; i += LANES)
        store(f + i, load_digits(digits + DIGIT_BYTES * i));
}

TARGET static void of_factor(uint64_t *f, uint8_t *digits, unsigned log,
                             const struct fft_tables *tables)
{
    change_basis(digits, log, DIGIT_BYTES, DIGIT_BYTES, TO_NOVEL);
    widen(f, digits, log);
    down(f, log, 0, 0, tables);
}

TARGET static void of_middle(uint64_t *f, uint8_t *digits, unsigned log,
                             const struct fft_tables *tables)
{
    change_basis(digits, log, DIGIT_BYTES, DIGIT_BYTES, TO_NOVEL_INVERSE_TRANSPOSED);
    widen(f, digits, log);
    down(f, log, 0, 1, tables);
}

TARGET static void add_products(uint64_t *sum, const uint64_t *a, const uint64_t *b, unsigned log)
{
    for (size_t i = 0; i < (size_t)1 << log; i += LANES)
        store(sum + i, add_product(load(sum + i), load(a + i), load(b + i)));
}

/* Above `log_wanted` the transposed butterflies only add the halves, as far as they are wanted. V^T
 * adds words to words: it takes their halves apart. */
TARGET static void back(uint8_t *halves, uint64_t *f, unsigned log, unsigned log_wanted,
                        const struct fft_tables *tables)
{
    const size_t wanted = (size_t)1 << log_wanted, bytes = DIGIT_BYTES * wanted;
    for (size_t j = 0; j < (size_t)1 << (log - log_wanted); j++) {
        up(f + j * wanted, log_wanted, j, tables);
        if (j > 0)
            add_bytes((uint8_t *)f, (const uint8_t *)(f + j * wanted), wanted * sizeof *f);
    }
    for (size_t i = 0; i < wanted; i += LANES)
        store_halves(halves + DIGIT_BYTES * i, halves + bytes + DIGIT_BYTES * i, load(f + i));
    change_basis(halves, log_wanted, DIGIT_BYTES, DIGIT_BYTES, TO_NOVEL_TRANSPOSED);
    change_basis(halves + bytes, log_wanted, DIGIT_BYTES, DIGIT_BYTES, TO_NOVEL_TRANSPOSED);
}
