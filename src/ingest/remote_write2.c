/* remote_write2.c - io.prometheus.write.v2.Request, version 2.0.
 *
 *     Request    { repeated string symbols = 4; repeated TimeSeries timeseries = 5 }
 *     TimeSeries { repeated uint32 labels_refs = 1; repeated Sample samples = 2;
 *                  repeated Histogram histograms = 3; repeated Exemplar exemplars = 4;
 *                  Metadata metadata = 5; int64 created_timestamp = 6 }
 *     Exemplar   { repeated uint32 labels_refs = 1; double value = 2; int64 timestamp = 3 }
 *     Metadata   { MetricType type = 1; uint32 help_ref = 3; uint32 unit_ref = 4 }
 *
 * References are indexes into the symbols, names and values in turn; symbol 0 is "".  The labels
 * of a series are written out as version 1.0 has them, and go the same way from there.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "ingest/remote.h"

enum { SYMBOLS = 4, SERIES = 5 };
enum { LABELS = 1, SAMPLES = 2, HISTOGRAMS = 3, EXEMPLARS = 4, METADATA = 5 };
enum { HISTOGRAM = 3, GAUGEHISTOGRAM, SUMMARY }; /* types that come in parts */
enum { UNFOLD = 64, UNFOLD_AT_LEAST = 16 << 20, UNSAID = 99 };

struct refs {
    uint32_t *v;
    size_t n; /* those beyond the limit are only counted */
};

struct request {
    mw_remote w;
    mw_str body;
    uint32_t *symbols; /* where in the body the length of each begins */
    size_t n_symbols, symbols_cap;
    struct refs series, exemplar; /* labels of the one at hand; a flush comes between */
    uint64_t *told;               /* bits: metadata of the metric named by this symbol was told */
    size_t unfolded, may_unfold;  /* label bytes written out */
};

/* -- symbols -------------------------------------------------------------------------------- */

static mw_str symbol(const struct request *q, uint32_t ref)
{
    mw_pb r = {.p = q->body.p + q->symbols[ref], .end = q->body.p + q->body.n};
    uint64_t n = (unsigned char)*r.p;
    if (n < 0x80)
        r.p++;
    else
        mw_pb_varint(&r, &n); /* it was read before */
    return (mw_str){r.p, (size_t)n};
}

static int read_symbols(struct request *q, mw_str body)
{
    mw_pb r;
    mw_pb_field f;
    int more;
    mw_pb_init(&r, body);
    while ((more = mw_remote_next(&r, &f, q->w.err)) == 1) {
        if (f.number != SYMBOLS || f.wire != MW_PB_BYTES) continue;
        /* The length stands right in front of the bytes, and its last byte has no high bit. */
        const char *p = f.bytes.p - 1;
        while (p[-1] & 0x80) p--;
        MW_PUSH(q->symbols, q->n_symbols, q->symbols_cap, (uint32_t)(p - body.p));
        if (q->n_symbols == 1 && f.bytes.n)
            return mw_fail(q->w.err, MW_EPARSE, 0, 0, "the first symbol is not the empty string");
    }
    q->told = mw_array(q->n_symbols / 64 + 1, sizeof *q->told);
    return more;
}

static bool read_ref(mw_pb *r, uint64_t *out)
{
    if (r->p < r->end && !(*r->p & 0x80)) {
        *out = (unsigned char)*r->p++;
        return true;
    }
    return mw_pb_varint(r, out);
}

static void push_ref(const struct request *q, struct refs *to, uint64_t ref)
{
    if (to->n < 2 * q->w.limits.labels)
        to->v[to->n] = ref > UINT32_MAX ? UINT32_MAX : (uint32_t)ref;
    to->n++;
}

