/* Records of PicoQuant's time taggers: 32-bit words to channels and times (docs/tagger-files.md). */
#include "bytes.h"
#include "hexkey.h"

enum { MARKER_BITS = 0xf, ROLL_OVER = 63 };

static const int64_t LATEST = INT64_C(1) << 62;

/* What one word says: its channel, or what it is instead of a detection. */
enum { OVERFLOW = -1, MARKER = -2, UNKNOWN = -3 };

typedef struct {
    int what;
    int64_t time;  /* T2: ticks, T3: sync periods, since the last overflow; of an overflow: by how
                      much all later ones are later */
    int64_t delay; /* T3: ticks since the sync */
} record;

static inline record picoharp(uint32_t word, int t3)
{
    record r = {(int)(word >> 28), word & 0xfffffff, 0};
    uint32_t marks = r.time & MARKER_BITS;
    if (t3) {
        r.delay = r.time >> 16;
        r.time &= 0xffff;
        marks = (uint32_t)r.delay;
    }
    if (r.what == 15) {
        r.what = marks ? MARKER : OVERFLOW;
        if (!marks)
            r.time = t3 ? 65536 : 210698240;
    } else if (r.what > 4 || (t3 && r.what == 0)) {
        r.what = UNKNOWN;
    } else {
        r.what -= t3; /* a router's inputs are 1 to 4 */
    }
    return r;
}

/* HydraHarp, and since its second version MultiHarp, TimeHarp 260 and PicoHarp 330, too. */
static inline record hydraharp(uint32_t word, int t3, int first_version)
{
    uint32_t low = word & 0x1ffffff;
    record r = {(int)(word >> 25 & 63), low, 0};
    if (t3) {
        r.delay = low >> 10;
        r.time = low & 0x3ff;
    }
    if (word >> 31 == 0)
        return r;
    if (r.what == ROLL_OVER) {
        int64_t times = first_version || r.time == 0 ? 1 : r.time;
        r.what = OVERFLOW;
        r.time = times * (t3 ? 1024 : first_version ? 33552000 : 33554432);
    } else if (r.what == 0) {
        r.what = t3 ? UNKNOWN : HEXKEY_TAGS_SYNC;
    } else {
        r.what = r.what <= 15 ? MARKER : UNKNOWN;
    }
    return r;
}

/* `layout` is a constant at every call, so that the compiler makes a tight loop of each. */
static inline ptrdiff_t decode(int layout, const uint8_t *words, size_t count,
                               hexkey_tags_state *state, uint8_t *restrict channel,
                               int64_t *restrict ticks, int64_t *restrict pulse)
{
    int t3 = layout & 1;
    hexkey_tags_state now = *state;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t word = load_le32(words + 4 * i);
        record r = layout < HEXKEY_TAGS_HYDRA1_T2
                       ? picoharp(word, t3)
                       : hydraharp(word, t3, layout < HEXKEY_TAGS_HYDRA2_T2);
        if (r.what >= 0) {
            channel[found] = (uint8_t)r.what;
            ticks[found] = t3 ? r.delay : now.base + r.time;
            if (t3)
                pulse[found] = now.base + r.time;
            found++;
        } else if (r.what == OVERFLOW) {
            now.base += r.time;
            now.overflows++;
            if (now.base > LATEST)
                return -1;
        } else if (r.what == MARKER) {
            now.markers++;
        } else {
            now.unknown++;
        }
    }
    *state = now;
    return (ptrdiff_t)found;
}

ptrdiff_t hexkey_tags_decode(int layout, const uint8_t *words, size_t count,
                             hexkey_tags_state *state, uint8_t *restrict channel,
                             int64_t *restrict ticks, int64_t *restrict pulse)
{
    switch (layout) {
    case HEXKEY_TAGS_PICO_T2:
        return decode(HEXKEY_TAGS_PICO_T2, words, count, state, channel, ticks, pulse);
    case HEXKEY_TAGS_PICO_T3:
        return decode(HEXKEY_TAGS_PICO_T3, words, count, state, channel, ticks, pulse);
    case HEXKEY_TAGS_HYDRA1_T2:
        return decode(HEXKEY_TAGS_HYDRA1_T2, words, count, state, channel, ticks, pulse);
    case HEXKEY_TAGS_HYDRA1_T3:
        return decode(HEXKEY_TAGS_HYDRA1_T3, words, count, state, channel, ticks, pulse);
    case HEXKEY_TAGS_HYDRA2_T2:
        return decode(HEXKEY_TAGS_HYDRA2_T2, words, count, state, channel, ticks, pulse);
    case HEXKEY_TAGS_HYDRA2_T3:
        return decode(HEXKEY_TAGS_HYDRA2_T3, words, count, state, channel, ticks, pulse);
    default:
        return -1;
    }
}
