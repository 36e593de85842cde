/* Where Bob's pulse numbers lie in Alice's record: mismatches at every offset, 64 at a time.
 *
 * For one sample bit, 64 consecutive offsets look at 64 consecutive bits of the record: one word,
 * shifted out of the packed bytes. XORed with the sample bit it marks the offsets that mismatch.
 * The marks are summed in bit-sliced counters, plane p of a word holding bit p of its 64 counts:
 * sixteen samples at a time go through a tree of carry-save adders, whose one carry of weight 16
 * ripples through the upper planes (Harley & Seal's population count, turned by 90 degrees).
 *
 * Work is done in tiles of TILE words so that all planes stay in the first-level cache and the
 * loops over words vectorise. A tile is left as soon as every offset in it has too many mismatches.
 */
#include "bytes.h"
#include "hexkey.h"
#include "vector.h"

#include <string.h>

enum {
    TILE = 128, /* words: 8192 offsets */
    GROUP = 16, /* samples that one tree of adders takes */
    PLANES = HEXKEY_OFFSET_SAMPLE_BITS,
    CHECK = 2 /* groups between looks at whether a tile can be left */
};

/* mark[w] = offsets of word w at which the record differs from the sample bit. Reads 8 TILE + 1
 * bytes: two loads a byte apart overlap in 56 bits and make up any shift from 0 to 7. */
static inline void mark_mismatches(const uint8_t *record, uint64_t position, uint8_t bit,
                                   uint64_t *restrict mark)
{
    const uint8_t *bytes = record + (position >> 3);
    const unsigned shift = position & 7;
    const uint64_t wanted = bit ? UINT64_MAX : 0;
    for (size_t w = 0; w < TILE; w++) {
        const uint64_t low = load_le64(bytes + 8 * w) >> shift;
        const uint64_t high = load_le64(bytes + 8 * w + 1) << (8 - shift);
        mark[w] = (low | high) ^ wanted;
    }
}

/* Each sample reads a stretch of its own, more of them than the hardware follows by itself. */
static inline void prefetch_row(const uint8_t *bytes)
{
#if defined(__GNUC__)
    for (size_t byte = 0; byte <= 8 * TILE; byte += 64)
        __builtin_prefetch(bytes + byte);
#else
    (void)bytes;
#endif
}

#define ADD(sum, carry, a, b, c)                        \
    do {                                                \
        const uint64_t half_ = (a) ^ (b);               \
        (carry) = ((a) & (b)) | (half_ & (c));          \
        (sum) = half_ ^ (c);                            \
    } while (0)

/* Add GROUP marks to the counters. */
static inline void add_group(uint64_t mark[restrict GROUP][TILE],
                             uint64_t plane[restrict PLANES][TILE])
{
    for (size_t w = 0; w < TILE; w++) {
        uint64_t ones = plane[0][w], twos = plane[1][w], fours = plane[2][w], eights = plane[3][w];
        uint64_t two_a, two_b, four_a, four_b, eight_a, eight_b, carry;
#define PAIR(i, out) ADD(ones, out, ones, mark[i][w], mark[(i) + 1][w])
#define QUAD(i, out)                     \
    do {                                 \
        PAIR(i, two_a);                  \
        PAIR((i) + 2, two_b);            \
        ADD(twos, out, twos, two_a, two_b); \
    } while (0)
        QUAD(0, four_a);
        QUAD(4, four_b);
        ADD(fours, eight_a, fours, four_a, four_b);
        QUAD(8, four_a);
        QUAD(12, four_b);
        ADD(fours, eight_b, fours, four_a, four_b);
        ADD(eights, carry, eights, eight_a, eight_b);
        plane[0][w] = ones;
        plane[1][w] = twos;
        plane[2][w] = fours;
        plane[3][w] = eights;
        for (size_t p = 4; p < PLANES; p++) {
            const uint64_t old = plane[p][w];
            plane[p][w] = old ^ carry;
            carry &= old;
        }
    }
}

