/* remote_hist.c - native histograms, the same message in both versions of remote write.
 *
 *     Histogram {
 *       uint64 count_int = 1 | double count_float = 2;  double sum = 3;  sint32 schema = 4;
 *       double zero_threshold = 5;  uint64 zero_count_int = 6 | double zero_count_float = 7;
 *       repeated BucketSpan negative_spans = 8;   repeated sint64 negative_deltas = 9;
 *       repeated double negative_counts = 10;     repeated BucketSpan positive_spans = 11;
 *       repeated sint64 positive_deltas = 12;     repeated double positive_counts = 13;
 *       ResetHint reset_hint = 14;  int64 timestamp = 15;  repeated double custom_values = 16;
 *     }
 *     BucketSpan { sint32 offset = 1; uint32 length = 2 }
 *
 * Whole numbers come as differences from bucket to bucket, floats as they are; which of the two
 * counts is said by the kind of the count.  SPDX-License-Identifier: MIT */
#include "ingest/remote.h"
#include "model/sample.h"

enum { NEGATIVE, POSITIVE, SIDES };

struct doubles {
    double *v;
    size_t n;
};

struct reading {
    mw_nhist h;
    int64_t t, schema, hint;
    mw_hspan *spans[SIDES];
    size_t n_spans[SIDES];
    struct doubles whole[SIDES], floats[SIDES], custom;
    int64_t last[SIDES]; /* whole number so far, as differences add up */
    bool overflow;
};

static int64_t zigzag(uint64_t v) { return (int64_t)(v >> 1) ^ -(int64_t)(v & 1); }

/* -- lists ---------------------------------------------------------------------------------- */

static int push_double(mw_remote *w, struct doubles *to, double v)
{
    double *slot = mw_push_in(w->values, &to->v, &to->n, sizeof *slot);
    if (!slot) return mw_ingest_arena_full(w->err);
    *slot = v;
    return MW_OK;
}

static int push_delta(mw_remote *w, struct reading *h, int side, uint64_t raw)
{
    h->overflow |= __builtin_add_overflow(h->last[side], zigzag(raw), &h->last[side]);
    return push_double(w, &h->whole[side], (double)h->last[side]);
}

static int cut_off(const mw_remote *w, const mw_pb *r)
{
    return mw_fail(w->err, MW_EPARSE, 0, 0, "protobuf: cut off number at byte %zu",
                   (size_t)(r->p - r->origin));
}

static int read_deltas(mw_remote *w, struct reading *h, int side, const mw_pb *outer,
                       const mw_pb_field *f)
{
    mw_pb r;
    uint64_t v;
    int code = MW_OK;
    if (f->wire == MW_PB_VARINT) return push_delta(w, h, side, f->u);
    if (f->wire != MW_PB_BYTES) return MW_OK;
    mw_pb_enter(&r, outer, f->bytes);
    while (!code && r.p < r.end)
        code = mw_pb_varint(&r, &v) ? push_delta(w, h, side, v) : cut_off(w, &r);
    return code;
}

static int read_doubles(mw_remote *w, struct doubles *to, const mw_pb *outer, const mw_pb_field *f)
{
    mw_pb r;
    uint64_t v;
    int code = MW_OK;
    if (f->wire == MW_PB_FIXED64) return push_double(w, to, mw_pb_double(f->u));
    if (f->wire != MW_PB_BYTES) return MW_OK;
    mw_pb_enter(&r, outer, f->bytes);
    while (!code && r.p < r.end)
        code = mw_pb_fixed64(&r, &v) ? push_double(w, to, mw_pb_double(v)) : cut_off(w, &r);
    return code;
}

static int read_span(mw_remote *w, struct reading *h, int side, const mw_pb *outer,
                     const mw_pb_field *f)
{
    mw_pb r;
    mw_pb_field in;
    int more;
    if (f->wire != MW_PB_BYTES) return MW_OK;
    mw_hspan *s = mw_push_in(w->values, &h->spans[side], &h->n_spans[side], sizeof *s);
    if (!s) return mw_ingest_arena_full(w->err);
    mw_pb_enter(&r, outer, f->bytes);
    while ((more = mw_pb_next(&r, &in, w->err)) == 1) {
        if (in.wire != MW_PB_VARINT) continue;
        if (in.number == 1) s->offset = (int32_t)zigzag((uint32_t)in.u);
        if (in.number == 2) s->length = (uint32_t)in.u;
    }
    return more;
}

