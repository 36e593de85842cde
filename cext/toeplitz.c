/* Toeplitz hashing over GF(2): out_i = XOR_j seed[i - j + n - 1] x_j, in one call. */
#include "additive_fft.h"
#include "toeplitz.h"
#include "vector.h"

/* Eight bits to 0/1 bytes: of a copy in each byte a mask keeps bit k of byte k, and what is left
 * carries, or is, bit 7. */
VECTORISED static void unpack_bits(uint8_t *restrict out, const uint8_t *restrict packed, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    for (size_t k = 0; k < n / 8; k++) {
        const uint64_t apart = packed[k] * ones & UINT64_C(0x8040201008040201);
        store_le64(out + 8 * k, ((apart + 0x7f * ones) | apart) >> 7 & ones);
    }
    for (size_t i = n - n % 8; i < n; i++)
        out[i] = packed[i / 8] >> i % 8 & 1;
}

static int sizes_are_valid(size_t n, size_t length)
{
    return length <= SIZE_MAX / 64 && n <= SIZE_MAX / 64;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Strings for which either multiplication may be the faster: that depends on the path. */
static int karatsuba_is_cheaper(size_t n, size_t length, int path)
{
    return hexkey_karatsuba_cost(n, length, path) < hexkey_toeplitz_stream_cost(n, length, path);
}

size_t hexkey_toeplitz_scratch_words(size_t n, size_t length)
{
    if (n == 0 || length == 0 || !sizes_are_valid(n, length))
        return 0;
    size_t karatsuba = 0, stream = 0;
    for (int path = HEXKEY_CLMUL_FASTEST; path <= HEXKEY_CLMUL_PORTABLE; path++)
        if (karatsuba_is_cheaper(n, length, path))
            karatsuba = hexkey_karatsuba_words(n, length);
        else
            stream = hexkey_toeplitz_stream_words(n, length);
    return words_of(n) + words_of(length) + larger(karatsuba, stream);
}

int hexkey_toeplitz(uint8_t *restrict out, const uint8_t *restrict bits, size_t n,
                    const uint8_t *restrict seed, size_t length, uint64_t *restrict scratch,
                    int path)
{
    if (!sizes_are_valid(n, length))
        return -1;
    if (length == 0)
        return 0;
    if (n == 0) {
        memset(out, 0, length);
        return 0;
    }
    uint64_t *rest = scratch + words_of(n) + words_of(length);
    uint8_t *x = (uint8_t *)scratch, *y = (uint8_t *)(scratch + words_of(n));
    fft_way(path)->pack(x, bits, n);
    if (karatsuba_is_cheaper(n, length, path)) {
        const struct bit_string input = {x, n / 8 + (n % 8 != 0), 0};
        const struct bit_string window = {seed, (n + length + 6) / 8, 0};
        hexkey_karatsuba(y, input, n, window, length, rest, path);
    } else {
        hexkey_toeplitz_stream_start(rest, n, length, path);
        hexkey_toeplitz_stream_add(rest, x, n, seed, 0);
        hexkey_toeplitz_stream_finish(rest, y);
    }
    unpack_bits(out, y, length);
    return 0;
}
