/* Sums of weights, STRIDE of them at once: where Bob cuts a block, and where a pass's blocks end.
 *
 * Weights are bytes. x86-64 adds eight of them in one instruction; elsewhere they are added pairwise
 * within a word.
 */
#ifndef HEXKEY_CASCADE_WEIGHT_H
#define HEXKEY_CASCADE_WEIGHT_H

#include "bytes.h"
#include "cascade.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { STRIDE = 16 }; /* room of so many bytes follows the weights of a pass */

HELPER uint32_t sum_of_word(uint64_t x)
{
    const uint64_t even = UINT64_C(0x00FF00FF00FF00FF);
    return (uint32_t)(((x & even) + (x >> 8 & even)) * UINT64_C(0x0001000100010001) >> 48);
}

/* Bytes that keep the first `count` of a stride. */
HELPER const uint8_t *first_of_stride(uint32_t count)
{
    static const uint8_t keep[2 * STRIDE] = {255, 255, 255, 255, 255, 255, 255, 255,
                                             255, 255, 255, 255, 255, 255, 255, 255};
    uint32_t more = 0 - (uint32_t)(count > STRIDE); /* all ones, without a branch */
    return keep + STRIDE - ((count & ~more) | (STRIDE & more));
}

/* The sum of the next STRIDE weights, or as many as `count`. */
HELPER uint32_t sum_of_stride(const uint8_t *weight, uint32_t count)
{
    const uint8_t *keep = first_of_stride(count);
#ifdef __SSE2__
    __m128i kept = _mm_and_si128(_mm_loadu_si128((const __m128i *)weight),
                                 _mm_loadu_si128((const __m128i *)keep));
    __m128i sums = _mm_sad_epu8(kept, _mm_setzero_si128());
    return (uint32_t)(_mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4));
#else
    return sum_of_word(load_le64(weight) & load_le64(keep)) +
           sum_of_word(load_le64(weight + 8) & load_le64(keep + 8));
#endif
}

/* The first place within the stride up to which the weights add up to `goal`, which they do; `sum`
 * takes what those before it add up to.
 */
HELPER uint32_t place_of_sum(const uint8_t *weight, uint32_t count, uint64_t goal, uint64_t *sum)
{
    const uint8_t *keep = first_of_stride(count);
    uint64_t word = load_le64(weight) & load_le64(keep);
    uint32_t low = sum_of_word(word), at = 0, before = 0, so_far;
    if (low < goal) {
        word = load_le64(weight + 8) & load_le64(keep + 8);
        before = low;
        at = 8;
    }
    so_far = before;
    for (unsigned k = 0; k < 8; k++, word >>= 8) { /* sums only grow */
        so_far += (uint32_t)(word & 255);
        at += so_far < goal;
        before = so_far < goal ? so_far : before;
    }
    *sum = before;
    return at;
}

#endif
