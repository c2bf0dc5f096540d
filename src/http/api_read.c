/* api_read.c - POST /api/v1/read: another Prometheus reads what is here.
 *
 * Samples are one snappy block, compressed while they are read and sent in pieces; chunks are a
 * stream of frames, each made when the client has taken those before, so that of a large answer
 * only the series at hand stands in memory.  A stream cannot say that it failed: it is cut.
 * SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/mem.h"
#include "base/zip.h"
#include "http/route.h"
#include "http/serving.h"
#include "ingest/readpb.h"
#include "ingest/readreq.h"

enum { FRAME_BYTES = 1 << 20, LABELS_BYTES = 1 << 20 };
static const size_t most_request = (size_t)32 << 20, most_packed = (size_t)256 << 20;

typedef struct part { /* what one query gave */
    mw_buf head;
    mw_snappy z;
} part;

typedef struct reading {
    mw_read_request request;
    const mw_labels *external;
    size_t samples_left;
    part *part; /* of samples: one per query */
    mw_series_set *set;
    mw_series_view view;
    size_t query, at; /* what is sent: of the query at hand so many bytes, or samples of the view */
    bool some;        /* there is a view */
    mw_buf labels, scratch;
} reading;

static void reading_free(void *arg)
{
    reading *r = arg;
    if (r->set) r->set->close(r->set);
    for (size_t i = 0; r->part && i < r->request.n; i++) {
        mw_buf_deinit(&r->part[i].head);
        mw_snappy_deinit(&r->part[i].z);
    }
    mw_free(r->part);
    mw_read_request_deinit(&r->request);
    mw_buf_deinit(&r->labels);
    mw_buf_deinit(&r->scratch);
}

static void take_labels(reading *r)
{
    mw_buf_reset(&r->labels);
    mw_read_labels(r->view.labels, r->external, &r->labels);
}

static mw_str labels_of(const reading *r) { return (mw_str){r->labels.p, r->labels.n}; }

/* -- samples --------------------------------------------------------------------------------- */

static int too_large(mw_err *err)
{
    return mw_fail(err, MW_EARG, 0, 0,
                   "the answer is too large for one piece: ask for STREAMED_XOR_CHUNKS, for fewer "
                   "series or for a shorter time");
}

static int count_samples(const mw_call *c, reading *r, const mw_snappy *z, mw_err *err)
{
    if (r->view.n > r->samples_left)
        return mw_fail(err, MW_EARG, 0, 0, "exceeded sample limit (%zu)",
                       server_options(c->server)->read_samples);
    r->samples_left -= r->view.n;
    return z->out.n > most_packed || z->n > UINT32_MAX / 2 ? too_large(err) : MW_OK;
}

static void put_head(uint32_t field, size_t n, mw_buf *out)
{
    mw_buf_byte(out, (char)(field << 3 | 2));
    mw_snappy_length(n, out); /* a varint, as there */
}

/* A QueryResult, whose length is only known at its end. */
static int read_query(mw_call *c, reading *r, const mw_select *q, mw_snappy *z, mw_err *err)
{
    mw_source *src = c->parts->host->source;
    mw_series_set *set;
    mw_buf head = {0};
    int rc = src->select(src, q, &set, err);
    if (rc) return rc;
    while ((rc = set->next(set, &r->view, err)) == 1) {
        if ((rc = count_samples(c, r, z, err))) break;
        take_labels(r);
        mw_buf_reset(&r->scratch);
        mw_read_timeseries(labels_of(r), &r->view, &r->scratch);
        mw_buf_reset(&head);
        put_head(1, r->scratch.n, &head);
        mw_snappy_add(z, head.p, head.n);
        mw_snappy_add(z, r->scratch.p, r->scratch.n);
    }
    mw_snappy_flush(z);
    mw_buf_deinit(&head);
    set->close(set);
    return rc;
}

/* What every query gives, packed; TOTAL is what it will be unpacked. */
static int read_all(mw_call *c, reading *r, size_t *total, mw_err *err)
{
    size_t packed = 0;
    int rc = MW_OK;
    r->part = mw_array(r->request.n + 1, sizeof *r->part);
    for (size_t i = 0; i < r->request.n && !rc; i++) {
        mw_snappy *z = &r->part[i].z;
        mw_buf head = {0};
        rc = read_query(c, r, &r->request.query[i], z, err);
        put_head(1, z->n, &head);
        mw_snappy_literal((mw_str){head.p, head.n}, &r->part[i].head);
        *total += head.n + z->n;
        packed += z->out.n;
        mw_buf_deinit(&head);
        if (!rc && (packed > most_packed || *total > UINT32_MAX / 2)) rc = too_large(err);
    }
    return rc;
}

