/* To and from the basis of products of s_i (V of additive_fft.h): included once by each way, which
 * has defined TARGET, INLINE, add_bytes and change_basis_of_leaf for 2^LEAF_LOG digits, LEAF_LOG 4
 * or 8.
 *
 * s_e(x) = x^(2^e) + x if e is a power of two. Let e be the largest one below k and y = s_e(x).
 * Write f, of 2^k coefficients, in powers of y with coefficients of degree below 2^e in x
 * (`steps`): since s_(e+i)(x) = s_i(y), f is in the new basis once each coefficient is, as a
 * polynomial in x, and each column of them, as one in y. (The expansion is S. Gao & T. Mateer's,
 * IEEE Trans. Inf. Theory 56 (2010) 6265; the basis S.-J. Lin et al.'s, ibid. 62 (2016) 6284.)
 *
 * One step divides 2^(r+1) 2^e coefficients by y^(2^r) = x^D + x^d, D = 2^(e+r), d = 2^r. The
 * quotient is the upper half with its own highest d coefficients added to its lowest, and what is
 * left the lower half with the quotient, shifted by d, added. An addition of one coefficient to
 * another is its own inverse, and its transpose adds the other way. So the transposed inverse of V
 * takes the same steps in the same order with the arrows turned, and the transpose takes them in
 * the opposite order.
 *
 * A column is a string of runs of `width` bytes, one each `stride` bytes.
 */
enum { STRIP_BYTES = 1024 };

INLINE void add_runs(uint8_t *to, const uint8_t *from, size_t count, size_t stride, size_t width)
{
    if (stride == width)
        add_bytes(to, from, count * width);
    else
        for (size_t i = 0; i < count; i++)
            add_bytes(to + i * stride, from + i * stride, width);
}

INLINE void step(uint8_t *f, size_t D, size_t d, size_t stride, size_t width,
                 enum novel_direction direction)
{
    uint8_t *upper = f + D * stride, *top = f + (2 * D - d) * stride, *shifted = f + d * stride;
    if (direction == TO_NOVEL) {
        add_runs(upper, top, d, stride, width);
        add_runs(shifted, upper, D - d, stride, width);
    } else if (direction == TO_NOVEL_INVERSE_TRANSPOSED) {
        add_runs(top, upper, d, stride, width);
        add_runs(upper, shifted, D - d, stride, width);
    } else {
        add_runs(upper, shifted, D - d, stride, width);
        add_runs(top, upper, d, stride, width);
    }
}

/* All steps of blocks of 2^(e + levels) elements. */
TARGET static void steps(uint8_t *f, unsigned e, unsigned levels, size_t stride, size_t width,
                         enum novel_direction direction)
{
    const size_t d = (size_t)1 << (levels - 1), D = d << e;
    if (direction != TO_NOVEL_TRANSPOSED)
        step(f, D, d, stride, width, direction);
    if (levels > 1) {
        steps(f, e, levels - 1, stride, width, direction);
        steps(f + D * stride, e, levels - 1, stride, width, direction);
    }
    if (direction == TO_NOVEL_TRANSPOSED)
        step(f, D, d, stride, width, direction);
}

TARGET static void change_basis(uint8_t *f, unsigned k, size_t stride, size_t width,
                                enum novel_direction direction);

TARGET static void columns(uint8_t *f, unsigned e, unsigned k, size_t stride, size_t width,
                           enum novel_direction direction)
{
    const size_t row = stride << e;
    if (stride == width)
        for (size_t at = 0; at < row; at += STRIP_BYTES)
            change_basis(f + at, k - e, row, row - at < STRIP_BYTES ? row - at : STRIP_BYTES,
                         direction);
    else
        for (size_t at = 0; at < row; at += stride)
            change_basis(f + at, k - e, row, width, direction);
}

TARGET static void change_basis(uint8_t *f, unsigned k, size_t stride, size_t width,
                                enum novel_direction direction)
{
    if (k < 2)
        return;
    if (k == LEAF_LOG && stride == DIGIT_BYTES) {
        change_basis_of_leaf(f, direction);
        return;
    }
    unsigned e = 1;
    while (2 * e < k)
        e *= 2;
    if (direction != TO_NOVEL_TRANSPOSED)
        steps(f, e, k - e, stride, width, direction);
    for (size_t row = 0; row < (size_t)1 << (k - e); row++)
        change_basis(f + (row << e) * stride, e, stride, width, direction);
    if (k - e > 1)
        columns(f, e, k, stride, width, direction);
    if (direction == TO_NOVEL_TRANSPOSED)
        steps(f, e, k - e, stride, width, direction);
}
