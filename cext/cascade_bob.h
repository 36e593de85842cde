/* Bob's side of Cascade: the finest known blocks of every pass.
 *
 * All that a pass has taught Bob is the parity of the blocks of a partition of its order: asking
 * for the left part of a block gives the right part too, so a cut replaces one known block by two.
 * A flipped bit toggles its block in every pass; a bisection that was after the same error finds
 * its block even and ends. "Parity" and "odd" are about the errors in a block.
 */
#ifndef HEXKEY_CASCADE_BOB_H
#define HEXKEY_CASCADE_BOB_H

#include "cascade.h"

enum { SUBSET_BLOCKS = 1024 };

/* What is known of 64 places of a pass. They are looked at together, so they lie together. */
struct line {
    uint64_t bits;
    uint64_t unknown, suspect; /* not known to be right; and in a block of pass 0 that says so */
    uint64_t start, odd;       /* where blocks start; starts of odd blocks */
};

/* What pass 0 tells of the chance of an error is cut down to two values, and blocks of other passes
 * are made and cut by it: an unknown bit weighs 1, a suspect one 3. So weights are counts of bits.
 * Weights in bytes would save 0.5 % of the leak at an error rate of 1 %, 0.2 % at 6 %, and take twice
 * the time.
 */
enum { SUSPECT_MORE = 2 };

/* One shuffled pass. */
struct pass {
    struct order order;
    struct line *line;
    uint64_t *odd_lines; /* bitmap of lines in which `odd` is not 0 */
    unsigned number;
};

struct cut {
    uint32_t first, middle, end;
};

struct group {
    uint32_t pass, cuts; /* pass: index of a shuffle, or SHUFFLES for a cut of a subset */
};

/* A block of a subset: its members among the positions first to end. */
struct subset_block {
    uint32_t first, end;
    const uint64_t *stream;
    uint8_t number, subset, odd;
};

struct bob {
    uint32_t n, places, opening_asked, asked_in_all, odd, flips, look_at, opened;
    uint32_t subset_blocks, groups, cuts, cut_limit, found_count;
    uint32_t cut_subset; /* which block of a subset the last query cuts */
    int opening;         /* 1: the last query opened a shuffle, 2: subsets */
    int changed;         /* since odd blocks were listed, other than by the cuts themselves */
    int spreads;         /* whether a change in pass 0 is told to the other passes */
    unsigned total_odd;  /* all errors, from pass 0 */
    uint32_t suspect_from; /* so many unknown bits of an even block of pass 0 are suspect */
    struct pass passes[HEXKEY_CASCADE_SHUFFLES];
    struct group group[HEXKEY_CASCADE_SHUFFLES + 1];
    struct subset_block subset_block[SUBSET_BLOCKS];
    struct cut *cut;
    uint32_t *found; /* positions of errors that need no further question */
    uint64_t *memory; /* of the passes */
};

HELPER uint32_t block_start(const struct pass *p, uint32_t place)
{
    size_t w = place >> 6;
    uint64_t word = p->line[w].start & (~(uint64_t)0 >> (63 - (place & 63)));
    while (!word)
        word = p->line[--w].start; /* a block starts at 0 */
    return (uint32_t)(w << 6 | (63 - (unsigned)__builtin_clzll(word)));
}

/* A bit at `places` ends the last block. */
HELPER uint32_t block_end(const struct pass *p, uint32_t start)
{
    size_t w = (start + 1) >> 6;
    uint64_t word = p->line[w].start & ~(uint64_t)0 << ((start + 1) & 63);
    while (!word)
        word = p->line[++w].start;
    return (uint32_t)(w << 6 | (unsigned)__builtin_ctzll(word));
}

HELPER void start_block(struct pass *p, uint32_t place)
{
    p->line[place >> 6].start |= (uint64_t)1 << (place & 63);
}

HELPER unsigned is_odd(const struct pass *p, uint32_t start)
{
    return (unsigned)(p->line[start >> 6].odd >> (start & 63) & 1);
}

HELPER unsigned is_unknown(const struct pass *p, uint32_t place)
{
    return (unsigned)(p->line[place >> 6].unknown >> (place & 63) & 1);
}