/* The parts as they are: the head of a query, then its series. */
static bool more_packed(mw_call *c, mw_buf *out)
{
    reading *r = c->state;
    for (size_t end = out->n + MW_PIECE; r->query < r->request.n;) {
        const mw_buf *body = &r->part[r->query].z.out;
        if (out->n >= end) return false;
        if (!r->at) mw_buf_add(out, r->part[r->query].head.p, r->part[r->query].head.n);
        size_t n = body->n - r->at, room = out->n < end ? end - out->n : 1;
        if (n > room) n = room;
        if (n) mw_buf_add(out, body->p + r->at, n);
        r->at += n;
        if (r->at < body->n) return false;
        r->at = 0;
        r->query++;
    }
    return true;
}

static void answer_samples(mw_call *c, reading *r)
{
    size_t total = 0;
    mw_err err;
    mw_err_init(&err);
    if (read_all(c, r, &total, &err)) {
        call_fail(c, &err);
        return;
    }
    c->packed = true;
    call_answer_header(c, "content-encoding", MW_STR("snappy"));
    call_answer(c, 200, "application/x-protobuf");
    mw_snappy_length(total, &c->out);
    if (!more_packed(c, &c->out)) c->more = more_packed;
}

/* -- chunks ---------------------------------------------------------------------------------- */

/* 1: the view is the next series; 0: there is none any more. */
static int next_series(mw_call *c, reading *r, mw_err *err)
{
    mw_source *src = c->parts->host->source;
    for (; r->query < r->request.n; r->query++) {
        int rc = MW_OK;
        if (!r->set) rc = src->select(src, &r->request.query[r->query], &r->set, err);
        if (rc) return rc;
        if ((rc = r->set->next(r->set, &r->view, err))) return rc;
        r->set->close(r->set);
        r->set = NULL;
    }
    return 0;
}

/* 1: frames were added, and there may be more; 0: that was all. */
static int add_frames(mw_call *c, reading *r, mw_buf *out, mw_err *err)
{
    for (size_t end = out->n + MW_PIECE; out->n < end;) {
        int rc = r->some ? 1 : next_series(c, r, err);
        if (rc != 1) return rc;
        if (!r->some) {
            take_labels(r);
            r->at = 0;
        }
        size_t room = r->labels.n < LABELS_BYTES ? FRAME_BYTES : r->labels.n + FRAME_BYTES;
        mw_read_frame(labels_of(r), &r->view, &r->at, room, r->query, &r->scratch, out);
        r->some = r->at < r->view.n;
    }
    return 1;
}

static bool more_frames(mw_call *c, mw_buf *out)
{
    mw_err err;
    mw_err_init(&err);
    int rc = add_frames(c, c->state, out, &err);
    if (rc < 0) {
        c->broken = true;
        if (rc != MW_ECANCEL) mw_log(MW_WARN, "a remote read was cut", "error=\"%s\"", err.msg);
    }
    return rc != 1;
}

static void answer_chunks(mw_call *c, reading *r)
{
    mw_err err;
    mw_err_init(&err);
    for (size_t i = 0; i < r->request.n; i++) r->request.query[i].sorted = true;
    int rc = add_frames(c, r, &c->out, &err);
    if (rc < 0) {
        call_fail(c, &err);
        return;
    }
    c->packed = true;
    c->more_on_pool = true;
    if (rc) c->more = more_frames;
    call_answer(c, 200, "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
}

/* -- the request ----------------------------------------------------------------------------- */

static int read_body(mw_call *c, mw_str *body, mw_err *err)
{
    mw_str encoding = mw_str_trim(call_header(c, "content-encoding"));
    if (encoding.n && !mw_str_is(encoding, "snappy")) return call_decode(c, body, err);
    int rc = mw_snappy_decode(c->body, (mw_zip_limit){most_request, 0}, &c->hold, err);
    *body = (mw_str){c->hold.p ? c->hold.p : "", c->hold.n};
    return rc;
}

void api_remote_read(mw_call *c)
{
    mw_str body;
    mw_err err;
    mw_err_init(&err);
    const mw_server_options *o = server_options(c->server);
    reading *r = mw_arena_zalloc(c->arena, sizeof *r);
    r->external = o->external_labels;
    r->samples_left = o->read_samples;
    if (read_body(c, &body, &err) || mw_read_request_parse(body, r->external, &r->request, &err)) {
        call_fail(c, &err);
        return;
    }
    c->state = r;
    c->free_state = reading_free;
    for (size_t i = 0; i < r->request.n; i++) r->request.query[i].cancel = &c->cancel;
    if (r->request.streamed)
        answer_chunks(c, r);
    else
        answer_samples(c, r);
}
