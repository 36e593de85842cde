/* The decoder's sweeps, for each kind of processor: ldpc_lanes.h compiled for it. */
#ifndef HEXKEY_LDPC_SWEEPS_H
#define HEXKEY_LDPC_SWEEPS_H

#include "hexkey.h"

typedef int32_t hexkey_ldpc_sweeps(const hexkey_ldpc_layer *layers, uint32_t layer_count,
                                   const hexkey_ldpc_edge *edges, uint32_t lifting,
                                   const int8_t *syndrome, int16_t *bits, int8_t *messages,
                                   uint32_t sweeps, uint32_t patience);

hexkey_ldpc_sweeps hexkey_ldpc_sweeps_portable, hexkey_ldpc_sweeps_avx2, hexkey_ldpc_sweeps_avx512;

#endif