/* The weight of those bits of a line that are in `mask`. */
HELPER uint32_t weight(const struct line *line, uint64_t mask)
{
    return ones(line->unknown & mask) + SUSPECT_MORE * ones(line->suspect & mask);
}

/* The place in a line where the weight of its bits in `mask` reaches `goal`, which it does; `before`
 * takes the weight of those before it.
 */
HELPER unsigned place_of_weight(const struct line *line, uint64_t mask, uint32_t goal,
                                uint32_t *before)
{
    unsigned at = 0;
    *before = 0;
    for (unsigned step = 32; step; step /= 2) {
        uint64_t half = (((uint64_t)1 << step) - 1) << at & mask;
        uint32_t more = *before + weight(line, half);
        at += more < goal ? step : 0;
        *before = more < goal ? more : *before;
    }
    return at;
}

/* `by` is 0 or 1, and as good as random: nothing branches on it. */
HELPER void toggle_odd(struct pass *p, uint32_t start, unsigned by)
{
    p->line[start >> 6].odd ^= (uint64_t)by << (start & 63);
    set_bit(p->odd_lines, start >> 6);
}

/* The parity of Bob's bits in first <= place < end. */
HELPER unsigned bits_parity(const struct pass *p, uint32_t first, uint32_t end)
{
    size_t last = (end - 1) >> 6, w = first >> 6;
    uint64_t sum = p->line[w].bits & ~(uint64_t)0 << (first & 63);
    while (w < last) {
        uint64_t next = p->line[++w].bits;
        sum ^= w < last ? next : next & ~(uint64_t)0 >> (63 - ((end - 1) & 63));
    }
    if (first >> 6 == last)
        sum &= ~(uint64_t)0 >> (63 - ((end - 1) & 63));
    return parity(sum);
}

HELPER uint32_t unknown_in(const struct pass *p, uint32_t first, uint32_t end)
{
    size_t last = (end - 1) >> 6, w = first >> 6;
    uint32_t sum;
    if (w == last)
        return ones(p->line[w].unknown & inside(w, first, end));
    sum = ones(p->line[w].unknown & ~(uint64_t)0 << (first & 63));
    for (w++; w < last; w++)
        sum += ones(p->line[w].unknown);
    return sum + ones(p->line[w].unknown & ~(uint64_t)0 >> (63 - ((end - 1) & 63)));
}

/* The place of unknown bit `index` of those from `first` on. */
HELPER uint32_t unknown_at(const struct pass *p, uint32_t first, uint32_t index)
{
    size_t w = first >> 6;
    uint64_t word = p->line[w].unknown & ~(uint64_t)0 << (first & 63);
    for (uint32_t here; (here = ones(word)) <= index; word = p->line[++w].unknown)
        index -= here;
    while (index--)
        word &= word - 1;
    return (uint32_t)(w << 6 | (unsigned)__builtin_ctzll(word));
}

HELPER void know_at(struct pass *p, uint32_t place)
{
    struct line *line = p->line + (place >> 6);
    line->unknown &= ~((uint64_t)1 << (place & 63));
    line->suspect &= ~((uint64_t)1 << (place & 63));
}

HELPER void know(struct bob *b, uint32_t position)
{
    b->changed = 1;
    for (uint32_t i = 0; i < b->opened; i++)
        know_at(&b->passes[i], place_of(&b->passes[i].order, position));
}

/* Say of those places in `mask` that are unknown whether they are suspect. */
HELPER void suspect_at(struct line *line, uint64_t mask, unsigned suspect)
{
    line->suspect = (line->suspect & ~mask) | (line->unknown & mask & (0 - (uint64_t)suspect));
}

/* Learn what a block of pass 0 now says about its bits, and tell the shuffled passes where blocks
 * are short; returns how many bits are unknown.
 */
