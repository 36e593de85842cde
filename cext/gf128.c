/* Polynomial hashing over GF(2^128) = GF(2)[x] / (x^128 + x^7 + x^2 + x + 1).
 *
 * An element is 16 bytes: the coefficient of x^k is bit k % 8 (least significant first) of byte
 * k / 8, in other words a little-endian integer whose bit k is that coefficient. GHASH of AES-GCM
 * is the same field with the bits inside each byte in the opposite order.
 *
 * State, point and message may be secret: nothing here or in clmul.h branches on them or uses them
 * as an address, there are no tables, and the time depends on `bytes` and `path` alone. It is not
 * only said: tests/cext/test_secrets.py watches the compiled code.
 */
#include "clmul.h"

#include <string.h>

struct element {
    uint64_t low, high;
};

/* Blocks absorbed together: state' = (state + m_1) r^k + m_2 r^(k-1) + ... + m_k r. Their products
 * are independent, and their sum is reduced once. */
enum { LANES = 4 };

static struct element load(const uint8_t *bytes)
{
    return (struct element){load_le64(bytes), load_le64(bytes + 8)};
}

/* The next blocks of a message of `bytes` > 0, the last one zero padded, the first with the state
 * added. Returns how many. */
static inline size_t next_blocks(struct element blocks[LANES], struct element state,
                                 const uint8_t *message, size_t bytes)
{
    size_t count = 0;
    for (; count < LANES && bytes >= 16; count++, message += 16, bytes -= 16)
        blocks[count] = load(message);
    if (count < LANES && bytes > 0) {
        uint8_t padded[16] = {0};
        memcpy(padded, message, bytes);
        blocks[count++] = load(padded);
    }
    blocks[0].low ^= state.low;
    blocks[0].high ^= state.high;
    return count;
}

static inline size_t powers_needed(size_t bytes)
{
    const size_t blocks = bytes / 16 + (bytes % 16 != 0);
    return blocks < LANES ? blocks : LANES;
}

/* w[0..3], a product of degree up to 254, modulo the field's polynomial: x^128 = x^7 + x^2 + x + 1,
 * word by word from the top. */
static inline struct element reduce(const uint64_t w[4])
{
    const uint64_t w1 = w[1] ^ w[3] ^ w[3] << 1 ^ w[3] << 2 ^ w[3] << 7;
    const uint64_t w2 = w[2] ^ w[3] >> 63 ^ w[3] >> 62 ^ w[3] >> 57;
    return (struct element){w[0] ^ w2 ^ w2 << 1 ^ w2 << 2 ^ w2 << 7,
                            w1 ^ w2 >> 63 ^ w2 >> 62 ^ w2 >> 57};
}

/* What Karatsuba multiplies (low words, high words, their sums), plain and mirrored: of one element
 * or, not yet joined, of a sum of products. */
struct split {
    struct clmul_holes plain[3], mirrored[3];
};

static inline struct split split(struct element a)
{
    struct split f;
    const uint64_t low = clmul_mirror(a.low), high = clmul_mirror(a.high);
    const uint64_t plain[3] = {a.low, a.high, a.low ^ a.high};
    const uint64_t mirrored[3] = {low, high, low ^ high};
    for (int k = 0; k < 3; k++) {
        f.plain[k] = clmul_split(plain[k]);
        f.mirrored[k] = clmul_split(mirrored[k]);
    }
    return f;
}

static inline void add_product(struct split *sum, const struct split *a, const struct split *b)
{
    for (int k = 0; k < 3; k++) {
        clmul_accumulate(&sum->plain[k], a->plain[k], b->plain[k]);
        clmul_accumulate(&sum->mirrored[k], a->mirrored[k], b->mirrored[k]);
    }
}

static inline struct element join(const struct split *sum)
{
    uint64_t low[3], high[3];
    for (int k = 0; k < 3; k++) {
        low[k] = clmul_join(sum->plain[k]);
        high[k] = clmul_high_from_mirrored(clmul_join(sum->mirrored[k]));
    }
    const uint64_t w[4] = {low[0], high[0] ^ low[0] ^ low[1] ^ low[2],
                           low[1] ^ high[0] ^ high[1] ^ high[2], high[1]};
    return reduce(w);
}

