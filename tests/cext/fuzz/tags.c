/* PicoQuant's records against a plain reading of their description, in two calls as in one. */
#include "harness.h"

enum { MOST = 400 };

struct twin {
    int64_t base;
    uint64_t overflows, markers, unknown;
};

/* What a record is: its channel, -1 an overflow by *time, -2 a marker, -3 unknown. */
static int read_pico(uint32_t word, int t3, int64_t *time, int64_t *delay)
{
    unsigned channel = word >> 28;
    *time = t3 ? word & 0xffff : word & 0xfffffff;
    *delay = t3 ? word >> 16 & 0xfff : 0;
    if (channel == 15) {
        if ((t3 ? *delay : *time & 15) != 0)
            return -2;
        *time = t3 ? 65536 : 210698240;
        return -1;
    }
    if (t3)
        return channel >= 1 && channel <= 4 ? (int)channel - 1 : -3;
    return channel <= 4 ? (int)channel : -3;
}

static int read_hydra(uint32_t word, int t3, int version, int64_t *time, int64_t *delay)
{
    unsigned special = word >> 31, channel = word >> 25 & 63;
    *time = t3 ? word & 1023 : word & 0x1ffffff;
    *delay = t3 ? word >> 10 & 0x7fff : 0;
    if (!special)
        return (int)channel;
    if (channel == 63) {
        int64_t once = t3 ? 1024 : version == 1 ? 33552000 : 33554432;
        *time = version == 1 || *time == 0 ? once : once * *time;
        return -1;
    }
    if (channel == 0)
        return t3 ? -3 : HEXKEY_TAGS_SYNC;
    return channel <= 15 ? -2 : -3;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    int layout = (int)take_up_to(&in, 6), t3 = layout & 1; /* 6: there is none */
    size_t count = take_up_to(&in, MOST), cut = take_up_to(&in, count), found = 0;
    int64_t start = (int64_t)(take(&in, 8) >> 1); /* may be close to the latest, or past it */
    uint8_t *words = take_buffer(&in, 4 * count);
    uint8_t *channel = malloc(count), *wanted_channel = malloc(count);
    int64_t *ticks = malloc(8 * count), *wanted_ticks = malloc(8 * count);
    int64_t *pulse = t3 ? malloc(8 * count) : NULL, *wanted_pulse = malloc(8 * count);
    start = start > INT64_C(1) << 62 ? INT64_C(1) << 62 : start;
    struct twin twin = {start, 0, 0, 0};
    int good = layout < 6;
    for (size_t i = 0; good && i < count; i++) {
        uint32_t word = (uint32_t)words[4 * i] | (uint32_t)words[4 * i + 1] << 8 |
                        (uint32_t)words[4 * i + 2] << 16 | (uint32_t)words[4 * i + 3] << 24;
        int64_t time, delay;
        int what = layout < 2 ? read_pico(word, t3, &time, &delay)
                              : read_hydra(word, t3, layout < 4 ? 1 : 2, &time, &delay);
        if (what >= 0) {
            wanted_channel[found] = (uint8_t)what;
            wanted_ticks[found] = t3 ? delay : twin.base + time;
            wanted_pulse[found++] = twin.base + time;
        } else if (what == -1) {
            twin.base += time;
            twin.overflows++;
            good = twin.base <= INT64_C(1) << 62;
        } else if (what == -2) {
            twin.markers++;
        } else {
            twin.unknown++;
        }
    }
    hexkey_tags_state state = {start, 0, 0, 0}, before = state;
    ptrdiff_t all = hexkey_tags_decode(layout, words, count, &state, channel, ticks, pulse);
    REQUIRE((all >= 0) == good);
    if (!good) {
        REQUIRE(all == -1 && memcmp(&state, &before, sizeof state) == 0);
    } else {
        REQUIRE((size_t)all == found);
        REQUIRE(memcmp(channel, wanted_channel, found) == 0);
        REQUIRE(memcmp(ticks, wanted_ticks, 8 * found) == 0);
        REQUIRE(!t3 || memcmp(pulse, wanted_pulse, 8 * found) == 0);
        REQUIRE(state.base == twin.base && state.overflows == twin.overflows);
        REQUIRE(state.markers == twin.markers && state.unknown == twin.unknown);
        hexkey_tags_state parts = before;
        ptrdiff_t first = hexkey_tags_decode(layout, words, cut, &parts, channel, ticks, pulse);
        ptrdiff_t rest = hexkey_tags_decode(layout, words + 4 * cut, count - cut, &parts, channel,
                                            ticks, pulse);
        REQUIRE(first + rest == all && memcmp(&parts, &state, sizeof state) == 0);
    }
    free(words);
    free(channel);
    free(wanted_channel);
    free(ticks);
    free(wanted_ticks);
    free(pulse);
    free(wanted_pulse);
    return 0;
}