HELPER uint32_t spread(struct bob *b, uint32_t first, uint32_t end, unsigned odd)
{
    const struct pass *natural = &b->passes[0];
    uint32_t count = unknown_in(natural, first, end), any;
    unsigned suspect;
    if (count == 0)
        return 0;
    if (!b->spreads && count > 1)
        return count;
    any = unknown_at(natural, first, 0);
    if (count == 1) { /* a single unknown bit of an odd block is about to be flipped */
        if (!odd)
            know(b, any);
        return 1;
    }
    suspect = odd | (count >= b->suspect_from);
    if (suspect == (natural->line[any >> 6].suspect >> (any & 63) & 1)) /* as all of the block */
        return count;
    for (size_t w = first >> 6; w <= (end - 1) >> 6; w++) {
        struct line *line = b->passes[0].line + w;
        const uint64_t here = line->unknown & inside(w, first, end);
        suspect_at(line, here, suspect);
        for (uint32_t i = 1; i < b->opened; i++) {
            const struct order order = b->passes[i].order;
            struct line *to = b->passes[i].line;
            for (uint64_t word = here; word; word &= word - 1) {
                uint32_t at = place_of(&order, (uint32_t)(w << 6 | (unsigned)__builtin_ctzll(word)));
                suspect_at(to + (at >> 6), (uint64_t)1 << (at & 63), suspect);
            }
        }
    }
    return count;
}

HELPER void flip(struct bob *b, uint32_t position)
{
    b->flips++;
    b->changed = 1;
    for (uint32_t i = 0; i < b->opened; i++) {
        struct pass *p = &b->passes[i];
        uint32_t place = place_of(&p->order, position), start = block_start(p, place);
        know_at(p, place);
        p->line[place >> 6].bits ^= (uint64_t)1 << (place & 63);
        toggle_odd(p, start, 1);
        if (i == 0 && b->opened > 1) {
            uint32_t end = block_end(p, start);
            unsigned odd = is_odd(p, start);
            if (spread(b, start, end, odd) == 1 && odd && b->found_count < b->cut_limit)
                b->found[b->found_count++] = unknown_at(p, start, 0);
        }
    }
    for (uint32_t i = 0; i < b->subset_blocks; i++) {
        struct subset_block *s = &b->subset_block[i];
        if (s->first <= position && position < s->end)
            s->odd ^= (uint8_t)in_subset(s->stream, position, s->subset);
    }
}

HELPER uint8_t *put(uint8_t *out, uint32_t number)
{
    for (; number >= 128; number >>= 7)
        *out++ = (uint8_t)(number | 128);
    *out++ = (uint8_t)number;
    return out;
}

HELPER uint8_t *put_range(uint8_t *out, uint32_t *at, uint32_t first, uint32_t end)
{
    out = put(out, first - *at);
    *at = end;
    return put(out, end - first);
}

HELPER unsigned subset_parity(const struct bob *b, const struct subset_block *s, uint32_t first,
                              uint32_t end)
{
    uint64_t sum = 0;
    for (size_t w = first >> 6; w <= (end - 1) >> 6; w++)
        sum ^= b->passes[0].line[w].bits & subset_word(s->stream, w, s->subset) & inside(w, first, end);
    return parity(sum);
}

/* How many are unknown, from `most` on not counted further. */
HELPER uint32_t subset_unknown_up_to(const struct bob *b, const struct subset_block *s,
                                     uint32_t most)
{
    uint32_t sum = 0;
    for (size_t w = s->first >> 6; w <= (s->end - 1) >> 6 && sum < most; w++)
        sum += ones(b->passes[0].line[w].unknown & subset_word(s->stream, w, s->subset) &
                    inside(w, s->first, s->end));
    return sum;
}

/* The position of unknown bit `index` of the block. */
HELPER uint32_t subset_unknown_at(const struct bob *b, const struct subset_block *s, uint32_t index)
{
    size_t w = s->first >> 6;
    for (;; w++) {
        uint64_t word = b->passes[0].line[w].unknown & subset_word(s->stream, w, s->subset) &
                        inside(w, s->first, s->end);
        uint32_t here = ones(word);
        if (here <= index) {
            index -= here;
            continue;
        }
        while (index--)
            word &= word - 1;
        return (uint32_t)(w << 6 | (unsigned)__builtin_ctzll(word));
    }
}

#endif
