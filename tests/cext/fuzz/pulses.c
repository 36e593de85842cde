/* Pulse numbers to steps and back, against plain loops; and steps from outside, as they come. */
#include "harness.h"

enum { MOST = 600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    const unsigned widths[] = {1, 2, 4};
    unsigned width = widths[take_up_to(&in, 2)];
    uint64_t first = take(&in, 8);
    if (take_up_to(&in, 1)) /* so near to the largest number that steps pass it */
        first = (UINT64_C(1) << 63) - 1 - first % 100000;
    uint64_t sum = first;
    size_t count = take_up_to(&in, MOST);
    uint8_t *steps = take_buffer(&in, width * count), *again = malloc(4 * count);
    uint64_t *pulses = malloc((1 + count) * sizeof *pulses);
    int rises = first >> 63 == 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t step = 0;
        for (unsigned k = 0; k < width; k++)
            step |= (uint64_t)steps[width * i + k] << 8 * k;
        sum += step;
        rises &= step > 0 && sum >> 63 == 0;
    }
    REQUIRE(hexkey_pulses_sum(first, steps, count, width, pulses) == rises);
    if (rises) {
        REQUIRE(pulses[0] == first && pulses[count] == sum);
        for (unsigned k = 0; k < 3; k++) {
            int fits = 1;
            for (size_t i = 1; i <= count; i++)
                fits &= (pulses[i] - pulses[i - 1]) >> 8 * widths[k] == 0;
            REQUIRE(hexkey_pulses_steps(pulses, 1 + count, widths[k], again) == fits);
            REQUIRE(widths[k] != width || memcmp(again, steps, width * count) == 0);
        }
        if (count > 1) {
            pulses[take_up_to(&in, count - 1)] = pulses[count]; /* stands, or falls */
            REQUIRE(!hexkey_pulses_steps(pulses, 1 + count, width, again));
        }
    }
    free(steps);
    free(again);
    free(pulses);
    return 0;
}
