/* One binomial law and the logarithm of its single probabilities, for binomial.c.
 *
 * C. Loader, "Fast and accurate computation of binomial probabilities" (2000): Stirling's error
 * terms and two deviances, free of cancellation.
 *
 * Errors. u = 2^-53, double arithmetic is IEEE and is not contracted or reassociated (build.py).
 * Assumed of the C library: exp, log and log1p are within 16 ulp (glibc and musl state about 1).
 *   n up to 2^53, np, nq and j - np: sums of two doubles, relative error below u once rounded to
 *     one.
 *   A deviance D: at |x - M| < (x + M)/10 from a series of terms of one sign but for at most 4 %,
 *     a few u; otherwise x log(x/M) - (x - M), whose |cancellation| that distance bounds: 500 u D.
 *   Stirling's error: table rounded, or the series cut before a term below 1.1e-16.
 *   The remaining logarithm is below 80 in size (n < 2^53), the sum has six additions.
 * Together |error of log f| <= 2u [600 (D + D') + 1024].
 */
#ifndef HEXKEY_BINOMIAL_LAW_H
#define HEXKEY_BINOMIAL_LAW_H

#include <float.h>
#include <math.h>

_Static_assert(FLT_EVAL_METHOD == 0, "the error bound needs doubles without excess precision");

struct law {
    double n, p, q;
    double mean, mean_low; /* n p, as the sum of the two */
    double rest;           /* n - n p, rounded once */
};

/* Law of X when `upper` is 0, of n - X otherwise. */
static inline struct law make_law(double n, double p, int upper)
{
    double q = 1.0 - p; /* the ratio q/p needs no more than rounding */
    double mean = n * p;
    double mean_low = fma(n, p, -mean);
    double s = n - mean; /* two-sum of n and -mean */
    double v = s - n;
    double rest_low = ((n - (s - v)) + (-mean - v)) - mean_low;
    if (!upper)
        return (struct law){n, p, q, mean, mean_low, s + rest_low};
    double sum = s + rest_low;
    return (struct law){n, q, p, sum, rest_low - (sum - s), mean};
}

/* j - n p, rounded once. */
static inline double distance_from_mean(const struct law *law, double j)
{
    double s = j - law->mean; /* two-sum of j and -mean */
    double v = s - j;
    return s + (((j - (s - v)) + (-law->mean - v)) - law->mean_low);
}

/* log n! - log(sqrt(2 pi n) (n/e)^n) */
static inline double stirling_error(double n)
{
    static const double table[16] = {
        0.0, 0.08106146679532726, 0.0413406959554093, 0.02767792568499834,
        0.020790672103765093, 0.016644691189821193, 0.013876128823070748, 0.01189670994589177,
        0.010411265261972096, 0.009255462182712733, 0.00833056343336287, 0.00757367548795184,
        0.00694284010720953, 0.006408994188004207, 0.0059513701127588475, 0.005554733551962801,
    };
    if (n < 16)
        return table[(int)n];
    double r = 1 / n, r2 = r * r;
    return r * (1.0 / 12 - r2 * (1.0 / 360 - r2 * (1.0 / 1260 - r2 * (1.0 / 1680 - r2 / 1188))));
}

/* x log(x/M) - (x - M) >= 0 with d = x - M given; Loader's bd0. */
static inline double deviance(double x, double M, double d)
{
    if (x == 0)
        return M;
    double v = d / (x + M);
    if (fabs(v) >= 0.1)
        return x * log(x / M) - d;
    double v2 = v * v, sum = 0;
    for (int i = 10; i >= 1; i--)
        sum = (sum + 1.0 / (2 * i + 1)) * v2;
    return d * v + 2 * x * v * sum;
}

/* log f(j), d = j - n p; *deviances receives D + D'. */
static inline double log_pmf(const struct law *law, double j, double d, double *deviances)
{
    static const double TWO_PI = 6.283185307179586;
    double other = law->n - j;
    *deviances = deviance(j, law->mean, d) + deviance(other, law->rest, -d);
    if (j == 0 || other == 0)
        return -*deviances;
    return stirling_error(law->n) - stirling_error(j) - stirling_error(other)
         - 0.5 * log(TWO_PI * j * (other / law->n)) - *deviances;
}

#endif
