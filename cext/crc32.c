/* CRC-32/ISO-HDLC, by folding with carry-less multiplication or by tables.
 *
 * Folding: V. Gopal et al., "Fast CRC computation for generic polynomials using PCLMULQDQ
 * instruction" (Intel, 2009). A polynomial modulo the CRC's does not change when its first 128 bits
 * are replaced by products of their halves with x^(distance + 32) and x^(distance - 32) modulo the
 * CRC's, as far on as the distance. Four lanes fold on by 512 bits, then they fold into one by 128
 * each. The 16 bytes that stay have the CRC of all that went before, and the tables finish them.
 */
#include "bytes.h"
#include "clmul.h"
#include "hexkey.h"

static const uint32_t REFLECTED_POLYNOMIAL = 0xEDB88320u;

void hexkey_crc32_prepare(uint32_t *tables)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (REFLECTED_POLYNOMIAL & (0u - (value & 1)));
        tables[byte] = value;
    }
    for (size_t i = 256; i < HEXKEY_CRC32_TABLE_WORDS; i++)
        tables[i] = tables[i - 256] >> 8 ^ tables[tables[i - 256] & 255];
}

/* Eight bytes at a time: table k advances a byte over k further zero bytes. */
static uint32_t by_tables(const uint32_t *t, uint32_t crc, const uint8_t *data, size_t data_bytes)
{
    for (; data_bytes >= 8; data += 8, data_bytes -= 8) {
        uint32_t low = load_le32(data) ^ crc, high = load_le32(data + 4);
        crc = t[7 * 256 + (low & 255)] ^ t[6 * 256 + (low >> 8 & 255)] ^
              t[5 * 256 + (low >> 16 & 255)] ^ t[4 * 256 + (low >> 24)] ^
              t[3 * 256 + (high & 255)] ^ t[2 * 256 + (high >> 8 & 255)] ^
              t[1 * 256 + (high >> 16 & 255)] ^ t[high >> 24];
    }
    for (; data_bytes; data++, data_bytes--)
        crc = crc >> 8 ^ t[(crc ^ *data) & 255];
    return crc;
}

#ifdef CLMUL_INSTRUCTION

enum { LANES = 4, LANE_BYTES = 16, STRIDE = LANES * LANE_BYTES };

CLMUL_TARGET static inline __m128i fold(__m128i lane, __m128i powers, __m128i further)
{
    __m128i low = _mm_clmulepi64_si128(lane, powers, 0x00);
    __m128i high = _mm_clmulepi64_si128(lane, powers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), further);
}

CLMUL_TARGET static inline __m128i load_lane(const uint8_t *data)
{
    return _mm_loadu_si128((const __m128i *)(const void *)data);
}

/* Fold the longest multiple of 16 bytes, at least STRIDE, into `left`; the CRC before that is in
 * its first bytes. Returns how many bytes that were. */
CLMUL_TARGET static size_t fold_all(uint32_t crc, const uint8_t *data, size_t data_bytes,
                                    uint8_t left[LANE_BYTES])
{
    const __m128i by_stride = _mm_set_epi64x(0x1C6E41596, 0x154442BD4); /* x^480, x^544, mirrored */
    const __m128i by_lane = _mm_set_epi64x(0x0CCAA009E, 0x1751997D0);   /* x^96, x^160, mirrored */
    __m128i lane[LANES];
    size_t at = STRIDE;
    for (int i = 0; i < LANES; i++)
        lane[i] = load_lane(data + LANE_BYTES * i);
    lane[0] = _mm_xor_si128(lane[0], _mm_cvtsi32_si128((int)crc));
    for (; data_bytes - at >= STRIDE; at += STRIDE)
        for (int i = 0; i < LANES; i++)
            lane[i] = fold(lane[i], by_stride, load_lane(data + at + LANE_BYTES * i));
    __m128i sum = lane[0];
    for (int i = 1; i < LANES; i++)
        sum = fold(sum, by_lane, lane[i]);
    for (; data_bytes - at >= LANE_BYTES; at += LANE_BYTES)
        sum = fold(sum, by_lane, load_lane(data + at));
    _mm_storeu_si128((__m128i *)(void *)left, sum);
    return at;
}

#endif

uint32_t hexkey_crc32(const uint32_t *tables, const uint8_t *data, size_t data_bytes, int path)
{
    uint32_t crc = ~0u;
#ifdef CLMUL_INSTRUCTION
    if (data_bytes >= STRIDE && clmul_by_instruction(path)) {
        uint8_t left[LANE_BYTES];
        size_t folded = fold_all(crc, data, data_bytes, left);
        crc = by_tables(tables, 0, left, LANE_BYTES);
        data += folded;
        data_bytes -= folded;
    }
#else
    (void)path;
#endif
    return ~by_tables(tables, crc, data, data_bytes);
}
