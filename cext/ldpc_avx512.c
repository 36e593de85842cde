/* The decoder's sweeps on 64 lanes. */
#if defined(__GNUC__) && defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))
#define SWEEPS hexkey_ldpc_sweeps_avx512
#define LANES 64
#define HALF (LANES / 2)
#define INLINE static inline TARGET

typedef __m512i V, W;

INLINE V v_load(const int8_t *p)
{
    return _mm512_loadu_si512(p);
}

INLINE void v_store(int8_t *p, V x)
{
    _mm512_storeu_si512(p, x);
}

INLINE V v_add(V a, V b)
{
    return _mm512_add_epi8(a, b);
}

INLINE V v_sub(V a, V b)
{
    return _mm512_sub_epi8(a, b);
}

INLINE V v_subtract_to_zero(V a, V b)
{
    return _mm512_subs_epu8(a, b);
}

INLINE V v_min(V a, V b)
{
    return _mm512_min_epu8(a, b);
}

INLINE V v_max(V a, V b)
{
    return _mm512_max_epu8(a, b);
}

INLINE V v_xor(V a, V b)
{
    return _mm512_xor_si512(a, b);
}

INLINE V v_set(int8_t x)
{
    return _mm512_set1_epi8(x);
}

INLINE V v_abs(V a)
{
    return _mm512_abs_epi8(a);
}

/* -a where b is below zero. */
INLINE V v_negate_where(V a, V b)
{
    return _mm512_mask_sub_epi8(a, _mm512_movepi8_mask(b), _mm512_setzero_si512(), a);
}

INLINE unsigned v_count_signs(V a)
{
    return (unsigned)__builtin_popcountll(_mm512_movepi8_mask(a));
}

static const int8_t CORRECTION[16];

INLINE V v_correction(V a)
{
    V table = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)CORRECTION));
    return _mm512_shuffle_epi8(table, _mm512_min_epu8(a, _mm512_set1_epi8(15)));
}

INLINE W w_load(const int16_t *p)
{
    return _mm512_loadu_si512(p);
}

INLINE void w_store(int16_t *p, W x)
{
    _mm512_storeu_si512(p, x);
}

INLINE W w_add(W a, W b)
{
    return _mm512_add_epi16(a, b);
}

INLINE W w_sub(W a, W b)
{
    return _mm512_sub_epi16(a, b);
}

INLINE W w_and(W a, W b)
{
    return _mm512_and_si512(a, b);
}

INLINE W w_or(W a, W b)
{
    return _mm512_or_si512(a, b);
}

INLINE W w_and_not(W a, W b)
{
    return _mm512_andnot_si512(b, a);
}

INLINE W w_set(int16_t x)
{
    return _mm512_set1_epi16(x);
}

/* Words to bytes, saturated. The order of the bytes is one that v_low and v_high undo, and nothing
 * else needs to know.
 */
INLINE V v_pack(W low, W high)
{
    return _mm512_packs_epi16(low, high);
}

INLINE W v_low(V a)
{
    return _mm512_srai_epi16(_mm512_unpacklo_epi8(a, a), 8);
}

INLINE W v_high(V a)
{
    return _mm512_srai_epi16(_mm512_unpackhi_epi8(a, a), 8);
}

/* LANES bytes 0 and 1, as bytes below zero where there is a 1. */
INLINE V v_signs(const int8_t *p)
{
    W low = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)p));
    W high = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(p + HALF)));
    return v_sub(v_set(0), v_pack(low, high));
}

#include "ldpc_lanes.h"

#else
typedef int hexkey_ldpc_no_avx512;
#endif
