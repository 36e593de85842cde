/* hexkey_wire_scan, _follow and _decode on raw bytes, and on frames with a right CRC. */
#include "harness.h"

enum { MOST_STREAM_BYTES = 1 << 16, MOST_PIECES = 300 };

static uint32_t tables[HEXKEY_CRC32_TABLE_WORDS];
static uint8_t stream[MOST_STREAM_BYTES];

static uint32_t slow_crc(const uint8_t *data, size_t bytes)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < 8 * bytes; i++) {
        unsigned bit = (crc ^ data[i / 8] >> i % 8) & 1;
        crc = crc >> 1 ^ (bit ? 0xEDB88320u : 0);
    }
    return ~crc;
}

static size_t stuff(const uint8_t *frame, size_t bytes, uint8_t *out)
{
    size_t code_at = 0, end = 1;
    for (size_t i = 0; i < bytes; i++) {
        if (frame[i])
            out[end++] = frame[i];
        if (!frame[i] || end - code_at == 255) {
            out[code_at] = (uint8_t)(end - code_at);
            code_at = end++;
        }
    }
    out[code_at] = (uint8_t)(end - code_at);
    out[end++] = 0;
    return end;
}

/* What a board's next header says. */
struct board {
    uint64_t pulse;
    uint32_t sequence, tally;
};

static void store(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* Put a board's header before narrow records, which may contradict each other. */
static void follow_on(struct board *board, uint8_t *frame, size_t bytes)
{
    static const uint8_t head[] = {HEXKEY_WIRE_VERSION, HEXKEY_WIRE_KIND_EVENTS, 4, 1};
    memset(frame, 0, HEXKEY_WIRE_HEADER_BYTES);
    memcpy(frame, head, sizeof head);
    store(frame + 12, board->sequence++, 4);
    store(frame + 16, board->pulse, 8);
    store(frame + 24, board->tally, 4);
    for (size_t at = HEXKEY_WIRE_HEADER_BYTES; at + 4 <= bytes; at += 4) {
        if (!frame[at]) { /* no advance: the pulse of the event before */
            frame[at + 1] &= 0x7F;
            frame[at + 2] = 0;
            frame[at + 3] &= 0xF0;
        }
        uint32_t low = frame[at] | frame[at + 1] << 8 | frame[at + 2] << 16;
        uint32_t step = low | (uint32_t)(frame[at + 3] & 15) << 24;
        board->pulse += frame[at + 3] >> 4 ? step >> 15 : step;
        board->tally += frame[at + 3] >> 4 != 0;
    }
}

/* Frames from the input with a right CRC, most of them a board's. */
static size_t make_stream(struct input *in)
{
    uint8_t frame[400];
    struct board board = {take(in, 1) & 3 ? 0 : INT64_MAX - take(in, 4), 0, 0};
    size_t end = 0;
    while (in->left && end + 2 * sizeof frame < MOST_STREAM_BYTES) {
        size_t bytes = take_up_to(in, 60), header = take(in, 1) % 8 ? HEXKEY_WIRE_HEADER_BYTES : 0;
        size_t times = 1 + take_up_to(in, 3);
        bytes = bytes < in->left ? bytes : in->left;
        for (size_t i = 0; i < times; i++)
            memcpy(frame + header + i * bytes, in->at, bytes);
        in->at += bytes;
        in->left -= bytes;
        bytes *= times;
        bytes = header ? header + (bytes & ~(size_t)(bytes % 16 == 1 ? 0 : 3)) : bytes;
        if (header)
            follow_on(&board, frame, bytes);
        store(frame + bytes, slow_crc(frame, bytes), 4);
        end += stuff(frame, bytes + 4, stream + end);
    }
    return end;
}

static void check_burst(const uint8_t *out, const hexkey_wire_piece *pieces, size_t count)
{
    hexkey_wire_expected expected = {
        .run = pieces->run, .epoch = pieces->epoch, .sequence = pieces->sequence,
        .event_tally = pieces->event_tally, .settings = pieces->settings,
        .record_bytes = pieces->record_bytes,
    };
    size_t events, frames = hexkey_wire_follow(pieces, count, &expected, &events);
    REQUIRE(frames <= count);
    uint64_t *pulse = malloc(events * sizeof *pulse);
    uint32_t *phase = malloc(events * sizeof *phase);
    uint8_t *mask = malloc(events), *flags = malloc(events);
    REQUIRE(hexkey_wire_decode(out, pieces, frames, pulse, phase, mask, flags) == events);
    for (size_t i = 0; i < events; i++) {
        REQUIRE(mask[i] && mask[i] < 16);
        REQUIRE(pulse[i] < expected.front && (!i || pulse[i - 1] < pulse[i]));
    }
    free(pulse);
    free(phase);
    free(mask);
    free(flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    hexkey_crc32_prepare(tables);
    unsigned shape = (unsigned)take(&in, 1), raw = shape & 1;
    size_t times = 1 + (shape >> 1 & 15); /* so that short inputs fill `out`, too */
    size_t capacity = 1 + take_up_to(&in, take(&in, 1) & 1 ? 4 : MOST_PIECES - 1);
    size_t out_bytes = HEXKEY_WIRE_MAX_STUFFED_BYTES + take_up_to(&in, 600);
    size_t part = raw ? in.left : make_stream(&in), bytes = times * part;
    uint8_t *buffer = malloc(bytes), *out = malloc(out_bytes);
    hexkey_wire_piece *pieces = malloc(capacity * sizeof *pieces);
    for (size_t i = 0; part && i < times; i++)
        memcpy(buffer + i * part, raw ? in.at : stream, part);
    for (int path = HEXKEY_CLMUL_FASTEST; path <= HEXKEY_CLMUL_PORTABLE; path++)
        REQUIRE(hexkey_crc32(tables, buffer, part, path) == slow_crc(buffer, part));

    size_t at = 0, count, consumed;
    do {
        count = hexkey_wire_scan(tables, buffer + at, bytes - at, out, out_bytes, pieces, capacity,
                                 &consumed);
        REQUIRE(count <= capacity && consumed <= bytes - at);
        REQUIRE(!consumed || !buffer[at + consumed - 1]);
        for (size_t i = 0; i < count; i++) {
            REQUIRE(pieces[i].status <= HEXKEY_PIECE_INCONSISTENT);
            REQUIRE(pieces[i].stuffed_bytes && pieces[i].stuffed_bytes < bytes);
            if (pieces[i].status != HEXKEY_PIECE_GOOD)
                continue;
            REQUIRE(pieces[i].body_at + (size_t)pieces[i].body_bytes <= out_bytes);
            REQUIRE(pieces[i].pulse <= pieces[i].first_pulse);
            REQUIRE(pieces[i].first_pulse <= pieces[i].last_pulse);
            REQUIRE(pieces[i].last_pulse <= INT64_MAX);
            check_burst(out, pieces + i, count - i);
        }
        at += consumed;
    } while (count);
    REQUIRE(at == bytes || !memchr(buffer + at, 0, bytes - at));
    free(buffer);
    free(out);
    free(pieces);
    return 0;
}
