/* A small coverage-guided fuzzer for where libFuzzer is not: gcc's trace-pc tells what was reached.
 *
 *     harness INPUTS SEED [FILE...]
 *
 * Starts from the files and from random bytes, and keeps every input that reaches a new pair of
 * places. The same seed gives the same inputs. The input at hand is left in the file `crash-input`
 * of the working folder if a sanitizer or a check ends the process.
 */
#include "harness.h"

#include <signal.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

enum { PAIRS = 1 << 16, MOST_BYTES = 4096, MOST_KEPT = 4096 };

static uint8_t reached[PAIRS], seen[PAIRS];
static uintptr_t place_before;

static uint8_t *kept[MOST_KEPT];
static size_t kept_bytes[MOST_KEPT], kept_count;

static uint8_t current[MOST_BYTES];
static size_t current_bytes;
static uint64_t random_state;

/* Called by the instrumented code: cext and the harness, not this file. */
void __sanitizer_cov_trace_pc(void)
{
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    reached[(place ^ place_before << 5) & (PAIRS - 1)] = 1;
    place_before = place;
}

static void save_input(void)
{
    FILE *file = fopen("crash-input", "wb");
    if (file) {
        fwrite(current, 1, current_bytes, file);
        fclose(file);
    }
}

static void on_abort(int number)
{
    save_input();
    signal(number, SIG_DFL);
    raise(number);
}

static uint64_t next_random(void) /* splitmix64 */
{
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static size_t below(size_t limit)
{
    return limit ? next_random() % limit : 0;
}

static void mutate_once(void)
{
    static const uint8_t edges[] = {0, 1, 2, 3, 4, 8, 15, 16, 127, 128, 239, 240, 254, 255};
    size_t at = below(current_bytes), room = MOST_BYTES - current_bytes;
    switch (below(6)) {
    case 0: /* more random bytes at the end */
        for (size_t n = below(room < 64 ? room : 64); n; n--)
            current[current_bytes++] = (uint8_t)next_random();
        break;
    case 1: /* cut */
        current_bytes = at;
        break;
    case 2: /* part of another */
        if (kept_count) {
            size_t other = below(kept_count), from = below(kept_bytes[other]);
            size_t bytes = below(kept_bytes[other] - from + 1);
            bytes = bytes > MOST_BYTES - at ? MOST_BYTES - at : bytes;
            memcpy(current + at, kept[other] + from, bytes);
            if (at + bytes > current_bytes)
                current_bytes = at + bytes;
        }
        break;
    case 3:
        if (current_bytes)
            current[at] ^= (uint8_t)(1u << below(8));
        break;
    case 4:
        if (current_bytes)
            current[at] = edges[below(sizeof edges)];
        break;
    default:
        if (current_bytes)
            current[at] = (uint8_t)next_random();
    }
}

static void make_input(void)
{
    current_bytes = 0;
    if (kept_count && below(16)) {
        size_t chosen = below(kept_count);
        current_bytes = kept_bytes[chosen];
        memcpy(current, kept[chosen], current_bytes);
    } else {
        for (size_t n = below(below(8) ? 64 : MOST_BYTES); n; n--)
            current[current_bytes++] = (uint8_t)next_random();
    }
    for (size_t n = below(6); n; n--)
        mutate_once();
}

static void run_current(void)
{
    int new = 0;
    uint8_t *exact = malloc(current_bytes);
    memcpy(exact, current, current_bytes);
    memset(reached, 0, sizeof reached);
    place_before = 0;
    LLVMFuzzerTestOneInput(exact, current_bytes);
    free(exact);
    for (size_t i = 0; i < PAIRS; i++) {
        new |= reached[i] & (seen[i] ^ 1);
        seen[i] |= reached[i];
    }
    if (new && kept_count < MOST_KEPT) {
        kept[kept_count] = malloc(current_bytes + 1);
        memcpy(kept[kept_count], current, current_bytes);
        kept_bytes[kept_count++] = current_bytes;
    }
}

int main(int argc, char **argv)
{
    uint64_t inputs = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000;
    random_state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    signal(SIGABRT, on_abort);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(save_input);
#endif
    for (int i = 3; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file)
            continue;
        current_bytes = fread(current, 1, MOST_BYTES, file);
        fclose(file);
        run_current();
    }
    for (uint64_t i = 0; i < inputs; i++) {
        make_input();
        run_current();
    }
    size_t places = 0;
    for (size_t i = 0; i < PAIRS; i++)
        places += seen[i];
    printf("inputs %llu kept %zu pairs %zu\n", (unsigned long long)inputs, kept_count, places);
    for (size_t i = 0; i < kept_count; i++)
        free(kept[i]);
    return 0;
}
