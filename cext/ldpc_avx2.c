/* The decoder's sweeps on 32 lanes. */
#if defined(__GNUC__) && defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#define TARGET __attribute__((target("avx2")))
#define SWEEPS hexkey_ldpc_sweeps_avx2
#define LANES 32
#define HALF (LANES / 2)
#define INLINE static inline TARGET

typedef __m256i V, W;

INLINE V v_load(const int8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

INLINE void v_store(int8_t *p, V x)
{
    _mm256_storeu_si256((__m256i *)p, x);
}

INLINE V v_add(V a, V b)
{
    return _mm256_add_epi8(a, b);
}

INLINE V v_sub(V a, V b)
{
    return _mm256_sub_epi8(a, b);
}

INLINE V v_subtract_to_zero(V a, V b)
{
    return _mm256_subs_epu8(a, b);
}

INLINE V v_min(V a, V b)
{
    return _mm256_min_epu8(a, b);
}

INLINE V v_max(V a, V b)
{
    return _mm256_max_epu8(a, b);
}

INLINE V v_xor(V a, V b)
{
    return _mm256_xor_si256(a, b);
}

INLINE V v_set(int8_t x)
{
    return _mm256_set1_epi8(x);
}

INLINE V v_abs(V a)
{
    return _mm256_abs_epi8(a);
}

/* -a where b is below zero. */
INLINE V v_negate_where(V a, V b)
{
    V below = _mm256_cmpgt_epi8(_mm256_setzero_si256(), b);
    return _mm256_sub_epi8(_mm256_xor_si256(a, below), below);
}

INLINE unsigned v_count_signs(V a)
{
    return (unsigned)__builtin_popcount((unsigned)_mm256_movemask_epi8(a));
}

static const int8_t CORRECTION[16];

INLINE V v_correction(V a)
{
    V table = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)CORRECTION));
    return _mm256_shuffle_epi8(table, _mm256_min_epu8(a, _mm256_set1_epi8(15)));
}

INLINE W w_load(const int16_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

INLINE void w_store(int16_t *p, W x)
{
    _mm256_storeu_si256((__m256i *)p, x);
}

INLINE W w_add(W a, W b)
{
    return _mm256_add_epi16(a, b);
}

INLINE W w_sub(W a, W b)
{
    return _mm256_sub_epi16(a, b);
}

INLINE W w_and(W a, W b)
{
    return _mm256_and_si256(a, b);
}

INLINE W w_or(W a, W b)
{
    return _mm256_or_si256(a, b);
}

INLINE W w_and_not(W a, W b)
{
    return _mm256_andnot_si256(b, a);
}

INLINE W w_set(int16_t x)
{
    return _mm256_set1_epi16(x);
}

/* Words to bytes, saturated. The order of the bytes is one that v_low and v_high undo, and nothing
 * else needs to know.
 */
INLINE V v_pack(W low, W high)
{
    return _mm256_packs_epi16(low, high);
}

INLINE W v_low(V a)
{
    return _mm256_srai_epi16(_mm256_unpacklo_epi8(a, a), 8);
}

INLINE W v_high(V a)
{
    return _mm256_srai_epi16(_mm256_unpackhi_epi8(a, a), 8);
}

/* LANES bytes 0 and 1, as bytes below zero where there is a 1. */
INLINE V v_signs(const int8_t *p)
{
    W low = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p));
    W high = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(p + HALF)));
    return v_sub(v_set(0), v_pack(low, high));
}

#include "ldpc_lanes.h"

#else
typedef int hexkey_ldpc_no_avx2;
#endif
