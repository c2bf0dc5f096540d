/* remote_write.c - prometheus.WriteRequest, version 1.0.
 *
 *     WriteRequest { repeated TimeSeries timeseries = 1; metadata = 3 }
 *     TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; exemplars = 3;
 *                    repeated Histogram histograms = 4 }
 *     Label        { string name = 1; string value = 2 }
 *     Sample       { double value = 1; int64 timestamp = 2 }
 *
 * A series is read twice: labels first, then samples, because nothing says that they come in this
 * order.  A sample that the store refuses is counted and does not stop the others; a series whose
 * labels are wrong loses its samples only.  Metadata and exemplars are passed over.
 * SPDX-License-Identifier: MIT */
#include "base/pb.h"
#include "ingest/result.h"

enum { SERIES = 1, LABELS = 1, SAMPLES = 2, HISTOGRAMS = 4 };

struct write {
    mw_appender *appender;
    mw_arena *arena; /* of one series, emptied before the next */
    mw_ingest_limits limits;
    mw_ingest_result *result;
    mw_err *err;
};

struct series {
    mw_label *labels;
    size_t n, samples, histograms;
};

/* -- labels --------------------------------------------------------------------------------- */

static int read_label(struct write *w, const mw_pb *outer, mw_str bytes, mw_label *out)
{
    mw_pb r;
    mw_pb_field f;
    int more;
    mw_pb_enter(&r, outer, bytes);
    *out = (mw_label){{"", 0}, {"", 0}};
    while ((more = mw_pb_next(&r, &f, w->err)) == 1) {
        if (f.wire != MW_PB_BYTES) continue;
        if (f.number == 1) out->name = f.bytes;
        if (f.number == 2) out->value = f.bytes;
    }
    return more;
}

/* First pass over one series: its labels, and how much it holds. */
static int read_series(struct write *w, mw_pb r, struct series *s)
{
    mw_pb_field f;
    int more;
    while ((more = mw_pb_next(&r, &f, w->err)) == 1) {
        if (f.wire != MW_PB_BYTES) continue;
        s->samples += f.number == SAMPLES;
        s->histograms += f.number == HISTOGRAMS;
        if (f.number != LABELS) continue;
        mw_label *l = mw_push_in(w->arena, &s->labels, &s->n, sizeof *l);
        if (!l) return mw_ingest_arena_full(w->err);
        int code = read_label(w, &r, f.bytes, l);
        if (code) return code;
    }
    return more;
}

/* NULL when a label is right, otherwise what is wrong with it. */
static const char *label_wrong(const struct write *w, const mw_label *l)
{
    if (!l->name.n) return "a label without a name";
    if (!mw_utf8_valid(l->name) || !mw_utf8_valid(l->value)) return "a label that is not UTF-8";
    if (l->name.n > w->limits.label_bytes || l->value.n > w->limits.label_bytes)
        return "a label longer than allowed";
    return NULL;
}

/* The identity of S, or NULL after counting its samples as rejected. */
static const mw_labels *identity(struct write *w, const struct series *s)
{
    const char *wrong = s->n > w->limits.labels ? "more labels than allowed" : NULL;
    bool named = false;
    mw_err err;
    mw_err_init(&err);
    for (size_t i = 0; i < s->n && !wrong; i++) {
        wrong = label_wrong(w, &s->labels[i]);
        named |= mw_str_is(s->labels[i].name, MW_METRIC_NAME) && s->labels[i].value.n;
    }
    if (!wrong && !named) wrong = "no " MW_METRIC_NAME;
    const mw_labels *ls = wrong ? NULL : mw_labels_new_in(w->arena, s->labels, s->n, &err);
    if (!ls)
        mw_result_reject(w->result, s->samples + s->histograms, MW_EARG, "a series has %s",
                         wrong ? wrong : err.msg);
    return ls;
}

/* -- samples -------------------------------------------------------------------------------- */

static int read_sample(struct write *w, const mw_pb *outer, mw_str bytes, mw_sample *out)
{
    mw_pb r;
    mw_pb_field f;
    int more;
    mw_pb_enter(&r, outer, bytes);
    *out = (mw_sample){0};
    while ((more = mw_pb_next(&r, &f, w->err)) == 1) {
        if (f.number == 1 && f.wire == MW_PB_FIXED64) out->v = mw_pb_double(f.u);
        if (f.number == 2 && f.wire == MW_PB_VARINT) out->t = (int64_t)f.u;
    }
    return more;
}

static int add_samples(struct write *w, mw_pb r, const mw_labels *ls)
{
    mw_pb_field f;
    uint64_t ref = 0;
    int more;
    while ((more = mw_pb_next(&r, &f, w->err)) == 1) {
        mw_sample s;
        if (f.number != SAMPLES || f.wire != MW_PB_BYTES) continue;
        int code = read_sample(w, &r, f.bytes, &s);
        if (code) return code;
        mw_result_sample(w->result, mw_appender_add(w->appender, ls, &ref, s.t, s.v), ls, s.t);
    }
    return more;
}

static int add_series(struct write *w, const mw_pb *outer, mw_str bytes)
{
    struct series s = {0};
    mw_pb r;
    mw_arena_reset(w->arena);
    mw_pb_enter(&r, outer, bytes);
    int code = read_series(w, r, &s);
    if (code) return code;
    const mw_labels *ls = identity(w, &s);
    if (!ls) return MW_OK;
    if (s.histograms)
        mw_result_reject(w->result, s.histograms, MW_EUNSUPPORTED,
                         "native histograms are not supported; send classic buckets");
    return add_samples(w, r, ls);
}

int mw_ingest_remote_write(mw_ingest *in, mw_str body, mw_ingest_result *result, mw_err *err)
{
    *result = (mw_ingest_result){0};
    struct write w = {
        .appender = mw_appender_new(in->tsdb),
        .arena = mw_ingest_arena(body.n),
        .limits = mw_ingest_limits_of(in),
        .result = result,
        .err = err,
    };
    mw_pb r;
    mw_pb_field f;
    int code = MW_OK, more;
    mw_pb_init(&r, body);
    while (!code && (more = mw_pb_next(&r, &f, err)) != 0) {
        if (more < 0)
            code = more;
        else if (f.number == SERIES && f.wire == MW_PB_BYTES)
            code = add_series(&w, &r, f.bytes);
    }
    int committed = mw_appender_commit(w.appender, err);
    mw_appender_free(w.appender);
    mw_arena_free(w.arena);
    return code ? code : committed;
}
