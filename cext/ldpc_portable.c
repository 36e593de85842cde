/* The decoder's sweeps on 16 lanes, in what gcc and clang make of vectors on any processor. */
#include <stdint.h>
#include <string.h>

#define TARGET
#define SWEEPS hexkey_ldpc_sweeps_portable
#define LANES 16
#define HALF 8

typedef uint8_t V __attribute__((vector_size(LANES)));
typedef int8_t signed_bytes __attribute__((vector_size(LANES)));
typedef int8_t half_bytes __attribute__((vector_size(HALF)));
typedef int16_t W __attribute__((vector_size(LANES)));

#define DEFINE(T, name, expression)                                                                \
    static inline T name(T a, T b)                                                                 \
    {                                                                                              \
        return (T)(expression);                                                                    \
    }

/* Comparisons give ones where they hold. */
DEFINE(V, v_add, a + b)
DEFINE(V, v_sub, a - b)
DEFINE(V, v_subtract_to_zero, (a - b) & (V)(a > b))
DEFINE(V, v_min, b ^ ((a ^ b) & (V)(a < b)))
DEFINE(V, v_max, b ^ ((a ^ b) & (V)(a > b)))
DEFINE(V, v_xor, a ^ b)
DEFINE(V, v_negate_where, (a ^ (V)((signed_bytes)b < 0)) - (V)((signed_bytes)b < 0))
DEFINE(W, w_add, a + b)
DEFINE(W, w_sub, a - b)
DEFINE(W, w_and, a & b)
DEFINE(W, w_or, a | b)
DEFINE(W, w_and_not, a & ~b)
DEFINE(W, w_min, b ^ ((a ^ b) & (W)(a < b)))
DEFINE(W, w_max, b ^ ((a ^ b) & (W)(a > b)))

static inline V v_load(const int8_t *p)
{
    V x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline void v_store(int8_t *p, V x)
{
    memcpy(p, &x, sizeof x);
}

static inline V v_set(int8_t value)
{
    return (V){0} + (uint8_t)value;
}

static inline W w_load(const int16_t *p)
{
    W x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline void w_store(int16_t *p, W x)
{
    memcpy(p, &x, sizeof x);
}

static inline W w_set(int16_t value)
{
    return (W){0} + value;
}

/* Words to bytes, saturated. */
static inline V v_pack(W low, W high)
{
    W least = w_set(-128), most = w_set(127);
    half_bytes halves[2] = {
        __builtin_convertvector(w_max(w_min(low, most), least), half_bytes),
        __builtin_convertvector(w_max(w_min(high, most), least), half_bytes),
    };
    V x;
    memcpy(&x, halves, sizeof x);
    return x;
}

static inline W v_half(V x, unsigned h)
{
    half_bytes half;
    memcpy(&half, (const char *)&x + HALF * h, sizeof half);
    return __builtin_convertvector(half, W);
}

static inline W v_low(V x)
{
    return v_half(x, 0);
}

static inline W v_high(V x)
{
    return v_half(x, 1);
}

/* LANES bytes 0 and 1, as bytes below zero where there is a 1. */
static inline V v_signs(const int8_t *p)
{
    return v_sub(v_set(0), v_load(p));
}

static inline V v_abs(V x)
{
    return v_negate_where(x, x);
}

static inline unsigned v_count_signs(V x)
{
    unsigned count = 0;
    for (int i = 0; i < LANES; i++)
        count += x[i] >> 7;
    return count;
}

/* The table's entry: how many of the places where it falls are still ahead. */
static inline V v_correction(V x)
{
    return (V)(-((x < 2) + (x < 4) + (x < 8) + (x < 15)));
}

#include "ldpc_lanes.h"
