/* hexkey_unpack_events against a loop over fields. */
#include "harness.h"

enum { MOST_FRAMES = 4, MOST_RECORDS = 60 };

struct event {
    uint64_t pulse;
    uint32_t phase;
    uint8_t mask, flags;
};

static uint64_t field(uint64_t record, int *at, int bits)
{
    uint64_t value = record >> *at & (((uint64_t)1 << bits) - 1);
    *at += bits;
    return value;
}

/* Returns the events, or -1-i. */
static int64_t slow_unpack(const uint8_t *records, int wide, size_t frames, const uint64_t *bases,
                           const uint32_t *counts, struct event *out)
{
    int64_t found = 0, number = 0;
    for (size_t f = 0; f < frames; f++) {
        uint64_t pulse = bases[f];
        int64_t before = found;
        for (uint32_t r = 0; r < counts[f]; r++, number++) {
            uint64_t record = 0;
            for (int i = 0; i < (wide ? 8 : 4); i++)
                record |= (uint64_t)*records++ << 8 * i;
            int at = 0;
            uint64_t phase = field(record, &at, wide ? 24 : 13);
            uint64_t flags = field(record, &at, wide ? 4 : 2);
            uint64_t advance = field(record, &at, wide ? 32 : 13);
            uint64_t mask = field(record, &at, 4);
            if (!mask)
                advance = record;
            if (advance > INT64_MAX - pulse || (mask && !advance && found > before))
                return -1 - number;
            pulse += advance;
            if (mask)
                out[found++] = (struct event){pulse, (uint32_t)phase, (uint8_t)mask,
                                              (uint8_t)flags};
        }
    }
    return found;
}

/* Take the advance away where the phase is a multiple of 16: a repeated pulse is rare otherwise. */
static void clear_advances(uint8_t *records, int wide, size_t count)
{
    for (size_t i = 0; i < count; i++, records += wide ? 8 : 4) {
        if (records[0] & 15)
            continue;
        if (wide)
            memset(records + 4, 0, 3);
        records[wide ? 3 : 1] &= wide ? 0x0F : 0x7F;
        if (!wide)
            records[2] = 0;
        records[wide ? 7 : 3] &= 0xF0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    int wide = take(&in, 1) & 1;
    size_t frames = take_up_to(&in, MOST_FRAMES), records = 0;
    uint64_t bases[MOST_FRAMES];
    uint32_t counts[MOST_FRAMES];
    struct event expected[MOST_FRAMES * MOST_RECORDS];
    for (size_t f = 0; f < frames; f++) {
        uint64_t base = take(&in, 8);
        bases[f] = base & 1 ? (uint64_t)INT64_MAX - base % 65536 : base >> 1;
        records += counts[f] = (uint32_t)take_up_to(&in, MOST_RECORDS);
    }
    uint8_t *bytes = take_buffer(&in, records * (wide ? 8 : 4));
    clear_advances(bytes, wide, records);
    uint64_t *pulse = malloc(records * sizeof *pulse);
    uint32_t *phase = malloc(records * sizeof *phase);
    uint8_t *mask = malloc(records), *flags = malloc(records);
    int64_t found = hexkey_unpack_events(bytes, wide ? 8 : 4, frames, bases, counts, pulse, phase,
                                         mask, flags);
    REQUIRE(found == slow_unpack(bytes, wide, frames, bases, counts, expected));
    for (int64_t i = 0; i < found; i++)
        REQUIRE(pulse[i] == expected[i].pulse && phase[i] == expected[i].phase &&
                mask[i] == expected[i].mask && flags[i] == expected[i].flags);
    free(bytes);
    free(pulse);
    free(phase);
    free(mask);
    free(flags);
    return 0;
}
