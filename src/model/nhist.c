/* nhist.c - native histograms as bytes, and what makes one valid.
 *
 *     FLAGS (1)          bit 0: counts are floats, bits 1-2: hint, bit 3: bounds of its own
 *     SCHEMA (1)         signed
 *     ZERO_THRESHOLD (8) SUM (8)       bits of the doubles
 *     COUNT ZERO_COUNT                 varints, or 8 bytes each with float counts
 *     for each side, positive first:
 *         N_SPANS, then OFFSET (zigzag) LENGTH for each
 *         N_COUNTS, then the counts: differences (zigzag) of whole numbers, or 8 bytes each
 *     N_CUSTOM, then 8 bytes each      with bit 3
 *
 * Whole numbers up to 2^53 are exact as doubles; counts beyond that are written as floats.
 * SPDX-License-Identifier: MIT */
#include "model/nhist.h"

#include <math.h>
#include <string.h>

#include "model/sample.h"

enum { FLOATS = 1, HINT_SHIFT = 1, CUSTOM = 8, SPANS_MAX = 65536, BUCKETS_MAX = 65536 };
static const double exact_most = 9007199254740992.0; /* 2^53 */

/* -- writing -------------------------------------------------------------------------------- */

static void put_varint(mw_buf *b, uint64_t v)
{
    for (; v > 127; v >>= 7) mw_buf_byte(b, (char)(v | 128));
    mw_buf_byte(b, (char)v);
}

static void put_signed(mw_buf *b, int64_t v)
{
    put_varint(b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

static void put_double(mw_buf *b, double v) { mw_buf_add(b, &v, sizeof v); }

static bool is_whole(double v) { return v >= 0 && v <= exact_most && v == floor(v); }

static bool all_whole(const mw_hside *s)
{
    for (uint32_t i = 0; i < s->n_counts; i++)
        if (!is_whole(s->counts[i])) return false;
    return true;
}

static void put_side(const mw_hside *s, bool floats, mw_buf *b)
{
    put_varint(b, s->n_spans);
    for (uint32_t i = 0; i < s->n_spans; i++) {
        put_signed(b, s->spans[i].offset);
        put_varint(b, s->spans[i].length);
    }
    put_varint(b, s->n_counts);
    int64_t last = 0;
    for (uint32_t i = 0; i < s->n_counts; i++) {
        if (floats) {
            put_double(b, s->counts[i]);
        } else {
            put_signed(b, (int64_t)s->counts[i] - last);
            last = (int64_t)s->counts[i];
        }
    }
}

void mw_nhist_encode(const mw_nhist *h, mw_buf *out)
{
    bool floats = h->is_float || !is_whole(h->count) || !is_whole(h->zero_count) ||
                  !all_whole(&h->pos) || !all_whole(&h->neg);
    bool custom = h->n_custom > 0;
    mw_buf_byte(
        out, (char)((floats ? FLOATS : 0) | (h->hint & 3) << HINT_SHIFT | (custom ? CUSTOM : 0)));
    mw_buf_byte(out, (char)h->schema);
    put_double(out, h->zero_threshold);
    put_double(out, h->sum);
    if (floats) {
        put_double(out, h->count);
        put_double(out, h->zero_count);
    } else {
        put_varint(out, (uint64_t)h->count);
        put_varint(out, (uint64_t)h->zero_count);
    }
    put_side(&h->pos, floats, out);
    put_side(&h->neg, floats, out);
    if (!custom) return;
    put_varint(out, h->n_custom);
    for (uint32_t i = 0; i < h->n_custom; i++) put_double(out, h->custom[i]);
}

/* -- reading -------------------------------------------------------------------------------- */

struct reader {
    const char *p, *end;
    mw_arena *arena;
    int code;
};

static bool fail(struct reader *r, int code)
{
    if (!r->code) r->code = code;
    return false;
}

static bool get_varint(struct reader *r, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && r->p < r->end; shift += 7) {
        uint8_t byte = (uint8_t)*r->p++;
        v |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return *out = v, true;
    }
    return fail(r, MW_EPARSE);
}

static bool get_signed(struct reader *r, int64_t *out)
{
    uint64_t v;
    if (!get_varint(r, &v)) return false;
    *out = (int64_t)(v >> 1 ^ (0 - (v & 1)));
    return true;
}

static bool get_double(struct reader *r, double *out)
{
    if (r->end - r->p < 8) return fail(r, MW_EPARSE);
    memcpy(out, r->p, 8);
    r->p += 8;
    return true;
}

/* A number of things of which each takes at least EACH bytes. */
static bool get_number(struct reader *r, uint64_t most, size_t each, uint32_t *out)
{
    uint64_t n;
    if (!get_varint(r, &n)) return false;
    if (n > most || n * each > (uint64_t)(r->end - r->p)) return fail(r, MW_EPARSE);
    *out = (uint32_t)n;
    return true;
}

static void *get_room(struct reader *r, size_t n, size_t each)
{
    void *p = mw_arena_array(r->arena, n + 1, each);
    if (!p) fail(r, MW_ELIMIT);
    return p;
}

static bool get_spans(struct reader *r, mw_hside *s)
{
    if (!get_number(r, SPANS_MAX, 2, &s->n_spans)) return false;
    mw_hspan *spans = get_room(r, s->n_spans, sizeof *spans);
    for (uint32_t i = 0; spans && i < s->n_spans; i++) {
        int64_t offset;
        uint64_t length;
        if (!get_signed(r, &offset) || !get_varint(r, &length)) return false;
        if (offset < INT32_MIN || offset > INT32_MAX || length > BUCKETS_MAX)
            return fail(r, MW_EPARSE);
        spans[i] = (mw_hspan){(int32_t)offset, (uint32_t)length};
    }
    s->spans = spans;
    return spans != NULL;
}

static bool get_counts(struct reader *r, bool floats, mw_hside *s)
{
    if (!get_number(r, BUCKETS_MAX, floats ? 8 : 1, &s->n_counts)) return false;
    double *counts = get_room(r, s->n_counts, sizeof *counts);
    uint64_t last = 0;
    for (uint32_t i = 0; counts && i < s->n_counts; i++) {
        int64_t d;
        if (floats ? !get_double(r, &counts[i]) : !get_signed(r, &d)) return false;
        if (!floats) counts[i] = (double)(int64_t)(last += (uint64_t)d);
    }
    s->counts = counts;
    return counts != NULL;
}

static bool spans_fit(const mw_hside *s)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < s->n_spans; i++) n += s->spans[i].length;
    return n == s->n_counts;
}

