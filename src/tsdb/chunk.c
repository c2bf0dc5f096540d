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
 * have a distance.  No sample needs SAMPLE_BITS, so that a reader checks for the end once per
 * sample.
 * SPDX-License-Identifier: MIT */
#include "tsdb/chunk.h"

#include "base/err.h"
#include "base/mem.h"

enum { FIRST_WORDS = 7, WORDS_MAX = UINT16_MAX, SAMPLE_BITS = 160, LEAD_MAX = 31 };

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

mw_chunk *mw_chunk_new(mw_slab *slab, mw_chunk_kind kind, uint32_t gen)
{
    mw_chunk *c = mw_slab_take(slab, size_of(FIRST_WORDS));
    memset(c, 0, size_of(FIRST_WORDS));
    c->cap = FIRST_WORDS;
    c->kind = (uint8_t)kind;
    c->gen = gen;
    return c;
}

void mw_chunk_free(mw_slab *slab, mw_chunk *c)
{
    if (c) mw_slab_give(slab, c, size_of(c->cap));
}

/* An odd number of words fills its piece of memory. */
static void resize(mw_slab *slab, mw_chunk **c, uint32_t words)
{
    if (words < WORDS_MAX) words |= 1;
    mw_chunk *to = mw_slab_resize(slab, *c, size_of((*c)->cap), size_of(words));
    if (words > to->cap) memset(to->words + to->cap, 0, (words - to->cap) * sizeof(uint64_t));
    to->cap = (uint16_t)words;
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

static void put_value(mw_chunk *c, uint64_t x)
{
    if (x == 0) {
        put(c, 0, 1);
        return;
    }
    unsigned lead = (unsigned)__builtin_clzll(x), trail = (unsigned)__builtin_ctzll(x);
    if (lead > LEAD_MAX) lead = LEAD_MAX;
    unsigned kept = 64u - c->lead - c->width; /* zero bits below the window */
    if (c->width && lead >= c->lead && trail >= kept) {
        put(c, 2, 2);
        put(c, x >> kept, c->width);
        return;
    }
    unsigned width = 64 - lead - trail;
    put(c, 3, 2);
    put(c, lead, 5);
    put(c, width - 1, 6);
    put(c, x >> trail, width);
    c->lead = (uint8_t)lead;
    c->width = (uint8_t)width;
}

/* A third more each time: most chunks end well below a power of two. */
static uint32_t wider(uint32_t cap) { return cap + cap / 3 + 2; }

void mw_chunk_append(mw_slab *slab, mw_chunk **slot, mw_last *last, int64_t t, double v)
{
    mw_chunk *c = *slot;
    uint64_t value = bits_of(v);
    if (c->bits + SAMPLE_BITS > c->cap * 64u) {
        resize(slab, slot, wider(c->cap));
        c = *slot;
    }
    if (c->n == 0) {
        put(c, (uint64_t)t, 64);
        put(c, value, 64);
        c->min_t = t;
    } else {
        MW_ASSERT(t > last->t);
        uint64_t delta = (uint64_t)t - (uint64_t)last->t;
        put_time(c, delta - c->delta);
        put_value(c, value ^ last->value);
        c->delta = delta;
    }
    *last = (mw_last){t, value};
    c->max_t = t;
    c->n++;
}

bool mw_chunk_is_full(const mw_chunk *c)
{
    if (c->kind == MW_CHUNK_HISTOGRAMS) return c->bits / 8 >= MW_CHUNK_HIST_BYTES;
    return c->n >= MW_CHUNK_SAMPLES;
}

static uint32_t used_words(const mw_chunk *c) { return (c->bits + 63) / 64; }

mw_chunk *mw_chunk_trim(mw_slab *slab, mw_chunk *c)
{
    if ((used_words(c) | 1) < c->cap) resize(slab, &c, used_words(c));
    return c;
}

size_t mw_chunk_bytes(const mw_chunk *c) { return size_of(used_words(c)); }
size_t mw_chunk_cost(const mw_chunk *c) { return mw_slab_cost(size_of(c->cap)); }

/* -- reading -------------------------------------------------------------------------------- */

typedef struct bits_in {
    const uint64_t *words;
    uint32_t at;
} bits_in;

/* 64 bits, SKIP bits from here. */
static inline uint64_t peek(const bits_in *in, uint32_t skip)
{
    uint32_t word = (in->at + skip) >> 6, used = (in->at + skip) & 63;
    return in->words[word] << used | (in->words[word + 1] >> 1) >> (63 - used);
}

typedef struct tail {
    int64_t t;
    uint64_t delta, value;
    uint8_t lead, width;
} tail;

static bool window_is_sane(const tail *w) { return w->width > 0 && w->lead + w->width <= 64; }

/* The time of the next sample, whose bits begin with TOP: how many of them it takes. */
static inline uint32_t next_time(const bits_in *in, uint64_t top, tail *w)
{
    unsigned code = (unsigned)__builtin_clzll(~top | 1);
    if (code == 0) return 1;
    if (code <= TIME_CODES) {
        const time_code *k = &time_codes[code - 1];
        w->delta += (uint64_t)((int64_t)(top << k->prefix_bits) >> (64 - k->bits));
        return k->prefix_bits + k->bits;
    }
    w->delta += peek(in, 4);
    return 68;
}

/* The next sample: at most SAMPLE_BITS, of which those behind the end are whatever stands there.
 * Mostly one look at 64 bits has all of it. */
static inline void next_sample(bits_in *in, tail *w)
{
    uint64_t top = peek(in, 0);
    uint32_t used = next_time(in, top, w);
    uint64_t rest = used < 64 - 13 ? top << used : peek(in, used);
    if (!(rest >> 63)) {
        in->at += used + 1;
        return;
    }
    if (rest >> 62 == 2) {
        used += 2;
    } else {
        w->lead = (uint8_t)(rest << 2 >> 59);
        w->width = (uint8_t)((rest << 7 >> 58) + 1);
        used += 13;
    }
    if (!window_is_sane(w)) {
        in->at = UINT32_MAX - SAMPLE_BITS; /* behind any end */
        return;
    }
    rest = used + w->width <= 64 ? top << used : peek(in, used);
    w->value ^= rest >> (64 - w->width) << (64 - w->lead - w->width);
    in->at += used + w->width;
}

size_t mw_chunk_decode_copy(const mw_chunk *c, int64_t *t, double *v)
{
    bits_in in = {.words = c->words, .at = 128};
    if (c->n == 0 || c->bits < 128) return 0;
    tail w = {.t = (int64_t)c->words[0], .value = c->words[1]};
    for (size_t i = 0;;) {
        t[i] = w.t;
        memcpy(&v[i], &w.value, sizeof *v);
        if (++i == c->n) return i;
        if (in.at >= c->bits) return i;
        next_sample(&in, &w);
        if (in.at > c->bits) return i;
        w.t = (int64_t)((uint64_t)w.t + w.delta);
    }
}

size_t mw_chunk_decode(const mw_chunk *c, int64_t *t, double *v)
{
    size_t n = mw_chunk_bytes(c);
    mw_chunk *copy = mw_zalloc(n + MW_CHUNK_SLACK);
    memcpy(copy, c, n);
    n = mw_chunk_decode_copy(copy, t, v);
    mw_free(copy);
    return n;
}

/* -- histograms ----------------------------------------------------------------------------- */

enum { ENTRY_HEAD = 12 }; /* time and length */

bool mw_chunk_append_bytes(mw_slab *slab, mw_chunk **slot, int64_t t, mw_str bytes)
{
    mw_chunk *c = *slot;
    size_t at = c->bits / 8, need = at + ENTRY_HEAD + bytes.n;
    if (c->n == UINT16_MAX || need > WORDS_MAX * sizeof(uint64_t)) return false;
    if (need > c->cap * sizeof(uint64_t)) {
        uint32_t words = (uint32_t)((need + 7) / 8), grown = wider(c->cap);
        resize(slab, slot, words > grown ? words : grown < WORDS_MAX ? grown : WORDS_MAX);
        c = *slot;
    }
    char *p = (char *)c->words + at;
    uint32_t n = (uint32_t)bytes.n;
    memcpy(p, &t, sizeof t);
    memcpy(p + 8, &n, sizeof n);
    memcpy(p + ENTRY_HEAD, bytes.p, n);
    if (c->n++ == 0) c->min_t = t;
    c->max_t = t;
    c->bits = (uint32_t)need * 8;
    return true;
}

bool mw_chunk_next_bytes(const mw_chunk *c, size_t *at, int64_t *t, mw_str *bytes)
{
    size_t end = c->bits / 8;
    uint32_t n;
    if (end - *at < ENTRY_HEAD) return false;
    const char *p = (const char *)c->words + *at;
    memcpy(t, p, sizeof *t);
    memcpy(&n, p + 8, sizeof n);
    if (n > end - *at - ENTRY_HEAD) return false;
    *bytes = (mw_str){p + ENTRY_HEAD, n};
    *at += ENTRY_HEAD + n;
    return true;
}
