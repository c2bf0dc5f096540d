/* readreq.c - prometheus.ReadRequest: queries with matchers, and the kind of answer wanted.
 *
 *     ReadRequest { 1: Query..., 2: ResponseType... }     ResponseType: 0 samples, 1 xor chunks
 *     Query { 1: start, 2: end, 3: LabelMatcher..., 4: ReadHints }     milliseconds
 *     LabelMatcher { 1: type, 2: name, 3: value }     type: 0 =, 1 !=, 2 =~, 3 !~
 *     ReadHints { 2: func, 3: start, 4: end, ... }
 * SPDX-License-Identifier: MIT */
#include "ingest/readreq.h"

#include "base/mem.h"
#include "base/pb.h"

void mw_read_request_deinit(mw_read_request *r)
{
    for (size_t i = 0; i < r->n; i++) {
        mw_matcher *m = (mw_matcher *)r->query[i].matchers;
        for (size_t k = 0; k < r->query[i].n; k++) mw_matcher_deinit(&m[k]);
        mw_free(m);
    }
    mw_free(r->query);
    *r = (mw_read_request){0};
}

/* -- matchers ------------------------------------------------------------------------------- */

static int read_matcher(const mw_pb *outer, mw_str bytes, const mw_labels *external,
                        mw_matcher *out, mw_err *err)
{
    mw_pb r;
    mw_pb_field f;
    uint64_t type = MW_MATCH_EQ;
    mw_str name = MW_STR(""), value = MW_STR("");
    int rc;
    mw_pb_enter(&r, outer, bytes);
    while ((rc = mw_pb_next(&r, &f, err)) == 1) {
        if (f.number == 1 && f.wire == MW_PB_VARINT) type = f.u;
        if (f.number == 2 && f.wire == MW_PB_BYTES) name = f.bytes;
        if (f.number == 3 && f.wire == MW_PB_BYTES) value = f.bytes;
    }
    if (rc) return rc;
    if (type > MW_MATCH_NRE)
        return mw_fail(err, MW_EARG, 0, 0, "a label matcher of unknown type %llu",
                       (unsigned long long)type);
    if (!name.n || !mw_utf8_valid(name) || !mw_utf8_valid(value))
        return mw_fail(err, MW_EARG, 0, 0, "a label matcher without a name, or not in UTF-8");
    if (memchr(name.p, 0, name.n) || (value.n && memchr(value.p, 0, value.n)))
        return mw_fail(err, MW_EARG, 0, 0, "a label matcher with a NUL byte");
    for (uint32_t i = 0; type == MW_MATCH_EQ && external && i < external->n; i++)
        if (mw_str_eq(external->l[i].name, name) && mw_str_eq(external->l[i].value, value))
            value = MW_STR("");
    return mw_matcher_init(out, (mw_match_op)type, name, value, err);
}

static int add_matcher(mw_select *q, size_t *cap, const mw_pb *outer, mw_str bytes,
                       const mw_labels *external, mw_err *err)
{
    mw_matcher *m = (mw_matcher *)q->matchers;
    if (q->n == MW_READ_MATCHERS)
        return mw_fail(err, MW_ELIMIT, 0, 0, "more than %d matchers in a query", MW_READ_MATCHERS);
    mw_grow(&m, cap, q->n + 1, sizeof *m);
    q->matchers = m;
    int rc = read_matcher(outer, bytes, external, &m[q->n], err);
    if (!rc) q->n++;
    return rc;
}

/* -- queries -------------------------------------------------------------------------------- */

static int read_hints(mw_select *q, const mw_pb *outer, mw_str bytes, int64_t *from, int64_t *to,
                      mw_err *err)
{
    mw_pb r;
    mw_pb_field f;
    int rc;
    *from = *to = 0;
    mw_pb_enter(&r, outer, bytes);
    while ((rc = mw_pb_next(&r, &f, err)) == 1) {
        if (f.number == 2 && f.wire == MW_PB_BYTES) q->labels_only = mw_str_is(f.bytes, "series");
        if (f.number == 3 && f.wire == MW_PB_VARINT) *from = (int64_t)f.u;
        if (f.number == 4 && f.wire == MW_PB_VARINT) *to = (int64_t)f.u;
    }
    return rc;
}

/* Q is in the request already: what it owns is freed with it. */
static int read_query(mw_select *q, const mw_pb *outer, mw_str bytes, const mw_labels *external,
                      mw_err *err)
{
    mw_pb r;
    mw_pb_field f;
    int64_t from = 0, to = 0;
    size_t cap = 0;
    int rc, bad = MW_OK;
    mw_pb_enter(&r, outer, bytes);
    while (!bad && (rc = mw_pb_next(&r, &f, err)) == 1) {
        if (f.number == 1 && f.wire == MW_PB_VARINT) q->min_t = (int64_t)f.u;
        if (f.number == 2 && f.wire == MW_PB_VARINT) q->max_t = (int64_t)f.u;
        if (f.number == 3 && f.wire == MW_PB_BYTES)
            bad = add_matcher(q, &cap, &r, f.bytes, external, err);
        if (f.number == 4 && f.wire == MW_PB_BYTES)
            bad = read_hints(q, &r, f.bytes, &from, &to, err);
    }
    if (bad || rc) return bad ? bad : rc;
    if (from == 0 && to == 0) return MW_OK; /* no hints, or hints without a range */
    if (from > q->min_t) q->min_t = from;
    if (to < q->max_t) q->max_t = to;
    return MW_OK;
}

/* -- the request ---------------------------------------------------------------------------- */

typedef struct wanted { /* kinds of answers, in the order of preference */
    bool any, known;
} wanted;

static void want(wanted *w, uint64_t type, mw_read_request *out)
{
    w->any = true;
    if (w->known || type > 1) return;
    w->known = true;
    out->streamed = type == 1;
}

static void want_packed(wanted *w, const mw_pb *outer, mw_str bytes, mw_read_request *out)
{
    mw_pb r;
    uint64_t type;
    mw_pb_enter(&r, outer, bytes);
    while (mw_pb_varint(&r, &type)) want(w, type, out);
}

static int read_field(mw_read_request *out, const mw_pb *r, const mw_pb_field *f, wanted *w,
                      const mw_labels *external, mw_err *err)
{
    if (f->number == 2 && f->wire == MW_PB_VARINT) want(w, f->u, out);
    if (f->number == 2 && f->wire == MW_PB_BYTES) want_packed(w, r, f->bytes, out);
    if (f->number != 1 || f->wire != MW_PB_BYTES) return MW_OK;
    if (out->n == MW_READ_QUERIES)
        return mw_fail(err, MW_ELIMIT, 0, 0, "more than %d queries in a request", MW_READ_QUERIES);
    mw_select none = {0};
    MW_PUSH(out->query, out->n, out->cap, none);
    return read_query(&out->query[out->n - 1], r, f->bytes, external, err);
}

int mw_read_request_parse(mw_str body, const mw_labels *external, mw_read_request *out, mw_err *err)
{
    mw_pb r;
    mw_pb_field f;
    wanted w = {0};
    int rc, bad = MW_OK;
    *out = (mw_read_request){0};
    mw_pb_init(&r, body);
    while (!bad && (rc = mw_pb_next(&r, &f, err)) == 1)
        bad = read_field(out, &r, &f, &w, external, err);
    if (!bad) bad = rc;
    if (!bad && w.any && !w.known)
        bad = mw_fail(err, MW_EARG, 0, 0,
                      "none of the requested response types is known; SAMPLES (0) and "
                      "STREAMED_XOR_CHUNKS (1) are");
    if (bad) mw_read_request_deinit(out);
    return bad;
}