static bool get_side(struct reader *r, bool floats, mw_hside *s)
{
    if (!get_spans(r, s) || !get_counts(r, floats, s)) return false;
    return spans_fit(s) || fail(r, MW_EPARSE);
}

static bool get_count(struct reader *r, bool floats, double *out)
{
    uint64_t v;
    if (floats) return get_double(r, out);
    if (!get_varint(r, &v)) return false;
    *out = (double)v;
    return true;
}

static bool get_custom(struct reader *r, mw_nhist *h)
{
    if (!get_number(r, BUCKETS_MAX, 8, &h->n_custom)) return false;
    double *bounds = get_room(r, h->n_custom, sizeof *bounds);
    for (uint32_t i = 0; bounds && i < h->n_custom; i++)
        if (!get_double(r, &bounds[i])) return false;
    h->custom = bounds;
    return bounds != NULL;
}

static bool is_known(int schema)
{
    return schema == MW_HIST_CUSTOM ||
           (schema >= MW_HIST_SCHEMA_MIN && schema <= MW_HIST_SCHEMA_MAX);
}

static bool get_all(struct reader *r, mw_nhist *h)
{
    if (r->end - r->p < 2) return fail(r, MW_EPARSE);
    uint8_t flags = (uint8_t)*r->p++;
    bool floats = flags & FLOATS;
    h->is_float = floats;
    h->hint = flags >> HINT_SHIFT & 3;
    h->schema = (int8_t)*r->p++;
    if (!is_known(h->schema)) return fail(r, MW_EPARSE);
    return get_double(r, &h->zero_threshold) && get_double(r, &h->sum) &&
           get_count(r, floats, &h->count) && get_count(r, floats, &h->zero_count) &&
           get_side(r, floats, &h->pos) && get_side(r, floats, &h->neg) &&
           (!(flags & CUSTOM) || get_custom(r, h)) && (r->p == r->end || fail(r, MW_EPARSE));
}

