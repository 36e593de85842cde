/* hexkey_offset_search against counting bit by bit. */
#include "harness.h"

enum { MOST_SAMPLES = 80, MOST_RECORD_BYTES = 2600 }; /* more than two of the kernel's tiles */

static unsigned bit_at(const uint8_t *record, uint64_t place)
{
    return record[place / 8] >> place % 8 & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    size_t record_bytes = 1 + take_up_to(&in, MOST_RECORD_BYTES - 1);
    size_t samples = 1 + take_up_to(&in, MOST_SAMPLES - 1);
    uint64_t candidates = 8 * record_bytes - take_up_to(&in, 8 * record_bytes);
    uint32_t limit = (uint32_t)take_up_to(&in, samples - 1);
    size_t capacity = take_up_to(&in, 40), expected = 0;
    uint64_t *position = malloc(samples * sizeof *position);
    uint64_t *match = malloc(capacity * sizeof *match);
    uint32_t *mismatches = malloc(capacity * sizeof *mismatches);
    uint8_t *bit = malloc(samples);
    for (size_t i = 0; i < samples; i++) {
        position[i] = take_up_to(&in, 8 * record_bytes - candidates);
        bit[i] = take(&in, 1) & 1;
    }
    uint8_t *record = take_buffer(&in, record_bytes);
    size_t found = hexkey_offset_search(record, record_bytes, position, bit, samples, candidates,
                                        limit, match, mismatches, capacity);
    for (uint64_t d = 0; d < candidates && expected < capacity; d++) {
        uint32_t wrong = 0;
        for (size_t i = 0; i < samples && wrong <= limit; i++)
            wrong += bit_at(record, position[i] + d) != bit[i];
        if (wrong > limit)
            continue;
        REQUIRE(expected < found && match[expected] == d && mismatches[expected] == wrong);
        expected++;
    }
    REQUIRE(found == expected);
    free(position);
    free(match);
    free(mismatches);
    free(bit);
    free(record);
    return 0;
}
