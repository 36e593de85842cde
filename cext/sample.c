/* Part a block into the disclosed sample and the rest. Mostly the rest: eight bits at once of it. */
#include "bytes.h"
#include "hexkey.h"

void hexkey_sample_part(size_t count, const uint8_t *restrict chosen, const uint8_t *restrict bits,
                        uint8_t *restrict sample, uint8_t *restrict rest)
{
    for (size_t i = 0; i < count;) {
        if (count - i >= 8 && load_le64(chosen + i) == 0) {
            memcpy(rest, bits + i, 8);
            rest += 8;
            i += 8;
        } else if (chosen[i])
            *sample++ = bits[i++];
        else
            *rest++ = bits[i++];
    }
}
