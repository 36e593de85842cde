/* An additive Fourier transform over GF(2^64), for products of long polynomials over GF(2).
 *
 * A polynomial f of 2^k coefficients is evaluated at all sums of v_0 ... v_(k-1), Cantor's basis.
 * Let s_0(x) = x and s_(i+1) = s_i^2 + s_i: linear maps, zero at the sums of v_0 ... v_(i-1), with
 * s_i(v_j) = v_(j-i). The transform is F = B V. V writes f in the basis of the products of those
 * s_i for which bit i of an index is 1: additions alone. B is k levels of butterflies, from
 * i = k - 1 down: with f = a + b s_i on the sums of v_0 ... v_i shifted by w,
 *     a' = a + c b,    b' = b + a',    c = s_i(w) = c_q = XOR_t q_t v_(t+1)
 * for the q-th block of 2^(i+1) places (S.-J. Lin, W.-H. Chung & Y. S. Han, FOCS 2014; for products
 * of polynomials over GF(2): M.-S. Chen et al., arXiv:1708.09746).
 *
 * Multiplication by a polynomial w is the matrix M = F^-1 diag(F w) F. What amplification wants is
 * the middle of a product, out_i = XOR_j s_(i+j) w_j: the transpose of M, applied to s,
 *     out = F^T diag(F w) F^-T s,
 * where F^T = V^T B^T and F^-T = B^-T V^-T. The transposed inverse of a butterfly is the same
 * butterfly with a and b exchanged; the transposed one is u' = u + w, w' = w + c u'. So nothing is
 * computed of the product but its middle, and 2^k need only cover the longer operand: coefficients
 * of s past the end of a short one only meet zeros of w.
 *
 * Coefficients are `digits` of 32 bits: XORs of their products have 63 bits, and the field's
 * reduction never begins. Places of a transform are in an order of the way's own: ways do not mix.
 */
#ifndef HEXKEY_ADDITIVE_FFT_H
#define HEXKEY_ADDITIVE_FFT_H

#include "clmul.h"
#include "gf64.h"

/* Vectors stay in registers only if everything is inlined and unrolled. Sanitizers would take
 * minutes over functions of that size, and warn of loops that they find empty. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FFT_SANITIZED
#endif
#endif
#if defined(FFT_SANITIZED) || defined(__SANITIZE_ADDRESS__)
#define ALWAYS_INLINE inline
#define UNROLL
#else
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")
#endif

enum { DIGIT_BYTES = 4, DIGIT_BITS = 32, FFT_LEAST_LOG = 8, FFT_MOST_LOG = 22 };

/* V, or what takes its place in a transpose */
enum novel_direction { TO_NOVEL, TO_NOVEL_INVERSE_TRANSPOSED, TO_NOVEL_TRANSPOSED };

struct fft_tables {
    struct gf64_constant part[3][256]; /* c_q = part[0][q & 255] + part[1][q >> 8 & 255] + ... */
    uint64_t value[3][8], dual[3][8];  /* [s][lane]: c of lane << s */
};

static inline struct gf64_constant fft_constant(const struct fft_tables *t, size_t q)
{
    return gf64_add(gf64_add(t->part[0][q & 255], t->part[1][q >> 8 & 255]),
                    t->part[2][q >> 16 & 255]);
}

/* One way to compute. `f` and `digits` are `1 << log` elements at a multiple of 64 bytes. */
struct fft_way {
    /* f = F digits, or F^-T digits; spoils digits, which may be the upper half of f */
    void (*of_factor)(uint64_t *f, uint8_t *digits, unsigned log, const struct fft_tables *t);
    void (*of_middle)(uint64_t *f, uint8_t *digits, unsigned log, const struct fft_tables *t);
    /* sum += a b, place by place */
    void (*add_products)(uint64_t *sum, const uint64_t *a, const uint64_t *b, unsigned log);
    /* the first 2^log_wanted coefficients of F^T f: their low halves, then their high ones, in
     * `halves`; spoils f */
    void (*back)(uint8_t *halves, uint64_t *f, unsigned log, unsigned log_wanted,
                 const struct fft_tables *t);
    /* bits of 0 or 1 in bytes to ceil(n / 8) bytes, the spare bits zero */
    void (*pack)(uint8_t *out, const uint8_t *bits, size_t n);
};

extern const struct fft_way hexkey_fft_portable, hexkey_fft_narrow, hexkey_fft_avx2,
    hexkey_fft_wide;

static inline const struct fft_way *fft_way(int path)
{
#ifdef CLMUL_INSTRUCTION
    if (clmul_by_wide_instruction(path))
        return &hexkey_fft_wide;
    if (clmul_by_avx2_instruction(path))
        return &hexkey_fft_avx2;
    if (clmul_by_instruction(path))
        return &hexkey_fft_narrow;
#endif
    (void)path;
    return &hexkey_fft_portable;
}

static inline void fft_prepare(struct fft_tables *t)
{
    for (unsigned p = 0; p < 3; p++) {
        t->part[p][0] = gf64_constant(0);
        for (unsigned b = 0; b < 8; b++) {
            const unsigned at = 8 * p + b + 1;
            const uint64_t element = at < GF64_BASIS ? gf64_cantor_basis[at] : 0;
            const struct gf64_constant v = gf64_constant(element);
            for (unsigned q = 0; q < 1u << b; q++)
                t->part[p][(1u << b) + q] = gf64_add(t->part[p][q], v);
        }
    }
    for (unsigned s = 0; s < 3; s++)
        for (unsigned lane = 0; lane < 8; lane++) {
            const struct gf64_constant c = fft_constant(t, (size_t)lane << s);
            t->value[s][lane] = c.value;
            t->dual[s][lane] = c.dual;
        }
}

#endif
