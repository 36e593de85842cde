/* S(j) = sum_{i>=1} f(j - i) / f(j) of a narrow binomial law, for binomial.c.
 *
 * Down to three standard deviations below the mean term by term, then by Gauss's continued fraction
 * for the hypergeometric function F(-j, 1; n-j+1; -x), x = q/p (J. V. Uspensky, "Introduction to
 * Mathematical Probability", 1937, chapter III), which brackets its own value.
 *
 * Proof of the bracket. With F_i the functions F(-j, 0; n-j), F(-j, 1; n-j+1), F(1-j, 1; n-j+2),
 * F(1-j, 2; n-j+3), ... at -x, Gauss's contiguous relations read F_{2i+1} - F_{2i} = c_i F_{2i+2}
 * and F_{2i+1} - F_{2i+2} = d_i F_{2i+3} with c_i, d_i >= 0. All F are positive, because they are
 * polynomials in x with positive coefficients. So w_i = 1 - F_{2i} / F_{2i+1} lies in [0, 1), and
 * w_i = c_i / (1 + d_i / (1 - w_{i+1})) falls as w_{i+1} grows: an interval goes backwards through
 * the levels by exchanging its ends. F_0 = 1 and F_1 = 1 + S, hence S = w_0 / (1 - w_0).
 *
 * Errors. J terms cost at most 16 J u; the interval is widened by 32 u a level, and 20 u are used.
 */
#ifndef HEXKEY_BINOMIAL_SUM_H
#define HEXKEY_BINOMIAL_SUM_H

#include "binomial_law.h"

enum { MOST_LEVELS = 1024 };

struct sum {
    double value; /* S(j) */
    double error; /* relative */
};

/* Bracket of S(j) from `levels` levels of the continued fraction. */
static inline void fraction_bracket(const struct law *law, double j, int levels, double *low,
                                    double *high)
{
    const double x = law->q / law->p, n = law->n, c0 = n - j;
    const double down = 1 - 16 * DBL_EPSILON, up = 1 + 16 * DBL_EPSILON;
    double w_low = 0, w_high = levels >= j ? 0 : 1; /* at level j the fraction ends: c_j = 0 */
    for (double i = levels - 1; i >= 0; i--) {
        double c = (j - i) * (c0 + i) / ((c0 + 2 * i) * (c0 + 2 * i + 1)) * x;
        double d = (i + 1) * (n + i + 1) / ((c0 + 2 * i + 1) * (c0 + 2 * i + 2)) * x;
        double from_low = c * (1 - w_low) / ((1 - w_low) + d) * up;
        double from_high = c * (1 - w_high) / ((1 - w_high) + d) * down;
        w_low = from_high;
        w_high = from_low < 1 ? from_low : 1;
    }
    *low = w_low / (1 - w_low) * down;
    *high = w_high < 1 ? w_high / (1 - w_high) * up : HUGE_VAL;
}

/* S(j) by the continued fraction. */
static inline struct sum fraction_sum(const struct law *law, double j)
{
    static const double NARROW = 0x1p-36;   /* relative width of a bracket that is good enough */
    static const double ROUNDING = 0x1p-44; /* times S: what rounding leaves whatever the levels */
    double low, high;
    int levels = 4;
    do {
        levels *= 2;
        if (levels > j)
            levels = (int)j;
        fraction_bracket(law, j, levels, &low, &high);
    } while (high - low > (NARROW + ROUNDING * low) * low && levels < j && levels < MOST_LEVELS);
    double value = high < HUGE_VAL ? 0.5 * (low + high) : low;
    return (struct sum){value, high > low ? (high - low) / low : 0};
}

static inline struct sum sum_below(const struct law *law, double j)
{
    const double x = law->q / law->p, n = law->n;
    double terms = ceil(j - (law->mean - 3 * sqrt(law->mean * law->q)));
    terms = terms > j ? j : terms > 0 ? terms : 0;
    double ratio = 1, sum = 0;
    for (double i = 0; i < terms; i++) {
        ratio *= (j - i) * x / (n - j + i + 1);
        sum += ratio;
    }
    struct sum beyond = fraction_sum(law, j - terms);
    return (struct sum){sum + ratio * beyond.value,
                        beyond.error + 8 * (terms + 2) * DBL_EPSILON};
}

#endif
