/* xorchunk.c - the chunk encodings of Prometheus, written.
 *
 *     XOR              n:16 | zigzag varint t0 | v0:64 | uvarint t1-t0 | xor v1 | { dod | xor v
 * }... FLOAT_HISTOGRAM  n:16 | flags:8 | layout | t0 count zero sum buckets | { dod | xors }...
 *
 * dod is the change of the distance in time; xor of a value is 0 for the same one, 10 and the bits
 * that fit in the last window, or 11, leading zeroes:5, width:6 and the bits of a new window.
 * SPDX-License-Identifier: MIT */
#include "ingest/xorchunk.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "model/sample.h"

/* -- bits ----------------------------------------------------------------------------------- */

typedef struct bits {
    mw_buf *out;
    unsigned left; /* free bits of the last byte */
} bits;

static void put_bits(bits *b, uint64_t v, unsigned n)
{
    while (n) {
        if (!b->left) {
            mw_buf_byte(b->out, 0);
            b->left = 8;
        }
        unsigned take = n < b->left ? n : b->left;
        unsigned char piece = (unsigned char)((v >> (n - take)) & ((1u << take) - 1));
        b->left -= take;
        n -= take;
        b->out->p[b->out->n - 1] |= (char)(piece << b->left);
    }
}

static void put_uvarint(bits *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) put_bits(b, (v & 0x7f) | 0x80, 8);
    put_bits(b, v, 8);
}

static void put_zigzag(bits *b, int64_t v)
{
    put_uvarint(b, (uint64_t)v << 1 ^ (uint64_t)(v < 0 ? -1 : 0));
}

/* Does V fit in N bits, of which half and one are above zero? */
static bool fits(int64_t v, unsigned n)
{
    return v >= -((INT64_C(1) << (n - 1)) - 1) && v <= INT64_C(1) << (n - 1);
}

typedef struct xored {
    uint64_t last;
    unsigned leading, trailing; /* the window; leading 0xff: none yet */
} xored;

static void put_xor(bits *b, xored *x, double v)
{
    uint64_t now = mw_double_bits(v), delta = now ^ x->last;
    x->last = now;
    if (!delta) {
        put_bits(b, 0, 1);
        return;
    }
    unsigned leading = (unsigned)__builtin_clzll(delta);
    unsigned trailing = (unsigned)__builtin_ctzll(delta);
    if (leading > 31) leading = 31;
    if (x->leading != 0xff && leading >= x->leading && trailing >= x->trailing) {
        put_bits(b, 2, 2);
        put_bits(b, delta >> x->trailing, 64 - x->leading - x->trailing);
        return;
    }
    unsigned width = 64 - leading - trailing;
    x->leading = leading;
    x->trailing = trailing;
    put_bits(b, 3, 2);
    put_bits(b, leading, 5);
    put_bits(b, width, 6); /* 64 is written as 0 */
    put_bits(b, delta >> trailing, width);
}

static void put_count(mw_buf *out, size_t at, size_t n)
{
    out->p[at] = (char)(n >> 8);
    out->p[at + 1] = (char)n;
}

/* -- floats --------------------------------------------------------------------------------- */

static void put_dod(bits *b, int64_t dod)
{
    static const struct {
        unsigned width, mark, mark_bits;
    } rows[] = {{14, 2, 2}, {17, 6, 3}, {20, 14, 4}};
    if (!dod) {
        put_bits(b, 0, 1);
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!fits(dod, rows[i].width)) continue;
        put_bits(b, rows[i].mark, rows[i].mark_bits);
        put_bits(b, (uint64_t)dod, rows[i].width);
        return;
    }
    put_bits(b, 15, 4);
    put_bits(b, (uint64_t)dod, 64);
}

void mw_xor_chunk(const int64_t *t, const double *v, size_t n, mw_buf *out)
{
    size_t head = out->n;
    bits b = {.out = out};
    xored x = {.leading = 0xff};
    uint64_t distance = 0;
    put_bits(&b, n, 16);
    for (size_t i = 0; i < n; i++) {
        uint64_t now = i ? (uint64_t)t[i] - (uint64_t)t[i - 1] : 0;
        if (i == 0) {
            put_zigzag(&b, t[0]);
            put_bits(&b, x.last = mw_double_bits(v[0]), 64);
            continue;
        }
        if (i == 1)
            put_uvarint(&b, now);
        else
            put_dod(&b, (int64_t)(now - distance));
        distance = now;
        put_xor(&b, &x, v[i]);
    }
    put_count(out, head, n);
}

/* -- histograms ----------------------------------------------------------------------------- */

static const struct {
    unsigned width, mark, mark_bits;
} varbits[] = {{3, 2, 2},   {6, 6, 3},    {9, 14, 4},  {12, 30, 5},
               {18, 62, 6}, {25, 126, 7}, {56, 254, 8}};
enum { VARBITS = sizeof varbits / sizeof *varbits };

static void put_varbit(bits *b, uint64_t v, bool (*fit)(uint64_t v, unsigned n))
{
    if (!v) {
        put_bits(b, 0, 1);
        return;
    }
    for (size_t i = 0; i < VARBITS; i++) {
        if (!fit(v, varbits[i].width)) continue;
        put_bits(b, varbits[i].mark, varbits[i].mark_bits);
        put_bits(b, v, varbits[i].width);
        return;
    }
    put_bits(b, 255, 8);
    put_bits(b, v, 64);
}

static bool fits_int(uint64_t v, unsigned n) { return fits((int64_t)v, n); }
static bool fits_uint(uint64_t v, unsigned n) { return v >> n == 0; }
static void put_int(bits *b, int64_t v) { put_varbit(b, (uint64_t)v, fits_int); }
static void put_uint(bits *b, uint64_t v) { put_varbit(b, v, fits_uint); }

