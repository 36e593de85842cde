/* additive_fft.h in plain C, one word at a time, with the multiplication of clmul.h. */
#include "additive_fft.h"

#define TARGET
#define INLINE static inline

enum { LOG_LANES = 0, LANES = 1 };

typedef uint64_t vec;

struct twiddle {
    vec value, dual;
};

INLINE vec load(const uint64_t *from)
{
    return *from;
}

INLINE void store(uint64_t *to, vec a)
{
    *to = a;
}

INLINE vec load_digits(const uint8_t *from)
{
    return load_le32(from);
}

INLINE void store_halves(uint8_t *low, uint8_t *high, vec a)
{
    store_le32(low, (uint32_t)a);
    store_le32(high, (uint32_t)(a >> 32));
}

INLINE vec broadcast(uint64_t a)
{
    return a;
}

INLINE vec add(vec a, vec b)
{
    return a ^ b;
}

INLINE uint64_t low_product(uint64_t a, uint64_t b)
{
    struct clmul_holes sum = {{0}};
    clmul_accumulate(&sum, clmul_split(a), clmul_split(b));
    return clmul_join(sum);
}

INLINE uint64_t high_product(uint64_t a, uint64_t b)
{
    return clmul_high_from_mirrored(low_product(clmul_mirror(a), clmul_mirror(b)));
}

/* a + low + g r modulo x^64 */
INLINE vec add_reduced(vec a, vec low, vec g)
{
    return a ^ low ^ g ^ g << 1 ^ g << 3 ^ g << 4;
}

INLINE vec add_times(vec a, vec b, struct twiddle c)
{
    return add_reduced(a, low_product(b, c.value), high_product(b, c.dual));
}

INLINE vec add_product(vec sum, vec a, vec b)
{
    const vec high = high_product(a, b);
    return add_reduced(sum, low_product(a, b), high ^ high >> 60 ^ high >> 61);
}

INLINE void transpose(vec r[LANES])
{
    (void)r;
}

INLINE void add_bytes(uint8_t *to, const uint8_t *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += DIGIT_BYTES)
        store_le32(to + i, load_le32(to + i) ^ load_le32(from + i));
}

#include "novel_leaf_plain.h"

#include "additive_fft_body.h"

/* Eight 0/1 bytes to one: the product puts byte k's bit at place 56 + k, and no two bits of it
 * meet below. Table-free, unlike the usual ways. */
static uint8_t pack8(const uint8_t *bits)
{
    const uint64_t spread = load_le64(bits) & UINT64_C(0x0101010101010101);
    return (uint8_t)(spread * UINT64_C(0x0102040810204080) >> 56);
}

static void pack(uint8_t *out, const uint8_t *bits, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        out[i / 8] = pack8(bits + i);
    if (i < n)
        out[i / 8] = 0;
    for (; i < n; i++)
        out[i / 8] |= (uint8_t)((bits[i] & 1) << i % 8);
}

const struct fft_way hexkey_fft_portable = {of_factor, of_middle, add_products, back, pack};
