/* Frames of the link: COBS and the event records inside. Format: docs/wire-format.md. */
#include "bytes.h"
#include "hexkey.h"

#include <string.h>

static const uint64_t MAX_PULSE = UINT64_MAX >> 1;

/* ---- event records */

/* The one loop behind both widths, with and without output: `wide` and `store` are constants at
 * every call, so that the compiler makes a tight loop of each. */
static inline int64_t walk_records(const uint8_t *records, size_t record_count, uint64_t base_pulse,
                                   int wide, int store, uint64_t *last_pulse, uint64_t *pulses,
                                   uint32_t *phases, uint8_t *masks, uint8_t *flags)
{
    const int phase_bits = wide ? HEXKEY_WIDE_PHASE_BITS : HEXKEY_NARROW_PHASE_BITS;
    const int flags_bits = wide ? HEXKEY_WIDE_FLAGS_BITS : HEXKEY_NARROW_FLAGS_BITS;
    const int advance_bits = wide ? HEXKEY_WIDE_ADVANCE_BITS : HEXKEY_NARROW_ADVANCE_BITS;
    const int mask_at = phase_bits + flags_bits + advance_bits;
    uint64_t pulse = base_pulse;
    int64_t events = 0;

    *last_pulse = base_pulse;
    for (size_t i = 0; i < record_count; i++) {
        uint64_t record = wide ? load_le64(records + 8 * i) : load_le32(records + 4 * i);
        uint64_t mask = record >> mask_at;
        uint64_t step = record & (((uint64_t)1 << mask_at) - 1);
        if (mask)
            step >>= phase_bits + flags_bits;
        if (step > MAX_PULSE - pulse || (mask && step == 0 && events))
            return -1 - (int64_t)i;
        pulse += step;
        if (!mask)
            continue;
        if (store) {
            pulses[events] = pulse;
            phases[events] = (uint32_t)(record & (((uint64_t)1 << phase_bits) - 1));
            flags[events] = (uint8_t)(record >> phase_bits & ((1u << flags_bits) - 1));
            masks[events] = (uint8_t)mask;
        }
        events++;
        *last_pulse = pulse;
    }
    return events;
}

int64_t hexkey_unpack_events(const uint8_t *records, size_t record_bytes, size_t frame_count,
                             const uint64_t *base_pulses, const uint32_t *record_counts,
                             uint64_t *pulse, uint32_t *phase_ticks, uint8_t *mask, uint8_t *flags)
{
    const int wide = record_bytes == 8;
    int64_t events = 0, before = 0;
    uint64_t last;
    for (size_t i = 0; i < frame_count; i++) {
        int64_t found = wide ? walk_records(records, record_counts[i], base_pulses[i], 1, 1, &last,
                                            pulse, phase_ticks, mask, flags)
                             : walk_records(records, record_counts[i], base_pulses[i], 0, 1, &last,
                                            pulse, phase_ticks, mask, flags);
        if (found < 0)
            return found - before;
        records += record_bytes * record_counts[i];
        before += record_counts[i];
        events += found;
        pulse += found;
        phase_ticks += found;
        mask += found;
        flags += found;
    }
    return events;
}

/* ---- pieces between zeros */

/* Undo COBS for a piece without zeros; return the number of bytes, or -1. */
static int64_t unstuff(const uint8_t *restrict in, size_t in_bytes, uint8_t *restrict out)
{
    const uint8_t *end = in + in_bytes;
    uint8_t *start = out;
    while (in < end) {
        size_t code = *in++;
        if (code - 1 > (size_t)(end - in))
            return -1;
        memcpy(out, in, code - 1);
        in += code - 1;
        out += code - 1;
        if (code < 255 && in < end)
            *out++ = 0;
    }
    return out - start;
}

static void read_header(const uint8_t *frame, hexkey_wire_piece *piece)
{
    piece->version = frame[0];
    piece->kind = frame[1];
    piece->record_bytes = frame[2];
    piece->settings = frame[3];
    piece->run = load_le32(frame + 4);
    piece->epoch = load_le32(frame + 8);
    piece->sequence = load_le32(frame + 12);
    piece->pulse = load_le64(frame + 16);
    piece->event_tally = load_le32(frame + 24);
}

/* Pulse of the first event of a body that has one and is possible. */
static uint64_t first_event(const uint8_t *body, int wide, uint64_t pulse)
{
    const int advance_at = wide ? HEXKEY_WIDE_PHASE_BITS + HEXKEY_WIDE_FLAGS_BITS
                                : HEXKEY_NARROW_PHASE_BITS + HEXKEY_NARROW_FLAGS_BITS;
    const int mask_at = advance_at + (wide ? HEXKEY_WIDE_ADVANCE_BITS : HEXKEY_NARROW_ADVANCE_BITS);
    for (;; body += wide ? 8 : 4) {
        uint64_t record = wide ? load_le64(body) : load_le32(body);
        uint64_t step = record & (((uint64_t)1 << mask_at) - 1);
        if (record >> mask_at)
            return pulse + (step >> advance_at);
        pulse += step;
    }
}

