/* cascade_permute, wide tables and narrow ones, of one plane and more, against the place of each bit. */
#include "cascade.h"
#include "harness.h"

enum { MOST_BITS = 6000 };

static size_t word_in(const struct order *o, unsigned planes, unsigned plane, uint32_t place)
{
    size_t w = place / 64, row = row_words(o);
    return (w / row * planes + plane) * row + w % row;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint32_t n = 1 + (uint32_t)take_up_to(&in, MOST_BITS - 1);
    unsigned planes = 1 + (unsigned)take_up_to(&in, CASCADE_MAX_PLANES - 1);
    uint64_t random = take(&in, 8);
    uint32_t rows = hexkey_cascade_rows(n), columns = 1u << hexkey_cascade_log_columns(n);
    uint32_t places = hexkey_cascade_places(n);
    size_t words = planes * ((places + 63) / 64) * sizeof(uint64_t);
    uint8_t *keystream = take_buffer(&in, 4 * (2 * rows + columns));
    uint32_t *rotations = malloc((2 * rows + columns) * sizeof *rotations);
    uint64_t *from = malloc(words), *to = malloc(words), *scratch = malloc(words);

    hexkey_cascade_rotations(n, keystream, rotations);
    const struct order order = order_of(n, rotations);
    memset(from, 0, words);
    for (unsigned plane = 0; plane < planes; plane++)
        for (uint32_t i = 0; i < places; i++) {
            random = random * UINT64_C(6364136223846793005) + 1;
            from[word_in(&order, planes, plane, i)] |= (random >> 63) << (i % 64);
        }
    cascade_permute(&order, planes, from, to, scratch);
    for (unsigned plane = 0; plane < planes; plane++)
        for (uint32_t i = 0; i < places; i++) {
            uint32_t place = place_of(&order, i);
            REQUIRE((from[word_in(&order, planes, plane, i)] >> (i % 64) & 1) ==
                    (to[word_in(&order, planes, plane, place)] >> (place % 64) & 1));
            REQUIRE(position_of(&order, place) == i);
        }
    free(keystream);
    free(rotations);
    free(from);
    free(to);
    free(scratch);
    return 0;
}
