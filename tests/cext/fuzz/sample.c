/* hexkey_sample_part against a plain loop. */
#include "harness.h"

enum { MOST = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    size_t count = take_up_to(&in, MOST), chosen_count = 0, k = 0;
    unsigned rare = (unsigned)take_up_to(&in, 255);
    uint8_t *chosen = take_buffer(&in, count), *bits = take_buffer(&in, count);
    for (size_t i = 0; i < count; i++) {
        chosen[i] = chosen[i] > rare;
        chosen_count += chosen[i];
    }
    uint8_t *sample = malloc(chosen_count), *rest = malloc(count - chosen_count);
    hexkey_sample_part(count, chosen, bits, sample, rest);
    for (size_t i = 0; i < count; i++) {
        REQUIRE((chosen[i] ? sample[k] : rest[i - k]) == bits[i]);
        k += chosen[i];
    }
    free(chosen);
    free(bits);
    free(sample);
    free(rest);
    return 0;
}