/* within[w] = offsets of word w with at most `limit` mismatches; returns whether there are any. */
static inline int find_within(uint64_t plane[restrict PLANES][TILE], uint32_t limit,
                              uint64_t *restrict within)
{
    uint64_t any = 0;
    for (size_t w = 0; w < TILE; w++) {
        uint64_t less = 0, equal = UINT64_MAX;
        for (size_t p = PLANES; p-- > 0;) {
            const uint64_t bit_of_limit = 0 - (uint64_t)(limit >> p & 1);
            less |= equal & bit_of_limit & ~plane[p][w];
            equal &= ~(bit_of_limit ^ plane[p][w]);
        }
        within[w] = less | equal;
        any |= within[w];
    }
    return any != 0;
}

/* Count the mismatches of the tile whose first offset moves the sample by `shift` bits. */
VECTORISED
static int search_tile(const uint8_t *record, const uint64_t *position, const uint8_t *bit,
                       size_t samples, uint64_t shift, uint32_t limit,
                       uint64_t plane[restrict PLANES][TILE], uint64_t *restrict within)
{
    uint64_t mark[GROUP][TILE];
    memset(plane, 0, sizeof(uint64_t) * PLANES * TILE);
    for (size_t first = 0, group = 1; first < samples; first += GROUP, group++) {
        for (size_t g = 0; g < GROUP; g++) {
            if (first + g + GROUP < samples)
                prefetch_row(record + ((position[first + g + GROUP] + shift) >> 3));
            if (first + g < samples)
                mark_mismatches(record, position[first + g] + shift, bit[first + g], mark[g]);
            else
                memset(mark[g], 0, sizeof mark[g]);
        }
        add_group(mark, plane);
        if (group % CHECK == 0 && first + GROUP > limit && !find_within(plane, limit, within))
            return 0;
    }
    return find_within(plane, limit, within);
}

static uint32_t count_of_lane(uint64_t plane[PLANES][TILE], size_t word, unsigned lane)
{
    uint32_t count = 0;
    for (size_t p = 0; p < PLANES; p++)
        count |= (uint32_t)(plane[p][word] >> lane & 1) << p;
    return count;
}

static uint32_t count_at(const uint8_t *record, const uint64_t *position, const uint8_t *bit,
                         size_t samples, uint64_t shift, uint32_t limit)
{
    uint32_t count = 0;
    for (size_t i = 0; i < samples && count <= limit; i++) {
        const uint64_t at = position[i] + shift;
        count += (record[at >> 3] >> (at & 7) & 1) != bit[i];
    }
    return count;
}

size_t hexkey_offset_search(const uint8_t *record, size_t record_bytes, const uint64_t *position,
                            const uint8_t *bit, size_t samples, uint64_t candidates,
                            uint32_t limit, uint64_t *match, uint32_t *mismatches, size_t capacity)
{
    uint64_t plane[PLANES][TILE], within[TILE];
    uint64_t last = 0, shift = 0;
    size_t found = 0;
    for (size_t i = 0; i < samples; i++)
        last = position[i] > last ? position[i] : last;

    while (shift < candidates && found < capacity) {
        /* A whole tile where all its loads stay inside the record; the rest one by one. */
        const uint64_t end = (last + shift) / 8 + 8 * TILE + 1;
        if (candidates - shift >= 64 * TILE && end <= record_bytes) {
            if (search_tile(record, position, bit, samples, shift, limit, plane, within)) {
                for (size_t lane = 0; lane < 64 * TILE && found < capacity; lane++) {
                    if (within[lane / 64] >> (lane % 64) & 1) {
                        match[found] = shift + lane;
                        mismatches[found++] = count_of_lane(plane, lane / 64, lane % 64);
                    }
                }
            }
            shift += 64 * TILE;
        } else {
            const uint32_t count = count_at(record, position, bit, samples, shift, limit);
            if (count <= limit) {
                match[found] = shift;
                mismatches[found++] = count;
            }
            shift++;
        }
    }
    return found;
}
