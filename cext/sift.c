/* Gate, resolver and sifting in one pass over arrays of events.
 *
 * A gate that reaches past the period's end takes clicks of the next pulse. Since events come by
 * ascending pulse, only two pulses can still change: the newest one (`current`) and the one before
 * it (`previous`). Going on to a later pulse sifts those that it leaves behind.
 *
 * The gate rejects clicks at random, so nothing branches on a click: a pulse is written to the
 * output in any case and kept by advancing the end. Events are gated block by block, in loops that
 * compilers vectorise. Where each event of a block has its pulse for itself, as those of a board
 * have, most of the block takes a few instructions an event; where pulses may have to be merged,
 * events are added one after the other.
 */
#include "hexkey.h"
#include "vector.h"

enum { MASKS = 1 << HEXKEY_DETECTORS, NO_BIT = 2, BLOCK = 512 };

/* What becomes of a pulse of one mask: what is written, and 1 in the count that it adds to. */
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

/* What a block holds, as bits that any of its events sets. */
struct survey {
    uint64_t descends; /* bit 63: a pulse is below the one before it */
    uint64_t ties;     /* bit 63: or equal to it */
    uint8_t masks;
};

struct gated {
    uint8_t inside[BLOCK];  /* detectors whose click is in their gate */
    uint8_t wrapped[BLOCK]; /* and those whose click is in the gate of the pulse before */
};

static const uint8_t CLICKS[MASKS] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};

static void judge(struct verdict *verdicts, const hexkey_sift_settings *settings)
{
    if (settings->keep_masks) {
        for (unsigned mask = 0; mask < MASKS; mask++)
            verdicts[mask] = (struct verdict){.bit = (uint8_t)mask, .sifted = mask != 0};
        return;
    }
    for (unsigned mask = 0; mask < MASKS; mask++)
        verdicts[mask] = (struct verdict){.twice = CLICKS[mask] > 1};
    for (unsigned d = 0; d < HEXKEY_DETECTORS; d++) {
        unsigned known = settings->bit[d] < NO_BIT;
        verdicts[1u << d].bit = known ? settings->bit[d] : 0;
        verdicts[1u << d].sifted = known ? 1 : 0;
        verdicts[1u << d].other = known ? 0 : 1;
    }
}

VECTORISED_ALONG void gate(const hexkey_sift_settings *settings, size_t count,
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

/* Differences of pulses below 2^63 have their sign in bit 63; `before` precedes the first. */
VECTORISED_ALONG struct survey survey(uint64_t before, size_t count, const uint64_t *restrict pulse,
                                      const uint8_t *restrict mask)
{
    struct survey seen = {pulse[0] - before, pulse[0] - before - 1, 0};
    for (size_t i = 1; i < count; i++) {
        uint64_t step = pulse[i] - pulse[i - 1];
        seen.descends |= step;
        seen.ties |= step - 1;
    }
    for (size_t i = 0; i < count; i++)
        seen.masks |= mask[i];
    return seen;
}

/* Give clicks in the gate of the pulse before to that pulse's event, if the block has it, or else
 * leave them to a pulse of their own: `shared` has what to sift of an event's pulse (`inside`, for
 * events 1 to count - 3) and of the one before (`wrapped`, for events 2 to count - 2).
 * Returns the clicks of detectors that had clicked in their pulse. */
VECTORISED_ALONG uint64_t share_out(size_t count, const uint64_t *restrict pulse,
                                    const struct gated *restrict block,
                                    struct gated *restrict shared)
{
    uint8_t adjoins[BLOCK]; /* all detectors where the pulse before is that of the event before */
    uint32_t repeats = 0;
    for (size_t i = 2; i < count - 1; i++)
        adjoins[i] = pulse[i] - pulse[i - 1] == 1 ? MASKS - 1 : 0;
    for (size_t i = 2; i < count - 1; i++) {
        uint8_t early = block->wrapped[i] & adjoins[i];
        uint8_t again = block->inside[i - 1] & early;
        uint8_t pairs = (uint8_t)(again - (again >> 1 & 5));
        repeats += (uint8_t)((pairs & 3) + (pairs >> 2));
        shared->inside[i - 1] = block->inside[i - 1] | early;
        shared->wrapped[i] = block->wrapped[i] & (uint8_t)~adjoins[i];
    }
    return repeats;
}

VECTORISED_ALONG uint8_t any_of(size_t count, const uint8_t *restrict masks)
{
    uint8_t any = 0;
    for (size_t i = 0; i < count; i++)
        any |= masks[i];
    return any;
}

/* Clicks in `mask` that are in no gate: bits are counted in pairs, then in fours. */
VECTORISED_ALONG uint64_t clicks_outside(size_t count, const uint8_t *restrict mask,
                                         const uint8_t *restrict inside,
                                         const uint8_t *restrict wrapped)
{
    uint32_t clicks = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t lost = mask[i] & (uint8_t) ~(inside[i] | wrapped[i]);
        uint8_t pairs = (uint8_t)(lost - (lost >> 1 & 5));
        clicks += (uint8_t)((pairs & 3) + (pairs >> 2));
    }
    return clicks;
}

