/* The sweeps of the decoder, for any width of vector. Included by ldpc_portable.c, ldpc_avx2.c and
 * ldpc_avx512.c, each of which defines V, a vector of LANES bytes, W, one of HALF as many words,
 * the operations on them, and TARGET, the attribute its functions need. All of them give the same
 * bits. Messages are bytes; what is believed of a bit is a sum of them, in 16 bits.
 */
#include <stddef.h>
#include <string.h>

#include "hexkey.h"
#include "ldpc_sweeps.h"

enum {
    MOST = HEXKEY_LDPC_MAX_DEGREE,
    CERTAIN = HEXKEY_LDPC_CERTAIN,
    MARGIN = HEXKEY_LDPC_MARGIN
};

/* One vector of checks: of each edge what its bit is believed to be without the check, and sums. */
typedef struct {
    W q[2][MOST];
    V sign[MOST], inside[2 * MOST], outside[2 * MOST];
    uint32_t from[MOST];
} work;

/* 6 ln(1 + exp(-x / 6)), rounded; 0 from x = 15 on. */
static const int8_t CORRECTION[16] = {4, 4, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 0};

/* Any HALF words from the middle on backwards: as many ones as the distance from it. */
static const int16_t ONES[2 * HALF] = {
#define ONES8 -1, -1, -1, -1, -1, -1, -1, -1
    ONES8,
#if HALF >= 16
    ONES8,
#endif
#if HALF >= 32
    ONES8, ONES8,
#endif
};

static inline TARGET W first_lanes(uint32_t count)
{
    return w_load(ONES + HALF - count);
}

/* The reliability of the sum of two bits: min(a, b) + t(a + b) - t(|a - b|). */
static inline TARGET V box(V a, V b)
{
    V least = v_min(a, b), most = v_max(a, b);
    V sum = v_add(least, v_correction(v_add(least, most)));
    return v_subtract_to_zero(sum, v_correction(v_sub(most, least)));
}

/* The lanes of half `h` of a vector that has `count` of them. */
static inline uint32_t of_half(uint32_t count, uint32_t h)
{
    uint32_t rest = count > h * HALF ? count - h * HALF : 0;
    return rest < HALF ? rest : HALF;
}

/* What is believed of `count` bits of a column from bit `from` on; surplus lanes are certain zeros.
 * After its last bit a column goes on with its first ones.
 */
static inline TARGET void fetch(W *now, const int16_t *column, uint32_t from, uint32_t count)
{
    for (uint32_t h = 0; h < 2; h++) {
        now[h] = w_load(column + from + h * HALF);
        if (count < LANES) {
            W lanes = first_lanes(of_half(count, h));
            now[h] = w_or(w_and(now[h], lanes), w_and_not(w_set(CERTAIN), lanes));
        }
    }
}

/* Store the first lanes of two halves and nothing else. */
static TARGET void put_some(const W *next, int16_t *at, uint32_t count)
{
    for (uint32_t h = 0; h < 2; h++) {
        W lanes = first_lanes(of_half(count, h));
        W kept = w_and_not(w_load(at + h * HALF), lanes);
        w_store(at + h * HALF, w_or(w_and(next[h], lanes), kept));
    }
}

/* Store one by one, with all copies that the margin after a short column holds. */
static TARGET void put_each(const W *next, int16_t *column, uint32_t from, uint32_t count,
                            uint32_t lifting)
{
    int16_t lanes[LANES];
    w_store(lanes, next[0]);
    w_store(lanes + HALF, next[1]);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t at = from; at < lifting + LANES; at += lifting)
            column[at] = lanes[i];
        from = from + 1 < lifting ? from + 1 : 0;
    }
}

/* Store at `from`, and again where the same bits lie at the column's other end. Vectors may reach
 * into the margins, where nothing is ever read but what the last store of such a copy wrote.
 */
static inline TARGET void put(const W *next, int16_t *column, uint32_t from, uint32_t count,
                              uint32_t lifting)
{
    int16_t *at = column + from;
    if (lifting < LANES) {
        put_each(next, column, from, count, lifting);
    } else if (count < LANES) {
        put_some(next, at, count);
        if (from + count > lifting)
            put_some(next, at - lifting, count);
        if (from < LANES)
            put_some(next, at + lifting, count);
    } else {
        /* Without branches: where columns are short, none could be foretold. */
        int16_t *before = from + LANES > lifting ? at - lifting : at;
        int16_t *after = from < LANES ? at + lifting : before;
        w_store(at, next[0]);
        w_store(at + HALF, next[1]);
        if (lifting < 2 * LANES) {
            w_store(before, next[0]);
            w_store(before + HALF, next[1]);
        }
        if (lifting < 8 * LANES || after != at) {
            w_store(after, next[0]);
            w_store(after + HALF, next[1]);
        }
    }
}

/* What all others on a check say about each of its bits, for two bits or more: sums over a tree
 * with bit k in leaf degree + k, upwards inside each node's branch and then downwards outside of
 * it. In a tree sums are of like sizes, for which the rounded correction is best.
 */
