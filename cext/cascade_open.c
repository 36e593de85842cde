/* Bob's memory, and how he opens a pass: where its blocks begin, and what he knows of its bits. */
#include "cascade_bob.h"

#include <math.h>

static size_t round_up(size_t bytes)
{
    return (bytes + 7) / 8;
}

static size_t line_words(uint32_t n)
{
    size_t words = words_of(hexkey_cascade_places(n)) + 1;
    return sizeof(struct line) / 8 * words + words_of(words);
}

static size_t cut_limit(uint32_t n)
{
    return n / 2 + 64;
}

/* Found by trial: from which chance of an error on, over the mean, bits of even blocks are suspect;
 * and from which error rate on a change in a block is of so few bits that telling all passes pays.
 */
#define SUSPECT_CHANCE 0.52
#define SPREADS_FROM 0.03

/* What a new pass takes from pass 0: a plane each. */
enum { BITS, UNKNOWN, SUSPECT, PLANES };

size_t hexkey_cascade_scratch_words(uint32_t n)
{
    return 3 * PLANES * words_of(hexkey_cascade_places(n));
}

size_t hexkey_cascade_bob_words(uint32_t n)
{
    return round_up(sizeof(struct bob)) + round_up((cut_limit(n) + 1) * sizeof(struct cut)) +
           round_up(cut_limit(n) * sizeof(uint32_t)) +
           HEXKEY_CASCADE_SHUFFLES * line_words(n);
}

size_t hexkey_cascade_query_bytes(uint32_t n)
{
    return 4 * (size_t)n + 1024; /* 3 bytes a number, n/2 + 64 ranges or n/4 of gap 0 */
}

static void lay_out(struct bob *b, struct pass *p, unsigned index)
{
    size_t words = words_of(b->places) + 1;
    uint64_t *at = b->memory + index * line_words(b->n);
    p->line = (struct line *)at;
    p->odd_lines = at + sizeof(struct line) / 8 * words;
    memset(p->line, 0, line_words(b->n) * sizeof *at);
}

void hexkey_cascade_bob_start(uint64_t *memory, uint32_t n, const uint8_t *bits, uint64_t *scratch)
{
    struct bob *b = (struct bob *)memory;
    memset(b, 0, sizeof *b);
    b->n = n;
    b->places = hexkey_cascade_places(n);
    b->cut_limit = (uint32_t)cut_limit(n);
    b->cut = (struct cut *)(memory + round_up(sizeof *b));
    memory += round_up(sizeof *b) + round_up((b->cut_limit + 1) * sizeof(struct cut));
    b->found = (uint32_t *)memory;
    b->memory = memory + round_up(b->cut_limit * sizeof(uint32_t));
    lay_out(b, &b->passes[0], 0);
    hexkey_cascade_pack(n, bits, scratch);
    for (size_t w = 0; w < words_of(n); w++) {
        b->passes[0].line[w].bits = scratch[w];
        b->passes[0].line[w].unknown = inside(w, 0, n);
    }
}

/* An error in one of m unknown bits of an even block: the chance over the mean is that of an odd
 * number of errors in the others over that of an even number in all, (1 - t) / (1 + (1 - 2q) t) with
 * t = (1 - 2q)^(m - 1).
 */
static void weigh(struct bob *b, double q)
{
    double t = (1 - SUSPECT_CHANCE) / (1 + SUSPECT_CHANCE * (1 - 2 * q));
    b->suspect_from = 1 + (uint32_t)fmin(ceil(log(t) / log1p(-2 * q)), b->n);
    b->spreads = q >= SPREADS_FROM;
}

/* Say whether bits of a block of pass 0 are suspect; it is even. Its only unknown bit is right. */
HELPER void weigh_block(struct bob *b, uint32_t first, uint32_t end, uint32_t count)
{
    struct line *line = b->passes[0].line;
    if (count == 1)
        know(b, unknown_at(&b->passes[0], first, 0));
    else if (count)
        for (size_t w = first >> 6; w <= (end - 1) >> 6; w++)
            suspect_at(line + w, inside(w, first, end), count >= b->suspect_from);
}

/* Weigh all bits in the natural order, where all blocks are even by now. */
HELPER void weigh_natural(struct bob *b)
{
    const struct pass *p = &b->passes[0];
    uint32_t first = 0, count = 0; /* of the block so far */
    for (size_t w = 0; w < words_of(b->places); w++) {
        uint64_t left = p->line[w].unknown; /* of the words, what is not counted yet */
        for (uint64_t starts = p->line[w].start; starts; starts &= starts - 1) {
            uint64_t below = (starts & (0 - starts)) - 1;
            uint32_t end = (uint32_t)(w << 6 | ones(below));
            count += ones(left & below);
            left &= ~below;
            if (end > first)
                weigh_block(b, first, end, count);
            first = end;
            count = 0;
        }
        count += ones(left);
    }
    if (b->places > first)
        weigh_block(b, first, b->places, count);
}

/* Bring pass 0's bits, and what is known of them, into the order of a new pass. */
HELPER void permute(struct bob *b, struct pass *p, uint64_t *scratch)
{
    const size_t words = words_of(b->places), row = row_words(&p->order);
    uint64_t *in = scratch, *out = in + PLANES * words, *more = out + PLANES * words, *at = in;
    for (size_t w = 0; w < words; w += row, at += PLANES * row)
        for (size_t v = 0; v < row; v++) {
            const struct line *line = b->passes[0].line + w + v;
            at[BITS * row + v] = line->bits;
            at[UNKNOWN * row + v] = line->unknown;
            at[SUSPECT * row + v] = line->suspect;
        }
    cascade_permute(&p->order, PLANES, in, out, more);
    for (size_t w = 0; w < words; w += row, out += PLANES * row)
        for (size_t v = 0; v < row; v++)
            p->line[w + v] = (struct line){.bits = out[BITS * row + v],
                                           .unknown = out[UNKNOWN * row + v],
                                           .suspect = out[SUSPECT * row + v]};
}