static struct element absorb_portable(struct element state, struct element point,
                                      const uint8_t *message, size_t bytes)
{
    struct split powers[LANES] = {split(point)};
    for (size_t k = 1; k < powers_needed(bytes); k++) {
        struct split sum = {0};
        add_product(&sum, &powers[k - 1], &powers[0]);
        powers[k] = split(join(&sum));
    }
    while (bytes > 0) {
        struct element blocks[LANES];
        struct split sum = {0};
        const size_t count = next_blocks(blocks, state, message, bytes);
        for (size_t k = 0; k < count; k++) {
            const struct split block = split(blocks[k]);
            add_product(&sum, &block, &powers[count - 1 - k]);
        }
        state = join(&sum);
        message += bytes < 16 * LANES ? bytes : 16 * LANES;
        bytes -= bytes < 16 * LANES ? bytes : 16 * LANES;
    }
    return state;
}

#ifdef CLMUL_INSTRUCTION
struct products {
    __m128i low, middle, high;
};

CLMUL_TARGET static inline void add_product_by_instruction(struct products *sum, struct element a,
                                                           __m128i b)
{
    const __m128i x = _mm_set_epi64x((long long)a.high, (long long)a.low);
    const __m128i middle = _mm_xor_si128(_mm_clmulepi64_si128(x, b, 0x01),
                                         _mm_clmulepi64_si128(x, b, 0x10));
    sum->low = _mm_xor_si128(sum->low, _mm_clmulepi64_si128(x, b, 0x00));
    sum->middle = _mm_xor_si128(sum->middle, middle);
    sum->high = _mm_xor_si128(sum->high, _mm_clmulepi64_si128(x, b, 0x11));
}

CLMUL_TARGET static inline struct element join_by_instruction(const struct products *sum)
{
    const __m128i below = _mm_xor_si128(sum->low, _mm_slli_si128(sum->middle, 8));
    const __m128i above = _mm_xor_si128(sum->high, _mm_srli_si128(sum->middle, 8));
    const uint64_t w[4] = {
        (uint64_t)_mm_cvtsi128_si64(below), (uint64_t)_mm_extract_epi64(below, 1),
        (uint64_t)_mm_cvtsi128_si64(above), (uint64_t)_mm_extract_epi64(above, 1)};
    return reduce(w);
}

CLMUL_TARGET static struct element absorb_by_instruction(struct element state, struct element point,
                                                         const uint8_t *message, size_t bytes)
{
    const __m128i zero = _mm_setzero_si128();
    __m128i powers[LANES];
    struct element power = point;
    powers[0] = _mm_set_epi64x((long long)point.high, (long long)point.low);
    for (size_t k = 1; k < powers_needed(bytes); k++) {
        struct products sum = {zero, zero, zero};
        add_product_by_instruction(&sum, power, powers[0]);
        power = join_by_instruction(&sum);
        powers[k] = _mm_set_epi64x((long long)power.high, (long long)power.low);
    }
    while (bytes > 0) {
        struct element blocks[LANES];
        struct products sum = {zero, zero, zero};
        const size_t count = next_blocks(blocks, state, message, bytes);
        for (size_t k = 0; k < count; k++)
            add_product_by_instruction(&sum, blocks[k], powers[count - 1 - k]);
        state = join_by_instruction(&sum);
        message += bytes < 16 * LANES ? bytes : 16 * LANES;
        bytes -= bytes < 16 * LANES ? bytes : 16 * LANES;
    }
    return state;
}

/* Blocks at once, two or four to a register, for messages that repay the powers. */
enum { WIDE_BLOCKS = 32, WIDE_BYTES = 16 * WIDE_BLOCKS, WIDE_LEAST_BYTES = 8 * WIDE_BYTES };

