/* remote_write.c - prometheus.WriteRequest, version 1.0.
 *
 *     WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3 }
 *     TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2;
 *                    repeated Exemplar exemplars = 3; repeated Histogram histograms = 4 }
 *     Exemplar     { repeated Label labels = 1; double value = 2; int64 timestamp = 3 }
 *     MetricMetadata { type = 1; string metric_family_name = 2; string help = 4; string unit = 5 }
 *
 * A series is walked twice: first its shape, because nothing says that labels come before samples
 * or in one piece, then its samples.  A sample that the store refuses is counted and does not stop
 * the others; a series whose labels are wrong loses its samples only.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "ingest/remote.h"

enum { SERIES = 1, METADATA = 3, LABELS = 1, SAMPLES = 2, EXEMPLARS = 3, HISTOGRAMS = 4 };

struct shape {
    mw_str labels;    /* from the first to the last field of them */
    size_t of_labels; /* bytes of those fields; fewer than labels.n when something lies between */
    const char *first_sample;
    size_t exemplars, histograms;
};

/* Labels as everybody writes them: at the front, each shorter than 128 bytes. */
static void skip_labels(mw_pb *r, struct shape *s)
{
    const char *p = r->p;
    while (r->end - p >= 2 && p[0] == (LABELS << 3 | MW_PB_BYTES) && !(p[1] & 0x80)) {
        if (r->end - p - 2 < p[1]) break;
        p += 2 + p[1];
    }
    *s = (struct shape){.labels = {r->p, (size_t)(p - r->p)}, .of_labels = (size_t)(p - r->p)};
    r->p = p;
}

static int shape_of(mw_remote *w, mw_pb r, struct shape *s)
{
    mw_pb_field f;
    int more;
    skip_labels(&r, s);
    for (const char *at = r.p; (more = mw_remote_next(&r, &f, w->err)) == 1; at = r.p) {
        if (f.wire != MW_PB_BYTES) continue;
        if (f.number == LABELS) {
            if (!s->of_labels) s->labels.p = at;
            s->of_labels += (size_t)(r.p - at);
            s->labels.n = (size_t)(r.p - s->labels.p);
        } else if (f.number == SAMPLES) {
            if (!s->first_sample) s->first_sample = at;
        } else {
            s->exemplars += f.number == EXEMPLARS;
            s->histograms += f.number == HISTOGRAMS;
        }
    }
    return more;
}

/* Fields of labels that something lies between, moved together. */
static int gather_labels(mw_remote *w, const mw_pb *series, struct shape *s)
{
    mw_pb r = {.p = s->labels.p, .end = s->labels.p + s->labels.n, .origin = series->origin};
    mw_pb_field f;
    char *to;
    int code = mw_remote_scratch(w, s->of_labels, &to), more;
    if (code) return code;
    s->labels = (mw_str){to, s->of_labels};
    for (const char *at = r.p; (more = mw_remote_next(&r, &f, w->err)) == 1; at = r.p) {
        mw_label l;
        if (f.wire != MW_PB_BYTES || f.number != LABELS) continue;
        /* Damage is looked for here, where its place is known. */
        if ((code = mw_remote_label(w, &r, f.bytes, &l))) return code;
        memcpy(to, at, (size_t)(r.p - at));
        to += r.p - at;
    }
    return more;
}

static int add_series(mw_remote *w, const mw_pb *outer, mw_str bytes)
{
    struct shape s;
    mw_pb r;
    mw_pb_enter(&r, outer, bytes);
    int code = shape_of(w, r, &s);
    if (!code && s.of_labels != s.labels.n) code = gather_labels(w, &r, &s);
    if (!code && s.first_sample) {
        r.p = s.first_sample;
        code = mw_remote_samples(w, r, s.labels);
    }
    if (code || !(s.exemplars + s.histograms)) return code;
    return mw_remote_add_extra(w, (mw_remote_extra){bytes, s.labels, s.histograms, s.exemplars});
}

/* -- what comes with samples ---------------------------------------------------------------- */

static int read_exemplar(mw_remote *w, const mw_pb *outer, mw_str bytes, const mw_labels *ls)
{
    mw_pb r;
    mw_pb_field f;
    size_t n = 0;
    double v = 0;
    int64_t t = 0;
    int more, code;
    mw_pb_enter(&r, outer, bytes);
    while ((more = mw_remote_next(&r, &f, w->err)) == 1) {
        mw_label l;
        if (f.number == 2 && f.wire == MW_PB_FIXED64) v = mw_pb_double(f.u);
        if (f.number == 3 && f.wire == MW_PB_VARINT) t = (int64_t)f.u;
        if (f.number != 1 || f.wire != MW_PB_BYTES) continue;
        if ((code = mw_remote_label(w, &r, f.bytes, &l))) return code;
        if (n < w->limits.labels) w->labels[n] = l;
        n++;
    }
    if (!more) mw_remote_exemplar(w, ls, n, v, t);
    return more;
}

static int read_kind(mw_remote *w, mw_str series, const mw_labels *ls, uint32_t kind)
{
    mw_pb r = {.p = series.p, .end = series.p + series.n, .origin = w->origin};
    mw_pb_field f;
    uint64_t ref = 0;
    int64_t t;
    int more, code = MW_OK;
    while (!code && (more = mw_remote_next(&r, &f, w->err)) != 0) {
        if (more < 0) return more;
        if (f.wire != MW_PB_BYTES || f.number != kind) continue;
        code = kind == EXEMPLARS ? read_exemplar(w, &r, f.bytes, ls)
                                 : mw_remote_histogram(w, ls, &ref, &r, f.bytes, &t);
    }
    return code;
}

/* Exemplars lie in front of the histograms that may make their series known. */
static int read_extras(mw_remote *w, mw_str series, const mw_labels *ls)
{
    int code = read_kind(w, series, ls, HISTOGRAMS);
    return code ? code : read_kind(w, series, ls, EXEMPLARS);
}

static int read_metadata(mw_remote *w, const mw_pb *outer, mw_str bytes)
{
    mw_str name = {"", 0}, help = {"", 0}, unit = {"", 0};
    uint64_t type = 0;
    mw_pb r;
    mw_pb_field f;
    int more;
    mw_pb_enter(&r, outer, bytes);
    while ((more = mw_remote_next(&r, &f, w->err)) == 1) {
        if (f.number == 1 && f.wire == MW_PB_VARINT) type = f.u;
        if (f.wire != MW_PB_BYTES) continue;
        if (f.number == 2) name = f.bytes;
        if (f.number == 4) help = f.bytes;
        if (f.number == 5) unit = f.bytes;
    }
    if (!more) mw_remote_metadata(w, name, type, help, unit);
    return more;
}

/* -- the request ---------------------------------------------------------------------------- */

int mw_ingest_remote_write(mw_ingest *in, mw_str body, mw_ingest_result *result, mw_err *err)
{
    mw_remote w;
    mw_pb r;
    mw_pb_field f;
    int code = MW_OK, more;
    mw_remote_open(&w, in, body, read_extras, result, err);
    mw_pb_init(&r, body);
    while (!code && (more = mw_remote_next(&r, &f, err)) != 0) {
        if (more < 0)
            code = more;
        else if (f.number == SERIES && f.wire == MW_PB_BYTES)
            code = add_series(&w, &r, f.bytes);
        else if (f.number == METADATA && f.wire == MW_PB_BYTES)
            code = read_metadata(&w, &r, f.bytes);
    }
    return mw_remote_close(&w, code);
}
