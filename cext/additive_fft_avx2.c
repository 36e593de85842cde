/* additive_fft.h with vectors of four words (AVX2, VPCLMULQDQ). */
#include "additive_fft.h"

#ifdef CLMUL_INSTRUCTION
#define TARGET CLMUL_AVX2_TARGET
#define INLINE CLMUL_AVX2_TARGET static ALWAYS_INLINE

enum { LOG_LANES = 2, LANES = 4 };

typedef __m256i vec;

struct twiddle {
    vec value, dual;
};

INLINE vec load(const uint64_t *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

INLINE void store(uint64_t *to, vec a)
{
    _mm256_storeu_si256((__m256i *)to, a);
}

INLINE vec load_digits(const uint8_t *from)
{
    return _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)from));
}

INLINE void store_halves(uint8_t *low, uint8_t *high, vec a)
{
    const vec pairs = _mm256_shuffle_epi32(a, _MM_SHUFFLE(3, 1, 2, 0));
    const vec halves = _mm256_permute4x64_epi64(pairs, _MM_SHUFFLE(3, 1, 2, 0));
    _mm_storeu_si128((__m128i *)low, _mm256_castsi256_si128(halves));
    _mm_storeu_si128((__m128i *)high, _mm256_extracti128_si256(halves, 1));
}

INLINE vec broadcast(uint64_t a)
{
    return _mm256_set1_epi64x((long long)a);
}

INLINE vec add(vec a, vec b)
{
    return _mm256_xor_si256(a, b);
}

/* a + low + g r modulo x^64, r = (x + 1) (x^3 + 1) */
INLINE vec add_reduced(vec a, vec low, vec g)
{
    const vec u = add(g, _mm256_add_epi64(g, g));
    return add(add(a, low), add(u, _mm256_slli_epi64(u, 3)));
}

#define PRODUCTS_EVEN(a, b) _mm256_clmulepi64_epi128(a, b, 0x00)
#define PRODUCTS_ODD(a, b) _mm256_clmulepi64_epi128(a, b, 0x11)

INLINE vec add_times(vec a, vec b, struct twiddle c)
{
    const vec low = _mm256_unpacklo_epi64(PRODUCTS_EVEN(b, c.value), PRODUCTS_ODD(b, c.value));
    const vec g = _mm256_unpackhi_epi64(PRODUCTS_EVEN(b, c.dual), PRODUCTS_ODD(b, c.dual));
    return add_reduced(a, low, g);
}

INLINE vec add_product(vec sum, vec a, vec b)
{
    const vec even = PRODUCTS_EVEN(a, b), odd = PRODUCTS_ODD(a, b);
    const vec high = _mm256_unpackhi_epi64(even, odd);
    const vec g = add(high, add(_mm256_srli_epi64(high, 60), _mm256_srli_epi64(high, 61)));
    return add_reduced(sum, _mm256_unpacklo_epi64(even, odd), g);
}

INLINE void transpose(vec r[LANES])
{
    const vec a = _mm256_unpacklo_epi64(r[0], r[1]), b = _mm256_unpackhi_epi64(r[0], r[1]);
    const vec c = _mm256_unpacklo_epi64(r[2], r[3]), d = _mm256_unpackhi_epi64(r[2], r[3]);
    r[0] = _mm256_permute2x128_si256(a, c, 0x20);
    r[1] = _mm256_permute2x128_si256(b, d, 0x20);
    r[2] = _mm256_permute2x128_si256(a, c, 0x31);
    r[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

INLINE void add_bytes(uint8_t *to, const uint8_t *from, size_t bytes)
{
    size_t i = 0;
    for (; i + 32 <= bytes; i += 32)
        _mm256_storeu_si256((__m256i *)(to + i),
                            add(_mm256_loadu_si256((const __m256i *)(to + i)),
                                _mm256_loadu_si256((const __m256i *)(from + i))));
    for (; i < bytes; i += DIGIT_BYTES)
        store_le32(to + i, load_le32(to + i) ^ load_le32(from + i));
}

#include "novel_leaf_plain.h"

#include "additive_fft_body.h"

TARGET static void pack(uint8_t *out, const uint8_t *bits, size_t n)
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const vec bytes = _mm256_loadu_si256((const __m256i *)(bits + i));
        store_le32(out + i / 8, (uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(bytes, 7)));
    }
    hexkey_fft_portable.pack(out + i / 8, bits + i, n - i);
}

const struct fft_way hexkey_fft_avx2 = {of_factor, of_middle, add_products, back, pack};
#endif