/* -- the message ---------------------------------------------------------------------------- */

static int read_list(mw_remote *w, struct reading *h, const mw_pb *r, const mw_pb_field *f)
{
    switch (f->number) {
    case 8: return read_span(w, h, NEGATIVE, r, f);
    case 9: return read_deltas(w, h, NEGATIVE, r, f);
    case 10: return read_doubles(w, &h->floats[NEGATIVE], r, f);
    case 11: return read_span(w, h, POSITIVE, r, f);
    case 12: return read_deltas(w, h, POSITIVE, r, f);
    case 13: return read_doubles(w, &h->floats[POSITIVE], r, f);
    case 16: return read_doubles(w, &h->custom, r, f);
    default: return MW_OK;
    }
}

static void read_varint(struct reading *h, const mw_pb_field *f)
{
    switch (f->number) {
    case 1: h->h.is_float = false, h->h.count = (double)f->u; break;
    case 4: h->schema = zigzag((uint32_t)f->u); break;
    case 6: h->h.zero_count = (double)f->u; break;
    case 14: h->hint = (int64_t)f->u; break;
    case 15: h->t = (int64_t)f->u; break;
    default: break;
    }
}

static void read_fixed64(struct reading *h, const mw_pb_field *f)
{
    double v = mw_pb_double(f->u);
    switch (f->number) {
    case 2: h->h.is_float = true, h->h.count = v; break;
    case 3: h->h.sum = v; break;
    case 5: h->h.zero_threshold = v; break;
    case 7: h->h.zero_count = v; break;
    default: break;
    }
}

static int read_histogram(mw_remote *w, const mw_pb *outer, mw_str bytes, struct reading *h)
{
    mw_pb r;
    mw_pb_field f;
    int more, code = MW_OK;
    mw_arena_reset(w->values);
    *h = (struct reading){0};
    mw_pb_enter(&r, outer, bytes);
    while (!code && (more = mw_pb_next(&r, &f, w->err)) != 0) {
        if (more < 0) return more;
        if (f.wire == MW_PB_VARINT) read_varint(h, &f);
        if (f.wire == MW_PB_FIXED64) read_fixed64(h, &f);
        code = read_list(w, h, &r, &f);
    }
    return code;
}

/* -- what it means -------------------------------------------------------------------------- */

static mw_hside side_of(const struct reading *h, int side)
{
    const struct doubles *counts = h->h.is_float ? &h->floats[side] : &h->whole[side];
    return (mw_hside){h->spans[side], counts->v, (uint32_t)h->n_spans[side], (uint32_t)counts->n};
}

/* H from what was read; MW_EARG when it makes no histogram. */
static int make(struct reading *r, mw_nhist *h, mw_err *why)
{
    if (mw_is_stale(r->h.sum)) { /* nothing else in it counts */
        *h = (mw_nhist){.sum = r->h.sum};
        return MW_OK;
    }
    if (r->overflow) return mw_fail(why, MW_EARG, 0, 0, "bucket counts overflow");
    if (r->schema < INT8_MIN || r->schema > INT8_MAX)
        return mw_fail(why, MW_EARG, 0, 0, "unknown schema %lld", (long long)r->schema);
    *h = r->h;
    h->schema = (int8_t)r->schema;
    h->hint = r->hint >= 0 && r->hint <= MW_RESET_GAUGE ? (uint8_t)r->hint : MW_RESET_UNKNOWN;
    h->neg = side_of(r, NEGATIVE);
    h->pos = side_of(r, POSITIVE);
    h->custom = r->custom.v;
    h->n_custom = (uint32_t)r->custom.n;
    return mw_nhist_check(h, why);
}

int mw_remote_histogram(mw_remote *w, const mw_labels *ls, uint64_t *ref, const mw_pb *outer,
                        mw_str bytes, int64_t *t)
{
    struct reading r;
    mw_nhist h;
    mw_err why;
    mw_err_init(&why);
    int code = read_histogram(w, outer, bytes, &r);
    if (code) return code;
    *t = r.t;
    if (make(&r, &h, &why))
        mw_result_labelled(w->result, MW_EARG, ls, r.t, "wrong histogram: %s", why.msg);
    else
        mw_result_histogram(w->result, mw_appender_add_histogram(w->appender, ls, ref, r.t, &h), ls,
                            r.t);
    return MW_OK;
}
