/* Bob's turn: learn from an answer, flip the errors that it locates, cut the odd blocks then left.
 *
 * A block of pass 0 is cut in the middle of its unknown bits, one of another pass where the chance
 * of an error is halved, as pass 0 tells: when the pass was opened or, where errors are many, at the
 * moment, odd blocks included. So two bisections that are after the same error, side by side, learn
 * different things about it.
 */
#include "bytes.h"
#include "cascade_bob.h"

HELPER void learn_shuffle(struct bob *b, const uint8_t *answer, uint32_t k)
{
    struct pass *p = &b->passes[b->opened - 1];
    uint32_t first = 0, end;
    unsigned all = 0;
    for (uint32_t stop = k + b->opening_asked; k < stop; k++, first = end) {
        unsigned odd;
        end = block_end(p, first);
        odd = bits_parity(p, first, end) ^ (answer[k >> 3] >> (k & 7) & 1);
        toggle_odd(p, first, odd);
        all ^= odd;
    }
    if (b->opened == 1)
        b->total_odd = all;
    if (all ^ b->total_odd ^ (b->flips & 1)) /* the last block, which was not asked about */
        toggle_odd(p, first, 1);
}

HELPER void learn_subsets(struct bob *b, const uint8_t *answer)
{
    uint64_t sums[HEXKEY_CASCADE_SUBSETS] = {0};
    b->odd = 0;
    for (size_t w = 0; w < words_of(b->n); w++)
        add_to_subsets(sums, b->subset_block[0].stream, w, b->passes[0].line[w].bits);
    for (uint32_t i = 0; i < b->subset_blocks; i++) {
        struct subset_block *s = &b->subset_block[i];
        s->odd = (uint8_t)(parity(sums[s->subset]) ^ (answer[i >> 3] >> (i & 7) & 1u));
        b->odd += s->odd;
    }
}

/* Flip the errors of a pass that need no further question; list the other odd blocks as cuts, their
 * number of unknown bits for the middle. Returns 1 if any was flipped: then the list, and those of
 * other passes, may be outdated. Returns -1 on a contradiction.
 */
HELPER int review(struct bob *b, uint32_t index)
{
    struct pass *p = &b->passes[index];
    size_t words = words_of(b->places);
    uint32_t count = b->cuts;
    int flipped = 0;
    for (size_t v = 0; v < words_of(words); v++)
        for (uint64_t some = p->odd_lines[v]; some; some &= some - 1) {
            size_t w = v << 6 | (unsigned)__builtin_ctzll(some);
            uint64_t word = p->line[w].odd;
            p->odd_lines[v] &= ~((uint64_t)(word == 0) << (w & 63));
            for (; word; word &= word - 1) {
                uint32_t first = (uint32_t)(w << 6 | (unsigned)__builtin_ctzll(word));
                uint32_t end = block_end(p, first), unknown = unknown_in(p, first, end);
                if (unknown > 1) {
                    b->cut[count] = (struct cut){first, unknown, end};
                    count += count < b->cut_limit;
                } else if (is_odd(p, first)) { /* unless a flip has made it even */
                    if (unknown == 0)
                        return -1;
                    flip(b, position_of(&p->order, unknown_at(p, first, 0)));
                    flipped = 1;
                }
            }
        }
    if (count > b->cuts)
        b->group[b->groups++] = (struct group){index, count - b->cuts};
    b->cuts = count;
    return flipped;
}

HELPER int flip_found_in_subsets(struct bob *b)
{
    for (uint32_t i = 0; i < b->subset_blocks; i++) {
        struct subset_block *s = &b->subset_block[i];
        uint32_t unknown = s->odd ? subset_unknown_up_to(b, s, 2) : 2;
        if (unknown == 0)
            return -1;
        if (unknown == 1) {
            flip(b, subset_unknown_at(b, s, 0));
            return 1;
        }
    }
    return 0;
}

