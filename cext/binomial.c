/* The binomial inverse min{k : P[Bin(n, p) <= k] >= epsilon}, proven or left undecided.
 *
 * The doubles epsilon and p are taken as the exact numbers they are. One tail is enough: up to
 * epsilon = 1/2 the lower tail is compared with epsilon, above it the upper tail with 1 - epsilon
 * (exact there). The upper tail of Bin(n, p) is the lower tail of Bin(n, 1 - p), so everything
 * below concerns G(j) = P[X <= j] with level <= 1/2. With f the probabilities of single values,
 *
 *     G(j) = f(j) (1 + S(j)),   G(j - 1) = f(j) S(j),   S(j) = sum_{i>=1} f(j - i) / f(j),
 *
 * so that one evaluation places the level against two neighbouring values.
 *
 * f(j): C. Loader, "Fast and accurate computation of binomial probabilities" (2000): Stirling's
 * error terms and two deviances, free of cancellation. S(j): down to three standard deviations
 * below the mean term by term, then by Gauss's continued fraction for the hypergeometric function
 * F(-j, 1; n-j+1; -x), x = q/p (J. V. Uspensky, "Introduction to Mathematical Probability", 1937,
 * chapter III), which brackets its own value.
 *
 * Proof of the bracket. With F_i the functions F(-j, 0; n-j), F(-j, 1; n-j+1), F(1-j, 1; n-j+2),
 * F(1-j, 2; n-j+3), ... at -x, Gauss's contiguous relations read F_{2i+1} - F_{2i} = c_i F_{2i+2}
 * and F_{2i+1} - F_{2i+2} = d_i F_{2i+3} with c_i, d_i >= 0. All F are positive, because they are
 * polynomials in x with positive coefficients. So w_i = 1 - F_{2i} / F_{2i+1} lies in [0, 1), and
 * w_i = c_i / (1 + d_i / (1 - w_{i+1})) falls as w_{i+1} grows: an interval goes backwards through
 * the levels by exchanging its ends. F_0 = 1 and F_1 = 1 + S, hence S = w_0 / (1 - w_0).
 *
 * Errors. u = 2^-53, double arithmetic is IEEE and is not contracted or reassociated (build.py).
 * Assumed of the C library: log and log1p are within 16 ulp (glibc and musl state about 1).
 *   np, nq and j - np are sums of two doubles, relative error below u once rounded to one.
 *   A deviance D: at |x - M| < (x + M)/10 from a series of terms of one sign but for at most 4 %,
 *     a few u; otherwise x log(x/M) - (x - M), whose |cancellation| that distance bounds: 500 u D.
 *   Stirling's error: table rounded, or the series cut before a term below 1.1e-16.
 *   The remaining logarithms are below 80 in size (n <= 1e10), the sum has six additions.
 *   Together |error of log G| <= 2u [600 (D + D') + 16 |log level| + 2048] + 2 (rel. error of S).
 *   S: J terms cost at most 16 J u; the interval is widened by 32 u a level, and 20 u are used.
 * Typically 1e-12, where neighbouring G differ by more than 1e-4 at n = 1e7.
 */
#include "hexkey.h"

#include <float.h>
#include <math.h>

_Static_assert(FLT_EVAL_METHOD == 0, "the error bound needs doubles without excess precision");

static const double TWO_PI = 6.283185307179586;
static const double NARROW = 0x1p-36; /* relative width of a bracket that needs no more levels */
static const double ROUNDING = 0x1p-44; /* times S: what rounding leaves whatever the levels */

enum { MOST_LEVELS = 1024, MOST_NEWTON_STEPS = 24 };

/* One binomial law; M and m: the product n p as M + m. */
struct law {
    double n, p, q;
    double mean, mean_low; /* n p   */
    double rest;           /* n - n p, rounded once */
};

struct value {
    double log_f; /* log f(j) */
    double s;     /* S(j) */
    double error; /* of log f + log(1 + S) and of log f + log S */
};

/* Law of X when `upper` is 0, of n - X otherwise. */
static struct law make_law(double n, double p, int upper)
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

/* log n! - log(sqrt(2 pi n) (n/e)^n) */
static double stirling_error(double n)
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
static double deviance(double x, double M, double d)
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

/* log f(j); *deviances receives D + D'. */
static double log_pmf(const struct law *law, double j, double *deviances)
{
    double s = j - law->mean; /* two-sum of j and -mean */
    double v = s - j;
    double d = s + (((j - (s - v)) + (-law->mean - v)) - law->mean_low);
    double other = law->n - j;
    *deviances = deviance(j, law->mean, d) + deviance(other, law->rest, -d);
    if (j == 0 || other == 0)
        return -*deviances;
    return stirling_error(law->n) - stirling_error(j) - stirling_error(other)
         - 0.5 * log(TWO_PI * j * (other / law->n)) - *deviances;
}

