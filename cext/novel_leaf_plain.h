/* The change of basis of 16 digits in plain C: what novel_basis_body.h does for k = 4, where e = 2.
 * Part of additive_fft_avx2.c, _narrow.c and _portable.c.
 */
enum { LEAF_LOG = 4 };

/* Digits `first` up to `last` take the ones `distance` above them; turned, they give to them. */
INLINE void take(uint32_t *f, int distance, int first, int last)
{
    for (int i = first; i <= last; i++)
        f[i] ^= f[i + distance];
}

INLINE void give(uint32_t *f, int distance, int first, int last)
{
    for (int i = first; i <= last; i++)
        f[i + distance] ^= f[i];
}

#define STEPS_FORWARD(add_digits)                                                                 \
    do {                                                                                          \
        add_digits(f, 6, 8, 9);                                                                   \
        add_digits(f, 6, 2, 7);                                                                   \
        for (int half = 0; half < 16; half += 8) {                                                \
            add_digits(f + half, 3, 4, 4);                                                        \
            add_digits(f + half, 3, 1, 3);                                                        \
        }                                                                                         \
        for (int row = 0; row < 16; row += 4) {                                                   \
            add_digits(f + row, 1, 2, 2);                                                         \
            add_digits(f + row, 1, 1, 1);                                                         \
        }                                                                                         \
        add_digits(f, 4, 8, 11);                                                                  \
        add_digits(f, 4, 4, 7);                                                                   \
    } while (0)

#define STEPS_BACKWARD(add_digits)                                                                \
    do {                                                                                          \
        add_digits(f, 4, 4, 7);                                                                   \
        add_digits(f, 4, 8, 11);                                                                  \
        for (int row = 0; row < 16; row += 4) {                                                   \
            add_digits(f + row, 1, 1, 1);                                                         \
            add_digits(f + row, 1, 2, 2);                                                         \
        }                                                                                         \
        for (int half = 0; half < 16; half += 8) {                                                \
            add_digits(f + half, 3, 1, 3);                                                        \
            add_digits(f + half, 3, 4, 4);                                                        \
        }                                                                                         \
        add_digits(f, 6, 2, 7);                                                                   \
        add_digits(f, 6, 8, 9);                                                                   \
    } while (0)

TARGET static void change_basis_of_leaf(uint8_t *digits, enum novel_direction direction)
{
    uint32_t f[16];
    memcpy(f, digits, sizeof f);
    if (direction == TO_NOVEL)
        STEPS_FORWARD(take);
    else if (direction == TO_NOVEL_INVERSE_TRANSPOSED)
        STEPS_FORWARD(give);
    else
        STEPS_BACKWARD(give);
    memcpy(digits, f, sizeof f);
}
