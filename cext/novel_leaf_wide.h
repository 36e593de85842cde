/* The change of basis of 256 digits in 16 registers of 16 digits (AVX-512): what novel_basis_body.h
 * does for k = 8, where e = 4. Part of additive_fft_wide.c.
 */
enum { LEAF_LOG = 8, ROWS = 16 };

/* The steps for 16 elements, k = 4, as (distance, places): elements of `places`, a set, take the
 * ones `distance` above them; with the arrows turned they give to them. */
#define FORWARD_16(STEP)                                                                          \
    STEP(6, 0x0300) STEP(6, 0x00fc) STEP(3, 0x1010) STEP(3, 0x0e0e)                               \
    STEP(1, 0x4444) STEP(1, 0x2222) STEP(4, 0x0f00) STEP(4, 0x00f0)
#define BACKWARD_16(STEP)                                                                         \
    STEP(4, 0x00f0) STEP(4, 0x0f00) STEP(1, 0x2222) STEP(1, 0x4444)                               \
    STEP(3, 0x0e0e) STEP(3, 0x1010) STEP(6, 0x00fc) STEP(6, 0x0300)

#define TAKE_DIGITS(distance, places)                                                             \
    v = _mm512_mask_xor_epi32(v, places, v, _mm512_alignr_epi32(v, v, distance));
#define GIVE_DIGITS(distance, places)                                                             \
    v = _mm512_mask_xor_epi32(v, (places) << (distance), v,                                       \
                              _mm512_alignr_epi32(v, v, 16 - (distance)));

INLINE vec novel_row(vec v, const enum novel_direction direction)
{
    if (direction == TO_NOVEL) {
        FORWARD_16(TAKE_DIGITS)
    } else if (direction == TO_NOVEL_INVERSE_TRANSPOSED) {
        FORWARD_16(GIVE_DIGITS)
    } else {
        BACKWARD_16(GIVE_DIGITS)
    }
    return v;
}

#define TAKE_ROWS(distance, places)                                                               \
    for (int i = 0; i + (distance) < ROWS; i++)                                                   \
        if ((places) >> i & 1)                                                                    \
            r[i] = add(r[i], r[i + (distance)]);
#define GIVE_ROWS(distance, places)                                                               \
    for (int i = 0; i + (distance) < ROWS; i++)                                                   \
        if ((places) >> i & 1)                                                                    \
            r[i + (distance)] = add(r[i + (distance)], r[i]);

INLINE void novel_column(vec r[ROWS], const enum novel_direction direction)
{
    if (direction == TO_NOVEL) {
        FORWARD_16(TAKE_ROWS)
    } else if (direction == TO_NOVEL_INVERSE_TRANSPOSED) {
        FORWARD_16(GIVE_ROWS)
    } else {
        BACKWARD_16(GIVE_ROWS)
    }
}

/* 16 digits: the `taken` highest of `below`, then the lowest of `above`. */
#define STRADDLE(above, below, taken) _mm512_alignr_epi32(above, below, 16 - (taken))

/* `step` with this d and D = 16 d: rows 0 to d - 1 are the lower half. */
#define STEP_OF_ROWS(r, d)                                                                        \
    if (direction == TO_NOVEL) {                                                                  \
        (r)[d] = add((r)[d], STRADDLE(none, (r)[2 * (d) - 1], d));                                \
        for (int i = 0; i < (d); i++)                                                             \
            (r)[i] = add((r)[i], STRADDLE((r)[(d) + i], i ? (r)[(d) + i - 1] : none, d));         \
    } else {                                                                                      \
        if (direction == TO_NOVEL_INVERSE_TRANSPOSED)                                             \
            (r)[2 * (d) - 1] = add((r)[2 * (d) - 1], STRADDLE((r)[d], none, 16 - (d)));           \
        for (int i = 0; i < (d); i++)                                                             \
            (r)[(d) + i] = add((r)[(d) + i],                                                      \
                               STRADDLE(i + 1 < (d) ? (r)[i + 1] : none, (r)[i], 16 - (d)));      \
        if (direction == TO_NOVEL_TRANSPOSED)                                                     \
            (r)[2 * (d) - 1] = add((r)[2 * (d) - 1], STRADDLE((r)[d], none, 16 - (d)));           \
    }

INLINE void steps_of_rows(vec r[ROWS], const int level, const enum novel_direction direction)
{
    const vec none = _mm512_setzero_si512();
    if (level == 3) {
        STEP_OF_ROWS(r, 8)
    } else if (level == 2) {
        for (int at = 0; at < ROWS; at += 8) {
            STEP_OF_ROWS(r + at, 4)
        }
    } else if (level == 1) {
        for (int at = 0; at < ROWS; at += 4) {
            STEP_OF_ROWS(r + at, 2)
        }
    } else {
        for (int at = 0; at < ROWS; at += 2) {
            STEP_OF_ROWS(r + at, 1)
        }
    }
}

INLINE void novel_leaf(uint8_t *digits, const enum novel_direction direction)
{
    vec r[ROWS];
    for (int i = 0; i < ROWS; i++)
        r[i] = _mm512_loadu_si512(digits + 64 * i);
    if (direction != TO_NOVEL_TRANSPOSED)
        for (int level = 3; level >= 0; level--)
            steps_of_rows(r, level, direction);
    for (int i = 0; i < ROWS; i++)
        r[i] = novel_row(r[i], direction);
    novel_column(r, direction);
    if (direction == TO_NOVEL_TRANSPOSED)
        for (int level = 0; level <= 3; level++)
            steps_of_rows(r, level, direction);
    for (int i = 0; i < ROWS; i++)
        _mm512_storeu_si512(digits + 64 * i, r[i]);
}

TARGET static void change_basis_of_leaf(uint8_t *digits, enum novel_direction direction)
{
    if (direction == TO_NOVEL)
        novel_leaf(digits, TO_NOVEL);
    else if (direction == TO_NOVEL_INVERSE_TRANSPOSED)
        novel_leaf(digits, TO_NOVEL_INVERSE_TRANSPOSED);
    else
        novel_leaf(digits, TO_NOVEL_TRANSPOSED);
}
