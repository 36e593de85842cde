/* Bob's memory, and how he opens a pass: where its blocks begin, and what he knows of its bits. */
#include "cascade_bob.h"
#include "cascade_weight.h"

static size_t round_up(size_t bytes)
{
    return (bytes + 7) / 8;
}

static size_t line_words(uint32_t n)
{
    size_t words = words_of(hexkey_cascade_places(n)) + 1;
    return sizeof(struct line) / 8 * words + words_of(words);
}

static size_t weight_words(uint32_t n)
{
    return round_up(64 * words_of(hexkey_cascade_places(n)) + STRIDE);
}

static size_t cut_limit(uint32_t n)
{
    return n / 2 + 64;
}

/* Room for the weights of two orders, or the bits of three. */
size_t hexkey_cascade_scratch_words(uint32_t n)
{
    return 2 * weight_words(n);
}

size_t hexkey_cascade_bob_words(uint32_t n)
{
    return round_up(sizeof(struct bob)) + round_up((cut_limit(n) + 1) * sizeof(struct cut)) +
           round_up(cut_limit(n) * sizeof(uint32_t)) +
           HEXKEY_CASCADE_SHUFFLES * (line_words(n) + weight_words(n));
}

size_t hexkey_cascade_query_bytes(uint32_t n)
{
    return 4 * (size_t)n + 1024; /* 3 bytes a number, n/2 + 64 ranges or n/4 of gap 0 */
}

static void lay_out(struct bob *b, struct pass *p, unsigned index)
{
    size_t words = words_of(b->places) + 1;
    uint64_t *at = b->memory + index * (line_words(b->n) + weight_words(b->n));
    p->line = (struct line *)at;
    p->odd_lines = at + sizeof(struct line) / 8 * words;
    p->weight = (uint8_t *)(at + line_words(b->n));
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
    for (size_t w = 0; w < words_of(b->places); w++)
        b->passes[0].line[w].bits = scratch[w];
    for (uint32_t i = n; i < b->places; i++)
        know_at(&b->passes[0], i);
}

enum { HEAVY = 12 };

/* A weight that is never that of what is known. */
static uint8_t level(double share)
{
    return (uint8_t)(1.5 + (share < 1 ? share : 1) * (WEIGHT_MOST - 1));
}

/* Chances above some times the mean are few, and all alike: a byte is to tell the others apart. */
static void weigh(struct bob *b, double q)
{
    double t = 1; /* product of 1 - 2q over the other bits of a block */
    double heaviest = q < 0.5 / HEAVY ? HEAVY * q : 0.5;
    for (unsigned m = 1; m < WEIGHTS; m++) {
        double whole = t * (1 - 2 * q);
        double even = q * (1 - t) / (1 + whole), odd = q * (1 + t) / (1 - whole);
        b->weight[0][m] = level(even / heaviest);
        b->weight[1][m] = level(odd / heaviest);
        t = whole;
    }
}

/* Write down the weight of a block's bits: a few more than it has, since the next block overwrites
 * them, and the array has room. Its only unknown bit is right, since the block is even.
 */
HELPER void weigh_block(struct bob *b, uint32_t first, uint32_t end, uint32_t unknown,
                        uint8_t *weight)
{
    if (unknown == 1)
        know(b, unknown_at(&b->passes[0], first, 0));
    unknown = unknown < WEIGHTS ? unknown : WEIGHTS - 1;
    for (uint32_t i = first; i < end; i += STRIDE)
        memset(weight + i, b->weight[0][unknown], STRIDE);
}

/* Weigh all bits in the natural order, where all blocks are even by now. */
HELPER void weigh_natural(struct bob *b, uint8_t *weight)
{
    const struct pass *p = &b->passes[0];
    uint32_t first = 0, unknown = 0; /* of the block so far */
    for (size_t w = 0; w < words_of(b->places); w++) {
        const struct line line = p->line[w];
        uint64_t left = ~line.known; /* of the words, what is not counted yet */
        for (uint64_t starts = line.start; starts; starts &= starts - 1) {
            uint64_t below = (starts & (0 - starts)) - 1;
            uint32_t end = (uint32_t)(w << 6 | ones(below));
            unknown += ones(left & below);
            left &= ~below;
            weigh_block(b, first, end, unknown, weight);
            first = end;
            unknown = 0;
        }
        unknown += ones(left);
    }
    weigh_block(b, first, b->places, unknown, weight);
    for (size_t w = 0; w < words_of(b->places); w++)
        for (uint64_t known = p->line[w].known; known; known &= known - 1)
            weight[64 * w + (unsigned)__builtin_ctzll(known)] = 0;
}

/* Bring bits, what is known and weights into the order of a new pass. */
HELPER void permute(struct bob *b, struct pass *p, uint64_t *scratch)
{
    const struct line *natural = b->passes[0].line;
    const size_t words = words_of(b->places);
    uint64_t *in = scratch, *out = in + words, *more = out + words;
    uint8_t *weight = (uint8_t *)scratch;
    weigh_natural(b, weight);
    cascade_permute_weights(&p->order, weight, p->weight, weight + 8 * weight_words(b->n));
    for (size_t w = 0; w < words; w++)
        in[w] = natural[w].bits;
    cascade_permute(&p->order, in, out, more);
    for (size_t w = 0; w < words; w++) {
        p->line[w].bits = out[w];
        in[w] = natural[w].known;
    }
    cascade_permute(&p->order, in, out, more);
    for (size_t w = 0; w < words; w++)
        p->line[w].known = out[w];
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
    uint64_t total = 0, sum = 0;
    uint32_t at = 0, first = 0, count = 0;
    uint64_t share, next;
    for (uint32_t i = 0; i < b->places; i += STRIDE)
        total += sum_of_stride(p->weight + i, b->places - i);
    share = total / blocks + 1;
    next = share;
    start_block(p, 0);
    for (uint32_t i = 0; i < b->places; i++) {
        if (i % STRIDE == 0 && i + STRIDE <= b->places) {
            uint32_t part = sum_of_stride(p->weight + i, STRIDE);
            if (sum + part < next) {
                sum += part;
                i += STRIDE - 1;
                continue;
            }
        }
        sum += p->weight[i];
        if (sum < next)
            continue;
        start_block(p, i + 1);
        next = sum + share;
        count++;
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
    b->opening = 1;
    p->number = number;
    p->order = order_of(b->n, rotations);
    *out++ = (uint8_t)number;
    if (b->opened == 0) {
        weigh(b, qber);
        out = bound_evenly(b, p, blocks, out);
    } else {
        lay_out(b, p, b->opened);
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
    for (uint32_t first = 0, end; first < b->places; first = end) {
        uint32_t unknown;
        end = block_end(p, first);
        unknown = unknown_in(p, first, end);
        if (unknown > longest)
            b->cut[b->cuts++] = (struct cut){first, unknown_at(p, first, unknown / 2), end};
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
    b->opening_asked = 0;
    b->subset_blocks = 0; /* of the batch before: all even */
    for (unsigned k = 0; k < HEXKEY_CASCADE_SUBSETS; k++) {
        struct subset_block s = {.first = 0, .end = b->n, .stream = stream, .subset = (uint8_t)k};
        s.number = (uint8_t)(HEXKEY_CASCADE_SHUFFLES + batch * HEXKEY_CASCADE_SUBSETS + k);
        if (subset_unknown(b, &s) == 0)
            continue;
        b->subset_block[b->subset_blocks++] = s;
        b->opening_asked++;
        *out++ = s.number;
        out = put(put(put(out, 1), 0), b->n);
    }
    b->asked_in_all += b->opening_asked;
    return (size_t)(out - from);
}
