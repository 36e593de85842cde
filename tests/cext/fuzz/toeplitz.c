/* hexkey_toeplitz, both ways, against its definition. */
#include "harness.h"

enum { MOST_BITS = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    size_t n = take_up_to(&in, MOST_BITS), length = take_up_to(&in, MOST_BITS);
    size_t seed_bytes = n + length ? (n + length - 1 + 7) / 8 : 0;
    size_t words = hexkey_toeplitz_scratch_words(n, length);
    uint8_t *seed = take_buffer(&in, seed_bytes), *bits = take_buffer(&in, n);
    uint8_t *out = malloc(length);
    uint64_t *scratch = malloc(words * sizeof *scratch);
    for (size_t j = 0; j < n; j++)
        bits[j] &= 1;
    for (int path = HEXKEY_CLMUL_FASTEST; path <= HEXKEY_CLMUL_PORTABLE; path++) {
        REQUIRE(hexkey_toeplitz(out, bits, n, seed, length, scratch, path) == 0);
        for (size_t i = 0; i < length; i++) {
            unsigned expected = 0;
            for (size_t j = 0; j < n; j++) {
                size_t at = i + n - 1 - j;
                expected ^= seed[at / 8] >> at % 8 & bits[j];
            }
            REQUIRE(out[i] == (expected & 1));
        }
    }
    free(seed);
    free(bits);
    free(out);
    free(scratch);
    return 0;
}
