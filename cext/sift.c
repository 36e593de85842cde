/* Gate, resolver and B92 sifting in one pass over arrays of events.
 *
 * A gate that reaches past the period's end takes clicks of the next pulse. Since events come by
 * ascending pulse, only two pulses can still change: the newest one (`current`) and the one before
 * it (`previous`). Going on to a later pulse sifts those that it leaves behind.
 *
 * The gate rejects clicks at random, so nothing branches on a click: a pulse is written to the
 * output in any case and kept by advancing the end. Events are gated block by block, in loops that
 * compilers vectorise, and then sifted one after the other while the block is in the cache.
 */
#include "hexkey.h"

enum { MASKS = 1 << HEXKEY_DETECTORS, NO_BIT = 2, BLOCK = 512 };

/* What becomes of a pulse of one mask: Bob's bit, and 1 in the count that it adds to. */
struct verdict {
    uint8_t bit, sifted, twice, other;
};

struct sifter {
    hexkey_sift_state state;
    struct verdict verdicts[MASKS];
    uint64_t *pulse;
    uint8_t *bit;
    size_t written;
};

struct gated {
    uint8_t inside[BLOCK];  /* detectors whose click is in their gate */
    uint8_t wrapped[BLOCK]; /* and those whose click is in the gate of the pulse before */
};

static const uint8_t CLICKS[MASKS] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};

static void judge(struct verdict *verdicts, const uint8_t *bit_of_detector)
{
    for (unsigned mask = 0; mask < MASKS; mask++)
        verdicts[mask] = (struct verdict){.twice = CLICKS[mask] > 1};
    for (unsigned d = 0; d < HEXKEY_DETECTORS; d++) {
        unsigned known = bit_of_detector[d] < NO_BIT;
        verdicts[1u << d].bit = known ? bit_of_detector[d] : 0;
        verdicts[1u << d].sifted = known ? 1 : 0;
        verdicts[1u << d].other = known ? 0 : 1;
    }
}

static void gate(const hexkey_sift_settings *settings, size_t count,
                 const uint32_t *restrict phase, const uint8_t *restrict mask,
                 struct gated *restrict out)
{
    for (size_t i = 0; i < count; i++)
        out->inside[i] = out->wrapped[i] = 0;
    for (unsigned d = 0; d < HEXKEY_DETECTORS; d++) {
        uint32_t start = settings->start[d], width = settings->width[d], end = start + width;
        uint32_t wrap = end > settings->period ? end - settings->period : 0;
        uint8_t detector = (uint8_t)(1u << d);
        if (width == 0)
            continue;
        for (size_t i = 0; i < count; i++)
            out->inside[i] |= phase[i] - start < width ? detector : 0;
        if (wrap == 0)
            continue;
        for (size_t i = 0; i < count; i++)
            out->wrapped[i] |= phase[i] < wrap ? detector : 0;
    }
    for (size_t i = 0; i < count; i++) {
        out->inside[i] &= mask[i];
        out->wrapped[i] &= mask[i];
    }
}

static inline void sift_pulse(struct sifter *s, uint64_t pulse, uint32_t mask)
{
    struct verdict v = s->verdicts[mask];
    s->pulse[s->written] = pulse;
    s->bit[s->written] = v.bit;
    s->written += v.sifted;
    s->state.doubles += v.twice;
    s->state.other += v.other;
}

/* Make `pulse` the newest one; those that nothing can change any more are sifted. */
static inline void advance(struct sifter *s, uint64_t pulse)
{
    uint64_t step = pulse - s->state.pulse;
    uint8_t left = step >= 2 ? s->state.current : 0; /* the newest one is left behind too */
    uint8_t next = step == 1 ? s->state.current : 0;
    if (step == 0)
        return;
    sift_pulse(s, s->state.pulse - 1, s->state.previous); /* below pulse 0 the mask is empty */
    sift_pulse(s, s->state.pulse, left);
    s->state.pulse = pulse;
    s->state.previous = next;
    s->state.current = 0;
}

static inline void add(struct sifter *s, uint64_t pulse, uint32_t clicks, uint32_t inside,
                       uint32_t wrapped)
{
    uint32_t early = pulse == 0 ? wrapped : 0;
    advance(s, pulse);
    s->state.outside += CLICKS[clicks & ~(inside | wrapped)];
    s->state.before_first += CLICKS[early];
    wrapped &= ~early;
    s->state.repeats += CLICKS[s->state.previous & wrapped];
    s->state.repeats += CLICKS[s->state.current & inside];
    s->state.previous |= (uint8_t)wrapped;
    s->state.current |= (uint8_t)inside;
}

/* Does what the header forbids occur? Looked for beforehand, so that a refusal changes nothing. */
static int refusal(uint64_t floor, size_t events, const uint64_t *pulse, const uint8_t *mask)
{
    uint8_t all_masks = 0;
    uint8_t descends = events > 0 && pulse[0] < floor;
    for (size_t i = 0; i < events; i++)
        all_masks |= mask[i];
    for (size_t i = 1; i < events; i++)
        descends |= pulse[i] < pulse[i - 1];
    if (all_masks >= MASKS)
        return HEXKEY_SIFT_MASK;
    return descends ? HEXKEY_SIFT_DISORDER : 0;
}

ptrdiff_t hexkey_sift_b92(const hexkey_sift_settings *settings, hexkey_sift_state *state,
                          size_t events, const uint64_t *restrict pulse,
                          const uint32_t *restrict phase, const uint8_t *restrict mask,
                          uint64_t watermark, uint64_t *restrict out_pulse,
                          uint8_t *restrict out_bit)
{
    struct sifter s = {.state = *state, .pulse = out_pulse, .bit = out_bit};
    struct gated block;
    int refused = refusal(s.state.pulse, events, pulse, mask);
    if (refused)
        return refused;
    judge(s.verdicts, settings->bit);
    for (size_t first = 0; first < events; first += BLOCK) {
        size_t count = events - first < BLOCK ? events - first : BLOCK;
        gate(settings, count, phase + first, mask + first, &block);
        for (size_t i = 0; i < count; i++)
            add(&s, pulse[first + i], mask[first + i], block.inside[i], block.wrapped[i]);
    }
    if (watermark > s.state.pulse)
        advance(&s, watermark);
    *state = s.state;
    return (ptrdiff_t)s.written;
}