/* Powers of two take a byte. */
static void put_threshold(bits *b, double v)
{
    int exponent;
    double fraction = frexp(v, &exponent);
    if (v == 0) {
        put_bits(b, 0, 8);
    } else if (fraction == 0.5 && exponent >= -242 && exponent <= 11) {
        put_bits(b, (uint64_t)(exponent + 243), 8);
    } else {
        put_bits(b, 255, 8);
        put_bits(b, mw_double_bits(v), 64);
    }
}

static void put_spans(bits *b, const mw_hside *s)
{
    put_uint(b, s->n_spans);
    for (uint32_t i = 0; i < s->n_spans; i++) {
        put_uint(b, s->spans[i].length);
        put_int(b, s->spans[i].offset);
    }
}

/* Thousandths in a few bits, all others whole. */
static void put_bound(bits *b, double v)
{
    double thousands = v * 1000;
    if (thousands >= 0 && thousands <= 33554430 && round(thousands) / 1000 == v) {
        put_uint(b, (uint64_t)round(thousands) + 1);
        return;
    }
    put_bits(b, 0, 1);
    put_bits(b, mw_double_bits(v), 64);
}

static void put_layout(bits *b, const mw_nhist *h)
{
    put_threshold(b, h->zero_threshold);
    put_int(b, h->schema);
    put_spans(b, &h->pos);
    put_spans(b, &h->neg);
    if (h->schema != MW_HIST_CUSTOM) return;
    put_uint(b, h->n_custom);
    for (uint32_t i = 0; i < h->n_custom; i++) put_bound(b, h->custom[i]);
}

static bool same_side(const mw_hside *a, const mw_hside *b)
{
    if (a->n_spans != b->n_spans || a->n_counts != b->n_counts) return false;
    for (uint32_t i = 0; i < a->n_spans; i++)
        if (a->spans[i].offset != b->spans[i].offset || a->spans[i].length != b->spans[i].length)
            return false;
    return true;
}

static bool same_layout(const mw_nhist *a, const mw_nhist *b)
{
    if (a->schema != b->schema || a->zero_threshold != b->zero_threshold) return false;
    if (a->n_custom != b->n_custom || !same_side(&a->pos, &b->pos) || !same_side(&a->neg, &b->neg))
        return false;
    return !a->n_custom || !memcmp(a->custom, b->custom, a->n_custom * sizeof *a->custom);
}

static bool side_fell(const mw_hside *a, const mw_hside *b)
{
    for (uint32_t i = 0; i < a->n_counts; i++)
        if (b->counts[i] < a->counts[i]) return true;
    return false;
}

/* B may stand behind A in a chunk, within which a reader takes counters to only go up. */
static bool follows(const mw_nhist *a, const mw_nhist *b)
{
    bool gauge = a->hint == MW_RESET_GAUGE;
    if (mw_nhist_is_stale(a)) return false;
    if (mw_nhist_is_stale(b)) return true;
    if (gauge != (b->hint == MW_RESET_GAUGE) || !same_layout(a, b)) return false;
    return gauge ||
           (b->hint != MW_RESET_YES && b->count >= a->count && b->zero_count >= a->zero_count &&
            !side_fell(&a->pos, &b->pos) && !side_fell(&a->neg, &b->neg));
}

static void put_first(bits *b, const mw_nhist *h, int64_t t, xored *x)
{
    const mw_hside *sides[] = {&h->pos, &h->neg};
    put_layout(b, h);
    put_int(b, t);
    put_bits(b, x[0].last = mw_double_bits(h->count), 64);
    put_bits(b, x[1].last = mw_double_bits(h->zero_count), 64);
    put_bits(b, x[2].last = mw_double_bits(h->sum), 64);
    x += 3;
    for (int s = 0; s < 2; s++)
        for (uint32_t i = 0; i < sides[s]->n_counts; i++, x++)
            put_bits(b, x->last = mw_double_bits(sides[s]->counts[i]), 64);
}

static void put_next(bits *b, const mw_nhist *h, xored *x)
{
    const mw_hside *sides[] = {&h->pos, &h->neg};
    bool stale = mw_nhist_is_stale(h); /* has no more than its sum */
    put_xor(b, &x[0], stale ? 0 : h->count);
    put_xor(b, &x[1], stale ? 0 : h->zero_count);
    put_xor(b, &x[2], h->sum);
    x += 3;
    for (int s = 0; s < 2 && !stale; s++)
        for (uint32_t i = 0; i < sides[s]->n_counts; i++) put_xor(b, x++, sides[s]->counts[i]);
}

size_t mw_histogram_chunk(const int64_t *t, const mw_nhist *const *h, size_t n, mw_buf *out)
{
    const mw_nhist stale = {.sum = h[0]->sum}, *first = mw_nhist_is_stale(h[0]) ? &stale : h[0];
    size_t head = out->n, values = 3 + first->pos.n_counts + first->neg.n_counts, i;
    bits b = {.out = out};
    xored *x = mw_array(values, sizeof *x);
    uint64_t distance = 0;
    for (i = 0; i < values; i++) x[i].leading = 0xff;
    put_bits(&b, 0, 16);
    put_bits(&b, first->hint == MW_RESET_GAUGE ? 0xc0 : first->hint == MW_RESET_YES ? 0x80 : 0, 8);
    put_first(&b, first, t[0], x);
    for (i = 1; i < n && i < UINT16_MAX && follows(i > 1 ? h[i - 1] : first, h[i]); i++) {
        uint64_t now = (uint64_t)t[i] - (uint64_t)t[i - 1];
        put_int(&b, (int64_t)(now - distance));
        distance = now;
        put_next(&b, h[i], x);
    }
    put_count(out, head, i);
    mw_free(x);
    return i;
}