/* One field of references, packed or single. */
static int read_refs(struct request *q, struct refs *to, const mw_pb *outer, const mw_pb_field *f)
{
    mw_pb r;
    uint64_t ref;
    if (f->wire == MW_PB_VARINT) push_ref(q, to, f->u);
    if (f->wire != MW_PB_BYTES) return MW_OK;
    mw_pb_enter(&r, outer, f->bytes);
    while (r.p < r.end) {
        if (!read_ref(&r, &ref))
            return mw_fail(q->w.err, MW_EPARSE, 0, 0, "protobuf: cut off number at byte %zu",
                           (size_t)(r.p - r.origin));
        push_ref(q, to, ref);
    }
    return MW_OK;
}

/* False after telling WHY when the references make no labels. */
static bool refs_right(const struct request *q, const struct refs *refs, mw_err *why)
{
    const mw_ingest_limits *limits = &q->w.limits;
    const char *wrong = refs->n % 2 ? "an odd number of label references" : NULL;
    if (!wrong && refs->n > 2 * limits->labels) {
        mw_fail(why, MW_EARG, 0, 0, "more labels than allowed (%zu)", limits->labels);
        return false;
    }
    for (size_t i = 0; i < refs->n && !wrong; i++) {
        if (refs->v[i] >= q->n_symbols)
            wrong = "a reference to a symbol that is not there";
        else if (symbol(q, refs->v[i]).n > limits->label_bytes)
            wrong = "a label longer than allowed";
    }
    if (wrong) mw_fail(why, MW_EARG, 0, 0, "%s", wrong);
    return !wrong;
}

/* Label I of references that are right. */
static mw_label label_at(const struct request *q, const struct refs *refs, size_t i)
{
    return (mw_label){symbol(q, refs->v[2 * i]), symbol(q, refs->v[2 * i + 1])};
}

/* -- labels, written out -------------------------------------------------------------------- */

static size_t varint_size(size_t v)
{
    size_t n = 1;
    for (; v >= 0x80; v >>= 7) n++;
    return n;
}

static size_t text_size(mw_str s) { return 1 + varint_size(s.n) + s.n; }

static char *put_varint(char *p, size_t v)
{
    for (; v >= 0x80; v >>= 7) *p++ = (char)(v | 0x80);
    *p++ = (char)v;
    return p;
}

static char *put_text(char *p, char tag, mw_str s)
{
    *p++ = tag;
    p = put_varint(p, s.n);
    memcpy(p, s.p, s.n);
    return p + s.n;
}

static size_t inner_size(const mw_label *l) { return text_size(l->name) + text_size(l->value); }

static int write_labels(struct request *q, mw_str *out)
{
    const size_t n = q->series.n / 2;
    size_t total = 0;
    char *p;
    for (size_t i = 0; i < n; i++) {
        mw_label l = label_at(q, &q->series, i);
        total += 1 + varint_size(inner_size(&l)) + inner_size(&l);
    }
    if ((q->unfolded += total) > q->may_unfold)
        return mw_fail(q->w.err, MW_ETOOBIG, 0, 0,
                       "the labels unfold into more than %d times the size of the body", UNFOLD);
    int code = mw_remote_scratch(&q->w, total, &p);
    if (code) return code;
    *out = (mw_str){p, total};
    for (size_t i = 0; i < n; i++) {
        mw_label l = label_at(q, &q->series, i);
        *p++ = 1 << 3 | MW_PB_BYTES;
        p = put_varint(p, inner_size(&l));
        p = put_text(p, 1 << 3 | MW_PB_BYTES, l.name);
        p = put_text(p, 2 << 3 | MW_PB_BYTES, l.value);
    }
    return MW_OK;
}

/* -- metadata ------------------------------------------------------------------------------- */

static bool cut_end(mw_str *name, const char *end)
{
    size_t n = strlen(end);
    if (name->n <= n || memcmp(name->p + name->n - n, end, n)) return false;
    name->n -= n;
    return true;
}

/* The family of a series: what is known is known of the histogram, not of its parts. */
static mw_str family(mw_str name, uint64_t type)
{
    if (type == HISTOGRAM || type == GAUGEHISTOGRAM) {
        if (cut_end(&name, "_bucket")) return name;
    } else if (type != SUMMARY) {
        return name;
    }
    if (!cut_end(&name, "_sum")) cut_end(&name, "_count");
    return name;
}

