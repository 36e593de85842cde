/* Toeplitz products of short strings, by a transposed Karatsuba multiplication.
 *
 * Let m be a multiple of 64 bits and S a string of 2m bits. Write [S](v) for the m bits
 *     out_i = XOR_j S[m + i - j] v_j,    0 <= i, j < m,
 * (S[0] is never used). With halves v = (v0, v1) and the three overlapping halves of S,
 * T0 = S[0, m), T1 = S[m/2, 3m/2), T2 = S[m, 2m),
 *     out0 = [T1](v0) + [T0](v1) = [T0 + T1](v1) + P
 *     out1 = [T2](v0) + [T1](v1) = [T1 + T2](v0) + P,    P = [T1](v0 + v1):
 * three products of half the size instead of four (Fan & Hasan, IEEE Trans. Comput. 56 (2007) 224;
 * it is the transpose of Karatsuba's multiplication). Leaves of a few words are done directly. A
 * matrix that is not square is tiled by square ones, of the size that costs least.
 *
 * Sizes are public, bits are not: control flow and addresses depend on sizes alone.
 */
#include "clmul.h"
#include "toeplitz.h"

#include <string.h>

enum { LEAF_LEAST = 8, LEAF_MOST = 15 };

typedef void leaf_function(uint64_t *out, const uint64_t *s, const uint64_t *v, size_t words);

/* out = [s](v) for a few words. With the two-word sums A_u = XOR_j s[words - 1 + u - j] * v[j] it
 * is out[t] = low(A_{t+1}) + high(A_t). */
static void leaf_portable(uint64_t *out, const uint64_t *s, const uint64_t *v, size_t words)
{
    struct clmul_holes plain[2 * LEAF_MOST], mirrored[2 * LEAF_MOST];
    struct clmul_holes v_plain[LEAF_MOST], v_mirrored[LEAF_MOST];
    for (size_t k = 0; k < 2 * words; k++) {
        plain[k] = clmul_split(s[k]);
        mirrored[k] = clmul_split(clmul_mirror(s[k]));
    }
    for (size_t j = 0; j < words; j++) {
        v_plain[j] = clmul_split(v[j]);
        v_mirrored[j] = clmul_split(clmul_mirror(v[j]));
    }
    for (size_t t = 0; t < words; t++) {
        struct clmul_holes low = {{0}}, high = {{0}};
        for (size_t j = 0; j < words; j++) {
            clmul_accumulate(&low, plain[words + t - j], v_plain[j]);
            clmul_accumulate(&high, mirrored[words + t - j - 1], v_mirrored[j]);
        }
        out[t] = clmul_join(low) ^ clmul_high_from_mirrored(clmul_join(high));
    }
}

#ifdef CLMUL_INSTRUCTION
CLMUL_TARGET static void leaf_by_instruction(uint64_t *out, const uint64_t *s, const uint64_t *v,
                                             size_t words)
{
    uint64_t high = 0;
    for (size_t u = 0; u <= words; u++) {
        __m128i sum = _mm_setzero_si128();
        for (size_t j = 0; j < words; j++) {
            const __m128i a = _mm_loadl_epi64((const __m128i *)(s + words - 1 + u - j));
            const __m128i b = _mm_loadl_epi64((const __m128i *)(v + j));
            sum = _mm_xor_si128(sum, _mm_clmulepi64_si128(a, b, 0x00));
        }
        if (u > 0)
            out[u - 1] = (uint64_t)_mm_cvtsi128_si64(sum) ^ high;
        high = (uint64_t)_mm_extract_epi64(sum, 1);
    }
}
#endif

static void add(uint64_t *restrict out, const uint64_t *a, const uint64_t *b, size_t words)
{
    for (size_t k = 0; k < words; k++)
        out[k] = a[k] ^ b[k];
}

static void add_to(uint64_t *restrict out, const uint64_t *restrict a, size_t words)
{
    for (size_t k = 0; k < words; k++)
        out[k] ^= a[k];
}