/* Flip all errors that need no further question and list what to cut; -1 on a contradiction. */
HELPER int review_all(struct bob *b)
{
    int flipped = 1;
    while (flipped) {
        for (uint32_t i = 0; i < b->found_count; i++) /* flips may find more */
            if (is_unknown(&b->passes[0], b->found[i])) /* not found by two passes at once */
                flip(b, b->found[i]);
        b->found_count = 0;
        flipped = 0;
        b->groups = b->cuts = 0;
        for (uint32_t i = 0; i < b->opened; i++) {
            int found = review(b, i);
            if (found < 0)
                return -1;
            flipped |= found;
        }
        if (flipped)
            continue;
        flipped = flip_found_in_subsets(b);
        if (flipped < 0)
            return -1;
    }
    b->changed = b->cuts == b->cut_limit; /* then there may be more of them */
    return 0;
}

/* Where the weight is halved, with an unknown bit on either side; two are unknown at least. */
HELPER uint32_t middle_by_weight(const struct pass *p, uint32_t first, uint32_t end)
{
    const size_t last = (end - 1) >> 6;
    size_t w = first >> 6;
    uint64_t mask = ~(uint64_t)0 << (first & 63), ending = ~(uint64_t)0 >> (63 - ((end - 1) & 63));
    uint32_t total = 0, half, part, before, upto;
    unsigned at;
    for (size_t v = w; v < last; v++, mask = ~(uint64_t)0)
        total += weight(p->line + v, mask);
    total += weight(p->line + last, mask & ending);
    half = (total + 1) / 2;
    mask = ~(uint64_t)0 << (first & 63);
    for (before = 0;; before += part, mask = ~(uint64_t)0) {
        mask &= w == last ? ending : ~(uint64_t)0;
        part = weight(p->line + w, mask);
        if (before + part >= half)
            break;
        w++;
    }
    at = place_of_weight(p->line + w, mask, half - before, &upto);
    part = upto + weight(p->line + w, (uint64_t)1 << at);
    upto += before;
    part += before; /* the bit reaches the half: is the middle before or after it? */
    return (uint32_t)(w << 6 | at) +
           ((part != total) & ((upto == 0) | (2 * part - total <= total - 2 * upto)));
}

HELPER uint8_t *ask_passes(struct bob *b, uint8_t *out)
{
    struct cut *c = b->cut;
    for (uint32_t g = 0; g < b->groups; g++) {
        const struct pass *p = &b->passes[b->group[g].pass];
        uint32_t count = b->group[g].cuts, at = 0;
        *out++ = (uint8_t)p->number;
        out = put(out, count);
        for (; count--; c++) {
            if (b->group[g].pass)
                c->middle = middle_by_weight(p, c->first, c->end);
            else if (c->middle == c->end - c->first) /* nothing is known yet, as at first */
                c->middle = c->first + c->middle / 2;
            else
                c->middle = unknown_at(p, c->first, c->middle / 2);
            out = put_range(out, &at, c->first, c->middle);
        }
    }
    return out;
}

/* Cut one odd block of a subset: they overlap by half, and mostly see the same errors. */
HELPER uint8_t *ask_subset(struct bob *b, uint8_t *out)
{
    uint32_t at = 0, best = b->subset_blocks, middle;
    for (uint32_t i = 0; i < b->subset_blocks; i++) {
        const struct subset_block *s = &b->subset_block[i];
        if (s->odd && (best == b->subset_blocks ||
                       s->end - s->first < b->subset_block[best].end - b->subset_block[best].first))
            best = i;
    }
    if (best == b->subset_blocks || b->cuts == b->cut_limit)
        return out;
    b->cut_subset = best;
    middle = subset_unknown_at(b, &b->subset_block[best],
                               subset_unknown_up_to(b, &b->subset_block[best], b->n) / 2);
    b->cut[b->cuts++] = (struct cut){b->subset_block[best].first, middle, 0};
    b->group[b->groups++] = (struct group){HEXKEY_CASCADE_SHUFFLES, 1};
    *out++ = b->subset_block[best].number;
    return put_range(put(out, 1), &at, b->subset_block[best].first, middle);
}

/* Learn about a cut; returns how many bits are unknown in its odd half, which it makes the cut. */
HELPER uint32_t learn_cut(struct bob *b, uint32_t index, struct cut *c, unsigned theirs)
{
    struct pass *p = &b->passes[index];
    unsigned left = bits_parity(p, c->first, c->middle) ^ theirs;
    unsigned was = is_odd(p, c->first), right = left ^ was;
    uint32_t first = c->first, middle = c->middle, end = c->end, here = 0 - left, count = 0;
    start_block(p, middle);
    toggle_odd(p, first, right);
    toggle_odd(p, middle, right);
    if (left != right) { /* `here` is all ones where the error is on the left */
        c->first = (first & here) | (middle & ~here);
        c->end = (middle & here) | (end & ~here);
        count = unknown_in(p, c->first, c->end);
        c->middle = count;
        if (count == 1)
            b->found[b->found_count++] = position_of(&p->order, unknown_at(p, c->first, 0));
    }
    if (index == 0 && b->opened > 1) {
        spread(b, first, middle, left);
        spread(b, middle, end, right);
    }
    return count;
}