static mw_str symbol_or_empty(const struct request *q, uint64_t ref)
{
    return ref < q->n_symbols ? symbol(q, (uint32_t)ref) : (mw_str){"", 0};
}

/* Once for each name in a request: every series of a metric says the same. */
static int tell_metadata(struct request *q, const mw_pb *outer, mw_str bytes)
{
    uint64_t type = 0, help = 0, unit = 0;
    uint32_t name = 0;
    mw_pb r;
    mw_pb_field f;
    int more;
    for (size_t i = 0; i < q->series.n && !name; i += 2)
        if (mw_str_is(symbol(q, q->series.v[i]), MW_METRIC_NAME)) name = q->series.v[i + 1];
    mw_pb_enter(&r, outer, bytes);
    while ((more = mw_pb_next(&r, &f, q->w.err)) == 1) {
        if (f.wire != MW_PB_VARINT) continue;
        if (f.number == 1) type = f.u;
        if (f.number == 3) help = f.u;
        if (f.number == 4) unit = f.u;
    }
    if (more || !name || !(type | help | unit) || q->told[name / 64] >> name % 64 & 1) return more;
    q->told[name / 64] |= 1ULL << name % 64;
    mw_remote_metadata(&q->w, family(symbol(q, name), type), type ? type : UNSAID,
                       symbol_or_empty(q, help), symbol_or_empty(q, unit));
    return MW_OK;
}

/* -- series --------------------------------------------------------------------------------- */

struct shape {
    const char *first_sample;
    size_t samples, histograms, exemplars;
    mw_str metadata;
};

static int shape_of(struct request *q, mw_pb r, struct shape *s)
{
    mw_pb_field f;
    int more, code = MW_OK;
    q->series.n = 0;
    *s = (struct shape){0};
    for (const char *at = r.p; !code && (more = mw_remote_next(&r, &f, q->w.err)) != 0; at = r.p) {
        if (more < 0) return more;
        if (f.number == LABELS) code = read_refs(q, &q->series, &r, &f);
        if (f.wire != MW_PB_BYTES) continue;
        if (f.number == SAMPLES && !s->samples++) s->first_sample = at;
        if (f.number == METADATA) s->metadata = f.bytes;
        s->histograms += f.number == HISTOGRAMS;
        s->exemplars += f.number == EXEMPLARS;
    }
    return code;
}

static int add_series(struct request *q, const mw_pb *outer, mw_str bytes)
{
    mw_remote *w = &q->w;
    struct shape s;
    mw_str labels;
    mw_pb r;
    mw_err why;
    mw_err_init(&why);
    mw_pb_enter(&r, outer, bytes);
    int code = shape_of(q, r, &s);
    if (code) return code;
    if (!refs_right(q, &q->series, &why)) {
        mw_result_reject(w->result, s.samples + s.histograms, MW_EARG, "a series has %s", why.msg);
        w->result->exemplars_rejected += s.exemplars;
        return MW_OK;
    }
    if (s.metadata.n) code = tell_metadata(q, &r, s.metadata);
    if (!code && s.samples + s.histograms + s.exemplars) code = write_labels(q, &labels);
    if (code) return code;
    if (s.samples) {
        r.p = s.first_sample;
        if ((code = mw_remote_samples(w, r, labels))) return code;
    }
    if (!(s.histograms + s.exemplars)) return MW_OK;
    return mw_remote_add_extra(w, (mw_remote_extra){bytes, labels, s.histograms, s.exemplars});
}

/* -- what comes with samples ---------------------------------------------------------------- */

