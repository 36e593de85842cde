/* Strings of packed bits, first bit least significant, read from any bit on. */
#ifndef HEXKEY_BIT_STRING_H
#define HEXKEY_BIT_STRING_H

#include "bytes.h"

#include <stddef.h>

struct bit_string {
    const uint8_t *bytes;
    size_t size;     /* in bytes */
    ptrdiff_t first; /* the bit of `bytes` that counts as bit 0; others are before it */
};

/* 32 bits from bit `at` on; zeros for bits outside of the bytes. */
static inline uint32_t bits_from(struct bit_string s, ptrdiff_t at)
{
    at += s.first;
    const ptrdiff_t byte = at >= 0 ? at / 8 : -((7 - at) / 8);
    uint64_t word = 0;
    if (byte >= 0 && s.size >= 8 && (size_t)byte <= s.size - 8)
        word = load_le64(s.bytes + byte);
    else
        for (ptrdiff_t b = 0; b < 8; b++)
            if (byte + b >= 0 && (size_t)(byte + b) < s.size)
                word |= (uint64_t)s.bytes[byte + b] << 8 * b;
    return (uint32_t)(word >> (at - 8 * byte));
}

#endif
