/* Bob's memory, and how he opens a pass: where its blocks begin, and what he knows of its bits. */
#include "cascade_bob.h"

static size_t round_up(size_t bytes)
{
    return (bytes + 7) / 8;
}

static size_t pass_words(uint32_t n)
{
    size_t places = hexkey_cascade_places(n), words = words_of(places) + 1;
    return 4 * words + words_of(words) + round_up(64 * words + STRIDE);
}

static size_t cut_limit(uint32_t n)
{
    return n / 2 + 64;
}

size_t hexkey_cascade_bob_words(uint32_t n)
{
    return round_up(sizeof(struct bob)) + round_up((cut_limit(n) + 1) * sizeof(struct cut)) +
           round_up(cut_limit(n) * sizeof(uint32_t)) +
           HEXKEY_CASCADE_SHUFFLES * pass_words(n) +
           round_up(hexkey_cascade_places(n)) + 1;
}

size_t hexkey_cascade_query_bytes(uint32_t n)
{
    return 4 * (size_t)n + 1024; /* 3 bytes a number, n/2 + 64 ranges or n/4 of gap 0 */
}

static void lay_out(struct bob *b, struct pass *p, unsigned index)
{
    size_t words = words_of(b->places) + 1;
    uint64_t *at = b->memory + index * pass_words(b->n);
    p->bits = at;
    p->known = at + words;
    p->start = at + 2 * words;
    p->odd = at + 3 * words;
    p->odd_words = at + 4 * words;
    p->weight = (uint8_t *)(at + 4 * words + words_of(words));
    memset(p->known, 0, (3 * words + words_of(words)) * sizeof *at);
}

void hexkey_cascade_bob_start(uint64_t *memory, uint32_t n, const uint8_t *bits)
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
    b->scratch = b->memory + HEXKEY_CASCADE_SHUFFLES * pass_words(n);
    lay_out(b, &b->passes[0], 0);
    hexkey_cascade_pack(n, bits, b->passes[0].bits);
    for (size_t i = n; i < b->places; i++)
        set_bit(b->passes[0].known, i);
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
        b->weight_even[m] = level(even / heaviest);
        b->weight_odd[m] = level(odd / heaviest);
        t = whole;
    }
}

/* Write down the weights in the natural order: a few more per block than it has bits, since the
 * next block overwrites them, and the array has room.
 */
HELPER void weigh_natural(struct bob *b)
{
    struct pass *p = &b->passes[0];
    for (uint32_t start = 0, end; start < b->places; start = end) {
        uint32_t unknown;
        uint8_t all;
        end = block_end(p, start);
        unknown = unknown_in(p, start, end);
        if (unknown == 1 && !get_bit(p->odd, start)) {
            know(b, unknown_at(p, start, 0));
            unknown = 0;
        }
        unknown = unknown < WEIGHTS ? unknown : WEIGHTS - 1;
        all = get_bit(p->odd, start) ? b->weight_odd[unknown] : b->weight_even[unknown];
        for (uint32_t i = start; i < end; i += STRIDE)
            for (uint32_t k = 0; k < STRIDE; k++)
                p->weight[i + k] = all;
    }
    for (size_t w = 0; w < words_of(b->places); w++)
        for (unsigned k = 0; k < 64; k++)
            p->weight[64 * w + k] &= (uint8_t)((p->known[w] >> k & 1) - 1);
}

/* Bring bits, what is known and weights into the order of a new pass. */
HELPER void permute(struct bob *b, struct pass *p)
{
    const struct pass *natural = &b->passes[0];
    if (b->opened == 1)
        weigh_natural(b);
    cascade_permute_weights(&p->order, natural->weight, p->weight, (uint8_t *)b->scratch);
    cascade_permute(&p->order, natural->bits, p->bits, b->scratch);
    cascade_permute(&p->order, natural->known, p->known, b->scratch);
}

static uint8_t *bound_evenly(struct bob *b, struct pass *p, uint32_t blocks, uint8_t *out)
{
    uint32_t at = 0;
    out = put(out, blocks);
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t first = (uint32_t)((uint64_t)b->n * i / blocks);
        uint32_t end = (uint32_t)((uint64_t)b->n * (i + 1) / blocks);
        set_bit(p->start, first);
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
    for (uint32_t i = 0; i < b->places; i++)
        total += p->weight[i];
    share = total / blocks + 1;
    next = share;
    set_bit(p->start, 0);
    for (uint32_t i = 0; i < b->places; i++) {
        if (i % STRIDE == 0 && i + STRIDE <= b->places) {
            uint32_t part = 0;
            for (uint32_t k = 0; k < STRIDE; k++)
                part += p->weight[i + k];
            if (sum + part < next) {
                sum += part;
                i += STRIDE - 1;
                continue;
            }
        }
        sum += p->weight[i];
        if (sum < next)
            continue;
        set_bit(p->start, i + 1);
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
                                   double qber, uint32_t blocks, uint8_t *out)
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
        permute(b, p);
        out = bound_by_weight(b, p, blocks, out);
    }
    set_bit(p->start, b->places);
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