static inline TARGET void sums(work *w, uint32_t degree)
{
    V *inside = w->inside, *outside = w->outside;
    for (uint32_t i = degree - 1; i > 1; i--)
        inside[i] = box(inside[2 * i], inside[2 * i + 1]);
    outside[2] = inside[3];
    outside[3] = inside[2];
    for (uint32_t i = 2; i < degree; i++) {
        outside[2 * i] = box(outside[i], inside[2 * i + 1]);
        outside[2 * i + 1] = box(outside[i], inside[2 * i]);
    }
}

/* One vector of checks. Returns how many were not met by the bits as they came. */
static inline TARGET unsigned check(const hexkey_ldpc_edge *edges, uint32_t degree, uint32_t lane,
                                    uint32_t count, uint32_t lifting, int16_t *bits,
                                    int8_t *messages, const int8_t *syndrome, work *w)
{
    V sign = v_signs(syndrome), parity = sign;
    for (uint32_t k = 0; k < degree; k++) {
        uint32_t from = lane + edges[k].shift;
        w->from[k] = from -= from >= lifting ? lifting : 0;
        V message = v_load(messages + k * LANES);
        W now[2];
        fetch(now, bits + edges[k].column, from, count);
        w->q[0][k] = w_sub(now[0], v_low(message));
        w->q[1][k] = w_sub(now[1], v_high(message));
        w->sign[k] = v_pack(w->q[0][k], w->q[1][k]);
        w->inside[degree + k] = v_min(v_abs(w->sign[k]), v_set(CERTAIN));
        parity = v_xor(parity, v_pack(now[0], now[1]));
        sign = v_xor(sign, w->sign[k]);
    }
    if (degree > 1)
        sums(w, degree);
    else
        w->outside[1] = v_set(CERTAIN);
    for (uint32_t k = 0; k < degree; k++) {
        V message = v_negate_where(w->outside[degree + k], v_xor(sign, w->sign[k]));
        v_store(messages + k * LANES, message);
        W next[2] = {w_add(w->q[0][k], v_low(message)), w_add(w->q[1][k], v_high(message))};
        put(next, bits + edges[k].column, w->from[k], count, lifting);
    }
    return v_count_signs(parity);
}

/* Whether the bits meet every check. */
static TARGET int met(const hexkey_ldpc_layer *layers, uint32_t layer_count,
                      const hexkey_ldpc_edge *edges, uint32_t lifting, const int8_t *syndrome,
                      const int16_t *bits)
{
    for (const hexkey_ldpc_layer *l = layers; l < layers + layer_count; l++) {
        for (uint32_t i = 0; i < l->lanes; i += LANES) {
            uint32_t count = l->lanes - i < LANES ? l->lanes - i : LANES;
            V parity = v_signs(syndrome + i);
            for (const hexkey_ldpc_edge *e = edges + l->first_edge;
                 e < edges + l->first_edge + l->degree; e++) {
                W now[2];
                fetch(now, bits + e->column, (l->first_lane + i + e->shift) % lifting, count);
                parity = v_xor(parity, v_pack(now[0], now[1]));
            }
            if (v_count_signs(parity))
                return 0;
        }
        syndrome += (l->lanes + 63) / 64 * 64;
    }
    return 1;
}

/* Sweep until every check is met, `sweeps` are over, or nothing has got better for `patience`. */
TARGET int32_t SWEEPS(const hexkey_ldpc_layer *layers, uint32_t layer_count,
                      const hexkey_ldpc_edge *edges, uint32_t lifting, const int8_t *syndrome,
                      int16_t *bits, int8_t *messages, uint32_t sweeps, uint32_t patience)
{
    work w;
    uint32_t least = UINT32_MAX, since = 0;
    for (uint32_t sweep = 1; sweep <= sweeps; sweep++) {
        uint32_t unmet = 0, checks = 0;
        int8_t *r = messages;
        const int8_t *s = syndrome;
        for (const hexkey_ldpc_layer *l = layers; l < layers + layer_count; l++) {
            for (uint32_t i = 0; i < l->lanes; i += LANES) {
                uint32_t count = l->lanes - i < LANES ? l->lanes - i : LANES;
                unmet += check(edges + l->first_edge, l->degree, l->first_lane + i, count, lifting,
                               bits, r, s + i, &w);
                r += l->degree * LANES;
            }
            s += (l->lanes + 63) / 64 * 64;
            checks += l->lanes;
        }
        /* While many were not met as they came, some still will not be: not worth a look. */
        if (unmet <= checks / 256 && met(layers, layer_count, edges, lifting, syndrome, bits))
            return (int32_t)sweep;
        since = unmet < least ? 0 : since + 1;
        least = unmet < least ? unmet : least;
        if (since > patience)
            return -(int32_t)sweep;
    }
    return -(int32_t)sweeps;
}