HELPER void learn_subset_cut(struct bob *b, uint32_t middle, unsigned theirs)
{
    struct subset_block *s = &b->subset_block[b->cut_subset], right = *s;
    unsigned left = subset_parity(b, s, s->first, middle) ^ theirs;
    b->changed = 1;
    right.first = middle;
    right.odd = (uint8_t)(left ^ 1);
    s->end = middle;
    s->odd = (uint8_t)left;
    if (b->subset_blocks < SUBSET_BLOCKS)
        b->subset_block[b->subset_blocks++] = right;
    else if (right.odd)
        *s = right; /* the left part is even: forget it */
}

/* The odd halves of what was cut are the odd blocks, and listed as the next cuts, unless something
 * else has changed, too.
 */
HELPER void learn(struct bob *b, const uint8_t *answer)
{
    uint32_t k = 0, kept = 0, groups = 0;
    for (uint32_t g = 0; g < b->groups; g++) {
        const struct group group = b->group[g];
        uint32_t before = kept;
        for (uint32_t i = 0; i < group.cuts; i++, k++) {
            unsigned theirs = answer[k >> 3] >> (k & 7) & 1;
            if (group.pass == HEXKEY_CASCADE_SHUFFLES)
                learn_subset_cut(b, b->cut[k].middle, theirs);
            else if (learn_cut(b, group.pass, &b->cut[k], theirs) > 1)
                b->cut[kept++] = b->cut[k];
        }
        if (kept > before)
            b->group[groups++] = (struct group){group.pass, kept - before};
    }
    if (b->opening == 1)
        learn_shuffle(b, answer, k);
    else if (b->opening == 2)
        learn_subsets(b, answer);
    b->changed |= b->opening | (b->found_count > 0);
    b->opening = 0;
    b->groups = groups;
    b->cuts = kept;
    b->opening_asked = 0;
}

HELPER int64_t ask(struct bob *b, uint8_t *out)
{
    uint8_t *from = out;
    b->opening = 0;
    b->opening_asked = 0;
    if (b->changed && review_all(b) < 0)
        return HEXKEY_CASCADE_CONTRADICTION;
    out = ask_subset(b, ask_passes(b, out));
    b->asked_in_all += b->cuts;
    if (b->asked_in_all > hexkey_cascade_parity_limit(b->n))
        return HEXKEY_CASCADE_TOO_MANY;
    return (int64_t)b->cuts << 32 | (out - from);
}

HELPER int64_t turn(struct bob *b, const uint8_t *answer, uint8_t *out)
{
    learn(b, answer);
    return b->flips >= b->look_at ? HEXKEY_CASCADE_LOOK : ask(b, out);
}

HOT int64_t hexkey_cascade_turn(uint64_t *memory, const uint8_t *answer, uint8_t *out)
{
    return turn((struct bob *)memory, answer, out);
}

HOT int64_t hexkey_cascade_ask(uint64_t *memory, uint8_t *out)
{
    return ask((struct bob *)memory, out);
}

void hexkey_cascade_look_at(uint64_t *memory, uint32_t flips)
{
    ((struct bob *)memory)->look_at = flips;
}

/* Put the length before a query that was written one byte further on, and close the gap. */
HELPER uint8_t *put_length(uint8_t *at, uint32_t bytes)
{
    unsigned longer = (bytes >= 1u << 7) + (bytes >= 1u << 14) + (bytes >= 1u << 21);
    if (longer)
        memmove(at + 1 + longer, at + 1, bytes);
    return put(at, bytes) + bytes;
}

static int fits(const hexkey_cascade_turns *t, const uint8_t *answer, size_t answer_bytes)
{
    size_t at = 0;
    for (size_t i = 0; i < t->going; i++) {
        uint32_t asked = t->asked[i];
        size_t end = at + (asked + 7) / 8;
        if (end > answer_bytes || (asked % 8 && answer[end - 1] >> asked % 8))
            return 0;
        at = end;
    }
    return at == answer_bytes;
}

