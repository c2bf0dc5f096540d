/* chunk.c - the bit stream of a chunk.
 *
 * Bits fill 64-bit words from the top.  The first sample is 64 bits of time and 64 bits of value.
 * After that, with D the change of the distance in time and X the XOR with the value before:
 *
 *     time   0                     D = 0
 *            10    + 14 bits       small D (signed), likewise
 *            110   + 17 bits
 *            1110  + 20 bits
 *            1111  + 64 bits       any D, modulo 2^64
 *     value  0                     X = 0
 *            10    + WIDTH bits    X fits the window of the last one
 *            11    + 5 bits LEAD, 6 bits WIDTH-1, WIDTH bits of X
 *
 * LEAD counts zero bits above the window.  Arithmetic on time is unsigned, so that any two int64
 * have a distance.  No sample needs SAMPLE_BITS, so with that many left a reader checks nothing.
 * SPDX-License-Identifier: MIT */
#include "tsdb/chunk.h"

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "tsdb/tally.h"

enum { FIRST_WORDS = 8, SAMPLE_BITS = 160, LEAD_MAX = 31 };

typedef struct time_code {
    uint8_t prefix_bits, prefix, bits;
} time_code;

static const time_code time_codes[] = {{2, 2, 14}, {3, 6, 17}, {4, 14, 20}};
enum { TIME_CODES = sizeof time_codes / sizeof *time_codes };

