/* rwbody.h - remote write requests written by hand.  SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_RWBODY_H
#define MW_TESTS_RWBODY_H
#include "base/pb.h"
#include "model/nhist.h"

/* -- version 1.0 ---------------------------------------------------------------------------- */

static inline void rw_varint(mw_buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) mw_buf_byte(b, (char)(v | 0x80));
    mw_buf_byte(b, (char)v);
}

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

static inline void put_exemplar(mw_buf *series, const char *labels, double v, int64_t t)
{
    mw_buf e;
    mw_buf_init(&e);
    put_labels(&e, labels);
    mw_pb_put_double(&e, 2, v);
    mw_pb_put_varint(&e, 3, (uint64_t)t);
    put_sub(series, 3, &e);
}

static inline void put_metadata(mw_buf *request, uint64_t type, const char *name, const char *help,
                                const char *unit)
{
    mw_buf m;
    mw_buf_init(&m);
    mw_pb_put_varint(&m, 1, type);
    mw_pb_put_bytes(&m, 2, mw_str_of(name));
    mw_pb_put_bytes(&m, 4, mw_str_of(help));
    mw_pb_put_bytes(&m, 5, mw_str_of(unit));
    put_sub(request, 3, &m);
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
    for (size_t i = 0; i < n; i++) rw_varint(&b, zigzag(v[i]));
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

/* Floats, schema -4, buckets -7 and -6; a gauge. */
static inline void put_floats(mw_buf *series, uint32_t number, int64_t t)
{
    mw_buf h;
    mw_buf_init(&h);
    mw_pb_put_double(&h, 2, 4.5);
    mw_pb_put_double(&h, 3, -1);
    mw_pb_put_varint(&h, 4, zigzag(-4));
    mw_pb_put_double(&h, 7, 0.5);
    put_span(&h, 11, -7, 2);
    put_doubles(&h, 13, (double[]){1.5, 2.5}, 2);
    mw_pb_put_varint(&h, 14, MW_RESET_GAUGE);
    mw_pb_put_varint(&h, 15, (uint64_t)t);
    put_sub(series, number, &h);
}

#define FLOATS "floats schema=-4 hint=3 count=4.5 sum=-1 zero=0.5/0 pos[-7:2] 1.5 2.5"

/* Bounds of its own, numbers one by one. */
static inline void put_custom(mw_buf *series, uint32_t number, int64_t t)
{
    mw_buf h;
    mw_buf_init(&h);
    mw_pb_put_varint(&h, 1, 3);
    mw_pb_put_varint(&h, 4, zigzag(-53));
    put_span(&h, 11, 0, 2);
    mw_pb_put_varint(&h, 12, zigzag(1));
    mw_pb_put_varint(&h, 12, zigzag(1));
    mw_pb_put_double(&h, 16, 0.1);
    put_doubles(&h, 16, (double[]){0.5}, 1);
    mw_pb_put_varint(&h, 14, 77); /* not a hint that is known */
    mw_pb_put_varint(&h, 15, (uint64_t)t);
    put_sub(series, number, &h);
}
#define CUSTOM "whole schema=-53 hint=0 count=3 sum=0 zero=0/0 pos[0:2] 1 2 custom 0.1 0.5"

#endif
