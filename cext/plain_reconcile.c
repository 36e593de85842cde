/* Reconciliation as one would write it first, after the papers. Only benchmarks call these: a
 * machine's speed does not change how many times faster the kernels are.
 */
#include <math.h>
#include <string.h>

#include "hexkey.h"

enum { PASSES = 4 };

/* Both sides of Cascade in one place: what is compared here, a network would carry. */
struct plain {
    const uint8_t *alice;
    uint8_t *bob;
    uint32_t n, block[PASSES];
    uint32_t *order, *place; /* of each pass: the bit at a place, and where a bit went */
    uint32_t *waiting, count; /* blocks found odd: pass and number */
    int64_t disclosed;
};

static unsigned differs(const struct plain *p, unsigned pass, uint32_t first, uint32_t end)
{
    const uint32_t *order = p->order + (size_t)pass * p->n;
    unsigned sum = 0;
    for (uint32_t k = first; k < end; k++)
        sum ^= p->alice[order[k]] ^ p->bob[order[k]];
    return sum;
}

static uint32_t end_of(const struct plain *p, unsigned pass, uint32_t block)
{
    uint64_t end = (uint64_t)(block + 1) * p->block[pass];
    return end < p->n ? (uint32_t)end : p->n;
}

/* Bisect an odd block and flip the error found; its blocks in all passes so far are to be looked at,
 * those of earlier passes at no cost, since their parities are known.
 */
static void correct(struct plain *p, unsigned pass, uint32_t block, unsigned passes)
{
    uint32_t first = block * p->block[pass], end = end_of(p, pass, block), bit;
    while (end - first > 1) {
        uint32_t middle = first + (end - first) / 2;
        p->disclosed++;
        if (differs(p, pass, first, middle))
            end = middle;
        else
            first = middle;
    }
    bit = p->order[(size_t)pass * p->n + first];
    p->bob[bit] ^= 1;
    for (unsigned i = 0; i < passes; i++) {
        p->waiting[p->count++] = i;
        p->waiting[p->count++] = p->place[(size_t)i * p->n + bit] / p->block[i];
    }
}

int64_t hexkey_plain_cascade(const uint8_t *alice, uint8_t *bob, uint32_t n, double qber,
                             uint64_t seed, uint32_t *room)
{
    struct plain p = {.alice = alice, .bob = bob, .n = n, .order = room};
    p.place = room + (size_t)PASSES * n;
    p.waiting = p.place + (size_t)PASSES * n;
    for (unsigned pass = 0; pass < PASSES; pass++) {
        uint32_t *order = p.order + (size_t)pass * n, *place = p.place + (size_t)pass * n;
        p.block[pass] = pass ? 2 * p.block[pass - 1] : (uint32_t)(0.73 / qber) + 1;
        for (uint32_t k = 0; k < n; k++) {
            uint32_t j = k;
            if (pass) { /* xorshift64*, S. Vigna 2016 */
                seed ^= seed >> 12;
                seed ^= seed << 25;
                seed ^= seed >> 27;
                j = (uint32_t)((seed * UINT64_C(0x2545F4914F6CDD1D) >> 32) * (k + 1) >> 32);
            }
            order[k] = order[j];
            order[j] = k;
        }
        for (uint32_t k = 0; k < n; k++)
            place[order[k]] = k;
        for (uint32_t block = 0; (uint64_t)block * p.block[pass] < n; block++) {
            p.disclosed++;
            if (differs(&p, pass, block * p.block[pass], end_of(&p, pass, block)))
                correct(&p, pass, block, pass + 1);
            while (p.count) {
                uint32_t which = p.waiting[--p.count], in = p.waiting[--p.count];
                if ((in < pass || which <= block) &&
                    differs(&p, in, which * p.block[in], end_of(&p, in, which)))
                    correct(&p, in, which, pass + 1);
            }
        }
    }
    return p.disclosed;
}

/* Sum-product decoding by hyperbolic tangents, all checks and then all bits. */
int hexkey_plain_ldpc(const hexkey_ldpc_layer *layers, uint32_t layer_count,
                      const hexkey_ldpc_edge *edges, uint32_t lifting, uint32_t bits,
                      const uint8_t *syndrome, float prior, uint32_t iterations, float *belief,
                      float *message)
{
    for (uint32_t i = 0; i < bits; i++)
        belief[i] = prior;
    for (uint32_t turn = 0; turn <= iterations; turn++) {
        const uint8_t *wanted = syndrome;
        int wrong = 0;
        float *at = message;
        for (const hexkey_ldpc_layer *l = layers; l < layers + layer_count; l++)
            for (uint32_t t = 0; t < lifting; t++, wanted++) {
                const hexkey_ldpc_edge *edge = edges + l->first_edge;
                float product = *wanted ? -1.0f : 1.0f;
                unsigned sum = *wanted;
                for (uint32_t k = 0; k < l->degree; k++) {
                    float b = belief[edge[k].column + (t + edge[k].shift) % lifting];
                    float from = turn ? at[k] : 0;
                    sum ^= b < 0;
                    at[k] = tanhf(0.5f * (b - from));
                    at[k] = fabsf(at[k]) < 1e-12f ? 1e-12f : at[k];
                    product *= at[k];
                }
                wrong |= (int)sum;
                for (uint32_t k = 0; k < l->degree; k++) {
                    float others = product / at[k];
                    others = others > 0.999999f ? 0.999999f : others;
                    others = others < -0.999999f ? -0.999999f : others;
                    at[k] = 2 * atanhf(others);
                }
                at += l->degree;
            }
        if (!wrong)
            return (int)turn;
        for (uint32_t i = 0; i < bits; i++)
            belief[i] = prior;
        at = message;
        for (const hexkey_ldpc_layer *l = layers; l < layers + layer_count; l++)
            for (uint32_t t = 0; t < lifting; t++)
                for (uint32_t k = 0; k < l->degree; k++) {
                    const hexkey_ldpc_edge *edge = edges + l->first_edge + k;
                    belief[edge->column + (t + edge->shift) % lifting] += *at++;
                }
    }
    return -1;
}
