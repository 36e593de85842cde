/* GF(2^64) = GF(2)[x] / (x^64 + x^4 + x^3 + x + 1), the field of the additive Fourier transform.
 *
 * An element is a word, bit k the coefficient of x^k. With r = x^4 + x^3 + x + 1, high() and low()
 * the halves of a product and ^ addition, a product reduces in two steps:
 *     a b = low(a b) + r g,    g = h + (h >> 60) + (h >> 61) + (h >> 63),    h = high(a b)
 * of which r g is needed modulo x^64 only: g is the whole quotient of a b by the polynomial, and
 * h < 2^63 has no last term. For a constant c, g = high(b c'), where c' (its `dual`) is the same
 * sum of shifts of c: multiplications in place of shifts (the trick is V. Shoup's, for integers, in
 * NTL). r = (x + 1) (x^3 + 1) makes r g two shifts.
 *
 * The points of the transform are sums of Cantor's basis v_0 = 1, v_i^2 + v_i = v_(i-1)
 * (D. G. Cantor, J. Comb. Theory A 50 (1989) 285). All of this is public.
 */
#ifndef HEXKEY_GF64_H
#define HEXKEY_GF64_H

#include <stddef.h>
#include <stdint.h>

enum { GF64_BASIS = 24 };

/* Either root of the equation will do; tests/cext/test_additive_fft.py checks them. */
static const uint64_t gf64_cantor_basis[GF64_BASIS] = {
    UINT64_C(0x0000000000000001), UINT64_C(0x19c9369f278adc02), UINT64_C(0xa181e7d66f5ff794),
    UINT64_C(0x5db84357ce785d08), UINT64_C(0xb973d466f5c9d0ca), UINT64_C(0x521ac889831a075e),
    UINT64_C(0x033ce8beddc8a656), UINT64_C(0xb5846c4e07b91010), UINT64_C(0x4087b8cbb37a32ec),
    UINT64_C(0x00d0d3888c0ae17c), UINT64_C(0xafd5ac70237f2222), UINT64_C(0xe3f5af99cc3aaaf8),
    UINT64_C(0x5a1db3b16a0b58b8), UINT64_C(0x09947c54fe7ee248), UINT64_C(0x0e8eaf0e0068f544),
    UINT64_C(0xa2a113500b4b4f5a), UINT64_C(0xe96f9805d6ce0bb0), UINT64_C(0x53496f8b5c9edd4c),
    UINT64_C(0xad325cb6f4ac2a9e), UINT64_C(0x4a8dcf8bd7ede826), UINT64_C(0xa3e9c552b6434210),
    UINT64_C(0x5fa92ad9c9bc7ed0), UINT64_C(0xa389f910cd7734de), UINT64_C(0xe916f3dfca4609d8),
};

struct gf64_constant {
    uint64_t value, dual;
};

static inline struct gf64_constant gf64_constant(uint64_t c)
{
    return (struct gf64_constant){c, c ^ c >> 60 ^ c >> 61 ^ c >> 63};
}

static inline struct gf64_constant gf64_add(struct gf64_constant a, struct gf64_constant b)
{
    return (struct gf64_constant){a.value ^ b.value, a.dual ^ b.dual};
}

#endif