static uint64_t bits_of(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* -- writing -------------------------------------------------------------------------------- */

static size_t size_of(uint32_t words) { return sizeof(mw_chunk) + words * sizeof(uint64_t); }

mw_chunk *mw_chunk_new(void)
{
    mw_chunk *c = mw_zalloc(size_of(FIRST_WORDS));
    c->cap = FIRST_WORDS;
    return c;
}

static void resize(mw_chunk **c, uint32_t words)
{
    mw_chunk *to = mw_realloc(*c, size_of(words));
    if (words > to->cap) memset(to->words + to->cap, 0, (words - to->cap) * sizeof(uint64_t));
    to->cap = words;
    *c = to;
}

/* The lowest N bits of V, 1 <= N <= 64, with nothing above them. */
static void put(mw_chunk *c, uint64_t v, unsigned n)
{
    uint32_t word = c->bits >> 6, used = c->bits & 63, room = 64 - used;
    if (n <= room) {
        c->words[word] |= v << (room - n);
    } else {
        c->words[word] |= v >> (n - room);
        c->words[word + 1] |= v << (64 - (n - room));
    }
    c->bits += n;
}

static bool fits_signed(uint64_t d, unsigned bits)
{
    uint64_t half = 1ULL << (bits - 1);
    return d + half < 2 * half;
}

static void put_time(mw_chunk *c, uint64_t d)
{
    if (d == 0) {
        put(c, 0, 1);
        return;
    }
    for (unsigned i = 0; i < TIME_CODES; i++) {
        const time_code *k = &time_codes[i];
        if (!fits_signed(d, k->bits)) continue;
        put(c, k->prefix, k->prefix_bits);
        put(c, d & ((1ULL << k->bits) - 1), k->bits);
        return;
    }
    put(c, 15, 4);
    put(c, d, 64);
}

static void put_value(mw_chunk *c, mw_chunk_tail *tail, uint64_t x)
{
    if (x == 0) {
        put(c, 0, 1);
        return;
    }
    unsigned lead = (unsigned)__builtin_clzll(x), trail = (unsigned)__builtin_ctzll(x);
    if (lead > LEAD_MAX) lead = LEAD_MAX;
    unsigned kept = 64u - tail->lead - tail->width; /* zero bits below the window */
    if (tail->width && lead >= tail->lead && trail >= kept) {
        put(c, 2, 2);
        put(c, x >> kept, tail->width);
        return;
    }
    unsigned width = 64 - lead - trail;
    put(c, 3, 2);
    put(c, lead, 5);
    put(c, width - 1, 6);
    put(c, x >> trail, width);
    tail->lead = (uint8_t)lead;
    tail->width = (uint8_t)width;
}

void mw_chunk_append(mw_chunk **slot, mw_chunk_tail *tail, int64_t t, double v)
{
    mw_chunk *c = *slot;
    uint64_t value = bits_of(v);
    if (c->bits + SAMPLE_BITS > c->cap * 64) {
        resize(slot, c->cap * 2);
        c = *slot;
    }
    if (c->n == 0) {
        put(c, (uint64_t)t, 64);
        put(c, value, 64);
        c->min_t = t;
        *tail = (mw_chunk_tail){.t = t, .value = value};
    } else {
        MW_ASSERT(t > tail->t);
        uint64_t delta = (uint64_t)t - (uint64_t)tail->t;
        put_time(c, delta - tail->delta);
        put_value(c, tail, value ^ tail->value);
        tail->t = t;
        tail->delta = delta;
        tail->value = value;
    }
    c->max_t = t;
    c->n++;
}

static uint32_t used_words(const mw_chunk *c) { return (c->bits + 63) / 64; }

mw_chunk *mw_chunk_trim(mw_chunk *c)
{
    if (used_words(c) < c->cap) resize(&c, used_words(c));
    return c;
}

size_t mw_chunk_bytes(const mw_chunk *c) { return size_of(used_words(c)); }
size_t mw_chunk_cost(const mw_chunk *c) { return mw_heap_cost(size_of(c->cap)); }

/* -- reading -------------------------------------------------------------------------------- */

typedef struct bits_in {
    const uint64_t *words;
    uint32_t at, end;
    bool broken; /* asked for more than there is, or nonsense */
} bits_in;

/* The next 64 bits; there must be 128. */
static inline uint64_t peek(const bits_in *in)
{
    uint32_t word = in->at >> 6, used = in->at & 63;
    return in->words[word] << used | (in->words[word + 1] >> 1) >> (63 - used);
}

static uint64_t get(bits_in *in, unsigned n)
{
    if (n > in->end - in->at) {
        in->broken = true;
        return 0;
    }
    uint32_t word = in->at >> 6, used = in->at & 63;
    uint64_t top = in->words[word] << used;
    if (used + n > 64) top |= in->words[word + 1] >> (64 - used);
    in->at += n;
    return top >> (64 - n);
}

static uint64_t get_signed(bits_in *in, unsigned n)
{
    uint64_t v = get(in, n), sign = 1ULL << (n - 1);
    return (v ^ sign) - sign;
}

static bool window_is_sane(const mw_chunk_tail *tail)
{
    return tail->width > 0 && tail->lead + tail->width <= 64;
}

/* One sample, every bit asked for checked: near the end of a chunk. */
static void get_carefully(bits_in *in, mw_chunk_tail *tail)
{
    unsigned code = 0;
    while (code <= TIME_CODES && get(in, 1)) code++;
    if (code > TIME_CODES)
        tail->delta += get(in, 64);
    else if (code)
        tail->delta += get_signed(in, time_codes[code - 1].bits);
    if (!get(in, 1)) return;
    if (get(in, 1)) {
        tail->lead = (uint8_t)get(in, 5);
        tail->width = (uint8_t)(get(in, 6) + 1);
    }
    if (window_is_sane(tail))
        tail->value ^= get(in, tail->width) << (64 - tail->lead - tail->width);
    else
        in->broken = true;
}

/* One sample with at least SAMPLE_BITS left: no bit needs a check. */
static inline void get_quickly(bits_in *in, mw_chunk_tail *tail)
{
    uint64_t top = peek(in);
    unsigned code = (unsigned)__builtin_clzll(~top | 1);
    if (code == 0) {
        in->at += 1;
    } else if (code <= TIME_CODES) {
        const time_code *k = &time_codes[code - 1];
        tail->delta += (uint64_t)((int64_t)(top << k->prefix_bits) >> (64 - k->bits));
        in->at += k->prefix_bits + k->bits;
    } else {
        in->at += 4;
        tail->delta += peek(in);
        in->at += 64;
    }
    top = peek(in);
    if (!(top >> 63)) {
        in->at += 1;
        return;
    }
    if (top >> 62 == 2) {
        in->at += 2;
    } else {
        tail->lead = (uint8_t)(top << 2 >> 59);
        tail->width = (uint8_t)((top << 7 >> 58) + 1);
        in->at += 13;
    }
    if (!window_is_sane(tail)) {
        in->broken = true;
        return;
    }
    tail->value ^= peek(in) >> (64 - tail->width) << (64 - tail->lead - tail->width);
    in->at += tail->width;
}

size_t mw_chunk_decode(const mw_chunk *c, int64_t *t, double *v)
{
    bits_in in = {.words = c->words, .end = c->bits};
    mw_chunk_tail tail = {0};
    for (size_t i = 0; i < c->n; i++) {
        if (i == 0) {
            tail.t = (int64_t)get(&in, 64);
            tail.value = get(&in, 64);
        } else {
            if (in.end - in.at >= SAMPLE_BITS)
                get_quickly(&in, &tail);
            else
                get_carefully(&in, &tail);
            tail.t = (int64_t)((uint64_t)tail.t + tail.delta);
        }
        if (in.broken) return i;
        t[i] = tail.t;
        memcpy(&v[i], &tail.value, sizeof *v);
    }
    return c->n;
}
