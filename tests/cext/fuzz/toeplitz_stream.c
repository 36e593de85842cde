/* The stream of toeplitz_stream.c, every way, against its definition, in pieces of any size. */
#include "harness.h"

enum { MOST_BITS = 3000, MOST_PIECES = 3 };

/* out = XOR over the bits of x that are 1 of the seed shifted, a byte string each time */
static void slow_product(uint8_t *out, size_t length, const uint8_t *x, size_t n,
                         const uint8_t *seed)
{
    memset(out, 0, (length + 7) / 8);
    for (size_t j = 0; j < n; j++)
        if (x[j / 8] >> j % 8 & 1)
            for (size_t i = 0; i < length; i++) {
                size_t at = i + n - 1 - j;
                out[i / 8] ^= (uint8_t)((seed[at / 8] >> at % 8 & 1) << i % 8);
            }
}

/* The bytes of the seed with the `bits` bits from `first` on, in a buffer of exactly their size. */
static uint8_t *window_of(const uint8_t *seed, size_t first, size_t bits)
{
    size_t bytes = (first % 8 + bits + 7) / 8;
    uint8_t *window = malloc(bytes);
    memcpy(window, seed + first / 8, bytes);
    return window;
}

static void add_pieces(uint64_t *stream, const uint8_t *x, size_t n, const uint8_t *seed,
                       size_t length, const size_t *cuts)
{
    size_t start = 0;
    for (int piece = 0; piece <= MOST_PIECES; piece++) {
        size_t stop = piece < MOST_PIECES ? 8 * cuts[piece] : n;
        if (stop <= start || stop > n)
            continue;
        size_t count = stop - start, first = n - stop, bytes = (count + 7) / 8;
        uint8_t *bits = malloc(bytes);
        memcpy(bits, x + start / 8, bytes);
        uint8_t *window = window_of(seed, first, count + length - 1);
        hexkey_toeplitz_stream_add(stream, bits, count, window, first % 8);
        free(bits);
        free(window);
        start = stop;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    size_t n = 1 + take_up_to(&in, in.left % 4 ? 700 : MOST_BITS - 1);
    size_t length = 1 + take_up_to(&in, n - 1), plan = take_up_to(&in, n);
    size_t cuts[MOST_PIECES];
    for (int piece = 0; piece < MOST_PIECES; piece++)
        cuts[piece] = take_up_to(&in, n / 8);
    size_t out_bytes = (length + 7) / 8, words = hexkey_toeplitz_stream_words(plan, length);
    uint8_t *seed = take_buffer(&in, (n + length - 1 + 7) / 8);
    uint8_t *x = take_buffer(&in, (n + 7) / 8);
    uint8_t *out = malloc(out_bytes), *expected = malloc(out_bytes);
    uint64_t *stream = malloc(words * sizeof *stream);
    slow_product(expected, length, x, n, seed);
    for (int path = HEXKEY_CLMUL_FASTEST; path <= HEXKEY_CLMUL_PORTABLE; path++) {
        int status = hexkey_toeplitz_stream_start(stream, plan, length, path);
        REQUIRE(status == (plan ? 0 : -1));
        if (status)
            continue;
        add_pieces(stream, x, n, seed, length, cuts);
        hexkey_toeplitz_stream_finish(stream, out);
        REQUIRE(memcmp(out, expected, out_bytes) == 0);
    }
    free(seed);
    free(x);
    free(out);
    free(expected);
    free(stream);
    return 0;
}
