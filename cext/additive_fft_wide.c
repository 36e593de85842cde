/* additive_fft.h with vectors of eight words (AVX-512, VPCLMULQDQ). */
#include "additive_fft.h"

#ifdef CLMUL_INSTRUCTION
#define TARGET CLMUL_WIDE_TARGET
#define INLINE CLMUL_WIDE_TARGET static ALWAYS_INLINE

enum { LOG_LANES = 3, LANES = 8 };

typedef __m512i vec;

enum { XOR_OF_THREE = 0x96 };

INLINE vec load(const uint64_t *from)
{
    return _mm512_loadu_si512(from);
}

INLINE void store(uint64_t *to, vec a)
{
    _mm512_storeu_si512(to, a);
}

INLINE vec load_digits(const uint8_t *from)
{
    return _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)from));
}

INLINE void store_halves(uint8_t *low, uint8_t *high, vec a)
{
    _mm256_storeu_si256((__m256i *)low, _mm512_cvtepi64_epi32(a));
    _mm256_storeu_si256((__m256i *)high, _mm512_cvtepi64_epi32(_mm512_srli_epi64(a, 32)));
}

INLINE vec broadcast(uint64_t a)
{
    return _mm512_set1_epi64((long long)a);
}

INLINE vec add(vec a, vec b)
{
    return _mm512_xor_si512(a, b);
}

/* MemorySanitizer follows a sum, but takes the instruction for one that looks at its operands. */
INLINE vec add3(vec a, vec b, vec c)
{
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
    return add(add(a, b), c);
#endif
#endif
    return _mm512_ternarylogic_epi64(a, b, c, XOR_OF_THREE);
}

/* a + low + g r modulo x^64, r = (x + 1) (x^3 + 1) */
INLINE vec add_reduced(vec a, vec low, vec g)
{
    const vec u = add(g, _mm512_add_epi64(g, g));
    return add(add3(a, low, u), _mm512_slli_epi64(u, 3));
}

INLINE vec low_halves(vec even, vec odd)
{
    return _mm512_unpacklo_epi64(even, odd);
}

INLINE vec high_halves(vec even, vec odd)
{
    return _mm512_unpackhi_epi64(even, odd);
}

#define PRODUCTS_EVEN(a, b) _mm512_clmulepi64_epi128(a, b, 0x00)
#define PRODUCTS_ODD(a, b) _mm512_clmulepi64_epi128(a, b, 0x11)

struct twiddle {
    vec value, dual;
};

/* a + c b */
INLINE vec add_times(vec a, vec b, struct twiddle c)
{
    const vec low = low_halves(PRODUCTS_EVEN(b, c.value), PRODUCTS_ODD(b, c.value));
    const vec g = high_halves(PRODUCTS_EVEN(b, c.dual), PRODUCTS_ODD(b, c.dual));
    return add_reduced(a, low, g);
}

/* sum + a b */
INLINE vec add_product(vec sum, vec a, vec b)
{
    const vec even = PRODUCTS_EVEN(a, b), odd = PRODUCTS_ODD(a, b);
    const vec high = high_halves(even, odd);
    const vec g = add3(high, _mm512_srli_epi64(high, 60), _mm512_srli_epi64(high, 61));
    return add_reduced(sum, low_halves(even, odd), g);
}

INLINE void transpose(vec r[LANES])
{
    vec a[LANES];
    for (int i = 0; i < LANES; i += 2) {
        a[i] = low_halves(r[i], r[i + 1]);
        a[i + 1] = high_halves(r[i], r[i + 1]);
    }
    /* column 2 l + h has its pairs in the 128-bit lanes l of a[h], a[2 + h], a[4 + h], a[6 + h] */
    for (int h = 0; h < 2; h++) {
        const vec even = _mm512_shuffle_i64x2(a[h], a[2 + h], 0x88);
        const vec odd = _mm512_shuffle_i64x2(a[h], a[2 + h], 0xdd);
        const vec more_even = _mm512_shuffle_i64x2(a[4 + h], a[6 + h], 0x88);
        const vec more_odd = _mm512_shuffle_i64x2(a[4 + h], a[6 + h], 0xdd);
        r[h] = _mm512_shuffle_i64x2(even, more_even, 0x88);
        r[4 + h] = _mm512_shuffle_i64x2(even, more_even, 0xdd);
        r[2 + h] = _mm512_shuffle_i64x2(odd, more_odd, 0x88);
        r[6 + h] = _mm512_shuffle_i64x2(odd, more_odd, 0xdd);
    }
}

INLINE void add_bytes(uint8_t *to, const uint8_t *from, size_t bytes)
{
    size_t i = 0;
    for (; i + 64 <= bytes; i += 64)
        _mm512_storeu_si512(to + i,
                            add(_mm512_loadu_si512(to + i), _mm512_loadu_si512(from + i)));
    if (i < bytes) {
        const __mmask64 rest = ~UINT64_C(0) >> (64 - (bytes - i));
        const vec sum = add(_mm512_maskz_loadu_epi8(rest, to + i),
                            _mm512_maskz_loadu_epi8(rest, from + i));
        _mm512_mask_storeu_epi8(to + i, rest, sum);
    }
}

#include "novel_leaf_wide.h"
#include "additive_fft_body.h"

TARGET static void pack(uint8_t *out, const uint8_t *bits, size_t n)
{
    const vec one = _mm512_set1_epi8(1);
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        store_le64(out + i / 8, _mm512_test_epi8_mask(_mm512_loadu_si512(bits + i), one));
    if (i < n) {
        const __mmask64 rest = ~UINT64_C(0) >> (64 - (n - i));
        const uint64_t last = _mm512_test_epi8_mask(_mm512_maskz_loadu_epi8(rest, bits + i), one);
        for (; i < n; i += 8)
            out[i / 8] = (uint8_t)(last >> i % 64);
    }
}

const struct fft_way hexkey_fft_wide = {of_factor, of_middle, add_products, back, pack};
#endif
