/* rwrite.h - remote write requests written by hand, and a world to send them to.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_RWRITE_H
#define MW_TESTS_RWRITE_H
#include "base/pb.h"
#include "fakes.h"

typedef int rwrite_ingest(mw_ingest *in, mw_str body, mw_ingest_result *result, mw_err *err);

struct world {
    mw_tsdb db;
    mw_ingest in;
    mw_ingest_result result;
    mw_err err;
    mw_buf body;
};

static inline void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->in.tsdb = &w->db;
}

static inline void close_world(struct world *w)
{
    mw_buf_deinit(&w->body);
    fake_free(&w->db);
}

/* From memory of exactly its size, so that reading on is seen. */
static inline int write_bytes(struct world *w, rwrite_ingest *ingest, const char *p, size_t n)
{
    char *exact = malloc(n ? n : 1);
    if (n) memcpy(exact, p, n);
    mw_err_init(&w->err);
    int code = ingest(&w->in, (mw_str){exact, n}, &w->result, &w->err);
    free(exact);
    return code;
}

/* -- version 1.0 ---------------------------------------------------------------------------- */

/* Ends SUB: it becomes field NUMBER of TO. */
static inline void put_sub(mw_buf *to, uint32_t number, mw_buf *sub)
{
    mw_pb_put_bytes(to, number, (mw_str){sub->p, sub->n});
    mw_buf_deinit(sub);
}

static inline void put_label(mw_buf *series, mw_str name, mw_str value)
{
    mw_buf l;
    mw_buf_init(&l);
    mw_pb_put_bytes(&l, 1, name);
    mw_pb_put_bytes(&l, 2, value);
    put_sub(series, 1, &l);
}

/* Labels as "name=value,name=value". */
static inline void put_labels(mw_buf *series, const char *labels)
{
    while (*labels) {
        size_t name = strcspn(labels, "="), value = strcspn(labels + name + 1, ",");
        put_label(series, (mw_str){labels, name}, (mw_str){labels + name + 1, value});
        labels += name + 1 + value;
        labels += *labels == ',';
    }
}

static inline void put_sample(mw_buf *series, int64_t t, double v)
{
    mw_buf s;
    mw_buf_init(&s);
    mw_pb_put_double(&s, 1, v);
    mw_pb_put_varint(&s, 2, (uint64_t)t);
    put_sub(series, 2, &s);
}

/* A series with samples at 1000, 2000, ... of values 1, 2, ... */
static inline void put_text(mw_buf *request, const char *labels, int samples)
{
    mw_buf s;
    mw_buf_init(&s);
    put_labels(&s, labels);
    for (int i = 1; i <= samples; i++) put_sample(&s, i * 1000, i);
    put_sub(request, 1, &s);
}

/* -- histograms, the same in both ----------------------------------------------------------- */

static inline uint64_t zigzag(int64_t v) { return (uint64_t)v << 1 ^ (uint64_t)(v >> 63); }

static inline void put_span(mw_buf *h, uint32_t number, int64_t offset, uint64_t length)
{
    mw_buf s;
    mw_buf_init(&s);
    mw_pb_put_varint(&s, 1, zigzag(offset));
    mw_pb_put_varint(&s, 2, length);
    put_sub(h, number, &s);
}

static inline void put_deltas(mw_buf *h, uint32_t number, const int64_t *v, size_t n)
{
    mw_buf b;
    mw_buf_init(&b);
    for (size_t i = 0; i < n; i++) fake_varint(&b, zigzag(v[i]));
    put_sub(h, number, &b);
}

static inline void put_doubles(mw_buf *h, uint32_t number, const double *v, size_t n)
{
    mw_buf b;
    mw_buf_init(&b);
    mw_buf_add(&b, v, n * sizeof *v);
    put_sub(h, number, &b);
}

/* Schema 3, buckets 1, 2, 5 and 6 with 4, 3, 3 and 9; one negative bucket of 2; 1 at zero. */
static inline void put_whole(mw_buf *series, uint32_t number, int64_t t)
{
    mw_buf h;
    mw_buf_init(&h);
    mw_pb_put_varint(&h, 1, 22);
    mw_pb_put_double(&h, 3, 12.5);
    mw_pb_put_varint(&h, 4, zigzag(3));
    mw_pb_put_double(&h, 5, 0.001);
    mw_pb_put_varint(&h, 6, 1);
    put_span(&h, 8, -2, 1);
    put_deltas(&h, 9, (int64_t[]){2}, 1);
    put_span(&h, 11, 1, 2);
    put_span(&h, 11, 2, 2);
    put_deltas(&h, 12, (int64_t[]){4, -1, 0, 6}, 4);
    mw_pb_put_varint(&h, 14, MW_RESET_NO);
    mw_pb_put_varint(&h, 15, (uint64_t)t);
    put_sub(series, number, &h);
}
#define WHOLE \
    "whole schema=3 hint=2 count=22 sum=12.5 zero=1/0.001 pos[1:2][2:2] 4 3 3 9 neg[-2:1] 2"

#endif
