/* The decoder's sweeps without vector instructions of its own. */
#include <stdint.h>

#define TARGET
#define SWEEPS hexkey_ldpc_sweeps_portable
#define LANES 16
#define HALF 8

typedef struct {
    int8_t lane[LANES];
} V;

typedef struct {
    int16_t lane[HALF];
} W;

/* One lane after the other; compilers make vectors of it. */
#define EACH(T, count, from, to, name, expression)                                                 \
    static inline T name(T x, T y)                                                                 \
    {                                                                                              \
        T out;                                                                                     \
        for (int i = 0; i < count; i++) {                                                          \
            from a = (from)x.lane[i], b = (from)y.lane[i];                                         \
            out.lane[i] = (to)(expression);                                                        \
        }                                                                                          \
        return out;                                                                                \
    }
#define BYTES(type, name, expression) EACH(V, LANES, type, int8_t, name, expression)
#define WORDS(name, expression) EACH(W, HALF, int16_t, int16_t, name, expression)

BYTES(uint8_t, v_add, a + b)
BYTES(uint8_t, v_sub, a - b)
BYTES(uint8_t, v_subtract_to_zero, a > b ? a - b : 0)
BYTES(uint8_t, v_min, a < b ? a : b)
BYTES(uint8_t, v_max, a > b ? a : b)
BYTES(uint8_t, v_or, a | b)
BYTES(uint8_t, v_xor, a ^ b)
BYTES(int8_t, v_negate_where, b < 0 ? -a : a)
WORDS(w_add, a + b)
WORDS(w_sub, a - b)
WORDS(w_and, a & b)
WORDS(w_or, a | b)
WORDS(w_and_not, a & ~b)

static inline W w_load(const int16_t *p)
{
    W x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
}

static inline void w_store(int16_t *p, W x)
{
    __builtin_memcpy(p, &x, sizeof x);
}

static inline W w_set(int16_t value)
{
    W x;
    for (int i = 0; i < HALF; i++)
        x.lane[i] = value;
    return x;
}

/* Words to bytes, saturated. */
static inline V v_pack(W low, W high)
{
    V x;
    for (int i = 0; i < HALF; i++) {
        int16_t a = low.lane[i], b = high.lane[i];
        x.lane[i] = (int8_t)(a > 127 ? 127 : a < -128 ? -128 : a);
        x.lane[HALF + i] = (int8_t)(b > 127 ? 127 : b < -128 ? -128 : b);
    }
    return x;
}

static inline W v_low(V x)
{
    W out;
    for (int i = 0; i < HALF; i++)
        out.lane[i] = x.lane[i];
    return out;
}

static inline W v_high(V x)
{
    W out;
    for (int i = 0; i < HALF; i++)
        out.lane[i] = x.lane[HALF + i];
    return out;
}

static inline V v_load(const int8_t *p)
{
    V x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
}

static inline void v_store(int8_t *p, V x)
{
    __builtin_memcpy(p, &x, sizeof x);
}

static inline V v_set(int8_t value)
{
    V x;
    for (int i = 0; i < LANES; i++)
        x.lane[i] = value;
    return x;
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
        count += x.lane[i] < 0;
    return count;
}

static const int8_t CORRECTION[16];

static inline V v_correction(V x)
{
    V out;
    for (int i = 0; i < LANES; i++) {
        uint8_t a = (uint8_t)x.lane[i];
        out.lane[i] = CORRECTION[a < 15 ? a : 15];
    }
    return out;
}

#include "ldpc_lanes.h"