/* Bracket of S(j) from `levels` levels of the continued fraction. */
static void fraction_bracket(const struct law *law, double j, int levels, double *low, double *high)
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

/* S(j) by the continued fraction; returns a bound of its relative error. */
static double fraction_sum(const struct law *law, double j, double *s)
{
    double low, high;
    int levels = 4;
    do {
        levels *= 2;
        if (levels > j)
            levels = (int)j;
        fraction_bracket(law, j, levels, &low, &high);
    } while (high - low > (NARROW + ROUNDING * low) * low && levels < j && levels < MOST_LEVELS);
    *s = high < HUGE_VAL ? 0.5 * (low + high) : low;
    return high > low ? (high - low) / low : 0;
}

static struct value evaluate(const struct law *law, double j, double log_level)
{
    const double x = law->q / law->p, n = law->n;
    double terms = ceil(j - (law->mean - 3 * sqrt(law->mean * law->q)));
    terms = terms > j ? j : terms > 0 ? terms : 0;
    double ratio = 1, sum = 0;
    for (double i = 0; i < terms; i++) {
        ratio *= (j - i) * x / (n - j + i + 1);
        sum += ratio;
    }
    double beyond, deviances;
    double relative = fraction_sum(law, j - terms, &beyond) + 8 * (terms + 2) * DBL_EPSILON;
    double log_f = log_pmf(law, j, &deviances);
    double error = DBL_EPSILON * (600 * deviances + 16 * fabs(log_level) + 2048) + 2 * relative;
    return (struct value){log_f, sum + ratio * beyond, error};
}

/* -1: below the level, 1: above, 0: within the error bound. */
static int side(double log_g, double log_level, double error)
{
    double distance = log_g - log_level;
    return distance > error ? 1 : distance < -error ? -1 : 0;
}

/* Where the level is by a Cornish-Fisher expansion about the normal quantile (Abramowitz and
 * Stegun 26.2.23 and 26.2.49). Only a start: nothing rests on it. */
static double first_guess(const struct law *law, double log_level)
{
    double t = sqrt(-2 * log_level);
    double z = t - (2.515517 + t * (0.802853 + t * 0.010328))
                 / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    return law->mean - z * sqrt(law->mean * law->q) + (z * z - 1) * (law->q - law->p) / 6;
}

/* The number of j >= 0 with G(j) < level; *decided is 0 when it may be that number plus one.
 *
 * [low, high] is always proven: G(low) < level <= G(high). The first upper end is beyond the
 * median, which is at most ceil(np). log G is concave in j, so Newton's method from any point
 * lands at or below the answer and then climbs to it. */
static double count_below(const struct law *law, double level, int *decided)
{
    const double log_level = log(level);
    double low = -1, high = fmin(law->n, floor(law->mean) + 2);
    double next = ceil(first_guess(law, log_level));
    *decided = 1;
    for (int step = 0; high - low > 1; step++) {
        double j = step < MOST_NEWTON_STEPS ? next : floor(low + (high - low) / 2);
        j = j <= low ? low + 1 : j >= high ? high - 1 : j;
        struct value at = evaluate(law, j, log_level);
        double log_g = at.log_f + log1p(at.s);
        int here = side(log_g, log_level, at.error);
        int before = at.s > 0 ? side(at.log_f + log(at.s), log_level, at.error) : -1;
        if (here == 0 || (here > 0 && before == 0)) {
            *decided = 0;
            return here == 0 ? j : j - 1;
        }
        if (here < 0)
            low = j;
        else
            high = j;
        if (here > 0 && before < 0)
            low = j - 1;
        next = at.s > 0 ? j + ceil((log_level - log_g) / log1p(1 / at.s)) : low + 1;
    }
    return high;
}

int hexkey_binomial_ppf(double epsilon, int64_t n, double p, int64_t *k)
{
    if ((double)n * p < 0x1p-54) { /* P[X = 0] >= 1 - np, and epsilon <= 1 - 2^-53 */
        *k = 0;
        return HEXKEY_BINOMIAL_DECIDED;
    }
    int upper = epsilon > 0.5, decided;
    struct law law = make_law((double)n, p, upper);
    double count = count_below(&law, upper ? 1 - epsilon : epsilon, &decided);
    if (!upper)
        *k = (int64_t)count;
    else /* n - 1 - k is the last j with G(j) <= level, so the larger count is the smaller k */
        *k = n - (int64_t)count - (decided ? 0 : 1);
    return decided ? HEXKEY_BINOMIAL_DECIDED : HEXKEY_BINOMIAL_UNDECIDED;
}