static int read_exemplar(struct request *q, const mw_pb *outer, mw_str bytes, const mw_labels *ls,
                         int64_t t)
{
    mw_pb r;
    mw_pb_field f;
    double v = 0;
    int more, code = MW_OK;
    q->exemplar.n = 0;
    mw_pb_enter(&r, outer, bytes);
    while (!code && (more = mw_remote_next(&r, &f, q->w.err)) != 0) {
        if (more < 0) return more;
        if (f.number == 1) code = read_refs(q, &q->exemplar, &r, &f);
        if (f.number == 2 && f.wire == MW_PB_FIXED64) v = mw_pb_double(f.u);
        if (f.number == 3 && f.wire == MW_PB_VARINT && f.u) t = (int64_t)f.u;
    }
    if (code) return code;
    if (!refs_right(q, &q->exemplar, NULL)) {
        q->w.result->exemplars_rejected++;
        return MW_OK;
    }
    for (size_t i = 0; i < q->exemplar.n / 2; i++) q->w.labels[i] = label_at(q, &q->exemplar, i);
    mw_remote_exemplar(&q->w, ls, q->exemplar.n / 2, v, t);
    return MW_OK;
}

static int sample_time(mw_remote *w, const mw_pb *outer, mw_str bytes, int64_t *t)
{
    mw_pb r;
    mw_pb_field f;
    int more;
    mw_pb_enter(&r, outer, bytes);
    while ((more = mw_pb_next(&r, &f, w->err)) == 1)
        if (f.number == 2 && f.wire == MW_PB_VARINT) *t = (int64_t)f.u;
    return more;
}

/* An exemplar without a time of its own has that of the sample before it. */
static int read_extras(mw_remote *w, mw_str series, const mw_labels *ls)
{
    mw_pb r = {.p = series.p, .end = series.p + series.n, .origin = w->origin};
    mw_pb_field f;
    uint64_t ref = 0;
    int64_t t = 0;
    int more, code = MW_OK;
    while (!code && (more = mw_remote_next(&r, &f, w->err)) != 0) {
        if (more < 0) return more;
        if (f.wire != MW_PB_BYTES) continue;
        if (f.number == SAMPLES) code = sample_time(w, &r, f.bytes, &t);
        if (f.number == HISTOGRAMS) code = mw_remote_histogram(w, ls, &ref, &r, f.bytes, &t);
        if (f.number == EXEMPLARS) code = read_exemplar((struct request *)w, &r, f.bytes, ls, t);
    }
    return code;
}

/* -- the request ---------------------------------------------------------------------------- */

static int read_series(struct request *q, mw_str body)
{
    mw_pb r;
    mw_pb_field f;
    int code = MW_OK, more;
    mw_pb_init(&r, body);
    while (!code && (more = mw_remote_next(&r, &f, q->w.err)) != 0) {
        if (more < 0) return more;
        if (f.number == SERIES && f.wire == MW_PB_BYTES) code = add_series(q, &r, f.bytes);
    }
    return code;
}

int mw_ingest_remote_write2(mw_ingest *in, mw_str body, mw_ingest_result *result, mw_err *err)
{
    struct request q = {.body = body, .may_unfold = body.n * UNFOLD + UNFOLD_AT_LEAST};
    *result = (mw_ingest_result){0};
    if (body.n > UINT32_MAX) return mw_fail(err, MW_ETOOBIG, 0, 0, "more than 4 GiB");
    mw_remote_open(&q.w, in, body, read_extras, result, err);
    q.series.v = mw_array(2 * q.w.limits.labels, sizeof *q.series.v);
    q.exemplar.v = mw_array(2 * q.w.limits.labels, sizeof *q.exemplar.v);
    /* Symbols may stand behind what refers to them, so they are read first.  When the body is
     * damaged, what came before it counts. */
    int code = read_symbols(&q, body);
    if (q.told) {
        int walked = read_series(&q, body);
        code = code ? code : walked;
    }
    code = mw_remote_close(&q.w, code);
    mw_free(q.symbols);
    mw_free(q.series.v);
    mw_free(q.exemplar.v);
    mw_free(q.told);
    return code;
}
