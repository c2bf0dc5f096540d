/* pbseeds.h - parts of remote write that both of its versions have in common, for seeds.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_FUZZ_PBSEEDS_H
#define MW_TESTS_FUZZ_PBSEEDS_H
#include "base/pb.h"

static void put_sub(mw_buf *out, uint32_t field, mw_buf *sub)
{
    mw_pb_put_bytes(out, field, (mw_str){sub->p, sub->n});
    mw_buf_deinit(sub);
}

static void put_sample(mw_buf *out, int64_t t, double v)
{
    mw_buf s = {0};
    mw_pb_put_double(&s, 1, v);
    mw_pb_put_varint(&s, 2, (uint64_t)t);
    put_sub(out, 2, &s);
}

/* An integer histogram of schema 1: two buckets, a gap of three, one bucket, one below zero. */
static void put_histogram(mw_buf *out, uint32_t field)
{
    mw_buf h = {0}, span = {0}, deltas = {0};
    mw_pb_put_varint(&h, 1, 9);   /* count_int */
    mw_pb_put_double(&h, 3, 4.5); /* sum */
    mw_pb_put_varint(&h, 4, 2);   /* schema 1, zigzag */
    mw_pb_put_double(&h, 5, 0.001);
    mw_pb_put_varint(&h, 6, 1); /* zero_count_int */
    mw_pb_put_varint(&span, 1, 0);
    mw_pb_put_varint(&span, 2, 1);
    put_sub(&h, 8, &span);
    mw_buf_byte(&deltas, 2);
    put_sub(&h, 9, &deltas);
    mw_pb_put_varint(&span, 2, 2);
    put_sub(&h, 11, &span);
    mw_pb_put_varint(&span, 1, 6);
    mw_pb_put_varint(&span, 2, 1);
    put_sub(&h, 11, &span);
    mw_buf_add(&deltas, "\4\0\2", 3);
    put_sub(&h, 12, &deltas);
    mw_pb_put_varint(&h, 14, 3); /* gauge */
    mw_pb_put_varint(&h, 15, 2000);
    put_sub(out, field, &h);
}

#endif
