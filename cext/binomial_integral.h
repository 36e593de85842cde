/* 1 + S(j) = sum_{i>=0} f(j - i) / f(j) of a wide binomial law as an integral, for binomial.c.
 *
 * The incomplete beta function over its integrand's value at the end is, with x = q/p, b = n - j,
 *
 *     1 + S(j) = b int_0^1 e^L(y) dy,   L(y) = (b - 1) log(1 - y) + j log(1 + x y),
 *
 * L(0) = 0, -L'(0) = (np - j - p)/p = a sqrt(B), -L''(0) = b - 1 + j x^2 = B. In s = y sqrt(B) the
 * integrand is near exp(-a s - s^2/2), a the distance from the mean in standard deviations. It is
 * cut at s = T where that is e^-30, and Gauss's formula of 20 points takes the rest.
 *
 * Errors, as parts of the integral I over s.
 *   Cut: L is concave, so what is beyond T is below e^L(T) / (a + k T), where k B is the least -L''
 *     of the interval.
 *   Gauss: 64/15 (T/2) M r^-40 / (1 - r^-2), where M is the most that |e^L| has on the ellipse with
 *     half axes (r + 1/r)/2 and (r - 1/r)/2, in units of T/2, about [0, T] (L. N. Trefethen,
 *     "Approximation Theory and Approximation Practice", theorem 19.3). At u + iv, by
 *     log(1 + w) <= w, Re L <= L(u) + v^2/2 max(-L'') <= -a u - k u^2/2 + K v^2/2, where K B is the
 *     greatest -L'' of the real points below the ellipse. r = 4; in cos, that is a parabola.
 *   Rounding: a is within 4u (a + 1), an exponent within 16u of its size, which is 40 at most, and
 *     exp within 32u; the sum has positive terms. 1024u is more than all of it.
 */
#ifndef HEXKEY_BINOMIAL_INTEGRAL_H
#define HEXKEY_BINOMIAL_INTEGRAL_H

#include "binomial_law.h"

enum { GAUSS_POINTS = 20 };

struct integral {
    double value; /* 1 + S(j) */
    double error; /* relative; HUGE_VAL where the law is too narrow, and then there is no value */
};

/* log(1 + t) - t for the points t = scale * y, |t| <= 1/4: with v = t / (2 + t), log(1 + t) is
 * 2 artanh(v) and t - 2 v is t v. The series is cut at `terms`, a constant at each call. */
static inline void add_log1p_rest(double *sum, const double *y, double scale, double factor,
                                  int terms)
{
    for (int i = 0; i < GAUSS_POINTS; i++) {
        double t = scale * y[i], v = t / (2 + t), v2 = v * v, series = 0;
        for (int k = terms - 1; k >= 0; k--)
            series = series * v2 + 1.0 / (2 * k + 3);
        sum[i] += factor * (2 * v * v2 * series - t * v);
    }
}

/* As above, with as many terms as leave out less than 2^-53 of the value. */
static inline void add_log1p_rests(double *sum, const double *y, double widest, double x, double j,
                                   double b)
{
    if (widest < 0x1p-9) {
        add_log1p_rest(sum, y, -1, b - 1, 3);
        add_log1p_rest(sum, y, x, j, 3);
    } else {
        add_log1p_rest(sum, y, -1, b - 1, 7);
        add_log1p_rest(sum, y, x, j, 7);
    }
}

/* d = j - n p; a relative error above `coarse` is not worth the work. */
static inline struct integral integrate(const struct law *law, double j, double d, double coarse)
{
    static const double near_point[GAUSS_POINTS / 2] = {
        0.00343570040745253761, 0.01801403636104310437, 0.04388278587433704707,
        0.08044151408889058830, 0.12683404676992460369, 0.18197315963674248727,
        0.24456649902458645100, 0.31314695564229021966, 0.38610707442917746096,
        0.46173673943325133312,
    };
    static const double weight[GAUSS_POINTS / 2] = {
        0.00880700356957605916, 0.02030071490019347067, 0.03133602416705453178,
        0.04163837078835237436, 0.05096505990862021752, 0.05909726598075920866,
        0.06584431922458831345, 0.07104805465919102566, 0.07458649323630187339,
        0.07637669356536292535,
    };
    static const double CUT = 30, LONG = 17.0 / 8, SHORT = 15.0 / 8; /* half axes for r = 4 */
    static const double LEFT = (17.0 / 8 - 1) / 2, RIGHT = (17.0 / 8 + 1) / 2; /* beyond [0, 1] */
    static const double GAUSS = 0x1p-80 * (64.0 / 15) / (1 - 1.0 / 16);
    const struct integral refused = {0, HUGE_VAL};

    const double x = law->q / law->p, b = law->n - j;
    const double curvature = b - 1 + j * x * x, root = sqrt(curvature);
    const double a = (-d - law->p) / law->p / root;
    const double T = 2 * CUT / (a + sqrt(a * a + 2 * CUT)), Y = T / root, half = T / 2;
    const double widest = Y * RIGHT * fmax(1, x);
    if (!(widest < 0.25)) /* nor where the curvature is none */
        return refused;

    const double share = (b - 1) / curvature, other_share = 1 - share;
    const double right = 1 - RIGHT * Y, left = 1 - LEFT * Y * x;
    const double far_left = 1 + LEFT * Y, far_right = 1 + RIGHT * Y * x;
    const double K = share / (right * right) + other_share / (left * left);
    const double k = share / (far_left * far_left) + other_share / (far_right * far_right);
    const double top = -LONG * (a + k * half) / (half * (k * LONG * LONG + K * SHORT * SHORT));
    const double cosine = fmax(top, -1), u = half * (1 + LONG * cosine);
    const double log_most = -a * u - k * u * u / 2
                          + K * half * half * SHORT * SHORT * (1 - cosine * cosine) / 2;
    /* I is above 1 / (a + 2), so this is a bound of the relative error */
    const double gauss = GAUSS * half * exp(log_most) * (fabs(a) + 2) * 1.001;
    if (!(gauss < coarse))
        return refused;

    double y[GAUSS_POINTS], exponent[GAUSS_POINTS];
    for (int i = 0; i < GAUSS_POINTS / 2; i++) {
        y[i] = near_point[i] * Y;
        y[GAUSS_POINTS - 1 - i] = (1 - near_point[i]) * Y;
    }
    for (int i = 0; i < GAUSS_POINTS; i++)
        exponent[i] = -a * root * y[i];
    add_log1p_rests(exponent, y, widest, x, j, b);
    double sum = 0;
    for (int i = GAUSS_POINTS / 2 - 1; i >= 0; i--)
        sum += weight[i] * (exp(exponent[i]) + exp(exponent[GAUSS_POINTS - 1 - i]));
    const double I = T * sum;
    /* the last point is 0.0034 T before the cut, where e^L is greater */
    const double cut = exp(exponent[GAUSS_POINTS - 1]) / (a + k * T) / I * 1.001;
    return (struct integral){b / root * I, gauss + cut + 512 * DBL_EPSILON};
}

#endif
