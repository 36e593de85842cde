/* Pulse numbers of an announcement as steps from each to the next (docs/session-protocol.md). */
#include "bytes.h"
#include "hexkey.h"
#include "vector.h"

static const uint64_t LARGEST = UINT64_MAX >> 1;

VECTORISED int hexkey_pulses_steps(const uint64_t *restrict pulses, size_t count, unsigned width,
                                   uint8_t *restrict out)
{
    uint64_t any = 0, least = UINT64_MAX;
    for (size_t i = 1; i < count; i++) {
        uint64_t step = pulses[i] - pulses[i - 1]; /* of falling numbers: too large for any width */
        any |= step;
        least = step < least ? step : least;
        if (width == 4)
            store_le32(out + 4 * (i - 1), (uint32_t)step);
        else if (width == 2)
            store_le16(out + 2 * (i - 1), (uint16_t)step);
        else
            out[i - 1] = (uint8_t)step;
    }
    return least > 0 && any >> 8 * width == 0;
}

/* `width` is a constant at every call, so that the compiler makes a tight loop of each. */
static inline int sum(uint64_t pulse, const uint8_t *steps, size_t count, unsigned width,
                      uint64_t *restrict pulses)
{
    uint64_t stands = 0, past = pulse;
    pulses[0] = pulse;
    for (size_t i = 0; i < count; i++) {
        uint64_t step = width == 4   ? load_le32(steps + 4 * i)
                        : width == 2 ? load_le16(steps + 2 * i)
                                     : steps[i];
        stands |= step == 0;
        pulse += step;
        past |= pulse; /* 2^63 is passed once at least, and no step is large enough to skip it */
        pulses[i + 1] = pulse;
    }
    return !stands && past <= LARGEST;
}

int hexkey_pulses_sum(uint64_t first, const uint8_t *steps, size_t count, unsigned width,
                      uint64_t *restrict pulses)
{
    if (width == 4)
        return sum(first, steps, count, 4, pulses);
    if (width == 2)
        return sum(first, steps, count, 2, pulses);
    return sum(first, steps, count, 1, pulses);
}