/* Whether header and records agree; counts the events. */
static int consistent(const uint8_t *body, hexkey_wire_piece *piece)
{
    const unsigned width = piece->record_bytes;
    const int events = piece->kind == HEXKEY_WIRE_KIND_EVENTS;
    int64_t count = 0;

    piece->last_pulse = piece->pulse;
    if (piece->pulse > MAX_PULSE || (events && width != 4 && width != 8) ||
        (piece->kind == HEXKEY_WIRE_KIND_TAGS && width != 8))
        return 0;
    if (width && (piece->body_bytes % width ||
                  piece->body_bytes / width > HEXKEY_WIRE_MAX_RECORDS))
        return 0;
    if (events && width == 4)
        count = walk_records(body, piece->body_bytes / 4, piece->pulse, 0, 0, &piece->last_pulse,
                             NULL, NULL, NULL, NULL);
    else if (events)
        count = walk_records(body, piece->body_bytes / 8, piece->pulse, 1, 0, &piece->last_pulse,
                             NULL, NULL, NULL, NULL);
    piece->events = count < 0 ? 0 : (uint32_t)count;
    piece->first_pulse = count > 0 ? first_event(body, width == 8, piece->pulse)
                                   : piece->pulse;
    return count >= 0;
}

/* Describe one piece; `out` has room for it. Returns the number of bytes now used in `out`. */
static size_t inspect(const uint32_t *tables, const uint8_t *data, size_t data_bytes, uint8_t *out,
                      hexkey_wire_piece *piece)
{
    const int64_t frame_bytes = unstuff(data, data_bytes, out);
    const int64_t checked_bytes = frame_bytes - HEXKEY_WIRE_CRC_BYTES;
    if (frame_bytes < 0) {
        piece->status = HEXKEY_PIECE_COBS;
    } else if (checked_bytes < 1) {
        piece->status = HEXKEY_PIECE_SHORT;
    } else if (hexkey_crc32(tables, out, (size_t)checked_bytes, HEXKEY_CLMUL_FASTEST) !=
               load_le32(out + checked_bytes)) {
        piece->status = HEXKEY_PIECE_CRC;
    } else if (out[0] != HEXKEY_WIRE_VERSION) {
        piece->status = HEXKEY_PIECE_VERSION;
        piece->version = out[0];
    } else if (checked_bytes < HEXKEY_WIRE_HEADER_BYTES) {
        piece->status = HEXKEY_PIECE_SHORT;
    } else {
        read_header(out, piece);
        piece->body_bytes = (uint32_t)(checked_bytes - HEXKEY_WIRE_HEADER_BYTES);
        if (consistent(out + HEXKEY_WIRE_HEADER_BYTES, piece))
            return (size_t)frame_bytes;
        piece->status = HEXKEY_PIECE_INCONSISTENT;
    }
    return 0;
}

size_t hexkey_wire_scan(const uint32_t *tables, const uint8_t *data, size_t data_bytes,
                        uint8_t *out, size_t out_bytes, hexkey_wire_piece *pieces,
                        size_t piece_capacity, size_t *consumed)
{
    size_t at = 0, used = 0, count = 0;
    while (count < piece_capacity && at < data_bytes) {
        const uint8_t *zero = memchr(data + at, 0, data_bytes - at);
        if (!zero)
            break;
        const size_t piece_bytes = (size_t)(zero - (data + at));
        const int too_long = piece_bytes > HEXKEY_WIRE_MAX_STUFFED_BYTES;
        if (!too_long && piece_bytes > out_bytes - used)
            break;
        if (piece_bytes) {
            hexkey_wire_piece *piece = &pieces[count++];
            memset(piece, 0, sizeof *piece);
            piece->stuffed_bytes = piece_bytes;
            piece->body_at = (uint32_t)(used + HEXKEY_WIRE_HEADER_BYTES);
            if (too_long)
                piece->status = HEXKEY_PIECE_TOO_LONG;
            else
                used += inspect(tables, data + at, piece_bytes, out + used, piece);
        }
        at += piece_bytes + 1;
    }
    *consumed = at;
    return count;
}

/* ---- frames of events that follow on each other */

size_t hexkey_wire_follow(const hexkey_wire_piece *pieces, size_t count,
                          hexkey_wire_expected *expected, size_t *events)
{
    size_t followed = 0;
    *events = 0;
    for (; followed < count; followed++) {
        const hexkey_wire_piece *piece = &pieces[followed];
        if (piece->status != HEXKEY_PIECE_GOOD || piece->kind != HEXKEY_WIRE_KIND_EVENTS ||
            piece->record_bytes != expected->record_bytes ||
            piece->settings != expected->settings || piece->run != expected->run ||
            piece->epoch != expected->epoch || piece->sequence != expected->sequence ||
            piece->event_tally != expected->event_tally || piece->pulse < expected->last_event ||
            (piece->events && piece->first_pulse <= expected->last_event))
            break;
        expected->sequence++;
        expected->event_tally += piece->events;
        if (piece->pulse > expected->front)
            expected->front = piece->pulse;
        if (piece->events) {
            expected->last_event = piece->last_pulse;
            expected->front = piece->last_pulse + 1;
        }
        *events += piece->events;
    }
    return followed;
}

size_t hexkey_wire_decode(const uint8_t *out, const hexkey_wire_piece *pieces, size_t count,
                          uint64_t *pulse, uint32_t *phase_ticks, uint8_t *mask, uint8_t *flags)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const hexkey_wire_piece *piece = &pieces[i];
        const uint32_t records = piece->body_bytes / piece->record_bytes;
        at += (size_t)hexkey_unpack_events(out + piece->body_at, piece->record_bytes, 1,
                                           &piece->pulse, &records, pulse + at, phase_ticks + at,
                                           mask + at, flags + at);
    }
    return at;
}