CLMUL_AVX2_TARGET static inline __m128i sum_of_halves(__m256i a)
{
    return _mm_xor_si128(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
}

/* `powers` from the highest down; whole WIDE_BYTES only. */
CLMUL_AVX2_TARGET static struct element absorb_avx2(struct element state, const uint64_t *powers,
                                                    const uint8_t *message, size_t bytes)
{
    for (; bytes >= WIDE_BYTES; message += WIDE_BYTES, bytes -= WIDE_BYTES) {
        __m256i low = _mm256_setzero_si256(), middle = low, high = low;
        __m256i first = _mm256_zextsi128_si256(
            _mm_set_epi64x((long long)state.high, (long long)state.low));
        for (size_t k = 0; k < WIDE_BLOCKS / 2; k++) {
            const __m256i block = _mm256_loadu_si256((const __m256i *)(message + 32 * k));
            const __m256i a = _mm256_xor_si256(first, block);
            const __m256i b = _mm256_loadu_si256((const __m256i *)(powers + 4 * k));
            middle = _mm256_xor_si256(middle, _mm256_clmulepi64_epi128(a, b, 0x01));
            middle = _mm256_xor_si256(middle, _mm256_clmulepi64_epi128(a, b, 0x10));
            low = _mm256_xor_si256(low, _mm256_clmulepi64_epi128(a, b, 0x00));
            high = _mm256_xor_si256(high, _mm256_clmulepi64_epi128(a, b, 0x11));
            first = _mm256_setzero_si256();
        }
        const struct products sum = {sum_of_halves(low), sum_of_halves(middle),
                                     sum_of_halves(high)};
        state = join_by_instruction(&sum);
    }
    return state;
}

CLMUL_WIDE_TARGET static inline __m128i sum_of_lanes(__m512i a)
{
    return sum_of_halves(_mm256_xor_si256(_mm512_castsi512_si256(a),
                                          _mm512_extracti64x4_epi64(a, 1)));
}

CLMUL_WIDE_TARGET static struct element absorb_wide(struct element state, const uint64_t *powers,
                                                    const uint8_t *message, size_t bytes)
{
    for (; bytes >= WIDE_BYTES; message += WIDE_BYTES, bytes -= WIDE_BYTES) {
        __m512i low = _mm512_setzero_si512(), middle = low, high = low;
        __m512i first = _mm512_zextsi128_si512(
            _mm_set_epi64x((long long)state.high, (long long)state.low));
        for (size_t k = 0; k < WIDE_BLOCKS / 4; k++) {
            const __m512i a = _mm512_xor_si512(first, _mm512_loadu_si512(message + 64 * k));
            const __m512i b = _mm512_loadu_si512(powers + 8 * k);
            middle = _mm512_xor_si512(middle, _mm512_clmulepi64_epi128(a, b, 0x01));
            middle = _mm512_xor_si512(middle, _mm512_clmulepi64_epi128(a, b, 0x10));
            low = _mm512_xor_si512(low, _mm512_clmulepi64_epi128(a, b, 0x00));
            high = _mm512_xor_si512(high, _mm512_clmulepi64_epi128(a, b, 0x11));
            first = _mm512_setzero_si512();
        }
        const struct products sum = {sum_of_lanes(low), sum_of_lanes(middle), sum_of_lanes(high)};
        state = join_by_instruction(&sum);
    }
    return state;
}

CLMUL_TARGET static void powers_down(uint64_t *powers, struct element point)
{
    const __m128i factor = _mm_set_epi64x((long long)point.high, (long long)point.low);
    struct element power = point;
    for (size_t k = WIDE_BLOCKS; k-- > 0;) {
        powers[2 * k] = power.low;
        powers[2 * k + 1] = power.high;
        struct products sum = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
        add_product_by_instruction(&sum, power, factor);
        power = join_by_instruction(&sum);
    }
}
#endif

int hexkey_clmul_accelerated(void)
{
    return clmul_by_instruction(HEXKEY_CLMUL_FASTEST)
           + clmul_by_avx2_instruction(HEXKEY_CLMUL_FASTEST)
           + clmul_by_wide_instruction(HEXKEY_CLMUL_FASTEST);
}

void hexkey_gf128_absorb(uint8_t *state, const uint8_t *point, const uint8_t *message, size_t bytes,
                         int path)
{
    struct element sum = load(state);
#ifdef CLMUL_INSTRUCTION
    if (bytes >= WIDE_LEAST_BYTES && clmul_by_avx2_instruction(path)) {
        uint64_t powers[2 * WIDE_BLOCKS];
        powers_down(powers, load(point));
        sum = clmul_by_wide_instruction(path) ? absorb_wide(sum, powers, message, bytes)
                                              : absorb_avx2(sum, powers, message, bytes);
        message += bytes - bytes % WIDE_BYTES;
        bytes %= WIDE_BYTES;
    }
    if (clmul_by_instruction(path))
        sum = absorb_by_instruction(sum, load(point), message, bytes);
    else
#endif
        sum = absorb_portable(sum, load(point), message, bytes);
    (void)path;
    store_le64(state, sum.low);
    store_le64(state + 8, sum.high);
}
