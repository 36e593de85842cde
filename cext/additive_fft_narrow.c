/* additive_fft.h with vectors of two words (SSE4.1, PCLMULQDQ). */
#include "additive_fft.h"

#ifdef CLMUL_INSTRUCTION
#define TARGET CLMUL_TARGET
#define INLINE CLMUL_TARGET static ALWAYS_INLINE

enum { LOG_LANES = 1, LANES = 2 };

typedef __m128i vec;

struct twiddle {
    vec value, dual;
};

INLINE vec load(const uint64_t *from)
{
    return _mm_loadu_si128((const __m128i *)from);
}

INLINE void store(uint64_t *to, vec a)
{
    _mm_storeu_si128((__m128i *)to, a);
}

INLINE vec load_digits(const uint8_t *from)
{
    return _mm_cvtepu32_epi64(_mm_loadl_epi64((const __m128i *)from));
}

INLINE void store_halves(uint8_t *low, uint8_t *high, vec a)
{
    const __m128i halves = _mm_shuffle_epi32(a, _MM_SHUFFLE(3, 1, 2, 0));
    _mm_storel_epi64((__m128i *)low, halves);
    _mm_storel_epi64((__m128i *)high, _mm_unpackhi_epi64(halves, halves));
}

INLINE vec broadcast(uint64_t a)
{
    return _mm_set1_epi64x((long long)a);
}

INLINE vec add(vec a, vec b)
{
    return _mm_xor_si128(a, b);
}

/* a + low + g r modulo x^64, r = (x + 1) (x^3 + 1) */
INLINE vec add_reduced(vec a, vec low, vec g)
{
    const vec u = add(g, _mm_add_epi64(g, g));
    return add(add(a, low), add(u, _mm_slli_epi64(u, 3)));
}

INLINE vec add_times(vec a, vec b, struct twiddle c)
{
    const vec low = _mm_unpacklo_epi64(_mm_clmulepi64_si128(b, c.value, 0x00),
                                       _mm_clmulepi64_si128(b, c.value, 0x11));
    const vec g = _mm_unpackhi_epi64(_mm_clmulepi64_si128(b, c.dual, 0x00),
                                     _mm_clmulepi64_si128(b, c.dual, 0x11));
    return add_reduced(a, low, g);
}

INLINE vec add_product(vec sum, vec a, vec b)
{
    const vec even = _mm_clmulepi64_si128(a, b, 0x00), odd = _mm_clmulepi64_si128(a, b, 0x11);
    const vec high = _mm_unpackhi_epi64(even, odd);
    const vec g = add(high, add(_mm_srli_epi64(high, 60), _mm_srli_epi64(high, 61)));
    return add_reduced(sum, _mm_unpacklo_epi64(even, odd), g);
}

INLINE void transpose(vec r[LANES])
{
    const vec low = _mm_unpacklo_epi64(r[0], r[1]);
    r[1] = _mm_unpackhi_epi64(r[0], r[1]);
    r[0] = low;
}

INLINE void add_bytes(uint8_t *to, const uint8_t *from, size_t bytes)
{
    size_t i = 0;
    for (; i + 16 <= bytes; i += 16)
        _mm_storeu_si128((__m128i *)(to + i), add(_mm_loadu_si128((const __m128i *)(to + i)),
                                                  _mm_loadu_si128((const __m128i *)(from + i))));
    for (; i < bytes; i += DIGIT_BYTES)
        store_le32(to + i, load_le32(to + i) ^ load_le32(from + i));
}

#include "novel_leaf_plain.h"

#include "additive_fft_body.h"

TARGET static void pack(uint8_t *out, const uint8_t *bits, size_t n)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(bits + i));
        const int mask = _mm_movemask_epi8(_mm_slli_epi16(bytes, 7));
        out[i / 8] = (uint8_t)mask;
        out[i / 8 + 1] = (uint8_t)(mask >> 8);
    }
    hexkey_fft_portable.pack(out + i / 8, bits + i, n - i);
}

const struct fft_way hexkey_fft_narrow = {of_factor, of_middle, add_products, back, pack};
#endif