/* Sift events 1 to count - 3 of a block and, if `wraps`, a constant at each call, the pulses before
 * those of events 2 to count - 3. */
VECTORISED_ALONG void sift_apart(struct sifter *s, size_t count, const uint64_t *restrict pulse,
                                 const struct gated *restrict shared, int wraps)
{
    uint64_t *restrict out_pulse = s->pulse + s->written;
    uint8_t *restrict out_bit = s->bit + s->written;
    size_t written = 0;
    uint32_t doubles = 0, other = 0;
    for (size_t i = 1; i < count - 2; i++) {
        if (wraps && i > 1) {
            struct verdict before = s->verdicts[shared->wrapped[i]];
            out_pulse[written] = pulse[i] - 1;
            out_bit[written] = before.bit;
            written += before.sifted;
            doubles += before.twice;
            other += before.other;
        }
        struct verdict v = s->verdicts[shared->inside[i]];
        out_pulse[written] = pulse[i];
        out_bit[written] = v.bit;
        written += v.sifted;
        doubles += v.twice;
        other += v.other;
    }
    s->written += written;
    s->state.doubles += doubles;
    s->state.other += other;
}

/* Add at least four events of which no two, nor the state's newest pulse, share a pulse. All but
 * the last two are then complete; the first two are added as any are, to meet what came before. */
VECTORISED_ALONG void add_apart(struct sifter *s, size_t count, const uint64_t *restrict pulse,
                                const uint8_t *restrict mask, const struct gated *restrict block)
{
    struct gated shared;
    const uint8_t *inside = block->inside, *wrapped = block->wrapped;
    add(s, pulse[0], mask[0], inside[0], wrapped[0]);
    add(s, pulse[1], mask[1], inside[1], wrapped[1]);
    sift_pulse(s, pulse[1] - 1, s->state.previous); /* nothing can add to it: event 2 is later */
    s->state.previous = 0;
    if (any_of(count, wrapped)) {
        s->state.repeats += share_out(count, pulse, block, &shared);
        sift_apart(s, count, pulse, &shared, 1);
        s->state.previous = shared.wrapped[count - 2];
    } else {
        sift_apart(s, count, pulse, block, 0);
    }
    s->state.outside += clicks_outside(count - 3, mask + 2, inside + 2, wrapped + 2);
    s->state.pulse = pulse[count - 2];
    s->state.current = inside[count - 2];
    add(s, pulse[count - 1], mask[count - 1], inside[count - 1], wrapped[count - 1]);
}

VECTORISED ptrdiff_t hexkey_sift(const hexkey_sift_settings *settings, hexkey_sift_state *state,
                                 size_t events, const uint64_t *restrict pulse,
                                 const uint32_t *restrict phase, const uint8_t *restrict mask,
                                 uint64_t watermark, uint64_t *restrict out_pulse,
                                 uint8_t *restrict out_bit)
{
    struct sifter s = {.state = *state, .pulse = out_pulse, .bit = out_bit};
    struct gated block;
    judge(s.verdicts, settings);
    for (size_t first = 0; first < events; first += BLOCK) {
        size_t count = events - first < BLOCK ? events - first : BLOCK;
        struct survey seen = survey(s.state.pulse, count, pulse + first, mask + first);
        if (seen.masks >= MASKS)
            return HEXKEY_SIFT_MASK;
        if (seen.descends >> 63)
            return HEXKEY_SIFT_DISORDER;
        gate(settings, count, phase + first, mask + first, &block);
        if (count >= 4 && !(seen.ties >> 63))
            add_apart(&s, count, pulse + first, mask + first, &block);
        else
            for (size_t i = 0; i < count; i++)
                add(&s, pulse[first + i], mask[first + i], block.inside[i], block.wrapped[i]);
    }
    if (watermark > s.state.pulse)
        advance(&s, watermark);
    *state = s.state;
    return (ptrdiff_t)s.written;
}
