/* Little-endian integers in bytes of any alignment. Compilers make one load or store of each. */
#ifndef HEXKEY_BYTES_H
#define HEXKEY_BYTES_H

#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LE16(x) __builtin_bswap16(x)
#define LE32(x) __builtin_bswap32(x)
#define LE64(x) __builtin_bswap64(x)
#else
#define LE16(x) (x)
#define LE32(x) (x)
#define LE64(x) (x)
#endif

static inline uint16_t load_le16(const uint8_t *bytes)
{
    uint16_t x;
    memcpy(&x, bytes, sizeof x);
    return LE16(x);
}

static inline uint32_t load_le32(const uint8_t *bytes)
{
    uint32_t x;
    memcpy(&x, bytes, sizeof x);
    return LE32(x);
}

static inline uint64_t load_le64(const uint8_t *bytes)
{
    uint64_t x;
    memcpy(&x, bytes, sizeof x);
    return LE64(x);
}

static inline void store_le16(uint8_t *bytes, uint16_t x)
{
    x = LE16(x);
    memcpy(bytes, &x, sizeof x);
}

static inline void store_le32(uint8_t *bytes, uint32_t x)
{
    x = LE32(x);
    memcpy(bytes, &x, sizeof x);
}

static inline void store_le64(uint8_t *bytes, uint64_t x)
{
    x = LE64(x);
    memcpy(bytes, &x, sizeof x);
}

#endif
