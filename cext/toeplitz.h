/* Between toeplitz.c and its two ways to multiply. */
#ifndef HEXKEY_TOEPLITZ_H
#define HEXKEY_TOEPLITZ_H

#include "bit_string.h"

static inline size_t words_of(size_t bits)
{
    return bits / 64 + (bits % 64 != 0);
}

/* out = the Toeplitz product of n bits of x, 1 <= n, and `length` >= 1 bits in whole words. Bits
 * that n + length - 1 bits of the seed do not reach may be anything; bits of x past n are zero.
 * `scratch` has as many words as the next function says. */
void hexkey_karatsuba(uint8_t *out, struct bit_string x, size_t n, struct bit_string seed,
                      size_t length, uint64_t *scratch, int path);
size_t hexkey_karatsuba_words(size_t n, size_t length);

/* Estimates of the time they take on a path, in a common unit. */
double hexkey_karatsuba_cost(size_t n, size_t length, int path);
double hexkey_toeplitz_stream_cost(size_t n, size_t length, int path);

#endif