int mw_nhist_decode(mw_str bytes, mw_arena *arena, mw_nhist **out, mw_err *err)
{
    struct reader r = {.p = bytes.p, .end = bytes.p + bytes.n, .arena = arena};
    mw_nhist *h = mw_arena_zalloc(arena, sizeof *h);
    if (!h) return mw_fail(err, MW_ELIMIT, 0, 0, "no room for a histogram");
    if (!get_all(&r, h))
        return mw_fail(err, r.code, 0, 0,
                       r.code == MW_ELIMIT ? "no room for a histogram"
                                           : "the bytes of a histogram are damaged");
    *out = h;
    return MW_OK;
}

bool mw_nhist_is_stale(const mw_nhist *h) { return mw_is_stale(h->sum); }

/* -- checking ------------------------------------------------------------------------------- */

static int refuse(mw_err *err, const char *what)
{
    return mw_fail(err, MW_EARG, 0, 0, "a histogram %s", what);
}

static int check_side(const mw_hside *s, double *total, mw_err *err)
{
    if (s->n_spans > SPANS_MAX) return refuse(err, "has too many spans");
    for (uint32_t i = 0; i < s->n_spans; i++) {
        if (i && s->spans[i].offset < 0)
            return refuse(err, "has a span with a negative offset behind another one");
        if (s->spans[i].length > BUCKETS_MAX) return refuse(err, "has too many buckets");
    }
    if (s->n_counts > BUCKETS_MAX) return refuse(err, "has too many buckets");
    if (!spans_fit(s)) return refuse(err, "has spans that do not cover its buckets");
    for (uint32_t i = 0; i < s->n_counts; i++) {
        if (!(s->counts[i] >= 0)) return refuse(err, "has a bucket with a negative count");
        *total += s->counts[i];
    }
    return MW_OK;
}

static int check_custom(const mw_nhist *h, mw_err *err)
{
    if (h->neg.n_counts || h->neg.n_spans)
        return refuse(err, "with bounds of its own must not have negative buckets");
    if (h->zero_count != 0 || h->zero_threshold != 0)
        return refuse(err, "with bounds of its own must not have a zero bucket");
    if (h->n_custom > BUCKETS_MAX) return refuse(err, "has too many bounds");
    for (uint32_t i = 0; i < h->n_custom; i++) {
        if (isnan(h->custom[i]) || (isinf(h->custom[i]) && h->custom[i] > 0))
            return refuse(err, "has a bound that is no finite number");
        if (i && h->custom[i] <= h->custom[i - 1])
            return refuse(err, "has bounds that do not ascend");
    }
    int64_t last = -1; /* index of the last bucket */
    for (uint32_t i = 0; i < h->pos.n_spans; i++)
        last += (int64_t)h->pos.spans[i].offset + h->pos.spans[i].length;
    if (last > (int64_t)h->n_custom) return refuse(err, "has buckets beyond its bounds");
    if (h->pos.n_spans && h->pos.spans[0].offset < 0)
        return refuse(err, "has buckets before its bounds");
    return MW_OK;
}

static int check_exponential(const mw_nhist *h, mw_err *err)
{
    if (!is_known(h->schema))
        return mw_fail(err, MW_EARG, 0, 0, "a histogram has schema %d, known are %d to %d and %d",
                       h->schema, MW_HIST_SCHEMA_MIN, MW_HIST_SCHEMA_MAX, MW_HIST_CUSTOM);
    if (h->n_custom) return refuse(err, "of an exponential schema must not have bounds of its own");
    if (!(h->zero_threshold >= 0) || isinf(h->zero_threshold))
        return refuse(err, "has a zero threshold that is no positive number");
    return MW_OK;
}

int mw_nhist_check(const mw_nhist *h, mw_err *err)
{
    double total = h->zero_count;
    int code = h->schema == MW_HIST_CUSTOM ? check_custom(h, err) : check_exponential(h, err);
    if (!(h->zero_count >= 0)) code = code ? code : refuse(err, "has a negative zero count");
    if (!(h->count >= 0)) code = code ? code : refuse(err, "has a negative count");
    if (!code) code = check_side(&h->neg, &total, err);
    if (!code) code = check_side(&h->pos, &total, err);
    if (code) return code;
    /* Observations of NaN are counted, but are in no bucket.  Floats may be off by their rounding.
     */
    if (!h->is_float && (isnan(h->sum) ? h->count < total : h->count != total))
        return mw_fail(err, MW_EARG, 0, 0, "a histogram counts %.17g, its buckets %.17g", h->count,
                       total);
    return MW_OK;
}