static uint8_t *bound_evenly(struct bob *b, struct pass *p, uint32_t blocks, uint8_t *out)
{
    uint32_t at = 0;
    out = put(out, blocks);
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t first = (uint32_t)((uint64_t)b->n * i / blocks);
        uint32_t end = (uint32_t)((uint64_t)b->n * (i + 1) / blocks);
        start_block(p, first);
        out = put_range(out, &at, first, end);
    }
    b->opening_asked = blocks;
    return out;
}

/* Blocks of equal weight; the last one is not asked, since the parity of all bits is known. */
HELPER uint8_t *bound_by_weight(struct bob *b, struct pass *p, uint32_t blocks, uint8_t *out)
{
    uint64_t total = 0, sum = 0, share, next;
    uint32_t at = 0, first = 0, count = 0;
    for (size_t w = 0; w < words_of(b->places); w++)
        total += weight(p->line + w, ~(uint64_t)0);
    share = total / blocks + 1;
    next = share;
    start_block(p, 0);
    for (size_t w = 0; w < words_of(b->places); w++) {
        const struct line *line = p->line + w;
        uint64_t rest = ~(uint64_t)0;
        uint32_t part;
        while (part = weight(line, rest), sum + part >= next) {
            uint32_t before;
            unsigned i = place_of_weight(line, rest, (uint32_t)(next - sum), &before);
            sum += before + weight(line, (uint64_t)1 << i);
            start_block(p, (uint32_t)(w << 6 | i) + 1);
            next = sum + share;
            count++;
            rest = i == 63 ? 0 : ~(uint64_t)0 << (i + 1);
        }
        sum += part;
    }
    if (sum + share == next && count) /* the last bound is the end */
        count--;
    out = put(out, count);
    b->opening_asked = count;
    for (; count; count--) {
        uint32_t end = block_end(p, first);
        out = put_range(out, &at, first, end);
        first = end;
    }
    return out;
}

HOT size_t hexkey_cascade_open_shuffle(uint64_t *memory, unsigned number, const uint32_t *rotations,
                                   double qber, uint32_t blocks, uint64_t *scratch, uint8_t *out)
{
    struct bob *b = (struct bob *)memory;
    struct pass *p = &b->passes[b->opened];
    uint8_t *from = out;
    b->opening = b->changed = 1;
    p->number = number;
    p->order = order_of(b->n, rotations);
    *out++ = (uint8_t)number;
    if (b->opened == 0) {
        weigh(b, qber);
        out = bound_evenly(b, p, blocks, out);
    } else {
        lay_out(b, p, b->opened);
        weigh_natural(b);
        permute(b, p, scratch);
        out = bound_by_weight(b, p, blocks, out);
    }
    start_block(p, b->places);
    b->opened++;
    b->asked_in_all += b->opening_asked;
    return b->opening_asked ? (size_t)(out - from) : 0;
}

size_t hexkey_cascade_halve(uint64_t *memory, double qber, uint32_t longest, uint8_t *out)
{
    struct bob *b = (struct bob *)memory;
    const struct pass *p = &b->passes[0];
    uint8_t *from = out;
    uint32_t at = 0;
    weigh(b, qber);
    b->opening_asked = b->found_count = 0;
    b->groups = b->cuts = 0;
    b->changed = 1; /* these are not the odd blocks */
    for (uint32_t first = 0, end; first < b->places; first = end) {
        uint32_t count;
        end = block_end(p, first);
        count = unknown_in(p, first, end);
        if (count > longest)
            b->cut[b->cuts++] = (struct cut){first, unknown_at(p, first, count / 2), end};
    }
    if (b->cuts == 0)
        return 0;
    b->asked_in_all += b->cuts;
    b->group[b->groups++] = (struct group){0, b->cuts};
    *out++ = 0;
    out = put(out, b->cuts);
    for (uint32_t k = 0; k < b->cuts; k++)
        out = put_range(out, &at, b->cut[k].first, b->cut[k].middle);
    return (size_t)(out - from);
}

HOT size_t hexkey_cascade_open_subsets(uint64_t *memory, unsigned batch, const uint64_t *stream,
                                   uint8_t *out)
{
    struct bob *b = (struct bob *)memory;
    uint8_t *from = out;
    b->opening = 2;
    b->changed = 1;
    b->opening_asked = 0;
    b->subset_blocks = 0; /* of the batch before: all even */
    for (unsigned k = 0; k < HEXKEY_CASCADE_SUBSETS; k++) {
        struct subset_block s = {.first = 0, .end = b->n, .stream = stream, .subset = (uint8_t)k};
        s.number = (uint8_t)(HEXKEY_CASCADE_SHUFFLES + batch * HEXKEY_CASCADE_SUBSETS + k);
        if (subset_unknown_up_to(b, &s, 1) == 0)
            continue;
        b->subset_block[b->subset_blocks++] = s;
        b->opening_asked++;
        *out++ = s.number;
        out = put(put(put(out, 1), 0), b->n);
    }
    b->asked_in_all += b->opening_asked;
    return (size_t)(out - from);
}
