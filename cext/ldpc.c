/* Syndromes of quasi-cyclic codes, and which decoder runs. */
#include <string.h>

#include "hexkey.h"
#include "ldpc_sweeps.h"
#include "vector.h"

int hexkey_ldpc_fastest(void)
{
#if defined(__GNUC__) && defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw"))
        return HEXKEY_LDPC_AVX512;
    if (__builtin_cpu_supports("avx2"))
        return HEXKEY_LDPC_AVX2;
#endif
    return HEXKEY_LDPC_PORTABLE;
}

VECTORISED static void add(uint8_t *restrict out, const uint8_t *restrict bits, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] ^= bits[i];
}

void hexkey_ldpc_syndrome(const hexkey_ldpc_layer *layers, uint32_t layer_count,
                          const hexkey_ldpc_edge *edges, uint32_t lifting, const uint8_t *bits,
                          uint8_t *out)
{
    for (const hexkey_ldpc_layer *l = layers; l < layers + layer_count; l++) {
        memset(out, 0, l->lanes);
        for (const hexkey_ldpc_edge *e = edges + l->first_edge;
             e < edges + l->first_edge + l->degree; e++) {
            uint32_t from = (l->first_lane + e->shift) % lifting, straight = lifting - from;
            straight = straight < l->lanes ? straight : l->lanes;
            add(out, bits + e->column + from, straight);
            add(out + straight, bits + e->column, l->lanes - straight);
        }
        out += l->lanes;
    }
}

size_t hexkey_ldpc_message_bytes(const hexkey_ldpc_layer *layers, uint32_t layer_count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < layer_count; i++)
        bytes += ((size_t)layers[i].lanes + 63) / 64 * 64 * layers[i].degree;
    return bytes;
}

/* Write a column's first bits after its last ones. */
static void go_on(int16_t *column, uint32_t lifting)
{
    for (uint32_t i = 0; i < HEXKEY_LDPC_MARGIN; i++)
        column[lifting + i] = column[i];
}

int32_t hexkey_ldpc_decode(const hexkey_ldpc_layer *layers, uint32_t layer_count,
                           const hexkey_ldpc_edge *edges, uint32_t lifting,
                           const int8_t *syndrome, int16_t *bits, int8_t *messages,
                           uint32_t sweeps, uint32_t patience, int path)
{
    int fastest = hexkey_ldpc_fastest();
    hexkey_ldpc_sweeps *run = hexkey_ldpc_sweeps_portable;
    if (path == HEXKEY_LDPC_FASTEST) /* short columns leave long vectors empty */
        path = fastest == HEXKEY_LDPC_AVX512 && lifting < 64 ? HEXKEY_LDPC_AVX2 : fastest;
    if (path > fastest)
        return 0;
#if defined(__GNUC__) && defined(__x86_64__)
    if (path == HEXKEY_LDPC_AVX512)
        run = hexkey_ldpc_sweeps_avx512;
    if (path == HEXKEY_LDPC_AVX2)
        run = hexkey_ldpc_sweeps_avx2;
#endif
    for (uint32_t i = 0; i < layer_count; i++)
        for (uint32_t k = 0; k < layers[i].degree; k++)
            go_on(bits + edges[layers[i].first_edge + k].column, lifting);
    memset(messages, 0, hexkey_ldpc_message_bytes(layers, layer_count));
    return run(layers, layer_count, edges, lifting, syndrome, bits, messages, sweeps, patience);
}