/* A batch is larger than the caches: fetch what a block's turn reads first, a block ahead. */
enum { FETCH_MOST = 200 };

HELPER void fetch(const struct bob *b)
{
    const struct cut *c = b->cut;
    for (uint32_t g = 0; g < b->groups; g++) {
        const struct pass *p = &b->passes[b->group[g].pass % HEXKEY_CASCADE_SHUFFLES];
        for (uint32_t count = b->group[g].cuts; count; count--, c++) {
            __builtin_prefetch(p->line + (c->first >> 6));
            __builtin_prefetch(p->line + (c->middle >> 6));
        }
    }
}

HELPER void fetch_head(const struct bob *b)
{
    for (const char *at = (const char *)b; at < (const char *)&b->subset_block; at += 64)
        __builtin_prefetch(at);
    for (unsigned k = 0; k < 4; k++)
        __builtin_prefetch((const char *)b->cut + 64 * k);
}

HOT ptrdiff_t hexkey_cascade_turn_all(hexkey_cascade_turns *t, const uint8_t *answer,
                                      size_t answer_bytes)
{
    const size_t count = t->going;
    uint8_t *out = t->out;
    size_t going = 0, stopped = 0;
    if (!fits(t, answer, answer_bytes))
        return HEXKEY_CASCADE_MALFORMED;
    for (size_t i = 0; i < count; i++) {
        uint32_t block = t->order[i], asked = t->asked[i];
        struct bob *b = (struct bob *)t->bobs[block];
        uint8_t *entry = put(out, block);
        int64_t took;
        if (i + 2 < count)
            fetch_head((const struct bob *)t->bobs[t->order[i + 2]]);
        if (i + 1 < count && t->asked[i + 1] < FETCH_MOST)
            fetch((const struct bob *)t->bobs[t->order[i + 1]]);
        took = turn(b, answer, entry + 1);
        answer += (asked + 7) / 8;
        if (took > 0) {
            out = put_length(entry, (uint32_t)took);
            t->order[going] = block;
            t->asked[going] = (uint32_t)(took >> 32);
            t->asked_in_all += t->asked[going++];
        } else
            t->stopped[stopped++] = took * ((int64_t)1 << 32) + block;
    }
    t->going = going;
    t->query_bytes = (size_t)(out - t->out);
    return (ptrdiff_t)stopped;
}

uint32_t hexkey_cascade_asked(const uint64_t *memory)
{
    const struct bob *b = (const struct bob *)memory;
    return b->cuts + b->opening_asked;
}

uint32_t hexkey_cascade_asked_in_all(const uint64_t *memory)
{
    return ((const struct bob *)memory)->asked_in_all;
}

uint32_t hexkey_cascade_odd(const uint64_t *memory)
{
    const struct bob *b = (const struct bob *)memory;
    uint32_t sum = 0;
    for (size_t w = 0; w < words_of(b->places); w++)
        sum += ones(b->passes[0].line[w].odd);
    return sum;
}

uint32_t hexkey_cascade_odd_subsets(const uint64_t *memory)
{
    return ((const struct bob *)memory)->odd;
}

uint32_t hexkey_cascade_flips(const uint64_t *memory)
{
    return ((const struct bob *)memory)->flips;
}

void hexkey_cascade_bob_bits(const uint64_t *memory, uint8_t *out)
{
    const struct bob *b = (const struct bob *)memory;
    const struct line *line = b->passes[0].line;
    uint32_t whole = b->n & ~7u;
    for (uint32_t i = 0; i < whole; i += 8) { /* a byte to each of 8, of which each keeps a bit */
        uint64_t spread = (line[i >> 6].bits >> (i & 63) & 255) * UINT64_C(0x0101010101010101);
        spread &= UINT64_C(0x8040201008040201);
        store_le64(out + i, (spread + UINT64_C(0x7F7F7F7F7F7F7F7F)) >> 7 &
                                UINT64_C(0x0101010101010101));
    }
    for (uint32_t i = whole; i < b->n; i++)
        out[i] = line[i >> 6].bits >> (i & 63) & 1;
}
