/* Alice's side of Cascade: a table of running parities for each order, the parities of whole
 * subsets, and answers from them.
 */
#include "bytes.h"
#include "cascade.h"

/* Store the parities of all bits before each place of the next word; returns the carry after it. */
HELPER uint64_t running(uint64_t word, uint64_t carry, uint64_t *out)
{
    word ^= word << 1;
    word ^= word << 2;
    word ^= word << 4;
    word ^= word << 8;
    word ^= word << 16;
    word ^= word << 32;
    *out = word << 1 ^ carry;
    return carry ^ (0 - (word >> 63));
}

HOT void hexkey_cascade_pack(uint32_t n, const uint8_t *restrict bits, uint64_t *restrict out)
{
    size_t words = words_of(hexkey_cascade_places(n)) + 1;
    memset(out, 0, words * sizeof *out);
    for (size_t i = 0; i + 8 <= n; i += 8) /* no two bits meet below the top byte */
        out[i >> 6] |= load_le64(bits + i) * UINT64_C(0x0102040810204080) >> 56 << (i & 63);
    for (size_t i = n & ~7u; i < n; i++)
        out[i >> 6] |= (uint64_t)bits[i] << (i & 63);
}

HOT void hexkey_cascade_running(uint32_t n, const uint32_t *restrict rotations,
                                const uint64_t *restrict bits, uint64_t *restrict out,
                                uint64_t *restrict scratch)
{
    struct order o = order_of(n, rotations);
    size_t words = words_of(hexkey_cascade_places(n));
    uint64_t carry = 0;
    if (rotations)
        cascade_permute(&o, 1, bits, out, scratch);
    for (size_t w = 0; w < words; w++)
        carry = running(rotations ? out[w] : bits[w], carry, out + w);
    out[words] = carry;
}

HOT void hexkey_cascade_running_subset(uint32_t n, const uint64_t *restrict stream, unsigned k,
                                       const uint64_t *restrict bits, uint64_t *restrict out)
{
    size_t words = words_of(hexkey_cascade_places(n)), used = words_of(n);
    uint64_t carry = 0;
    for (size_t w = 0; w < used; w++)
        carry = running(bits[w] & subset_word(stream, w, k), carry, out + w);
    for (size_t w = used; w <= words; w++)
        out[w] = carry;
}

HOT uint32_t hexkey_cascade_subset_parities(uint32_t n, const uint64_t *restrict stream,
                                            const uint64_t *restrict bits)
{
    uint64_t sums[HEXKEY_CASCADE_SUBSETS] = {0};
    uint32_t parities = 0;
    for (size_t w = 0; w < words_of(n); w++)
        add_to_subsets(sums, stream, w, bits[w]);
    for (unsigned k = 0; k < HEXKEY_CASCADE_SUBSETS; k++)
        parities |= parity(sums[k]) << k;
    return parities;
}

/* A query as it is read: LEB128 numbers of at most 4 bytes. */
struct reader {
    const uint8_t *at, *end;
};

/* Returns UINT32_MAX where the query is cut short or the number is too long. */
HELPER uint32_t read_number(struct reader *in)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;
        value |= (uint32_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    return UINT32_MAX;
}

/* 0 or 1 where all of a subset is asked about and known, 2 elsewhere. */
HELPER unsigned whole_subset(const hexkey_cascade_alice *alice, unsigned pass, uint32_t first,
                             uint32_t end)
{
    unsigned subset = pass - HEXKEY_CASCADE_SHUFFLES;
    uint32_t batch;
    if (pass < HEXKEY_CASCADE_SHUFFLES || first > 0 || end < alice->n)
        return 2;
    batch = alice->whole[subset / HEXKEY_CASCADE_SUBSETS];
    return batch ? batch >> subset % HEXKEY_CASCADE_SUBSETS & 1 : 2;
}

HELPER ptrdiff_t answer(const hexkey_cascade_alice *alice, const uint8_t *restrict query,
                        size_t query_bytes, size_t allowed, uint8_t *restrict out)
{
    struct reader in = {query, query + query_bytes};
    uint32_t places = (uint32_t)hexkey_cascade_places(alice->n);
    size_t asked = 0;
    unsigned byte = 0;
    if (query_bytes == 0)
        return HEXKEY_CASCADE_MALFORMED;
    while (in.at < in.end) {
        unsigned pass = *in.at++;
        uint32_t count = read_number(&in), at = 0;
        const uint64_t *table;
        if (pass >= HEXKEY_CASCADE_PASSES || count == 0 || count == UINT32_MAX)
            return HEXKEY_CASCADE_MALFORMED;
        if (count > allowed - asked)
            return HEXKEY_CASCADE_TOO_MANY;
        table = alice->running[pass];
        while (count--) {
            uint32_t gap = read_number(&in), length = read_number(&in), first, end;
            unsigned found;
            if (gap > places - at || length == 0 || length > places - at - gap)
                return HEXKEY_CASCADE_MALFORMED;
            first = at + gap;
            at = end = first + length;
            found = table ? (unsigned)(get_bit(table, first) ^ get_bit(table, end))
                          : whole_subset(alice, pass, first, end);
            if (found == 2)
                return HEXKEY_CASCADE_NEEDS - (ptrdiff_t)pass;
            byte |= found << (asked & 7);
            if ((++asked & 7) == 0) {
                out[(asked >> 3) - 1] = (uint8_t)byte;
                byte = 0;
            }
        }
    }
    if (asked & 7)
        out[asked >> 3] = (uint8_t)byte;
    return (ptrdiff_t)asked;
}

HOT ptrdiff_t hexkey_cascade_answer(const hexkey_cascade_alice *alice,
                                    const uint8_t *restrict query, size_t query_bytes,
                                    size_t allowed, uint8_t *restrict out)
{
    return answer(alice, query, query_bytes, allowed, out);
}

HOT ptrdiff_t hexkey_cascade_answer_all(hexkey_cascade_answers *a, const uint8_t *query,
                                        size_t query_bytes)
{
    struct reader in = {query + a->read, query + query_bytes};
    while (in.at < in.end) {
        uint32_t block = read_number(&in), bytes = read_number(&in);
        ptrdiff_t count;
        if (block >= a->blocks || bytes > in.end - in.at)
            return HEXKEY_CASCADE_MALFORMED;
        a->block = block;
        count = answer(a->alices[block], in.at, bytes, a->left[block], a->out + a->written);
        if (count < 0)
            return count;
        a->left[block] -= (uint32_t)count;
        a->disclosed += (uint32_t)count;
        in.at += bytes;
        a->read = (size_t)(in.at - query);
        a->written += ((size_t)count + 7) / 8;
    }
    return 0;
}