/* out = [s](v) for `words` = leaf << levels; scratch: 3 words for each word of v, see below. */
static void product(uint64_t *out, const uint64_t *s, const uint64_t *v, size_t words,
                    unsigned levels, uint64_t *scratch, leaf_function *leaf)
{
    if (levels == 0) {
        leaf(out, s, v, words);
        return;
    }
    const size_t half = words / 2;
    uint64_t *sum = scratch, *shared = scratch + words, *rest = shared + half;
    add(sum, s, s + half, words);
    product(out, sum, v + half, half, levels - 1, rest, leaf);
    add(sum, s + half, s + words, words);
    product(out + half, sum, v, half, levels - 1, rest, leaf);
    add(sum, v, v + half, half);
    product(shared, s + half, sum, half, levels - 1, rest, leaf);
    add_to(out, shared, half);
    add_to(out + half, shared, half);
}

struct tiling {
    unsigned levels;
    size_t tile, rows, columns; /* words of a side; tiles */
    double cost;
};

static struct tiling cheapest_tiling(size_t out_words, size_t in_words)
{
    struct tiling best = {0};
    for (size_t leaf = LEAF_LEAST; leaf <= LEAF_MOST; leaf++) {
        double cost_of_tile = (double)(leaf * leaf);
        size_t tile = leaf;
        for (unsigned levels = 0;; levels++) {
            const size_t rows = (out_words + tile - 1) / tile;
            const size_t columns = (in_words + tile - 1) / tile;
            const double cost = cost_of_tile * (double)rows * (double)columns;
            if (best.tile == 0 || cost < best.cost)
                best = (struct tiling){levels, tile, rows, columns, cost};
            if (rows == 1 && columns == 1)
                break;
            tile *= 2;
            cost_of_tile = 3 * cost_of_tile + 2 * (double)tile; /* the sums */
        }
    }
    return best;
}

double hexkey_karatsuba_cost(size_t n, size_t length, int path)
{
    /* nanoseconds for each product of two words, as measured where it matters */
    const double unit = clmul_by_instruction(path) ? 0.6 : 6.8;
    return unit * cheapest_tiling(words_of(length), words_of(n)).cost;
}

size_t hexkey_karatsuba_words(size_t n, size_t length)
{
    const struct tiling t = cheapest_tiling(words_of(length), words_of(n));
    /* seed, input, output, one product; and 1.5 words for each word of a product, halving */
    return (t.rows + t.columns) * t.tile + t.columns * t.tile + t.rows * t.tile + t.tile
           + 3 * t.tile;
}

static void load_words(uint64_t *words, size_t count, struct bit_string s, ptrdiff_t first)
{
    for (size_t k = 0; k < count; k++) {
        const ptrdiff_t at = first + 64 * (ptrdiff_t)k;
        words[k] = bits_from(s, at) | (uint64_t)bits_from(s, at + 32) << 32;
    }
}

void hexkey_karatsuba(uint8_t *out, struct bit_string x, size_t n, struct bit_string seed,
                      size_t length, uint64_t *scratch, int path)
{
    leaf_function *leaf = leaf_portable;
#ifdef CLMUL_INSTRUCTION
    if (clmul_by_instruction(path))
        leaf = leaf_by_instruction;
#endif
    (void)path;
    const size_t words = words_of(n), out_words = words_of(length);
    const struct tiling t = cheapest_tiling(out_words, words);
    uint64_t *s = scratch, *v = s + (t.rows + t.columns) * t.tile;
    uint64_t *y = v + t.columns * t.tile, *part = y + t.rows * t.tile, *rest = part + t.tile;
    memset(s, 0, (size_t)(part - s) * sizeof *s);

    /* out_i is coefficient n - 1 + i of seed(z) x(z). Move the seed up so that n - 1 becomes
     * 64 words, and put zeros below for the columns that pad x. */
    const ptrdiff_t shift = 64 * (ptrdiff_t)words - (ptrdiff_t)(n - 1);
    load_words(s + (t.columns * t.tile - words), words + out_words, seed, -shift);
    load_words(v, words, x, 0);
    for (size_t row = 0; row < t.rows; row++)
        for (size_t column = 0; column < t.columns; column++) {
            const uint64_t *block = s + (t.columns + row - column - 1) * t.tile;
            product(part, block, v + column * t.tile, t.tile, t.levels, rest, leaf);
            add_to(y + row * t.tile, part, t.tile);
        }
    for (size_t k = 0; k < out_words; k++)
        store_le64(out + 8 * k, y[k]);
}
