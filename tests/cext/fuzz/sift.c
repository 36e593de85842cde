/* hexkey_sift over chunks against merging click by click. */
#include "harness.h"

enum { MOST_EVENTS = 1200 };

struct twin {
    uint64_t pulse[2 * MOST_EVENTS]; /* ascending: a click moves back by one pulse at most */
    uint8_t mask[2 * MOST_EVENTS];
    size_t pulses;
    hexkey_sift_state counts;
};

static struct twin twin;

static void add_click(uint64_t pulse, unsigned detector)
{
    size_t at = twin.pulses;
    while (at && twin.pulse[at - 1] > pulse)
        at--;
    if (!at || twin.pulse[at - 1] != pulse) {
        memmove(twin.pulse + at + 1, twin.pulse + at, (twin.pulses - at) * sizeof *twin.pulse);
        memmove(twin.mask + at + 1, twin.mask + at, twin.pulses - at);
        twin.pulse[at] = pulse;
        twin.mask[at] = 0;
        twin.pulses++;
        at++;
    }
    twin.counts.repeats += twin.mask[at - 1] >> detector & 1;
    twin.mask[at - 1] |= (uint8_t)(1u << detector);
}

static void add_event(const hexkey_sift_settings *settings, uint64_t pulse, uint32_t phase,
                      uint8_t mask)
{
    for (unsigned d = 0; d < HEXKEY_DETECTORS; d++) {
        uint64_t end = (uint64_t)settings->start[d] + settings->width[d];
        if (!(mask >> d & 1))
            continue;
        if (phase >= settings->start[d] && phase < end)
            add_click(pulse, d);
        else if ((uint64_t)phase + settings->period >= end)
            twin.counts.outside++;
        else if (pulse)
            add_click(pulse - 1, d);
        else
            twin.counts.before_first++;
    }
}

/* Sift what the twin holds and compare. */
static void check(const hexkey_sift_settings *settings, const hexkey_sift_state *state,
                  const uint64_t *pulse, const uint8_t *bit, size_t written)
{
    size_t sifted = 0;
    for (size_t i = 0; i < twin.pulses; i++) {
        unsigned mask = twin.mask[i], detector = 0;
        if (settings->keep_masks) {
            REQUIRE(sifted < written && pulse[sifted] == twin.pulse[i] && bit[sifted] == mask);
            sifted++;
            continue;
        }
        if (mask & (mask - 1)) {
            twin.counts.doubles++;
            continue;
        }
        while (mask >> detector != 1)
            detector++;
        if (settings->bit[detector] == 2) {
            twin.counts.other++;
            continue;
        }
        REQUIRE(sifted < written && pulse[sifted] == twin.pulse[i]);
        REQUIRE(bit[sifted] == settings->bit[detector]);
        sifted++;
    }
    REQUIRE(sifted == written);
    REQUIRE(state->outside == twin.counts.outside && state->repeats == twin.counts.repeats);
    REQUIRE(state->doubles == twin.counts.doubles && state->other == twin.counts.other);
    REQUIRE(state->before_first == twin.counts.before_first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    hexkey_sift_settings settings;
    hexkey_sift_state state = {0};
    unsigned shape = (unsigned)take(&in, 1);
    memset(&twin, 0, sizeof twin);
    settings.period = shape & 1 ? 1 + (uint32_t)take_up_to(&in, 20) : UINT32_C(1) << 31;
    for (unsigned d = 0; d < HEXKEY_DETECTORS; d++) {
        settings.start[d] = (uint32_t)take_up_to(&in, settings.period - 1);
        settings.width[d] = (uint32_t)take_up_to(&in, settings.period);
        if (shape & 2 && settings.width[d] > settings.period - settings.start[d])
            settings.width[d] = settings.period - settings.start[d];
        settings.bit[d] = (uint8_t)take_up_to(&in, 2);
    }
    settings.keep_masks = shape >> 6 & 1;
    uint64_t now = shape & 4 ? take(&in, 8) >> 2 : 0;
    unsigned least_step = shape >> 3 & 1, copies = 1 + (shape >> 4 & 3) * 100;
    uint64_t *out_pulse = NULL;
    uint8_t *out_bit = NULL;
    size_t written = 0, total = 0;
    for (int last = 0; !last;) {
        size_t events = take_up_to(&in, copies > 1 ? 600 : 12);
        last = in.left == 0 || total + events > MOST_EVENTS;
        events = last ? 0 : events;
        total += events;
        uint64_t *pulse = malloc(events * sizeof *pulse);
        uint32_t *phase = malloc(events * sizeof *phase);
        uint8_t *mask = malloc(events);
        uint64_t steps = 0;
        uint32_t ticks = 0;
        for (size_t i = 0; i < events; i++) {
            if (i % copies == 0) { /* long inputs repeat themselves, with other phases */
                steps = take(&in, 1);
                ticks = (uint32_t)take(&in, settings.period > 20 ? 4 : 1);
            }
            now += least_step + (steps >> i % 4 & 3) % 3;
            pulse[i] = now;
            phase[i] = settings.period > 20 ? ticks : (uint32_t)(ticks * (i + 1)) % 64;
            mask[i] = (uint8_t)((steps >> 4) + i) & 15;
            add_event(&settings, pulse[i], phase[i], mask[i]);
        }
        uint64_t watermark = last ? now + 2 : take(&in, 1) % 2 ? now : 0;
        out_pulse = realloc(out_pulse, (written + 2 * events + 2) * sizeof *out_pulse);
        out_bit = realloc(out_bit, written + 2 * events + 2);
        hexkey_sift_state before = state;
        if (events) { /* refusals change nothing */
            uint8_t good = mask[events / 2];
            mask[events / 2] = 16;
            REQUIRE(hexkey_sift(&settings, &state, events, pulse, phase, mask, watermark,
                                    out_pulse + written, out_bit + written) == HEXKEY_SIFT_MASK);
            mask[events / 2] = good;
            REQUIRE(!memcmp(&before, &state, sizeof state));
        }
        ptrdiff_t added = hexkey_sift(&settings, &state, events, pulse, phase, mask, watermark,
                                          out_pulse + written, out_bit + written);
        REQUIRE(added >= 0 && (size_t)added <= 2 * events + 2);
        written += (size_t)added;
        free(pulse);
        free(phase);
        free(mask);
    }
    check(&settings, &state, out_pulse, out_bit, written);
    free(out_pulse);
    free(out_bit);
    return 0;
}
