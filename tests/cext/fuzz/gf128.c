/* hexkey_gf128_absorb, both ways, against multiplication bit by bit. */
#include "harness.h"

enum { MOST_BYTES = 700, COPIES = 12 };

static void slow_multiply(uint8_t *state, const uint8_t *point)
{
    uint8_t product[16] = {0};
    for (int i = 127; i >= 0; i--) { /* Horner: product = product x + point_i state */
        unsigned carry = product[15] >> 7;
        for (int byte = 15; byte > 0; byte--)
            product[byte] = (uint8_t)(product[byte] << 1 | product[byte - 1] >> 7);
        product[0] = (uint8_t)(product[0] << 1 ^ (carry ? 0x87 : 0));
        if (point[i / 8] >> i % 8 & 1)
            for (int byte = 0; byte < 16; byte++)
                product[byte] ^= state[byte];
    }
    memcpy(state, product, 16);
}

static void slow_absorb(uint8_t *state, const uint8_t *point, const uint8_t *message, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 16) {
        for (size_t i = 0; i < 16 && at + i < bytes; i++)
            state[i] ^= message[at + i];
        slow_multiply(state, point);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint8_t *state = take_buffer(&in, 16), *point = take_buffer(&in, 16);
    uint8_t *sum = malloc(16), expected[16];
    size_t copies = take_up_to(&in, 63) ? 1 : COPIES; /* long ones now and then: they are slow */
    size_t part = in.left < MOST_BYTES ? in.left : MOST_BYTES, bytes = copies * part;
    uint8_t *message = malloc(bytes), *start = take_buffer(&in, part);
    for (size_t i = 0; i < bytes; i++)
        message[i] = start[i % part];
    free(start);
    memcpy(expected, state, 16);
    slow_absorb(expected, point, message, bytes);
    for (int path = HEXKEY_CLMUL_FASTEST; path <= HEXKEY_CLMUL_PORTABLE; path++) {
        memcpy(sum, state, 16);
        hexkey_gf128_absorb(sum, point, bytes ? message : NULL, bytes, path);
        REQUIRE(!memcmp(sum, expected, 16));
    }
    free(state);
    free(point);
    free(sum);
    free(message);
    return 0;
}
