/* Hashes secrets that a checker of uninitialised memory can see: ``secrets KERNEL PATH``.
 *
 * Memory fresh from malloc stands for them. valgrind and MemorySanitizer follow it through every
 * computation and report where a branch or an address depends on it, and only there. The last two
 * "kernels" do what they must report.
 */
#include "hexkey.h"

#include <stdlib.h>
#include <string.h>

static const size_t sizes[] = {1, 15, 16, 17, 64, 200, 1001, 9001, 90001};
static volatile uint8_t sink, table[256];

/* Through a volatile, or the compiler knows that nothing was written and may think anything. */
static uint8_t *secrets(size_t bytes)
{
    uint8_t *volatile fresh = malloc(bytes);
    return fresh;
}

static int hash(const char *kernel, size_t bytes, int path)
{
    const size_t length = (bytes + 2) / 3;
    uint8_t *message = secrets(bytes), *point = secrets(16), *state = secrets(16);
    uint8_t *seed = secrets(bytes), *out = malloc(length);
    uint64_t *scratch = malloc(8 * hexkey_toeplitz_scratch_words(bytes, length));
    int code = 0;
    if (strcmp(kernel, "gf128") == 0)
        hexkey_gf128_absorb(state, point, message, bytes, path);
    else if (strcmp(kernel, "toeplitz") == 0)
        code = hexkey_toeplitz(out, message, bytes, seed, length, scratch, path);
    else if (strcmp(kernel, "look_up") == 0)
        sink = table[message[0]];
    else if (strcmp(kernel, "branch") == 0)
        sink = message[0] > 7 ? 1 : sink;
    else
        code = 2;
    free(message), free(point), free(state), free(seed), free(out), free(scratch);
    return code;
}

int main(int argc, char **argv)
{
    int code = argc == 3 ? 0 : 2;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes && code == 0; k++)
        code = hash(argv[1], sizes[k], atoi(argv[2]));
    return code;
}
