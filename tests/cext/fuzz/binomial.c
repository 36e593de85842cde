/* hexkey_binomial_ppf: within range, rising with epsilon, the same from arrays. */
#include "harness.h"

#include <math.h>

static double take_probability(struct input *in)
{
    uint64_t pattern = take(in, 8);
    double value;
    if (pattern & 1) /* any double from 0 to 1 by its bits: all magnitudes alike */
        pattern = (pattern >> 2) % 0x3FF0000000000001u;
    else
        return (double)(pattern >> 11) * 0x1p-53;
    memcpy(&value, &pattern, sizeof value);
    return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned bits = (unsigned)take_up_to(&in, 49);
    int64_t n = (int64_t)(take(&in, 8) & (((uint64_t)1 << bits) - 1)), k[3];
    double p = take_probability(&in), lower = take_probability(&in);
    double epsilon[3] = {lower, nextafter(lower, 1), take_probability(&in)};
    int undecided = 0;
    for (int i = 0; i < 3; i++) {
        undecided += hexkey_binomial_ppf(epsilon[i], n, p, &k[i]);
        REQUIRE(0 <= k[i] && k[i] <= n);
    }
    for (int i = 0; i < 3 && !undecided; i++)
        for (int j = 0; j < 3; j++)
            REQUIRE(epsilon[i] > epsilon[j] || k[i] <= k[j]);
    int64_t many_n[3] = {n, n, n}, many_k[3];
    double many_p[3] = {p, p, p};
    uint8_t open[3];
    REQUIRE(hexkey_binomial_ppf_array(3, epsilon, many_n, many_p, many_k, open) ==
            (size_t)undecided);
    REQUIRE(!memcmp(k, many_k, sizeof k) && open[0] + open[1] + open[2] == undecided);
    return 0;
}
