/* The LDPC kernels on any code: syndromes against sums bit by bit, and the decoder on every kind of
 * vector against a plain check of what it says. Columns have their margins around them and no more.
 */
#include "harness.h"

enum { MOST_COLUMNS = 8, MOST_LIFTING = 150, MOST_LAYERS = 4, MARGIN = HEXKEY_LDPC_MARGIN };

struct code {
    uint32_t columns, lifting, layers, edges, checks, padded;
    hexkey_ldpc_layer layer[MOST_LAYERS];
    hexkey_ldpc_edge edge[MOST_LAYERS * MOST_COLUMNS];
};

static void take_code(struct code *c, struct input *in)
{
    memset(c, 0, sizeof *c);
    c->columns = 1 + (uint32_t)take_up_to(in, MOST_COLUMNS - 1);
    c->lifting = 1 + (uint32_t)take_up_to(in, MOST_LIFTING - 1);
    c->layers = 1 + (uint32_t)take_up_to(in, MOST_LAYERS - 1);
    for (uint32_t i = 0; i < c->layers; i++) {
        hexkey_ldpc_layer *l = &c->layer[i];
        uint32_t chosen = (uint32_t)take(in, 1) | 1;
        l->first_edge = c->edges;
        for (uint32_t column = 0; column < c->columns; column++)
            if (chosen >> column & 1) {
                c->edge[c->edges].column = column * c->lifting;
                c->edge[c->edges++].shift = (uint32_t)take_up_to(in, c->lifting - 1);
            }
        l->degree = c->edges - l->first_edge;
        l->first_lane = (uint32_t)take_up_to(in, c->lifting - 1);
        l->lanes = 1 + (uint32_t)take_up_to(in, c->lifting - l->first_lane - 1);
        c->checks += l->lanes;
        c->padded += (l->lanes + 63) / 64 * 64;
    }
}

static uint8_t slow_sum(const struct code *c, const hexkey_ldpc_layer *l, uint32_t i,
                        const uint8_t *bits)
{
    uint8_t sum = 0;
    for (uint32_t k = l->first_edge; k < l->first_edge + l->degree; k++)
        sum ^= bits[c->edge[k].column + (l->first_lane + i + c->edge[k].shift) % c->lifting];
    return sum;
}

static void check_syndrome(const struct code *c, const uint8_t *bits)
{
    uint8_t *sums = malloc(c->checks), *at = sums;
    hexkey_ldpc_syndrome(c->layer, c->layers, c->edge, c->lifting, bits, sums);
    for (uint32_t j = 0; j < c->layers; j++)
        for (uint32_t i = 0; i < c->layer[j].lanes; i++)
            REQUIRE(*at++ == slow_sum(c, &c->layer[j], i, bits));
    free(sums);
}

/* Decode on one path, in a buffer of the size of the contract; returns what it left, as `beliefs`,
 * which the caller frees.
 */
static int16_t *decode(const struct code *c, const int8_t *syndrome, const int16_t *beliefs,
                       uint32_t sweeps, uint32_t patience, int path, int32_t *done)
{
    size_t pitch = c->lifting + 2 * MARGIN, words = MARGIN + c->columns * pitch;
    int16_t *room = malloc(words * sizeof *room), *left = malloc(words * sizeof *left);
    int8_t *messages = malloc(hexkey_ldpc_message_bytes(c->layer, c->layers));
    hexkey_ldpc_edge edges[MOST_LAYERS * MOST_COLUMNS];
    for (uint32_t i = 0; i < c->edges; i++) {
        edges[i] = c->edge[i];
        edges[i].column = (uint32_t)(edges[i].column / c->lifting * pitch);
    }
    for (size_t i = 0; i < words; i++)
        room[i] = 999;
    for (uint32_t i = 0; i < c->columns; i++)
        memcpy(room + MARGIN + i * pitch, beliefs + (size_t)i * c->lifting,
               c->lifting * sizeof *room);
    *done = hexkey_ldpc_decode(c->layer, c->layers, edges, c->lifting, syndrome, room + MARGIN,
                               messages, sweeps, patience, path);
    for (uint32_t i = 0; i < c->columns; i++)
        memcpy(left + (size_t)i * c->lifting, room + MARGIN + i * pitch,
               c->lifting * sizeof *room);
    free(messages);
    free(room);
    return left;
}

/* A block that the decoder calls found has the syndrome. */
static void check_found(const struct code *c, const int8_t *syndrome, const int16_t *left)
{
    size_t bits = (size_t)c->columns * c->lifting;
    uint8_t *found = malloc(bits);
    for (size_t i = 0; i < bits; i++)
        found[i] = left[i] < 0;
    for (uint32_t j = 0; j < c->layers; j++) {
        for (uint32_t i = 0; i < c->layer[j].lanes; i++)
            REQUIRE(slow_sum(c, &c->layer[j], i, found) == syndrome[i]);
        syndrome += (c->layer[j].lanes + 63) / 64 * 64;
    }
    free(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct code c;
    take_code(&c, &in);
    uint32_t sweeps = 1 + (uint32_t)take_up_to(&in, 5), patience = (uint32_t)take_up_to(&in, 5);
    size_t bits = (size_t)c.columns * c.lifting;
    uint8_t *values = take_buffer(&in, bits);
    int16_t *beliefs = malloc(bits * sizeof *beliefs);
    int8_t *syndrome = calloc(c.padded, 1), *at = syndrome;
    for (size_t i = 0; i < bits; i++) {
        beliefs[i] = (int16_t)((int)(values[i] >> 1) - 40);
        values[i] &= 1;
    }
    check_syndrome(&c, values);
    for (uint32_t j = 0; j < c.layers; j++) {
        for (uint32_t i = 0; i < c.layer[j].lanes; i++)
            at[i] = (int8_t)slow_sum(&c, &c.layer[j], i, values);
        at += (c.layer[j].lanes + 63) / 64 * 64;
    }
    int32_t done, again;
    int16_t *left = decode(&c, syndrome, beliefs, sweeps, patience, HEXKEY_LDPC_PORTABLE, &done);
    REQUIRE(done != 0 && done <= (int32_t)sweeps && done >= -(int32_t)sweeps);
    if (done > 0)
        check_found(&c, syndrome, left);
    for (int path = HEXKEY_LDPC_AVX2; path <= hexkey_ldpc_fastest(); path++) {
        int16_t *same = decode(&c, syndrome, beliefs, sweeps, patience, path, &again);
        REQUIRE(again == done && !memcmp(same, left, bits * sizeof *left));
        free(same);
    }
    free(left);
    free(values);
    free(beliefs);
    free(syndrome);
    return 0;
}
