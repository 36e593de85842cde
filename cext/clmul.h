/* Carry-less multiplication of 64-bit words: the arithmetic under gf128.c and toeplitz.c. crc32.c
 * makes the same choice of instruction.
 *
 * A word is a polynomial over GF(2), bit k the coefficient of x^k. Nothing here branches on a
 * value, or uses one as an address. Integer multiplication takes a time that does not depend on its
 * operands on every 64-bit processor we know of (32-bit Cortex-M3 and older PowerPC are the known
 * exceptions).
 *
 * The portable way works with integer multiplication on operands with holes (the idea is Thomas
 * Pornin's, in BearSSL's "constant-time toolkit" notes). Split x into four words that keep every
 * fourth bit. In the product of two such words the bits that fall on one place are counted in a
 * field of four bits, whose lowest bit is their XOR. A field at place p counts at most p/4 + 1
 * pairs: up to 15 below place 60, so no field runs over; 16 at places 60..63, and that carry
 * leaves the word. Hence the LOW 64 bits of each product are right once the other three quarters of
 * the bits are masked away, and since a mask and XOR commute, sums are masked only once.
 * The high 64 bits of a product are the low ones of the mirrored operands, mirrored back.
 */
#ifndef HEXKEY_CLMUL_H
#define HEXKEY_CLMUL_H

#include "bytes.h"
#include "hexkey.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define CLMUL_INSTRUCTION 1
#include <immintrin.h>
#define CLMUL_TARGET __attribute__((target("pclmul,sse4.1")))
#define CLMUL_AVX2_TARGET __attribute__((target("avx2,vpclmulqdq,pclmul,sse4.1")))
#define CLMUL_WIDE_TARGET                                                                         \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,vpclmulqdq,pclmul,sse4.1")))
static inline int clmul_by_instruction(int path)
{
    return path != HEXKEY_CLMUL_PORTABLE && __builtin_cpu_supports("pclmul")
           && __builtin_cpu_supports("sse4.1");
}

static inline int clmul_by_avx2_instruction(int path)
{
    return path != HEXKEY_CLMUL_NARROW && clmul_by_instruction(path)
           && __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx2");
}

static inline int clmul_by_wide_instruction(int path)
{
    return path != HEXKEY_CLMUL_AVX2 && clmul_by_avx2_instruction(path)
           && __builtin_cpu_supports("avx512f")
           && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
           && __builtin_cpu_supports("avx512vl");
}
#else
static inline int clmul_by_instruction(int path)
{
    (void)path;
    return 0;
}

static inline int clmul_by_avx2_instruction(int path)
{
    (void)path;
    return 0;
}

static inline int clmul_by_wide_instruction(int path)
{
    (void)path;
    return 0;
}
#endif

#define CLMUL_EVERY_FOURTH UINT64_C(0x1111111111111111)

/* A word split by place modulo 4; also a sum of products not yet masked. */
struct clmul_holes {
    uint64_t part[4];
};

static inline struct clmul_holes clmul_split(uint64_t x)
{
    struct clmul_holes h;
    for (int k = 0; k < 4; k++)
        h.part[k] = x & (CLMUL_EVERY_FOURTH << k);
    return h;
}

/* sum += low half of a * b */
static inline void clmul_accumulate(struct clmul_holes *sum, struct clmul_holes a,
                                    struct clmul_holes b)
{
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            sum->part[(i + j) % 4] ^= a.part[i] * b.part[j];
}

static inline uint64_t clmul_join(struct clmul_holes sum)
{
    uint64_t x = 0;
    for (int k = 0; k < 4; k++)
        x |= sum.part[k] & (CLMUL_EVERY_FOURTH << k);
    return x;
}

static inline uint64_t clmul_mirror(uint64_t x)
{
    x = (x >> 1 & UINT64_C(0x5555555555555555)) | (x & UINT64_C(0x5555555555555555)) << 1;
    x = (x >> 2 & UINT64_C(0x3333333333333333)) | (x & UINT64_C(0x3333333333333333)) << 2;
    x = (x >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (x & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
    x = (x >> 8 & UINT64_C(0x00ff00ff00ff00ff)) | (x & UINT64_C(0x00ff00ff00ff00ff)) << 8;
    x = (x >> 16 & UINT64_C(0x0000ffff0000ffff)) | (x & UINT64_C(0x0000ffff0000ffff)) << 16;
    return x >> 32 | x << 32;
}

/* From the low half of a product of mirrored words to the high half of the product: that one has
 * 127 places, so mirroring it in 128 leaves it one place too high. */
static inline uint64_t clmul_high_from_mirrored(uint64_t low)
{
    return clmul_mirror(low) >> 1;
}

#endif
