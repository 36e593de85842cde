/* What a fuzz harness has: bytes to take its case from, exact buffers, and a way to fail.
 *
 * A harness defines LLVMFuzzerTestOneInput, libFuzzer's entry: it makes a valid call of a kernel of
 * any input and compares the result with a slow twin. Buffers are as large as the kernel's contract
 * says and not a byte larger, so that the address sanitizer sees every step beyond them.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "hexkey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
    const uint8_t *at;
    size_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next bytes as a number; zeros once there are none left. */
static inline uint64_t take(struct input *in, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes && in->left; i++, in->at++, in->left--)
        value |= (uint64_t)*in->at << 8 * i;
    return value;
}

/* A number from 0 to `most`. */
static inline uint64_t take_up_to(struct input *in, uint64_t most)
{
    uint64_t value = take(in, most > 0xFFFFFFFF ? 8 : most > 0xFFFF ? 4 : most > 0xFF ? 2 : 1);
    return most == UINT64_MAX ? value : value % (most + 1);
}

/* A buffer of exactly this size, filled from the input; the caller frees it. */
static inline void *take_buffer(struct input *in, size_t bytes)
{
    uint8_t *buffer = malloc(bytes);
    size_t taken = bytes < in->left ? bytes : in->left;
    if (taken)
        memcpy(buffer, in->at, taken);
    if (bytes > taken)
        memset(buffer + taken, 0, bytes - taken);
    in->at += taken;
    in->left -= taken;
    return buffer;
}

#define REQUIRE(what) ((what) ? (void)0 : fail(#what, __FILE__, __LINE__))

static inline void fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    abort();
}

#endif
