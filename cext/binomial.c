/* The binomial inverse min{k : P[Bin(n, p) <= k] >= epsilon}, proven or left undecided.
 *
 * The doubles epsilon and p are taken as the exact numbers they are. One tail is enough: up to
 * epsilon = 1/2 the lower tail is compared with epsilon, above it the upper tail with 1 - epsilon
 * (exact there). The upper tail of Bin(n, p) is the lower tail of Bin(n, 1 - p), so everything
 * below concerns G(j) = P[X <= j] with level <= 1/2. With f the probabilities of single values,
 *
 *     G(j) = f(j) (1 + S(j)),   G(j - 1) = f(j) S(j),   S(j) = sum_{i>=1} f(j - i) / f(j),
 *
 * so that one evaluation places the level against two neighbouring values. A guess that is off by
 * less than one, as it is for all but narrow laws, needs one evaluation.
 *
 * log f comes from binomial_law.h; 1 + S of a wide law from an integral (binomial_integral.h), S of
 * any other from its terms and a continued fraction (binomial_sum.h). Each has its error's bound.
 * Together, u = 2^-53, |error of log G| <= 2u [600 (D + D') + 16 |log level| + 2048] + 2 (relative
 * error of S). That is 1e-12 or so, where neighbouring log G differ by more than 1e-4 at n = 1e7,
 * and by 5e-8 (at the median) to 1e-6 (epsilon = 1e-300) at n = 1e15.
 */
#include "binomial_integral.h"
#include "binomial_sum.h"
#include "hexkey.h"

enum { MOST_NEWTON_STEPS = 24 };

struct value {
    double log_f; /* log f(j) */
    double s;     /* S(j) */
    double error; /* of log f + log(1 + S) and of log f + log S */
};

static struct value evaluate(const struct law *law, double j, double log_level)
{
    static const double COARSE = 0x1p-32; /* a worse integral is no better than the sum */
    double d = distance_from_mean(law, j), deviances, s, relative;
    double log_f = log_pmf(law, j, d, &deviances);
    struct integral integral = integrate(law, j, d, COARSE);
    s = integral.value - 1;
    relative = integral.error * integral.value / s;
    if (!(s > 0 && relative < COARSE)) { /* too narrow, or S is lost beside the 1 */
        struct sum sum = sum_below(law, j);
        s = sum.value;
        relative = sum.error;
    }
    double error = DBL_EPSILON * (600 * deviances + 16 * fabs(log_level) + 2048) + 2 * relative;
    return (struct value){log_f, s, error};
}

/* -1: below the level, 1: above, 0: within the error bound. */
static int side(double log_g, double log_level, double error)
{
    double distance = log_g - log_level;
    return distance > error ? 1 : distance < -error ? -1 : 0;
}

/* z > 0 with P[Z > z] = level for a normal Z: Abramowitz and Stegun 26.2.23, good to 4.5e-4, and
 * where its tail is a normal double one step of Halley's method for the logarithm of the tail. */
static double normal_quantile(double log_level)
{
    static const double ROOT_HALF = 0.7071067811865476, DENSITY_AT_0 = 0.3989422804014327;
    double t = sqrt(-2 * log_level);
    double z = t - (2.515517 + t * (0.802853 + t * 0.010328))
                 / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    if (log_level < -700)
        return z;
    double tail = 0.5 * erfc(z * ROOT_HALF);
    double hazard = DENSITY_AT_0 * exp(-0.5 * z * z) / tail;
    double step = (log(tail) - log_level) / hazard;
    return z + step / (1 - 0.5 * step * (hazard - z));
}

/* Where the level is by a Cornish-Fisher expansion about the normal quantile (Abramowitz and
 * Stegun 26.2.49). Only a start: nothing rests on it. */
static double first_guess(const struct law *law, double log_level)
{
    double z = -normal_quantile(log_level), z2 = z * z, pq = law->p * law->q;
    double sigma = sqrt(law->mean * law->q), skew = law->q - law->p;
    double third = skew * (z2 - 1) / 6;
    double fourth = z * ((1 - 6 * pq) * (z2 - 3) / 24 - skew * skew * (2 * z2 - 5) / 36) / sigma;
    return law->mean + z * sigma + third + fourth - 0.5; /* half: G is continued between integers */
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
    if (epsilon == 0 || p == 0 || n == 0 || epsilon == 1 || p == 1) {
        *k = epsilon == 0 || p == 0 ? 0 : n;
        return HEXKEY_BINOMIAL_DECIDED;
    }
    if (epsilon == 0.5 && p == 0.5) { /* for odd n, P[X <= n / 2] is exactly 1/2 */
        *k = n / 2;
        return HEXKEY_BINOMIAL_DECIDED;
    }
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

size_t hexkey_binomial_ppf_array(size_t count, const double *epsilon, const int64_t *n,
                                 const double *p, int64_t *k, uint8_t *undecided)
{
    size_t open = 0;
    for (size_t i = 0; i < count; i++) {
        undecided[i] = hexkey_binomial_ppf(epsilon[i], n[i], p[i], &k[i]) ==
                       HEXKEY_BINOMIAL_UNDECIDED;
        open += undecided[i];
    }
    return open;
}
