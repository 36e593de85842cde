/* The loops that one would write first. Only benchmarks call them: a machine's speed does not
 * change how many times faster the kernels are. They check little and take no odd input. */
#include "bytes.h"
#include "hexkey.h"

static size_t plain_frame(const uint32_t *table, const uint8_t *frame, size_t bytes,
                          uint64_t *pulse, uint32_t *phase_ticks, uint8_t *mask, uint8_t *flags)
{
    uint32_t crc = ~0u;
    size_t events = 0;
    if (bytes < HEXKEY_WIRE_HEADER_BYTES + HEXKEY_WIRE_CRC_BYTES)
        return 0;
    bytes -= HEXKEY_WIRE_CRC_BYTES;
    for (size_t i = 0; i < bytes; i++)
        crc = crc >> 8 ^ table[(crc ^ frame[i]) & 255];
    if (~crc != load_le32(frame + bytes) || frame[1] != HEXKEY_WIRE_KIND_EVENTS)
        return 0;
    uint64_t now = load_le64(frame + 16);
    for (size_t at = HEXKEY_WIRE_HEADER_BYTES; at + 4 <= bytes; at += 4) {
        uint32_t record = load_le32(frame + at);
        if (record >> 28 == 0) {
            now += record;
            continue;
        }
        now += record >> 15 & 0x1FFF;
        pulse[events] = now;
        phase_ticks[events] = record & 0x1FFF;
        flags[events] = record >> 13 & 3;
        mask[events] = (uint8_t)(record >> 28);
        events++;
    }
    return events;
}

size_t hexkey_plain_wire(const uint32_t *tables, const uint8_t *data, size_t data_bytes,
                         uint64_t *pulse, uint32_t *phase_ticks, uint8_t *mask, uint8_t *flags)
{
    uint8_t frame[HEXKEY_WIRE_MAX_STUFFED_BYTES + 1];
    size_t bytes = 0, events = 0;
    unsigned left = 0, code = 255;
    for (size_t i = 0; i < data_bytes; i++) {
        if (data[i] == 0) {
            events += plain_frame(tables, frame, bytes, pulse + events, phase_ticks + events,
                                  mask + events, flags + events);
            bytes = 0;
            left = 0;
            code = 255;
        } else if (bytes >= HEXKEY_WIRE_MAX_STUFFED_BYTES) {
            continue;
        } else if (left == 0) {
            if (code != 255)
                frame[bytes++] = 0;
            code = data[i];
            left = code - 1;
        } else {
            frame[bytes++] = data[i];
            left--;
        }
    }
    return events;
}

static size_t plain_verdict(const uint8_t *bit_of_detector, uint64_t pulse, unsigned mask,
                            uint64_t *out_pulse, uint8_t *out_bit)
{
    for (unsigned d = 0; d < HEXKEY_DETECTORS; d++)
        if (mask == 1u << d && bit_of_detector[d] < 2) {
            *out_pulse = pulse;
            *out_bit = bit_of_detector[d];
            return 1;
        }
    return 0;
}

size_t hexkey_plain_sift(const hexkey_sift_settings *settings, size_t events,
                         const uint64_t *pulse, const uint32_t *phase, const uint8_t *mask,
                         uint64_t *out_pulse, uint8_t *out_bit)
{
    size_t written = 0;
    uint64_t newest = 0;
    unsigned clicked = 0;
    for (size_t i = 0; i < events; i++) {
        unsigned inside = 0;
        for (unsigned d = 0; d < HEXKEY_DETECTORS; d++)
            if (mask[i] >> d & 1 && phase[i] >= settings->start[d] &&
                phase[i] < settings->start[d] + settings->width[d])
                inside |= 1u << d;
        if (!inside)
            continue;
        if (pulse[i] != newest) {
            written += plain_verdict(settings->bit, newest, clicked, out_pulse + written,
                                     out_bit + written);
            newest = pulse[i];
            clicked = 0;
        }
        clicked |= inside;
    }
    return written + plain_verdict(settings->bit, newest, clicked, out_pulse + written,
                                   out_bit + written);
}

/* For each bit of the input that is 1, the seed from another bit on is added. */
void hexkey_plain_toeplitz(uint64_t *restrict out, const uint8_t *bits, size_t n, size_t taken,
                           const uint64_t *restrict seed, size_t length)
{
    const size_t words = (length + 63) / 64;
    memset(out, 0, words * sizeof *out);
    for (size_t j = 0; j < taken; j++) {
        const uint64_t *from = seed + (n - 1 - j) / 64;
        const unsigned shift = (n - 1 - j) % 64;
        if (bits[j])
            for (size_t k = 0; k < words; k++)
                out[k] ^= from[k] >> shift | from[k + 1] << 1 << (63 - shift);
    }
}

/* Horner's rule, and multiplication one bit after the other. */
void hexkey_plain_gf128(uint8_t *state, const uint8_t *point, const uint8_t *message, size_t bytes)
{
    const uint64_t low = load_le64(point), high = load_le64(point + 8);
    for (size_t at = 0; at + 16 <= bytes; at += 16) {
        const uint64_t a = load_le64(state) ^ load_le64(message + at);
        const uint64_t b = load_le64(state + 8) ^ load_le64(message + at + 8);
        uint64_t c = 0, d = 0;
        for (unsigned k = 128; k-- > 0;) {
            const uint64_t carry = d >> 63, chosen = 0 - ((k < 64 ? low : high) >> k % 64 & 1);
            d = d << 1 | c >> 63;
            c = c << 1 ^ carry * 0x87;
            c ^= a & chosen;
            d ^= b & chosen;
        }
        store_le64(state, c);
        store_le64(state + 8, d);
    }
}
